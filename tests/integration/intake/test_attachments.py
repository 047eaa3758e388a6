"""Photos are cleaned, kept once, shown only to whom they concern, and taken by one case."""

import asyncio
import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image

from tests.integration.intake.conftest import HOTLINE, call, jpeg

KEY = {"Idempotency-Key": "a-photo-of-mine"}


def png_bomb() -> bytes:
    """Two kilobytes that would be 30,000 × 30,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 2_000))
        + chunk(b"IEND", b"")
    )


def with_position() -> bytes:
    image, out = Image.new("RGB", (60, 40), "blue"), BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "SECRET-PLACE"
    image.save(out, "JPEG", exif=exif)
    return out.getvalue()


async def test_a_photo_goes_with_the_case_it_was_sent_for(house):
    lin = await house.citizen("lin")
    photo = (await house.upload(lin, with_position())).json()
    assert (photo["media_type"], photo["width"], photo["height"]) == ("image/jpeg", 60, 40)
    body = {"text": "井盖破损，见照片", "attachments": [photo["attachment_id"]]}
    receipt = (await house.http.post("/v1/cases", json=body, headers=lin)).json()
    [event] = await house.events("case.submitted.v1")
    assert [each["attachment_id"] for each in event["data"]["attachments"]] == [photo["attachment_id"]]
    shown = await house.http.get(photo["links"]["self"], headers=lin)
    small = await house.http.get(photo["links"]["thumbnail"], headers=lin)
    assert shown.headers["content-type"] == small.headers["content-type"] == "image/jpeg"
    assert "private" in shown.headers["cache-control"]
    assert b"SECRET-PLACE" not in shown.content
    assert Image.open(BytesIO(shown.content)).size == (60, 40)
    mine = (await house.http.get(f"/v1/cases/{receipt['case_no']}", headers=lin)).json()
    assert mine["attachments"] == [photo]
    again = await house.http.post("/v1/cases", json=body, headers=lin)
    assert again.status_code == 422
    assert again.json()["type"] == "urn:huying:problem:unknown-attachment"


async def test_only_whom_it_concerns_sees_a_photo(house):
    photo = (await house.upload(HOTLINE)).json()
    receipt = await house.http.post("/v1/calls", json=call(attachments=[photo["attachment_id"]]), headers=HOTLINE)
    assert receipt.status_code == 201
    wang = await house.citizen("wang")
    dispatcher = house.token("staff", "d1", "dispatcher")
    stranger = house.token("staff", "h1", "handler", units=("PS-S01",))
    statuses = {
        name: (await house.http.get(photo["links"]["self"], headers=who)).status_code
        for name, who in {
            "hotline": HOTLINE,
            "wang": wang,
            "dispatcher": dispatcher,
            "stranger": stranger,
            "nobody": {},
        }.items()
    }
    assert statuses == {"hotline": 200, "wang": 404, "dispatcher": 200, "stranger": 404, "nobody": 401}


async def test_a_letter_takes_photos_sent_without_a_login(house):
    photo = (await house.upload({})).json()
    lin = await house.citizen("lin")
    body = {"text": "来信附图", "attachments": [photo["attachment_id"]]}
    assert (await house.http.post("/v1/cases", json=body, headers=lin)).status_code == 422
    assert (await house.http.post("/v1/letters", json=body)).status_code == 201
    assert (await house.http.get(photo["links"]["self"], headers=lin)).status_code == 404


async def test_two_cases_that_want_one_photo_do_not_both_get_it(house):
    lin = await house.citizen("lin")
    photo = (await house.upload(lin)).json()["attachment_id"]
    body = {"text": "同一张照片", "attachments": [photo]}
    answers = await asyncio.gather(*(house.http.post("/v1/cases", json=body, headers=lin) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422, 422, 422]


async def test_a_repeated_upload_makes_one_photo(house):
    lin = await house.citizen("lin")
    answers = await asyncio.gather(*(house.upload(lin, **KEY) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert (await house.counts())["attachments"] == 1
    other = await house.upload(lin, jpeg("blue"), **KEY)
    assert other.status_code == 409


@pytest.mark.parametrize(
    ("data", "status", "kind"),
    [
        (b"<html><script>alert(1)</script></html>", 415, "not-a-photo"),
        (b"GIF89a" + b"\0" * 40, 415, "not-a-photo"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 40, 415, "heic-not-supported"),
        (jpeg()[:200], 422, "damaged-photo"),
        (png_bomb(), 413, "too-many-pixels"),
        (b"\xff\xd8\xff" + b"\0" * 11_000_000, 413, "body-too-large"),
        (b"PK\x03\x04" + b"\0" * 100, 415, "not-a-photo"),
    ],
)
async def test_what_is_no_photo_is_refused_and_nothing_is_kept(house, tmp_path, data, status, kind):
    lin = await house.citizen("lin")
    counts = await house.counts()
    refused = await house.upload(lin, data, **KEY)
    assert refused.status_code == status, refused.text
    assert refused.json()["type"].replace("-", "") == f"urn:huying:problem:{kind}".replace("-", "")
    assert await house.counts() == counts
    assert not [path for path in (tmp_path / "photos").rglob("*") if path.is_file()]


async def test_an_upload_without_a_file_is_told_so(house):
    lin = await house.citizen("lin")
    no_form = await house.http.post("/v1/attachments", content=b"x", headers=lin)
    no_file = await house.http.post("/v1/attachments", data={"file": "text"}, files={"x": b"x"}, headers=lin)
    broken = await house.http.post(
        "/v1/attachments", content=b"--x\r\nbroken", headers=lin | {"content-type": "multipart/form-data; boundary=x"}
    )
    no_boundary = await house.http.post(
        "/v1/attachments", content=b"x", headers=lin | {"content-type": "multipart/form-data"}
    )
    assert (no_form.status_code, no_file.status_code) == (415, 422)
    assert broken.status_code in {400, 422}
    assert no_boundary.status_code == 400
    assert no_file.json()["errors"][0]["pointer"] == "/file"


async def test_staff_have_no_business_uploading_here(house):
    assert (await house.upload(house.token("staff", "h1", "handler"))).status_code == 403


async def test_uploads_without_a_login_are_limited(open_house):
    async with open_house(uploads_per_hour=1) as house:
        assert (await house.upload({})).status_code == 201
        refused = await house.upload({})
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 0


async def test_one_photo_cannot_be_guessed(house):
    lin = await house.citizen("lin")
    unknown = await house.http.get("/v1/attachments/0192f3a0-7f3e-7cc0-8000-000000000001", headers=lin)
    nonsense = await house.http.get("/v1/attachments/1", headers=lin)
    assert (unknown.status_code, nonsense.status_code) == (404, 422)
