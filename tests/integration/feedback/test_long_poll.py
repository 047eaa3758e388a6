"""Clients that cannot stream hold one request open until their case has moved."""

import asyncio

from tests.integration.feedback.conftest import Case, House
from tests.integration.feedback.test_streams import until
from tests.unit.feedback import said


async def test_a_held_request_is_answered_by_the_next_version(house: House, case: Case) -> None:
    first = await house.http.get(f"/v1/progress/{case.case_no}", headers=case.code)
    known = {**case.code, "If-None-Match": first.headers["etag"]}
    held = asyncio.create_task(house.http.get(f"/v1/progress/{case.case_no}?wait=25", headers=known))
    hub = house.context.parts["hub"]
    await until(lambda: hub.watches(case.case_no))
    await house.told(case.case_id, said.signed(case.order_id))
    answer = await asyncio.wait_for(held, 10)
    assert answer.status_code == 200
    assert answer.json()["status"]["code"] == "signed"
    assert answer.headers["etag"] != first.headers["etag"]
    assert not hub.watches(case.case_no)


async def test_when_nothing_moves_the_held_request_ends_with_304(house: House, case: Case) -> None:
    first = await house.http.get(f"/v1/progress/{case.case_no}", headers=case.code)
    known = {**case.code, "If-None-Match": first.headers["etag"]}
    answer = await house.http.get(f"/v1/progress/{case.case_no}?wait=1", headers=known)
    assert answer.status_code == 304


async def test_who_has_an_older_version_does_not_wait(house: House, case: Case) -> None:
    known = {**case.code, "If-None-Match": '"0"'}
    answer = await asyncio.wait_for(house.http.get(f"/v1/progress/{case.case_no}?wait=30", headers=known), 5)
    assert answer.status_code == 200


async def test_held_requests_are_let_go_when_the_process_ends(house: House, case: Case) -> None:
    first = await house.http.get(f"/v1/progress/{case.case_no}", headers=case.code)
    known = {**case.code, "If-None-Match": first.headers["etag"]}
    held = asyncio.create_task(house.http.get(f"/v1/progress/{case.case_no}?wait=30", headers=known))
    hub = house.context.parts["hub"]
    await until(lambda: hub.watches(case.case_no))
    hub.close()
    assert (await asyncio.wait_for(held, 5)).status_code == 304


async def test_a_stranger_is_not_held(house: House, case: Case) -> None:
    wrong = {"X-Lookup-Code": "AAAAAAAA", "If-None-Match": '"1"'}
    answer = await asyncio.wait_for(house.http.get(f"/v1/progress/{case.case_no}?wait=30", headers=wrong), 5)
    assert answer.status_code == 404
