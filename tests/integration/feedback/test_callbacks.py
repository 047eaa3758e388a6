"""Call-backs from the queue to what the others hear, and praise on the way."""

from typing import Any

from tests.integration.feedback.conftest import Case, House, answered, begun
from tests.unit.feedback import said
from tests.unit.feedback.said import LEAD

LOW = {"speed": 2, "result": 3, "attitude": 5, "system": 5, "solved": True}
GOOD = {"solved": "solved", "satisfied": "satisfied", "process_satisfied": "very_satisfied", "contacted_in_time": True}


def clerk(house: House, name: str = "c1") -> dict[str, str]:
    return house.token("staff", name, "callback_clerk")


async def low_marked(house: House, serial: int = 1) -> Case:
    case = await begun(house, serial)
    await answered(house, case)
    assert (await house.http.post(f"/v1/ratings/{case.case_no}", json=LOW, headers=case.code)).status_code == 201
    return case


async def taken(house: House, name: str = "c1") -> dict[str, Any]:
    answer = await house.http.post("/v1/callbacks/next", headers=clerk(house, name))
    assert answer.status_code == 200, answer.text
    callback: dict[str, Any] = answer.json()["callback"]
    return callback


async def record(house: House, callback: dict[str, Any], body: dict[str, Any], name: str = "c1") -> Any:
    path = f"/v1/callbacks/{callback['callback_id']}/records"
    return await house.http.post(path, json=body, headers=clerk(house, name))


async def told(house: House, kind: str) -> list[dict[str, Any]]:
    return [event.data.model_dump(mode="json") for event in await house.emitted() if event.type == kind]


async def test_a_low_mark_is_called_back_and_recorded_against_who_handled_it(house: House) -> None:
    case = await low_marked(house)
    queue = (await house.http.get("/v1/callbacks", headers=clerk(house))).json()
    assert (queue["waiting"], queue["items"][0]["reason"]) == (1, "low_mark")
    callback = await taken(house)
    assert callback["case_no"] == case.case_no
    assert [action["allowed"] for action in callback["allowed_actions"]] == [True, True]
    done = await record(house, callback, {"reached": True, "answer": GOOD, "note": "说维修人员态度好"})
    assert done.json()["state"] == "reached"
    [heard] = await told(house, "callback.recorded.v1")
    assert (heard["unit_code"], heard["method"], heard["attempt"], heard["reached"]) == (LEAD[0], "phone", 1, True)
    assert (heard["solved"], heard["satisfied"], heard["process_satisfied"]) == (
        "solved",
        "satisfied",
        "very_satisfied",
    )
    assert await told(house, "citizen.dissatisfied.v1") == []
    assert "态度" not in str([row.body for row in await house.rows("SELECT body FROM outbox")])


async def test_who_says_unsolved_in_a_call_sets_off_the_rework_a_rating_would_have(house: House) -> None:
    await low_marked(house)
    callback = await taken(house)
    await record(house, callback, {"reached": True, "answer": {**GOOD, "solved": "unsolved"}})
    assert await told(house, "citizen.dissatisfied.v1") == [{"round": 1}]


async def test_who_has_rated_not_content_is_not_reworked_twice_for_it(house: House, case: Case) -> None:
    await answered(house, case)
    await house.http.post(f"/v1/ratings/{case.case_no}", json={**LOW, "solved": False}, headers=case.code)
    await record(house, await taken(house), {"reached": True, "answer": {**GOOD, "satisfied": "dissatisfied"}})
    assert await told(house, "citizen.dissatisfied.v1") == [{"round": 1}]


async def test_not_reached_comes_back_later_and_then_ends(house: House) -> None:
    await low_marked(house)
    first = await record(house, await taken(house), {"reached": False})
    assert first.json()["state"] == "open"
    assert await taken(house) is None
    house.clock.advance(hours=4)
    second = await record(house, await taken(house), {"reached": False})
    assert second.json()["state"] == "unreached"
    heard = await told(house, "callback.recorded.v1")
    assert [(one["attempt"], one["reached"], one["solved"]) for one in heard] == [(1, False, None), (2, False, None)]


async def test_two_clerks_never_get_the_same_one(house: House) -> None:
    await low_marked(house, 1)
    await low_marked(house, 2)
    one, other = await taken(house, "c1"), await taken(house, "c2")
    assert one["callback_id"] != other["callback_id"]
    assert await taken(house, "c3") is None
    path = f"/v1/callbacks/{one['callback_id']}/claim"
    assert (await house.http.post(path, headers=clerk(house, "c2"))).status_code == 409
    assert (await record(house, one, {"reached": False}, "c2")).status_code == 403
    mine = await house.http.get("/v1/callbacks?whose=mine", headers=clerk(house, "c2"))
    assert [item["callback_id"] for item in mine.json()["items"]] == [other["callback_id"]]


async def test_a_number_is_shown_to_who_has_taken_the_call_and_the_look_is_kept(house: House) -> None:
    case = await low_marked(house)
    await house.contact(case.citizen_id, phone="13812345678")
    callback = await taken(house)
    path = f"/v1/callbacks/{callback['callback_id']}/contact-reads"
    assert (await house.http.post(path, headers=clerk(house, "c2"))).status_code == 403
    assert (await house.http.post(path, headers=clerk(house))).json() == {"phone": "13812345678"}
    assert [row.actor for row in await house.rows("SELECT actor FROM callback_reads")] == ["c1"]


async def test_a_citizen_answers_the_link_themselves_with_their_code(house: House) -> None:
    case = await low_marked(house)
    path = f"/v1/callbacks/{case.case_no}/answers"
    assert (await house.http.post(path, json=GOOD, headers={"X-Lookup-Code": "AAAAAAAA"})).status_code == 404
    assert (await house.http.post(path, json=GOOD, headers=case.code)).status_code == 201
    assert (await house.http.post(path, json=GOOD, headers=case.code)).status_code == 409
    assert len(await told(house, "callback.recorded.v1")) == 1
    assert await taken(house) is None


async def test_only_clerks_call_and_an_answer_belongs_to_who_was_reached(house: House) -> None:
    await low_marked(house)
    assert (
        await house.http.post("/v1/callbacks/next", headers=house.token("staff", "x", "handler"))
    ).status_code == 403
    callback = await taken(house)
    assert (await record(house, callback, {"reached": True})).status_code == 422
    assert (await record(house, callback, {"reached": False, "answer": GOOD})).status_code == 422


async def test_who_is_forgotten_is_not_called(house: House) -> None:
    case = await low_marked(house)
    await house.told(case.citizen_id, said.erased(case.citizen_id))
    assert await taken(house) is None


async def test_thanks_go_to_the_unit_and_count(house: House, case: Case) -> None:
    await answered(house, case)
    happy = {"speed": 5, "result": 5, "attitude": 5, "system": 5, "solved": True, "praise": True}
    rated = await house.http.post(f"/v1/ratings/{case.case_no}", json=happy, headers=case.code)
    assert rated.json()["level"] == "very_satisfied"
    letter = await begun(house, 2)
    await house.told(letter.case_id, said.closed("praised"))
    assert await told(house, "praise.given.v1") == [{"unit_code": LEAD[0]}] * 2
    path = f"/v1/praises?unit_code={LEAD[0]}"
    counted = await house.http.get(path, headers=house.token("staff", "m", "unit_manager", units=(LEAD[0],)))
    assert counted.json() == {"unit_code": LEAD[0], "total": 2, "rating": 1, "callback": 0, "request": 1}
    stranger = house.token("staff", "n", "unit_manager", units=("PS-SW",))
    assert (await house.http.get(path, headers=stranger)).status_code == 403
