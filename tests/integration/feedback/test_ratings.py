"""Rating an answer: by whom, how often, and what it sets off."""

from typing import Any

import pytest

from tests.integration.feedback.conftest import Case, House, answered
from tests.unit.feedback import said

FIVE = {"speed": 5, "result": 5, "attitude": 5, "system": 5, "solved": True}


async def rate(house: House, case: Case, headers: dict[str, str] | None = None, **more: Any) -> Any:
    form = {**FIVE, **more}
    return await house.http.post(f"/v1/ratings/{case.case_no}", json=form, headers=headers or case.code)


async def test_a_content_citizen_rates_with_number_and_code(house: House, case: Case) -> None:
    await answered(house, case)
    answer = await rate(house, case, comment="很快就清走了")
    assert answer.status_code == 201
    assert answer.json()["satisfied"] is True
    assert [event.type for event in await house.emitted()] == ["rating.submitted.v1"]
    view = await house.view(case)
    assert view["rating"]["result"] == 5
    assert view["allowed_actions"][0] == {"action": "rate", "allowed": False, "reason": "本次办理结果已评价"}


async def test_a_comment_stays_here(house: House, case: Case) -> None:
    await answered(house, case)
    await rate(house, case, comment="绝不外传的话")
    assert (await house.rows("SELECT comment FROM ratings"))[0].comment == "绝不外传的话"
    bodies = [row.body.decode() for row in await house.rows("SELECT body FROM outbox")]
    assert not any("绝不外传" in body for body in bodies)
    assert "绝不外传" not in str(await house.view(case))


async def test_somebody_not_content_sets_off_another_round_and_may_rate_that_too(house: House, case: Case) -> None:
    await answered(house, case)
    token = house.token("citizen", case.citizen_id)
    assert (await rate(house, case, token, result=1)).json()["satisfied"] is False
    emitted = await house.emitted()
    assert [(event.type, event.sequence) for event in emitted] == [
        ("rating.submitted.v1", 1),
        ("citizen.dissatisfied.v1", 2),
    ]
    await house.told(case.case_id, said.reworked(), said.dispatched(case.order_id, turn=2))
    assert (await rate(house, case, token)).status_code == 409
    await answered(house, case, turn=2)
    assert (await rate(house, case, token)).json()["round"] == 2


async def test_before_the_answer_or_a_second_time_it_is_a_conflict(house: House, case: Case) -> None:
    early = await rate(house, case)
    assert (early.status_code, early.json()["type"]) == (409, "urn:huying:problem:not-yet-replied")
    await answered(house, case)
    await rate(house, case)
    again = await rate(house, case, result=1)
    assert (again.status_code, again.json()["type"]) == (409, "urn:huying:problem:already-rated")
    assert len(await house.emitted()) == 1


async def test_nobody_else_rates(house: House, case: Case) -> None:
    await answered(house, case)
    assert (await rate(house, case, {"X-Lookup-Code": "AAAAAAAA"})).status_code == 404
    assert (await rate(house, case, house.token("staff", "x", "admin"))).status_code == 404
    assert await house.emitted() == []


@pytest.mark.parametrize(
    "wrong", [{"speed": 0}, {"result": 6}, {"solved": "perhaps"}, {"comment": "长" * 501}, {"x": 1}]
)
async def test_impossible_marks_are_refused_with_the_field(house: House, case: Case, wrong: dict[str, Any]) -> None:
    await answered(house, case)
    answer = await rate(house, case, **wrong)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"/{next(iter(wrong))}"
