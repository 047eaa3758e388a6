"""Photos over a network that breaks: announced, sent in pieces, asked after, gone on with."""

import hashlib
from typing import Any

from services.feedback.app import MANIFEST
from services.feedback.photo_upkeep import PhotoSweep
from tests.integration.feedback.conftest import Case, House, answered, begun, jpeg
from tests.integration.feedback.test_photos import _Broken, handler
from tests.unit.feedback import said

PIECE = "application/offset+octet-stream"


async def begin(house: House, case: Case, data: bytes, headers: dict[str, str] | None = None, **more: Any) -> Any:
    body = {
        "order_id": str(case.order_id),
        "kind": "after",
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        **more,
    }
    return await house.http.post("/v1/photos/uploads", json=body, headers=headers or handler(house))


async def send(house: House, url: str, offset: int, data: bytes, headers: dict[str, str] | None = None) -> Any:
    own = headers or handler(house)
    return await house.http.patch(
        url, content=data, headers={**own, "Content-Type": PIECE, "Upload-Offset": str(offset)}
    )


async def offset_of(house: House, url: str) -> int:
    answer = await house.http.head(url, headers=handler(house))
    assert answer.status_code == 200
    return int(answer.headers["Upload-Offset"])


async def test_a_photo_sent_in_pieces_is_the_photo_sent_at_once(house: House, case: Case) -> None:
    data = jpeg(size=(200, 100))
    begun_at = await begin(house, case, data, latitude=22.7, longitude=114.3)
    assert begun_at.status_code == 201
    url = begun_at.headers["Location"]
    assert begun_at.json()["url"] == url
    half = len(data) // 2
    first = await send(house, url, 0, data[:half])
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, str(half))
    assert await offset_of(house, url) == half
    assert await house.rows("SELECT 1 FROM photos") == []
    last = await send(house, url, half, data[half:])
    assert last.status_code == 201, last.text
    photo = last.json()
    assert (photo["width"], photo["check"]) == (200, "passed")
    await answered(house, case, photo["photo_id"])
    assert (await house.http.get(photo["url"], headers=house.token("citizen", case.citizen_id))).status_code == 200
    assert await house.rows("SELECT 1 FROM photo_upload_parts") == []
    record = await house.http.get(f"{photo['url']}/record", headers=handler(house))
    assert record.json()["hash"] == hashlib.sha256(data).hexdigest()
    assert record.json()["place"] == {"latitude": 22.7, "longitude": 114.3}


async def test_whoever_did_not_hear_the_answer_gets_it_again_and_no_second_photo(house: House, case: Case) -> None:
    data = jpeg()
    url = (await begin(house, case, data)).headers["Location"]
    first = await send(house, url, 0, data)
    again = await send(house, url, len(data), b"")
    assert (again.status_code, again.json()) == (201, first.json())
    assert await offset_of(house, url) == len(data)
    assert len(await house.rows("SELECT 1 FROM photos")) == 1
    assert len(await house.emitted()) == 1


async def test_what_arrived_of_a_broken_piece_is_kept(house: House, case: Case) -> None:
    data = jpeg()
    url = (await begin(house, case, data)).headers["Location"]
    await broken_off(house, url, data[:100])
    assert await offset_of(house, url) == 100
    assert (await send(house, url, 100, data[100:])).status_code == 201


async def broken_off(house: House, url: str, data: bytes) -> None:
    """A request whose sender vanishes after these bytes."""
    messages = iter(
        [{"type": "http.request", "body": data, "more_body": True}, {"type": "http.disconnect"}],
    )
    headers = {**handler(house), "Content-Type": PIECE, "Upload-Offset": "0", "Host": "reply.test"}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "PATCH",
        "scheme": "http",
        "path": url,
        "raw_path": url.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(key.lower().encode(), value.encode()) for key, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("reply.test", 80),
    }

    async def receive() -> Any:
        return next(messages, {"type": "http.disconnect"})

    async def sent(message: Any) -> None:
        """Nobody listens any more."""

    await house.app(scope, receive, sent)


async def test_pieces_only_go_on_where_the_last_ended(house: House, case: Case) -> None:
    data = jpeg()
    url = (await begin(house, case, data)).headers["Location"]
    await send(house, url, 0, data[:50])
    wrong = await send(house, url, 40, data[40:])
    assert (wrong.status_code, wrong.json()["offset"]) == (409, 50)
    assert (await send(house, url, 50, data[50:] + b"more")).status_code == 413
    odd = {**handler(house), "Upload-Offset": "50", "Content-Type": "image/jpeg"}
    plain = await house.http.patch(url, content=b"x", headers=odd)
    assert plain.status_code == 415
    assert await offset_of(house, url) == 50


async def test_what_was_damaged_on_the_way_or_is_no_photo_is_given_up(house: House, case: Case) -> None:
    data = jpeg()
    for content, announced, expected in ((data[:-1] + b"x", data, 422), (b"<html>", b"<html>", 415)):
        url = (await begin(house, case, announced)).headers["Location"]
        assert (await send(house, url, 0, content)).status_code == expected
        assert (await house.http.head(url, headers=handler(house))).status_code == 404
    assert await house.rows("SELECT 1 FROM photo_upload_parts") == []
    assert await house.rows("SELECT 1 FROM photos") == []


async def test_a_lost_object_store_costs_no_byte_of_an_upload(house: House, case: Case) -> None:
    data = jpeg()
    url = (await begin(house, case, data)).headers["Location"]
    whole = house.context.parts
    house.context.parts = {**whole, "photo_store": _Broken()}
    assert (await send(house, url, 0, data)).status_code == 503
    house.context.parts = whole
    assert await offset_of(house, url) == len(data)
    assert (await send(house, url, len(data), b"")).status_code == 201


async def test_an_upload_is_its_senders_alone(house: House, case: Case) -> None:
    data = jpeg()
    url = (await begin(house, case, data)).headers["Location"]
    colleague = house.token("staff", "other", "handler", units=(said.LEAD[0],))
    assert (await house.http.head(url, headers=colleague)).status_code == 404
    assert (await send(house, url, 0, data, colleague)).status_code == 404
    assert (await house.http.head(url, headers=house.token("citizen", case.citizen_id))).status_code == 403
    assert (await begin(house, case, data, handler(house, said.OTHER[0]))).status_code == 404


async def test_uploads_have_limits_and_end(open_house: Any) -> None:
    async with open_house(photo_uploads_open=2, photo_max_bytes=5_000, photo_upload_hours=1) as house:
        case, data = await begun(house), jpeg()
        assert (await begin(house, case, data, size=5_001)).status_code == 413
        url = (await begin(house, case, data)).headers["Location"]
        other = (await begin(house, case, data)).headers["Location"]
        assert (await begin(house, case, data)).status_code == 429
        assert (await house.http.delete(other, headers=handler(house))).status_code == 204
        assert (await begin(house, case, data)).status_code == 201
        await send(house, url, 0, data[:10])
        house.clock.advance(hours=2)
        assert (await send(house, url, 10, data[10:])).status_code == 404
        sweep = next(loop for loop in MANIFEST.loops(house.context) if isinstance(loop, PhotoSweep))
        await sweep.run_once()
        assert await house.rows("SELECT 1 FROM photo_uploads") == []
        assert await house.rows("SELECT 1 FROM photo_upload_parts") == []


async def test_pieces_at_rest_say_nothing_of_place_or_camera(house: House, case: Case) -> None:
    data = jpeg() + b"Secret Camera Works"
    url = (await begin(house, case, data)).headers["Location"]
    await send(house, url, 0, data[:-1])
    [row] = await house.rows("SELECT data FROM photo_upload_parts")
    assert b"Secret" not in row.data
