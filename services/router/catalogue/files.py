"""Owns a set of rule tables as named files: read from a folder, packed into one document, laid one over another."""

import hashlib
import re
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import orjson

from shared.errors import DomainError

type Files = Mapping[str, bytes]
"""File name, with `/` where it lies in a folder of its class (`02/categories.csv`), to what is in it."""

SUFFIXES = (".csv", ".yaml")
_NAME = re.compile(r"(?:[0-9]{2}/)?[a-z_]{2,30}\.(?:csv|yaml)")


class DamagedDocument(DomainError):
    """The stored catalogue is not what was stored."""

    kind = "unavailable"
    zh = "已存目录数据校验不符，请联系管理员"


def read_folder(root: Path) -> dict[str, bytes]:
    """The tables and rules of a folder and of its folders named by class; anything else there is passed over."""
    found = (path for pattern in ("*", "[0-9][0-9]/*") for path in root.glob(pattern) if path.suffix in SUFFIXES)
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(found)}


def is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def parts_of(files: Files, table: str) -> tuple[str, ...]:
    """The names of the files that together are one table: `categories.csv`, or one of them for each class."""
    return tuple(sorted(name for name in files if name.rpartition("/")[2] == table))


def overlay(base: Files, upper: Files) -> dict[str, bytes]:
    """`base` with every table that `upper` has replaced as a whole."""
    tables = {name.rpartition("/")[2] for name in upper}
    kept = {name: content for name, content in base.items() if name.rpartition("/")[2] not in tables}
    return {**kept, **upper}


def pack(files: Files) -> bytes:
    """One compressed document; the same files always make the same bytes."""
    return zlib.compress(_plain(files), 9)


def unpack(document: bytes, checksum: str) -> dict[str, bytes]:
    try:
        plain = zlib.decompress(document)
    except zlib.error:
        raise DamagedDocument from None
    if hashlib.sha256(plain).hexdigest() != checksum:
        raise DamagedDocument
    return {name: content.encode() for name, content in orjson.loads(plain).items()}


def checksum(files: Files) -> str:
    """Of the content, in hexadecimal: two equal sets have the same."""
    return hashlib.sha256(_plain(files)).hexdigest()


def _plain(files: Files) -> bytes:
    texts: Iterable[tuple[str, str]] = ((name, content.decode("utf-8-sig")) for name, content in files.items())
    return orjson.dumps(dict(texts), option=orjson.OPT_SORT_KEYS)
