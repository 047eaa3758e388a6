"""What staff do with photos: blur, decide, look at originals; and what stays inside."""

from io import BytesIO
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from PIL import Image
from sqlalchemy import text

from contracts.events.router import TaskAssigned
from services.feedback.app import MANIFEST
from services.feedback.photo_upkeep import LOOSE_FOR, PhotoSweep
from shared.errors import Unavailable
from shared.ids import new_id
from shared.objects import PhotosUnavailable
from tests.integration.feedback.conftest import Case, House, answered, begun, jpeg
from tests.integration.feedback.test_photos import added, handler, upload
from tests.unit.feedback import said


def staff(house: House, *roles: str, units: tuple[str, ...] = ()) -> dict[str, str]:
    return house.token("staff", f"one-{roles[0]}", *roles, units=units)


def camera_jpeg() -> bytes:
    """As a phone writes it: who made the camera, and where it stood."""
    out = BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "Secret Camera Works"
    exif.get_ifd(0x8825).update({1: "N", 2: (22.0, 41.0, 30.0), 3: "E", 4: (114.0, 20.0, 0.0)})
    Image.new("RGB", (64, 48), "red").save(out, "JPEG", exif=exif)
    return out.getvalue()


async def shown(house: House, photo_id: UUID, headers: dict[str, str], path: str = "") -> Any:
    return await house.http.get(f"/v1/photos/{photo_id}{path}", headers=headers)


async def test_before_and_after_of_one_order_stand_side_by_side(house: House, case: Case) -> None:
    ids = [await added(house, case, kind=kind) for kind in ("before", "near", "after", "after")]
    await answered(house, case, *reversed(ids))
    reply = (await house.view(case))["replies"][0]
    assert [photo["kind"] for photo in reply["photos"]] == ["after", "after", "near", "before"]
    assert [(pair["unit"], pair["before"]["photo_id"], pair["after"]["photo_id"]) for pair in reply["pairs"]] == [
        (said.LEAD[1], str(ids[0]), str(ids[2]))
    ]


async def test_the_original_is_kept_for_staff_and_each_look_is_written_down(house: House, case: Case) -> None:
    file = camera_jpeg()
    photo_id = await added(house, case, data=file, latitude="22.69", longitude="114.33")
    await answered(house, case, photo_id)
    public = await shown(house, photo_id, house.token("citizen", case.citizen_id))
    assert b"Secret Camera" not in public.content
    assert not Image.open(BytesIO(public.content)).getexif()
    look = {"purpose": "核对拍摄地点"}
    url = f"/v1/photos/{photo_id}/original"
    original = await house.http.post(url, json=look, headers=handler(house))
    assert (original.content, original.headers["Content-Type"]) == (file, "image/jpeg")
    assert original.headers["Cache-Control"] == "no-store"
    for headers in (house.token("citizen", case.citizen_id), handler(house, said.OTHER[0]), {}):
        assert (await house.http.post(url, json=look, headers=headers)).status_code in (401, 403, 404)
    assert (await house.http.post(url, json={}, headers=handler(house))).status_code == 422
    log = (await house.http.get("/v1/photos/log", headers=staff(house, "discipline"))).json()
    assert [(row["action"], row["actor"], row["purpose"]) for row in log["items"]] == [
        ("original", "worker", "核对拍摄地点")
    ]
    assert (await house.http.get("/v1/photos/log", headers=handler(house))).status_code == 403


async def test_place_and_hash_are_read_inside_and_never_leave(house: House, case: Case) -> None:
    photo_id = await added(house, case, latitude="22.69", longitude="114.33")
    await answered(house, case, photo_id)
    record = (await shown(house, photo_id, handler(house), "/record")).json()
    assert record["place"] == {"latitude": 22.69, "longitude": 114.33}
    assert (record["taken_by"], record["check"], record["original_kept"]) == ("unit", "passed", True)
    assert "22.69" not in str(await house.view(case))
    assert "22.69" not in "".join(event.to_json().decode() for event in await house.emitted())
    assert (await shown(house, photo_id, house.token("citizen", case.citizen_id), "/record")).status_code == 403
    assert (await upload(house, case, handler(house), latitude="22.69")).status_code == 422
    assert (await upload(house, case, handler(house), latitude="99", longitude="0")).status_code == 422
    [row] = await house.rows("SELECT place FROM photo_records")
    assert b"22.69" not in row.place


async def test_the_log_of_looks_can_only_grow(house: House, case: Case) -> None:
    photo_id = await added(house, case)
    await shown(house, photo_id, handler(house), "/record")
    for statement in ("UPDATE photo_log SET actor = ''", "DELETE FROM photo_log", "TRUNCATE photo_log"):
        with pytest.raises(Exception, match="append-only"):
            await house.rows(statement)
    assert len(await house.rows("SELECT 1 FROM photo_log")) == 1


async def test_what_an_editor_blurs_nobody_sees_any_more(house: House, case: Case) -> None:
    picture = Image.new("RGB", (64, 48), "white")
    for x in range(0, 64, 2):
        picture.paste("black", (x, 0, x + 1, 48))
    out = BytesIO()
    picture.save(out, "JPEG", quality=95)
    photo_id = await added(house, case, data=out.getvalue())
    await answered(house, case, photo_id)
    citizen = house.token("citizen", case.citizen_id)
    before = await shown(house, photo_id, citizen)
    area = {"left": 8, "top": 8, "width": 20, "height": 20}
    url = f"/v1/photos/{photo_id}/blur"
    assert (await house.http.put(url, json={"areas": [area]}, headers=staff(house, "kb_editor"))).status_code == 204
    after = await shown(house, photo_id, {**citizen, "If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert contrast(after.content, area) < 40 < contrast(before.content, area)
    assert after.content == (await shown(house, photo_id, handler(house))).content
    unchanged = await shown(house, photo_id, {**citizen, "If-None-Match": after.headers["ETag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    thumbnail = (await shown(house, photo_id, citizen, "/thumbnail")).content
    assert contrast(thumbnail, area) < 40
    original = await house.http.post(
        f"/v1/photos/{photo_id}/original", json={"purpose": "复核"}, headers=handler(house)
    )
    assert contrast(original.content, area) > 40


def contrast(data: bytes, area: dict[str, int]) -> int:
    """Between neighbours well inside the area."""
    grey = Image.open(BytesIO(data)).convert("L")
    row = [grey.getpixel((x, area["top"] + 10)) for x in range(area["left"] + 4, area["left"] + 16)]
    assert all(isinstance(value, int) for value in row)
    return max(abs(one - other) for one, other in pairwise(row))  # type: ignore[operator]


async def test_only_editors_blur_and_only_within_the_photo(house: House, case: Case) -> None:
    photo_id = await added(house, case)
    url, area = f"/v1/photos/{photo_id}/blur", {"left": 0, "top": 0, "width": 5, "height": 5}
    manager = staff(house, "unit_manager", units=(said.LEAD[0],))
    stranger = staff(house, "unit_manager", units=(said.OTHER[0],))
    wide = {**area, "width": 65}
    answers = [
        await house.http.put(url, json={"areas": [area]}, headers=manager),
        await house.http.put(url, json={"areas": [area]}, headers=stranger),
        await house.http.put(url, json={"areas": [area]}, headers=handler(house)),
        await house.http.put(url, json={"areas": [wide]}, headers=manager),
        await house.http.put(url, json={"areas": []}, headers=manager),
    ]
    assert [answer.status_code for answer in answers] == [204, 404, 403, 422, 422]


async def test_where_a_person_decides_a_photo_appears_only_after_that(open_house: Any) -> None:
    async with open_house(photo_check="person") as house:
        case = await begun(house)
        photo_id = await added(house, case)
        await answered(house, case, photo_id)
        citizen = house.token("citizen", case.citizen_id)
        assert (await house.view(case))["replies"][0]["photos"] == []
        assert (await shown(house, photo_id, citizen)).status_code == 404
        reviewer = staff(house, "reviewer")
        held = (await house.http.get("/v1/photos", headers=reviewer)).json()
        assert [(item["photo_id"], item["reason"]) for item in held["items"]] == [(str(photo_id), "person")]
        url = f"/v1/photos/{photo_id}/decision"
        assert (await house.http.put(url, json={"public": True}, headers=handler(house))).status_code == 403
        assert (await house.http.put(url, json={"public": True}, headers=reviewer)).status_code == 204
        assert len((await house.view(case))["replies"][0]["photos"]) == 1
        assert (await shown(house, photo_id, citizen)).status_code == 200
        assert (await house.http.get("/v1/photos", headers=reviewer)).json()["items"] == []


async def test_a_reviewer_hides_what_is_shown_already(house: House, case: Case) -> None:
    photo_id = await added(house, case)
    await answered(house, case, photo_id)
    body = {"public": False, "reason": "拍到了住户"}
    hidden = await house.http.put(f"/v1/photos/{photo_id}/decision", json=body, headers=staff(house, "reviewer"))
    assert hidden.status_code == 204
    assert (await house.view(case))["replies"][0]["photos"] == []
    assert (await shown(house, photo_id, house.token("citizen", case.citizen_id))).status_code == 404
    assert (await shown(house, photo_id, handler(house))).status_code == 200


async def test_a_grid_officer_photographs_for_a_task(house: House, case: Case) -> None:
    task_id = new_id()
    await house.told(case.case_id, TaskAssigned(task_id=task_id, kind="check", unit_code="PS-GRID-1"))
    officer = staff(house, "grid_officer", units=("PS-GRID-1",))
    taken = await upload(house, case, officer, order_id=str(task_id))
    assert (taken.status_code, taken.json()["taken_by"]) == (201, "grid")
    assert (await upload(house, case, officer)).status_code == 404
    emitted = await house.emitted()
    assert [(event.data.order_id, event.data.taken_by) for event in emitted] == [(task_id, "grid")]
    await answered(house, case, UUID(taken.json()["photo_id"]))
    assert (await house.view(case))["replies"][0]["photos"][0]["taken_by"] == "grid"


async def test_objects_whose_photo_was_never_written_are_swept(house: House, case: Case) -> None:
    kept = await added(house, case)
    store = house.context.parts["photo_store"]
    names = {row.name async for row in _as_rows(house, "SELECT sha256 AS name FROM photos")}
    async with house.context.begin() as tx:
        await tx.connection.execute(text("ALTER TABLE photo_records ADD CONSTRAINT broken CHECK (false) NOT VALID"))
    assert (await upload(house, case, handler(house), jpeg("blue"))).status_code >= 500
    left = [row.name for row in await house.rows("SELECT name FROM loose_objects")]
    assert len(left) == 3
    sweep = next(loop for loop in MANIFEST.loops(house.context) if isinstance(loop, PhotoSweep))
    await sweep.run_once()
    for name in left:
        assert await store.get(name)
    house.clock.advance(seconds=2 * LOOSE_FOR.total_seconds())
    await sweep.run_once()
    for name in left:
        with pytest.raises(Exception, match="no such photo"):
            await store.get(name)
    assert await house.rows("SELECT 1 FROM loose_objects") == []
    assert [bool(await store.get(name)) for name in names] == [True]
    assert (await shown(house, kept, handler(house))).status_code == 200


async def _as_rows(house: House, query: str) -> Any:
    for row in await house.rows(query):
        yield row


async def test_a_sweep_that_cannot_reach_the_store_comes_back_to_it(house: House, case: Case) -> None:
    await added(house, case)
    async with house.context.begin() as tx:
        await tx.connection.execute(
            text("INSERT INTO loose_objects VALUES (:n, :t)"), {"n": "0" * 64, "t": house.clock.now() - LOOSE_FOR * 2}
        )
    sweep = next(loop for loop in MANIFEST.loops(house.context) if isinstance(loop, PhotoSweep))
    whole = house.context.parts
    house.context.parts = {**whole, "photo_store": _Lost()}
    with pytest.raises(Unavailable):
        await sweep.run_once()
    house.context.parts = whole
    await sweep.run_once()
    assert await house.rows("SELECT 1 FROM loose_objects") == []


class _Lost:
    async def delete(self, name: str) -> None:
        raise PhotosUnavailable
