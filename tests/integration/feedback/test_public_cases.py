"""A case is made public only from a text written anew, with the unit's consent and the citizen's, and only so long."""

from typing import Any

import pytest

from tests.integration.feedback.conftest import Case, House, answered, begun
from tests.unit.feedback import said
from tests.unit.feedback.said import LEAD

TEXTS = {
    "title": "巷口垃圾清运",
    "request": "居民反映一处巷口的生活垃圾多日未清运。",
    "answer": "已清运，并把该处列入每日巡查。",
}


def manager(house: House, unit: str = LEAD[0]) -> dict[str, str]:
    return house.token("staff", "m1", "unit_manager", units=(unit,))


def editor(house: House) -> dict[str, str]:
    return house.token("staff", "r1", "reviewer")


async def propose(house: House, case: Case, who: dict[str, str], **more: str) -> Any:
    return await house.http.post("/v1/public-cases", json={"case_no": case.case_no, **TEXTS, **more}, headers=who)


async def proposed(house: House, case: Case) -> str:
    await answered(house, case)
    answer = await propose(house, case, editor(house))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["page_id"])


async def at(house: House, page: str, what: str, who: dict[str, str], body: Any = None) -> Any:
    given = {} if body is None else {"json": body}
    return await house.http.post(f"/v1/public-cases/{page}/{what}", headers=who, **given)


async def shown(house: House, page: str) -> int:
    return (await house.http.get(f"/v1/public-cases/{page}")).status_code


async def test_nothing_is_public_before_unit_and_citizen_have_agreed(house: House, case: Case) -> None:
    """INVARIANT: 个人信息保护法 §25. Breaks when a page is shown, or can be published, with one consent missing."""
    page = await proposed(house, case)
    early = await at(house, page, "publish", editor(house))
    assert (early.status_code, early.json()["missing"]) == (409, ["unit", "citizen"])
    await at(house, page, "unit-consent", manager(house))
    assert (await at(house, page, "publish", editor(house))).json()["missing"] == ["citizen"]
    assert await shown(house, page) == 404
    assert (await house.view(case))["public_page"] == {"page_id": page, "state": "proposed", "agreed": False}
    await at(house, page, "citizen-consent", case.code, {"agreed": True})
    assert (await at(house, page, "publish", editor(house))).json()["state"] == "published"
    read = (await house.http.get(f"/v1/public-cases/{page}")).json()
    assert {name: read[name] for name in TEXTS} == TEXTS
    assert (read["unit_name"], read["category_name"]) == (LEAD[1], "暴露垃圾")
    assert case.case_no not in str(read)
    listed = (await house.http.get("/v1/public-cases")).json()
    assert [item["page_id"] for item in listed["items"]] == [page]


async def test_the_citizen_sees_the_text_before_they_agree_and_takes_it_back_at_any_time(
    house: House, case: Case
) -> None:
    page = await proposed(house, case)
    preview = await house.http.get(f"/v1/public-cases/{page}/preview", headers=case.code)
    assert preview.json()["request"] == TEXTS["request"]
    other = house.token("citizen", (await begun(house, 2)).citizen_id)
    assert (await house.http.get(f"/v1/public-cases/{page}/preview", headers=other)).status_code == 404
    stranger = {"X-Lookup-Code": "AAAAAAAA"}
    assert (await house.http.get(f"/v1/public-cases/{page}/preview", headers=stranger)).status_code == 404
    assert (await at(house, page, "citizen-consent", stranger, {"agreed": True})).status_code == 404
    await at(house, page, "unit-consent", manager(house))
    await at(house, page, "citizen-consent", case.code, {"agreed": True})
    await at(house, page, "publish", editor(house))
    assert await shown(house, page) == 200
    await at(house, page, "citizen-consent", case.code, {"agreed": False})
    assert await shown(house, page) == 404
    assert (await at(house, page, "publish", editor(house))).status_code == 409


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("request", "居民来电（138 1234 5678）反映垃圾多日未清运。"),
        ("answer", "已与张先生联系并清运完毕，列入巡查。"),
        ("answer", "结果已发送至 li@example.org，请查收。"),
        ("title", "关于PS26112400000195的答复"),
    ],
)
async def test_a_text_that_gives_a_person_away_is_refused_at_its_field(
    house: House, case: Case, field: str, text: str
) -> None:
    await answered(house, case)
    answer = await propose(house, case, editor(house), **{field: text})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{field}"]
    assert "138" not in answer.text


async def test_a_managers_own_proposal_is_the_units_consent_and_other_units_have_no_say(
    house: House, case: Case
) -> None:
    await answered(house, case)
    assert (await propose(house, case, manager(house, "PS-SW"))).status_code == 403
    mine = await propose(house, case, manager(house))
    assert mine.json()["unit_agreed"]
    assert (await propose(house, case, editor(house))).status_code == 409
    page = mine.json()["page_id"]
    assert (await at(house, page, "unit-consent", manager(house, "PS-SW"))).status_code == 403
    assert (await at(house, page, "withdrawal", manager(house))).json()["state"] == "withdrawn"


async def test_of_a_confidential_or_unanswered_case_nothing_is_public(house: House, case: Case) -> None:
    assert (await propose(house, case, editor(house))).json()["type"].endswith("confidential-case")


async def test_who_is_forgotten_takes_their_page_along(house: House, case: Case) -> None:
    page = await proposed(house, case)
    await at(house, page, "unit-consent", manager(house))
    await at(house, page, "citizen-consent", case.code, {"agreed": True})
    await at(house, page, "publish", editor(house))
    await house.told(case.citizen_id, said.erased(case.citizen_id))
    assert await shown(house, page) == 404
