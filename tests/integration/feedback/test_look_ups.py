"""Who may read a case by its number, and what everybody else is told."""

import asyncio
from typing import Any

import pytest

from shared.ids import new_id
from tests.integration.feedback.conftest import Case, House, begun
from tests.unit.feedback import said


def asked(answer: Any) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    return {"status": answer.status_code, "type": body["type"], "detail": body["detail"]}


async def test_number_and_code_open_the_case_in_any_spelling(house: House, case: Case) -> None:
    spoken = f"{case.case_no[:2].lower()} {case.case_no[2:8]}-{case.case_no[8:]}"
    answer = await house.http.get(f"/v1/progress/{spoken}", headers={"X-Lookup-Code": said.CODE.lower()})
    assert answer.status_code == 200
    assert answer.json()["case_no"] == case.case_no


async def test_the_citizens_own_token_and_any_staff_token_open_the_case(house: House, case: Case) -> None:
    for token in (house.token("citizen", case.citizen_id), house.token("staff", "somebody", "operator")):
        assert (await house.view(case, **token))["case_no"] == case.case_no


async def test_strangers_cannot_tell_a_wrong_code_from_a_number_nobody_has(house: House, case: Case) -> None:
    """INVARIANT: an unknown number, a malformed one, a wrong code and another's token are one answer."""
    wrong = {"X-Lookup-Code": "AAAAAAAA"}
    answers = [
        await house.http.get(f"/v1/progress/{case.case_no}", headers=wrong),
        await house.http.get(f"/v1/progress/{said.number(999)}", headers=wrong),
        await house.http.get("/v1/progress/PS123", headers=wrong),
        await house.http.get(f"/v1/progress/{case.case_no}", headers=house.token("citizen", new_id())),
    ]
    assert [asked(answer) for answer in answers] == [asked(answers[0])] * 4
    assert answers[0].status_code == 404
    counted = await house.rows("SELECT sum(failures) AS n FROM attempts")
    assert counted[0].n == 8


async def test_without_code_and_token_one_is_asked_to_say_who_one_is(house: House, case: Case) -> None:
    assert (await house.http.get(f"/v1/progress/{case.case_no}")).status_code == 401
    foreign = {"Authorization": "Bearer a.b.c"}
    assert (await house.http.get(f"/v1/progress/{case.case_no}", headers=foreign)).status_code == 401


async def test_guessing_a_code_closes_the_number_for_a_while_even_for_the_right_one(open_house: Any) -> None:
    async with open_house(look_up_failures_per_number=3) as house:
        case = await begun(house)
        for _ in range(3):
            answer = await house.http.get(f"/v1/progress/{case.case_no}", headers={"X-Lookup-Code": "AAAAAAAA"})
            assert answer.status_code == 404
        blocked = await house.http.get(f"/v1/progress/{case.case_no}", headers=case.code)
        assert blocked.status_code == 429
        assert 0 < int(blocked.headers["Retry-After"]) <= 901
        staff = await house.http.get(f"/v1/progress/{case.case_no}", headers=house.token("staff", "x", "operator"))
        assert staff.status_code == 200
        owner = await house.http.get(f"/v1/progress/{case.case_no}", headers=house.token("citizen", case.citizen_id))
        assert owner.status_code == 200, "what strangers try must not shut out whose case it is"
        house.clock.advance(minutes=16)
        assert (await house.view(case))["case_no"] == case.case_no


async def test_an_address_that_tries_many_numbers_is_shut_out_in_every_process(open_house: Any) -> None:
    async with open_house(look_up_failures_per_address=3) as one, open_house() as other:
        case = await begun(one)
        for serial in range(50, 53):
            await one.http.get(f"/v1/progress/{said.number(serial)}", headers={"X-Lookup-Code": "AAAAAAAA"})
        assert (await other.http.get(f"/v1/progress/{case.case_no}", headers=case.code)).status_code == 429


async def test_a_look_up_that_comes_before_its_case_waits_a_moment_and_counts_as_no_guess(open_house: Any) -> None:
    async with open_house(look_up_hold_seconds=10) as house:
        headers = {"X-Lookup-Code": said.CODE}
        early = asyncio.create_task(house.http.get(f"/v1/progress/{said.number(1)}", headers=headers))
        while not house.context.parts["hub"].watches(said.number(1)):
            await asyncio.sleep(0)
        await begun(house, 1)
        assert (await early).status_code == 200
        assert await house.rows("SELECT 1 FROM attempts") == []


async def test_what_is_known_is_not_sent_again(house: House, case: Case) -> None:
    first = await house.http.get(f"/v1/progress/{case.case_no}", headers=case.code)
    again = await house.http.get(
        f"/v1/progress/{case.case_no}", headers={**case.code, "If-None-Match": first.headers["ETag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    await house.told(case.case_id, said.signed(case.order_id))
    changed = await house.http.get(
        f"/v1/progress/{case.case_no}", headers={**case.code, "If-None-Match": first.headers["ETag"]}
    )
    assert changed.status_code == 200


async def test_a_citizen_pages_through_their_own_cases_newest_first(house: House) -> None:
    citizen = new_id()
    mine = [await begun(house, serial, citizen) for serial in range(1, 4)]
    await begun(house, 9)
    token = house.token("citizen", citizen)
    first = (await house.http.get("/v1/progress", params={"limit": 2}, headers=token)).json()
    rest = (await house.http.get("/v1/progress", params={"limit": 2, "after": first["next"]}, headers=token)).json()
    numbers = [view["case_no"] for view in first["items"] + rest["items"]]
    assert numbers == [case.case_no for case in reversed(mine)]
    assert rest["next"] is None


async def test_my_cases_are_for_citizens(house: House) -> None:
    assert (await house.http.get("/v1/progress")).status_code == 401
    assert (await house.http.get("/v1/progress", headers=house.token("staff", "x", "admin"))).status_code == 403


@pytest.mark.parametrize("number", ["%F0%9F%98%80", "%ED%A0%80", "x" * 3000, "PS%2F1", "'; --"])
async def test_absurd_numbers_are_just_not_found(house: House, number: str) -> None:
    answer = await house.http.get(f"/v1/progress/{number}", headers={"X-Lookup-Code": b"\xff\xfe"})
    assert answer.status_code == 404


async def test_the_hot_routes_are_documented(house: House) -> None:
    paths = (await house.http.get("/feedback/openapi.json")).json()["paths"]
    shown = paths["/v1/progress/{case_no}"]["get"]
    assert {parameter["name"].lower() for parameter in shown["parameters"]} >= {"case_no", "x-lookup-code"}
    assert shown["responses"]["200"]["content"]["application/json"]["schema"]
    assert "text/event-stream" in paths["/v1/progress/{case_no}/stream"]["get"]["responses"]["200"]["content"]
