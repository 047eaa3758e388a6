"""Photos from strangers made safe: recognised by their bytes, bounded before decoding, drawn anew without metadata."""

import contextlib
import hashlib
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from io import BytesIO
from typing import Literal
from zoneinfo import ZoneInfo

from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from shared.errors import DomainError

Format = Literal["jpeg", "png", "webp", "heic", "gif"]

# At DEBUG, Pillow writes every Exif value it reads into the log, the position included.
logging.getLogger("PIL").setLevel(logging.INFO)

MEDIA_TYPE = "image/jpeg"
CHINA = ZoneInfo("Asia/Shanghai")
# Downwards it looks like bicubic and costs less than half of Lanczos, which was two thirds of the whole time.
_SHRINK = Image.Resampling.HAMMING
# Tags of the Exif standard (CIPA DC-008): orientation; the Exif block; in it, time taken and its offset from UTC.
_ORIENTATION, _EXIF_BLOCK, _TAKEN, _TAKEN_OFFSET = 0x0112, 0x8769, 0x9003, 0x9011
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# A marker inside entropy-coded data: not a stuffed FF00, a restart or a fill byte.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD8)})


class EmptyPhoto(DomainError):
    """The photo has no content."""

    zh = "照片内容为空，请重新选择"


class PhotoTooLarge(DomainError):
    """The photo file is too large."""

    kind = "too_large"
    zh = "照片文件过大，请压缩后再上传"


class TooManyPixels(DomainError):
    """The photo has too many pixels."""

    kind = "too_large"
    zh = "照片尺寸过大，请缩小后再上传"


class NotAPhoto(DomainError):
    """Only JPEG, PNG and WebP photos are accepted; this is something else."""

    kind = "unsupported"
    zh = "仅支持 JPG、PNG、WebP 格式的照片"


class HeicNotSupported(DomainError):
    """HEIC photos cannot be read here; please send the photo as JPEG."""

    kind = "unsupported"
    zh = "暂不支持 HEIC 格式，请在手机相机设置中选择“兼容性最佳”，或将照片转为 JPG 后上传"


class AnimatedPhoto(DomainError):
    """Animated images are not accepted; please send a still photo."""

    kind = "unsupported"
    zh = "不支持动图，请上传静态照片"


class DamagedPhoto(DomainError):
    """The photo is damaged or incomplete."""

    zh = "照片已损坏或不完整，请重新拍摄或选择"


@dataclass(frozen=True, slots=True)
class PhotoLimits:
    """What is accepted and what is kept: bytes and pixels of the upload, sides in pixels and JPEG quality of the copy.

    `zone` is where photos are taken whose camera noted the time without an offset. `max_scans` bounds progressive
    JPEGs: each scan costs a pass over the whole image and may be a few bytes long; cameras write about ten.
    """

    max_bytes: int = 10 * 1024 * 1024
    max_pixels: int = 40_000_000
    max_side: int = 2560
    thumb_side: int = 320
    quality: int = 85
    thumb_quality: int = 75
    max_scans: int = 100
    zone: tzinfo = CHINA


@dataclass(frozen=True, slots=True)
class Photo:
    """The copy to keep, always JPEG in upright position; `taken_at` is UTC and all that is left of the metadata."""

    data: bytes
    sha256: str
    width: int
    height: int
    media_type: str
    thumb: bytes
    taken_at: datetime | None


def make_safe(upload: bytes, limits: PhotoLimits) -> Photo:
    """Draws the photo anew: what was hidden in the file — position, camera, comments, a second file — stays behind.

    Pure and slow (tens to hundreds of milliseconds): run it in a thread. Raises one of this module's errors. Colour
    profiles are dropped like the rest: reading them means trusting one more parser with a stranger's bytes.
    """
    if not upload:
        raise EmptyPhoto
    if len(upload) > limits.max_bytes:
        raise PhotoTooLarge(
            f"{len(upload)} bytes, at most {limits.max_bytes}", size=len(upload), max_size=limits.max_bytes
        )
    kind = recognise(upload)
    try:
        return _redraw(upload, _opener(kind), kind, limits)
    except (DomainError, MemoryError):
        raise
    except Exception as error:
        # Decoders meet hostile bytes with whatever exception is nearest: OSError, SyntaxError, ValueError,
        # struct.error, IndexError … None of them says more than this.
        raise DamagedPhoto from error


def recognise(upload: bytes) -> Format | None:
    """By the first bytes alone: names and content types are what the sender says, and may say anything."""
    if upload.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if upload.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if upload[:4] == b"RIFF" and upload[8:12] == b"WEBP":
        return "webp"
    if upload[4:8] == b"ftyp" and upload[8:12] in {b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"}:
        return "heic"
    if upload[:6] in {b"GIF87a", b"GIF89a"}:
        return "gif"
    return None


def _opener(kind: Format | None) -> Callable[[BytesIO], ImageFile]:
    # The decoder is named, not searched for: a file is never tried with a format it did not begin as, and a phone's
    # JPEG with a second picture behind it (MPO) stays a plain JPEG.
    match kind:
        case "jpeg":
            return JpegImageFile
        case "png":
            return PngImageFile
        case "webp":
            return WebPImageFile
        case "heic":
            raise HeicNotSupported
        case "gif":
            raise NotAPhoto("GIF is a format for animations and drawings")
        case None:
            raise NotAPhoto


def _redraw(upload: bytes, opener: Callable[[BytesIO], ImageFile], kind: Format | None, limits: PhotoLimits) -> Photo:
    if kind == "webp":
        # The WebP decoder allocates its canvas on opening, so its size is looked up before.
        _refuse_bomb(_webp_size(upload), limits)
    if kind == "jpeg":
        _refuse_endless_jpeg(upload, limits.max_scans)
    with opener(BytesIO(upload)) as image:
        _refuse_bomb(image.size, limits)
        if getattr(image, "is_animated", False):
            raise AnimatedPhoto
        orientation, taken_at = _read_exif(image, limits.zone)
        # JPEGs can be decoded at a half, a quarter or an eighth at once: a 48-megapixel photo then costs a quarter.
        longest = max(image.size)
        image.draft("RGB", (image.width * limits.max_side // longest, image.height * limits.max_side // longest))
        picture = _flat_rgb(image)
    picture.thumbnail((limits.max_side, limits.max_side), _SHRINK)
    if orientation in _UPRIGHT:
        picture = picture.transpose(_UPRIGHT[orientation])
    return drawn(picture, limits, taken_at)


def drawn(picture: Image.Image, limits: PhotoLimits, taken_at: datetime | None) -> Photo:
    """The copy to keep of an upright picture in RGB, with its thumbnail."""
    small = picture.copy()
    small.thumbnail((limits.thumb_side, limits.thumb_side), _SHRINK)
    data = _jpeg(picture, limits.quality)
    return Photo(
        data=data,
        sha256=hashlib.sha256(data).hexdigest(),
        width=picture.width,
        height=picture.height,
        media_type=MEDIA_TYPE,
        thumb=_jpeg(small, limits.thumb_quality),
        taken_at=taken_at,
    )


def _refuse_bomb(size: tuple[int, int], limits: PhotoLimits) -> None:
    width, height = size
    if width * height > limits.max_pixels:
        raise TooManyPixels(f"{width} × {height}, at most {limits.max_pixels} pixels", width=width, height=height)


def _webp_size(upload: bytes) -> tuple[int, int]:
    """Canvas size from the first chunk (RFC 9649, sections 2.5-2.7)."""
    match upload[12:16]:
        case b"VP8X":
            return int.from_bytes(upload[24:27], "little") + 1, int.from_bytes(upload[27:30], "little") + 1
        case b"VP8L":
            bits = int.from_bytes(upload[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            return (
                int.from_bytes(upload[26:28], "little") & 0x3FFF,
                int.from_bytes(upload[28:30], "little") & 0x3FFF,
            )
        case _:
            raise DamagedPhoto


def _refuse_endless_jpeg(upload: bytes, max_scans: int) -> None:
    """Walks the markers to the end of the image and counts scans (ITU-T T.81, annex B)."""
    scans, at = 0, 2
    while 0 <= at < len(upload) - 3:
        if upload[at] != 0xFF or upload[at + 1] == 0xFF:  # noqa: PLR2004 - stray and fill bytes are tolerated
            at += 1
            continue
        marker = upload[at + 1]
        if marker == _END_OF_IMAGE:
            return
        if marker in _BARE_MARKERS:
            at += 2
            continue
        at += 2 + int.from_bytes(upload[at + 2 : at + 4])
        if marker == _START_OF_SCAN:
            scans += 1
            if scans > max_scans:
                raise DamagedPhoto(f"more than {max_scans} scans")
            found = _NEXT_MARKER.search(upload, at)
            at = found.start() if found else len(upload)


def _read_exif(image: ImageFile, zone: tzinfo) -> tuple[int, datetime | None]:
    """Orientation and time taken. Broken metadata is common and harmless: the photo is taken as it stands."""
    orientation, taken_at = 1, None
    with contextlib.suppress(Exception):
        exif = image.getexif()
        orientation = int(exif.get(_ORIENTATION, 1))
        block = exif.get_ifd(_EXIF_BLOCK)
        taken = datetime.strptime(_clean(block[_TAKEN]), "%Y:%m:%d %H:%M:%S").replace(tzinfo=zone)
        with contextlib.suppress(KeyError, ValueError):
            offset = datetime.strptime(_clean(block[_TAKEN_OFFSET]), "%z").tzinfo
            taken = taken.replace(tzinfo=offset)
        taken_at = taken.astimezone(UTC)
    return orientation, taken_at


def _clean(value: object) -> str:
    return str(value).strip(" \0")


def _flat_rgb(image: Image.Image) -> Image.Image:
    """RGB without transparency, on white: JPEG has none, and a transparent screenshot must not turn black."""
    image.load()
    if image.mode.startswith("I"):  # 16 bits of grey: keep the upper eight, `convert` would clip to white
        return image.convert("I").point(lambda grey: grey / 256).convert("L").convert("RGB")
    if image.has_transparency_data:
        with_alpha = image.convert("RGBA")
        paper = Image.new("RGB", image.size, "white")
        paper.paste(with_alpha, mask=with_alpha.getchannel("A"))
        return paper
    return image.convert("RGB")


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    # Pillow writes what it finds here, such as a comment, into the new file.
    picture.info.clear()
    out = BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()
