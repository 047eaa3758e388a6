"""The limit rules over HTTP: why each clock of a case has its limit, and an edition published for later cases only."""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

import httpx

from services.sla.limits import shipped_limits
from shared.ids import new_id
from tests.integration.sla.conftest import House
from tests.integration.sla.said import dispatched, filed, replied, submitted

type Login = Callable[..., dict[str, str]]


def edition() -> dict[str, Any]:
    shipped = shipped_limits().by_code["2019"]
    made = shipped.model_dump(mode="json", exclude={"overlays"})
    standard = next(rule for rule in made["rules"] if rule["code"] == "standard")
    cut = {**standard, "code": "cut", "limit": {"amount": 2, "unit": "work_day"}, "categories": ["0101"]}
    return made | {"edition": "2026b", "valid_from": "2026-09-29", "rules": [cut, *made["rules"]]}


async def test_every_clock_of_a_case_is_explained_by_the_rules_it_was_judged_by(
    house: House, browser: httpx.AsyncClient, login: Login, case_id: UUID
) -> None:
    await house.told(case_id, filed().model_copy(update={"tags": ("business", "media")}), dispatched(new_id()))
    [row] = await house.rows("SELECT groups, category_code, channel_code, limits_edition FROM cases")
    assert tuple(row) == ("business", "0101001", "wechat_pingshan", "2019")
    answer = await browser.get(f"/limits/explain/{case_id}", headers=login("leader"))
    assert answer.status_code == 200
    clocks = {clock["kind"]: clock for clock in answer.json()["clocks"]}
    assert clocks["contact"]["rule_code"] == "enterprise-124/contact"
    assert clocks["contact"]["limit"] == {"amount": 1, "unit": "work_hour", "count_from": "now"}
    assert clocks["total"]["reason"] == "其他涉企诉求四个工作日内办结"
    passed = {each["rule_code"]: each["against"] for each in clocks["total"]["looked_at"]}
    assert passed["xinfang-2022/close"] == "group"
    assert passed["enterprise-124/others"] is None


async def test_any_limit_is_explained_without_a_case(browser: httpx.AsyncClient, login: Login) -> None:
    asked = {"clock": "handle", "type_code": "consultation", "on": "2018-06-01"}
    body = (await browser.get("/limits/explain", params=asked, headers=login("operator"))).json()
    assert (body["edition"], body["rule_code"], body["limit"]["amount"]) == ("2018", "2018/consultation", 3)
    legal = await browser.get("/limits/legal", params={"start": "2026-09-28T10:00:00+08:00"}, headers=login())
    dues = {each["code"]: (each["due_at"], each["extended_due_at"]) for each in legal.json()["clocks"]}
    assert dues["petition-object"] == ("2026-10-10T18:00:00+08:00", None)
    assert dues["petition-close"] == ("2026-11-28T00:00:00+08:00", "2026-12-28T00:00:00+08:00")


async def test_a_published_edition_judges_cases_filed_from_its_day_on_and_no_others(
    house: House, browser: httpx.AsyncClient, login: Login, case_id: UUID
) -> None:
    await house.told(case_id, filed(), dispatched(new_id()), replied())
    body = {"edition": edition(), "reason": "第四轮压缩"}
    dry = await browser.post("/limits/editions", json=body, headers=login("supervisor"))
    assert (dry.status_code, dry.json()["published"]) == (200, False)
    outcome = {"type_code": "complaint", "cases": 1, "late_before": 0, "late_after": 0, "shorter": 1}
    assert dry.json()["outcomes"] == [outcome]
    done = await browser.post("/limits/editions?dry_run=false", json=body, headers=login("supervisor"))
    assert done.json()["published"] is True
    other = new_id()
    await house.told(other, submitted(case_no="PS26092800000199"), filed(), dispatched(new_id()))
    assert (await house.clock_of(other, "handle")).rule_code == "2019/standard"
    house.clock.advance(days=1)
    third = new_id()
    await house.told(third, submitted(case_no="PS26092900000199"), filed(), dispatched(new_id()))
    handle = await house.clock_of(third, "handle")
    assert (handle.rule_code, handle.amount) == ("2026b/cut", 2)
    await house.told(other, dispatched(new_id(), unit_code="PS-SW"))
    late = await house.rows("SELECT rule_code FROM clocks WHERE unit_code = 'PS-SW' AND kind = 'handle'")
    assert [row.rule_code for row in late] == ["2019/standard"]  # the case keeps what it was judged by
    listed = (await browser.get("/limits", headers=login("leader"))).json()
    assert listed["in_force"] == "2026b"
    newest = listed["editions"][0]
    assert (newest["reason"], newest["published_by"], listed["editions"][1]["valid_to"]) == (
        "第四轮压缩", "someone", "2026-09-28",
    )  # fmt: skip
    again = await browser.post("/limits/editions", json=body, headers=login("supervisor"))
    assert again.status_code == 409
    early = {"edition": edition() | {"edition": "2026c", "valid_from": str(date(2026, 9, 29))}, "reason": "过早"}
    assert (await browser.post("/limits/editions", json=early, headers=login("supervisor"))).status_code == 409
    assert (await browser.post("/limits/editions", json=body, headers=login("leader"))).status_code == 403


async def test_a_round_is_proposed_from_the_answered_cases(
    house: House, browser: httpx.AsyncClient, login: Login, case_id: UUID
) -> None:
    await house.told(case_id, filed(), dispatched(new_id()))
    house.clock.advance(hours=2)
    await house.told(case_id, replied())
    where = {"from": "2026-09-01", "to": "2026-09-30"}
    body = (await browser.get("/limits/proposals", params=where, headers=login("analyst"))).json()
    [found] = body["proposals"]
    assert (found["type_code"], found["cases"], found["average"], found["proposed"]) == ("complaint", 1, 2.0, None)
    assert body["edition"]["edition"] == "next"
