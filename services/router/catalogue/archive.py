"""Owns reading and writing zip archives of tables without being fooled by their size."""

import io
import zipfile
import zlib

from services.router.catalogue.files import Files, is_name
from shared.errors import DomainError, FieldError, InvalidInput

MOST_FILES, MOST_BYTES = 200, 50_000_000
"""Of an archive, unpacked; the shipped catalogue has a twentieth of it."""

_DAMAGED = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError)
"""What `zipfile` raises on a broken, foreign or encrypted archive; `NotImplementedError` is how it refuses a compression
it does not know."""


class NotAnArchive(InvalidInput):
    """The file is no zip archive of tables."""

    zh = "不是可读的zip压缩包"


class TooMuchInside(DomainError):
    """What is packed in this file is too large for a catalogue."""

    kind = "too_large"
    zh = "文件解压后过大"


def must_be_modest(content: bytes, otherwise: type[InvalidInput]) -> None:
    """Looks at what an archive says of itself; a workbook is one, too. Nothing may define XML entities of its own."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            if len(infos) > MOST_FILES or sum(info.file_size for info in infos) > MOST_BYTES:
                raise TooMuchInside
            for info in infos:
                if info.filename.endswith((".xml", ".rels")):
                    with archive.open(info) as part:
                        if b"<!DOCTYPE" in part.read(4096):
                            raise otherwise
    except _DAMAGED:
        raise otherwise from None


def read(content: bytes) -> dict[str, bytes]:
    """The tables and rules in a zip archive, wherever its outermost folder is; anything else is refused by name."""
    must_be_modest(content, NotAnArchive)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [info.filename for info in archive.infolist() if not info.is_dir()]
        outer = _outer(names)
        wrong = [name for name in names if not is_name(name.removeprefix(outer))]
        if wrong or not names:
            listed = ", ".join(wrong[:5]) or "nothing"
            refused = FieldError("/file", f"holds {listed}, which is no table", f"压缩包内有无法识别的文件：{listed}")
            raise NotAnArchive(fields=(refused,))
        return {name.removeprefix(outer): _whole(archive, name) for name in names}


def _outer(names: list[str]) -> str:
    """The one folder everything lies in, if there is one and it is not a class."""
    first = {name.partition("/")[0] for name in names if "/" in name}
    if len(first) == 1 and all("/" in name for name in names):
        folder = first.pop()
        if not folder.isdigit():
            return f"{folder}/"
    return ""


def _whole(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        with archive.open(name) as part:
            content = part.read(MOST_BYTES + 1)
    except _DAMAGED:
        raise NotAnArchive from None
    if len(content) > MOST_BYTES:
        raise TooMuchInside
    return content


def write(files: Files) -> bytes:
    """The same files always make the same archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, date_time=(2000, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return out.getvalue()
