"""Photos come out upright, small and mute; everything else is refused before it can do harm."""

import contextlib
import hashlib
import struct
import zipfile
import zlib
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, PngImagePlugin

from shared.errors import DomainError
from shared.images import (
    AnimatedPhoto,
    DamagedPhoto,
    EmptyPhoto,
    HeicNotSupported,
    NotAPhoto,
    PhotoLimits,
    PhotoTooLarge,
    TooManyPixels,
    make_safe,
    recognise,
)

LIMITS = PhotoLimits()
GPS, EXIF = 0x8825, 0x8769


def scene(width=400, height=300, mode="RGB"):
    """A red corner at the top left on blue, to tell which way is up."""
    picture = Image.new("RGB", (width, height), "blue")
    ImageDraw.Draw(picture).rectangle((0, 0, width // 4, height // 4), fill="red")
    return picture.convert(mode)


def encoded(picture, kind="JPEG", **options):
    out = BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def exif(orientation=1, taken="2026:03:01 09:30:00", offset=None):
    tags = Image.Exif()
    tags[0x0112] = orientation
    tags[0x010F] = "SECRETCAMERA"
    block = tags.get_ifd(EXIF)
    if taken:
        block[0x9003] = taken
    if offset:
        block[0x9011] = offset
    tags.get_ifd(GPS).update({1: "N", 2: (22.0, 41.0, 24.0), 3: "E", 4: (114.0, 20.0, 46.0)})
    return tags


def bomb(width, height):
    """A PNG of that size whose pixels compress to next to nothing."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    rows = zlib.compress(b"\0" * 1_000_000, 9)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def webp_canvas(width, height, first=b"VP8X"):
    body = (
        first
        + struct.pack("<I", 10)
        + b"\0\0\0\0"
        + (width - 1).to_bytes(3, "little")
        + (height - 1).to_bytes(3, "little")
    )
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def red_corner(photo_bytes):
    picture = Image.open(BytesIO(photo_bytes)).convert("RGB")
    corners = {
        "top left": (2, 2),
        "top right": (picture.width - 3, 2),
        "bottom left": (2, picture.height - 3),
        "bottom right": (picture.width - 3, picture.height - 3),
    }
    return [name for name, at in corners.items() if picture.getpixel(at)[0] > 150]


@pytest.mark.parametrize(
    ("kind", "options"),
    [("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("WEBP", {}), ("WEBP", {"lossless": True})],
)
def test_the_accepted_formats_all_become_jpeg(kind, options):
    photo = make_safe(encoded(scene(), kind, **options), LIMITS)
    assert (photo.width, photo.height, photo.media_type) == (400, 300, "image/jpeg")
    assert photo.sha256 == hashlib.sha256(photo.data).hexdigest()
    assert recognise(photo.data) == recognise(photo.thumb) == "jpeg"
    assert red_corner(photo.data) == red_corner(photo.thumb) == ["top left"]
    assert photo.taken_at is None


@pytest.mark.parametrize("mode", ["L", "P", "1", "LA", "RGBA", "I;16", "CMYK"])
def test_every_colour_mode_is_drawn(mode):
    picture = Image.new("I;16", (40, 30), 0x8000) if mode == "I;16" else scene(40, 30, mode)
    photo = make_safe(encoded(picture, "JPEG" if mode == "CMYK" else "PNG"), LIMITS)
    drawn = Image.open(BytesIO(photo.data))
    assert (drawn.mode, drawn.size) == ("RGB", (40, 30))
    if mode == "I;16":
        assert abs(drawn.getpixel((5, 5))[0] - 128) < 3


def test_transparency_turns_white():
    photo = make_safe(encoded(Image.new("RGBA", (20, 20), (0, 0, 0, 0)), "PNG"), LIMITS)
    assert Image.open(BytesIO(photo.data)).getpixel((10, 10)) == (255, 255, 255)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_photo_is_turned_upright(orientation):
    """The camera's eight orientations, made from one upright scene, all come out as that scene."""
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    stored = scene(400, 300)
    if orientation in undo:
        stored = stored.transpose(Image.Transpose(undo[orientation]))
    photo = make_safe(encoded(stored, exif=exif(orientation)), LIMITS)
    assert (photo.width, photo.height) == (400, 300)
    assert red_corner(photo.data) == red_corner(photo.thumb) == ["top left"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_no_metadata_is_left_but_the_time_taken(kind):
    options = {"exif": exif(), "xmp": b"<x:xmpmeta>SECRETXMP</x:xmpmeta>", "icc_profile": b"SECRETICC" * 20}
    if kind == "JPEG":
        options["comment"] = b"SECRETCOMMENT"
    if kind == "PNG":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_text("Comment", "SECRETTEXT")
    upload = encoded(scene(), kind, **options) + b"SECRETTAIL"
    assert b"SECRET" in upload
    photo = make_safe(upload, LIMITS)
    assert photo.taken_at == datetime(2026, 3, 1, 1, 30, tzinfo=UTC)
    for kept in (photo.data, photo.thumb):
        assert b"SECRET" not in kept
        assert b"Exif" not in kept
        image = Image.open(BytesIO(kept))
        assert not image.getexif()
        assert not set(image.info) & {"exif", "xmp", "icc_profile", "comment"}


def test_a_camera_that_notes_its_offset_is_believed():
    photo = make_safe(encoded(scene(), exif=exif(offset="+09:00")), LIMITS)
    assert photo.taken_at == datetime(2026, 3, 1, 9, 30, tzinfo=timezone(timedelta(hours=9)))


@pytest.mark.parametrize("taken", [None, "0000:00:00 00:00:00", "yesterday", "2026:13:01 09:30:00"])
def test_a_missing_or_odd_time_is_no_time(taken):
    assert make_safe(encoded(scene(), exif=exif(taken=taken)), LIMITS).taken_at is None


@pytest.mark.filterwarnings("ignore:.*EXIF:UserWarning")
def test_broken_metadata_does_not_refuse_the_photo():
    upload = encoded(scene(), exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xee" * 40)
    assert make_safe(upload, LIMITS).taken_at is None


def test_a_large_photo_shrinks_and_keeps_its_shape():
    photo = make_safe(encoded(scene(4000, 3000), quality=50), LIMITS)
    assert (photo.width, photo.height) == (2560, 1920)
    assert Image.open(BytesIO(photo.thumb)).size == (320, 240)


def test_a_small_photo_is_not_blown_up_and_a_sliver_keeps_a_pixel():
    assert make_safe(encoded(scene(8, 8)), LIMITS).width == 8
    sliver = make_safe(encoded(Image.new("RGB", (9000, 1)), "PNG"), LIMITS)
    assert (sliver.width, sliver.height) == (2560, 1)


def test_a_phones_jpeg_with_a_second_picture_behind_it_is_a_photo():
    out = BytesIO()
    scene().save(out, "MPO", save_all=True, append_images=[scene(100, 100)])
    photo = make_safe(out.getvalue(), LIMITS)
    assert (photo.width, photo.height) == (400, 300)


def test_nothing_is_no_photo():
    with pytest.raises(EmptyPhoto):
        make_safe(b"", LIMITS)


def test_a_file_beyond_the_limit_is_refused_unread():
    with pytest.raises(PhotoTooLarge) as refused:
        make_safe(b"\0" * 101, PhotoLimits(max_bytes=100))
    assert refused.value.kind == "too_large"
    assert refused.value.extra == {"size": 101, "max_size": 100}


def archive():
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("photo.jpg", b"\0" * 1000)
    return out.getvalue()


@pytest.mark.parametrize(
    "upload",
    [
        b"<!DOCTYPE html><script>alert(1)</script>",
        b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        b"%PDF-1.7",
        b"MZ\x90\0",
        archive(),
        b"\0",
        encoded(scene(), "BMP"),
        encoded(scene(), "TIFF"),
        encoded(scene(), "GIF"),
    ],
    ids=["html", "svg", "pdf", "program", "zip", "one byte", "bmp", "tiff", "gif"],
)
def test_what_does_not_begin_as_a_photo_is_unsupported(upload):
    with pytest.raises(NotAPhoto) as refused:
        make_safe(upload, LIMITS)
    assert refused.value.kind == "unsupported"


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"hevc"])
def test_an_iphones_heic_gets_an_answer_that_says_what_to_do(brand):
    with pytest.raises(HeicNotSupported) as refused:
        make_safe(b"\0\0\0\x18ftyp" + brand + b"\0" * 40, LIMITS)
    assert "JPG" in refused.value.zh


@pytest.mark.parametrize(
    "upload",
    [bomb(30_000, 30_000), bomb(8_000, 5_001), webp_canvas(16_000, 16_000)],
    ids=["900 MP", "40 MP and a row", "WebP"],
)
def test_decompression_bombs_are_refused_before_decoding(upload):
    assert len(upload) < 5000
    with pytest.raises(TooManyPixels) as refused:
        make_safe(upload, LIMITS)
    assert refused.value.kind == "too_large"


def test_a_webp_of_either_codec_tells_its_size_before_it_is_opened():
    for lossless in (True, False):
        with pytest.raises(TooManyPixels, match="400 × 300"):
            make_safe(encoded(scene(), "WEBP", lossless=lossless), PhotoLimits(max_pixels=100_000))


def test_a_png_whose_hidden_text_unpacks_to_megabytes_is_refused():
    info = PngImagePlugin.PngInfo()
    info.add_text("bomb", "0" * 80_000_000, zip=True)
    with pytest.raises(DamagedPhoto):
        make_safe(encoded(scene(), "PNG", pnginfo=info), LIMITS)


def test_a_jpeg_of_endless_scans_is_refused_before_decoding():
    upload = encoded(scene(), progressive=True)
    last = upload.rindex(b"\xff\xda")
    scan = upload[last:-2]
    with pytest.raises(DamagedPhoto, match="scans"):
        make_safe(upload[:-2] + scan * 200 + upload[-2:], LIMITS)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_moving_pictures_are_refused(kind):
    upload = encoded(scene(), kind, save_all=True, append_images=[scene(400, 300, "L").convert("RGB")], duration=100)
    with pytest.raises(AnimatedPhoto):
        make_safe(upload, LIMITS)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_photo_is_refused(kind, share):
    upload = encoded(Image.effect_noise((400, 300), 90).convert("RGB"), kind)
    with pytest.raises(DamagedPhoto):
        make_safe(upload[: int(len(upload) * share)], LIMITS)


@pytest.mark.parametrize(
    "head", [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP"], ids=["jpeg", "png", "webp"]
)
@pytest.mark.parametrize("tail", [b"", b"<script>alert(1)</script>", archive()], ids=["nothing", "html", "zip"])
def test_a_good_beginning_alone_is_no_photo(head, tail):
    with pytest.raises(DamagedPhoto):
        make_safe(head + tail, LIMITS)


SAMPLES = [encoded(scene(60, 40), kind, exif=exif()) for kind in ("JPEG", "PNG", "WEBP")]


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sampled_from(SAMPLES), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=12))
def test_whatever_is_broken_gives_a_photo_or_a_domain_error(sample, changes):
    """INVARIANT: no bytes make this module raise anything but its own errors."""
    upload = bytearray(sample)
    for place, byte in changes:
        upload[int(place * (len(upload) - 1))] = byte
    with contextlib.suppress(DomainError):
        assert recognise(make_safe(bytes(upload), LIMITS).data) == "jpeg"
