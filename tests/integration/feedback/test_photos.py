"""Photos of the work: who adds them, and who sees them when."""

from typing import Any
from uuid import UUID

from shared.ids import new_id
from shared.objects import PhotosUnavailable
from tests.integration.feedback.conftest import UNIT_HANDLER, Case, House, answered, begun, jpeg
from tests.unit.feedback import said


def handler(house: House, unit: str = said.LEAD[0]) -> dict[str, str]:
    return house.token("staff", "worker", *UNIT_HANDLER["roles"], units=(unit,))


async def upload(house: House, case: Case, headers: dict[str, str], data: bytes | None = None, **more: Any) -> Any:
    form = {"order_id": str(case.order_id), "kind": "after", **more}
    files = {"file": ("x.jpg", jpeg() if data is None else data, "image/jpeg")}
    return await house.http.post("/v1/photos", data=form, files=files, headers=headers)


async def added(house: House, case: Case, **more: Any) -> UUID:
    answer = await upload(house, case, handler(house), **more)
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["photo_id"])


async def test_a_handler_of_the_unit_adds_a_photo_and_says_so(house: House, case: Case) -> None:
    photo_id = await added(house, case, case_id=str(case.case_id), kind="before")
    emitted = await house.emitted()
    assert [(event.type, event.sequence, event.data.kind) for event in emitted] == [("photo.taken.v1", 1, "before")]
    assert emitted[0].data.photo_id == photo_id


async def test_the_answers_photos_appear_with_it(house: House, case: Case) -> None:
    before, after = await added(house, case, kind="before"), await added(house, case, kind="after")
    assert (await house.view(case))["replies"] == []
    await answered(house, case, before, after)
    photos = (await house.view(case))["replies"][0]["photos"]
    assert [photo["kind"] for photo in photos] == ["before", "after"]
    shown = await house.http.get(photos[0]["url"], headers=house.token("citizen", case.citizen_id))
    assert shown.headers["Content-Type"] == "image/jpeg"
    assert shown.content.startswith(b"\xff\xd8")


async def test_the_citizen_sees_only_what_the_answer_shows(house: House, case: Case) -> None:
    shown, kept = await added(house, case), await added(house, case, data=jpeg("blue"))
    by_code = {**case.code, "X-Case-No": case.case_no}
    by_token = house.token("citizen", case.citizen_id)
    for headers in (by_code, by_token):
        assert (await house.http.get(f"/v1/photos/{shown}", headers=headers)).status_code == 404
    await answered(house, case, shown)
    for headers in (by_code, by_token):
        assert (await house.http.get(f"/v1/photos/{shown}", headers=headers)).status_code == 200
        assert (await house.http.get(f"/v1/photos/{shown}/thumbnail", headers=headers)).status_code == 200
        assert (await house.http.get(f"/v1/photos/{kept}", headers=headers)).status_code == 404


async def test_another_citizen_and_another_unit_see_nothing(house: House, case: Case) -> None:
    photo_id = await added(house, case)
    await answered(house, case, photo_id)
    other = await begun(house, 2)
    strangers = [
        house.token("citizen", other.citizen_id),
        {**other.code, "X-Case-No": other.case_no},
        {"X-Lookup-Code": "AAAAAAAA", "X-Case-No": case.case_no},
        handler(house, said.OTHER[0]),
    ]
    answers = [(await house.http.get(f"/v1/photos/{photo_id}", headers=headers)).status_code for headers in strangers]
    assert answers == [404, 404, 404, 404]
    assert (await house.http.get(f"/v1/photos/{photo_id}")).status_code == 401


async def test_the_unit_and_the_desk_see_photos_before_the_answer(house: House, case: Case) -> None:
    photo_id = await added(house, case)
    for headers in (handler(house), house.token("staff", "x", "dispatcher"), house.token("staff", "x", "reviewer")):
        assert (await house.http.get(f"/v1/photos/{photo_id}", headers=headers)).status_code == 200


async def test_only_the_units_own_people_add_to_its_orders(house: House, case: Case) -> None:
    assert (await upload(house, case, handler(house, said.OTHER[0]))).status_code == 404
    assert (
        await upload(house, case, house.token("staff", "x", "dispatcher", units=(said.LEAD[0],)))
    ).status_code == 403
    assert (await upload(house, case, house.token("citizen", case.citizen_id))).status_code == 403
    assert (await upload(house, case, {})).status_code == 401
    assert (
        await upload(house, case, handler(house), order_id="018f3c2a-0000-7000-8000-000000000000")
    ).status_code == 404
    just_made = await upload(house, case, handler(house), order_id=str(new_id()))
    assert (just_made.status_code, just_made.headers["Retry-After"]) == (409, "1")
    assert (await upload(house, case, handler(house), case_id=str(new_id()))).status_code == 403
    assert await house.emitted() == []


async def test_what_is_no_photo_is_refused_with_its_reason(house: House, case: Case) -> None:
    staff = handler(house)
    assert (await upload(house, case, staff, b"<html><script>")).status_code == 415
    assert (await upload(house, case, staff, b"")).status_code == 422
    assert (await upload(house, case, staff, jpeg()[:200])).status_code == 422
    assert (await upload(house, case, staff, kind="selfie")).status_code == 422
    without = await house.http.post("/v1/photos", data={"order_id": str(case.order_id), "kind": "after"}, headers=staff)
    assert without.status_code == 422
    other = await house.http.post("/v1/photos", content=b"hello", headers={**staff, "Content-Type": "text/plain"})
    assert other.status_code == 422
    assert await house.rows("SELECT 1 FROM photos") == []


async def test_a_photo_beyond_the_limit_is_too_large(open_house: Any) -> None:
    async with open_house(photo_max_bytes=500) as house:
        case = await begun(house)
        assert (await upload(house, case, handler(house))).status_code == 413


class _Broken:
    async def put(self, *_: object) -> None:
        raise PhotosUnavailable(retry_after=10)

    get = put


async def test_without_the_object_store_only_photos_are_unavailable(house: House, case: Case) -> None:
    photo_id = await added(house, case)
    house.context.parts = {**house.context.parts, "photo_store": _Broken()}
    refused = await upload(house, case, handler(house))
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "10")
    assert (await house.http.get(f"/v1/photos/{photo_id}", headers=handler(house))).status_code == 503
    assert (await house.view(case))["case_no"] == case.case_no
    assert len(await house.rows("SELECT 1 FROM photos")) == 1
