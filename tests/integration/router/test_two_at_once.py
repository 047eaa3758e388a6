"""Two people act on one order or case at the same moment: one wins, the other learns what has changed."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.integration.router.desk import GARBAGE, House, Person

CHOICE = {"category_code": GARBAGE, "area_code": "440310001"}


async def both(
    first: Person, second: Person, path: str, bodies: tuple[Any, Any], **headers: str
) -> tuple[httpx.Response, httpx.Response]:
    """Both send at once; answers with the winner's and the loser's answer."""
    answers = await asyncio.gather(first.post(path, bodies[0], **headers), second.post(path, bodies[1], **headers))
    won = [answer for answer in answers if answer.is_success]
    lost = [answer for answer in answers if answer.status_code == 409]
    assert (len(won), len(lost)) == (1, 1), [answer.text for answer in answers]
    return won[0], lost[0]


@pytest.fixture
def colleague(dispatcher: Person) -> Person:
    """Another dispatcher, with a browser of their own."""
    return Person(dispatcher.http, dict(dispatcher.headers))


async def test_one_order_goes_to_one_of_two_units(house: House, dispatcher: Person, colleague: Person) -> None:
    case_id = await house.submit()
    path = f"/orders/{await house.lead(case_id)}/redispatch"
    won, lost = await both(dispatcher, colleague, path, ({"unit_code": "PS-D01"}, {"unit_code": "PS-D02"}))
    assert lost.json()["type"] == "urn:huying:problem:transition-not-allowed"
    assert lost.json()["version"] == won.json()["version"]
    assert lost.json()["changed"][-1]["action"] == "redispatch"
    live = [order for order in await house.orders(case_id) if order.state == "dispatched"]
    assert [order.unit_code for order in live] == [won.json()["unit_code"]]


async def test_who_says_which_version_they_saw_is_told_exactly_what_came_after(
    house: House, dispatcher: Person, colleague: Person
) -> None:
    path = f"/orders/{await house.lead(await house.submit())}"
    seen = (await dispatcher.get(path)).headers["ETag"]
    won, lost = await both(
        dispatcher,
        colleague,
        f"{path}/redispatch",
        ({"unit_code": "PS-D01"}, {"unit_code": "PS-D02"}),
        **{"If-Match": seen},
    )
    assert lost.json()["type"] == "urn:huying:problem:stale"
    assert [one["action"] for one in lost.json()["changed"]] == ["redispatch"]
    assert won.json()["version"] == lost.json()["changed"][0]["seq"]


async def test_one_case_of_the_queue_is_dispatched_once(house: House, dispatcher: Person, colleague: Person) -> None:
    case_id = await house.submit(category_code=None, title="", text="请帮忙看一下这个事情")
    path = f"/desk/cases/{case_id}/classification"
    _, lost = await both(dispatcher, colleague, path, (CHOICE, {**CHOICE, "lead_unit_code": "PS-D01"}))
    assert lost.json()["changed"][-1]["action"] in {"classify", "dispatch", "file"}
    assert len(await house.orders(case_id)) == 1


async def test_classifying_and_not_accepting_exclude_each_other(
    house: House, dispatcher: Person, colleague: Person
) -> None:
    case_id = await house.submit(category_code=None, title="", text="请帮忙看一下这个事情")
    reason = (await dispatcher.get("/desk/reasons")).json()["not_accepted"][0]["code"]
    answers = await asyncio.gather(
        dispatcher.post(f"/desk/cases/{case_id}/classification", CHOICE),
        colleague.post(f"/desk/cases/{case_id}/close", {"reason_code": reason}),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    lost = next(answer for answer in answers if answer.status_code == 409)
    assert lost.json()["changed"]


async def test_a_return_is_rejected_or_agreed_to_but_not_both(
    house: House, unit: Person, dispatcher: Person, colleague: Person
) -> None:
    path = f"/orders/{await house.lead(await house.submit())}"
    await unit.did(f"{path}/return", {"reason_code": "wrong_duty", "legal_basis": "职责清单第三条"})
    seen = {"If-Match": (await dispatcher.get(path)).headers["ETag"]}
    answers = await asyncio.gather(
        dispatcher.post(f"{path}/redispatch", {"unit_code": "PS-D01"}, **seen),
        colleague.post(f"{path}/return/rejection", {"note": "确属贵单位职责"}, **seen),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    lost = next(answer for answer in answers if answer.status_code == 409)
    assert lost.json()["changed"]


async def test_of_many_that_sign_at_once_one_does(house: House, unit: Person) -> None:
    case_id = await house.submit()
    path = f"/orders/{await house.lead(case_id)}/sign"
    answers = await asyncio.gather(*(unit.post(path) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5
    assert all(answer.json()["changed"][-1]["action"] == "sign" for answer in answers if answer.status_code == 409)
    assert (await house.kinds(case_id)).count("order.signed") == 1
