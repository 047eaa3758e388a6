"""The HTTP door: staff look at clocks, everybody logged in asks for due times."""

from collections.abc import Callable
from uuid import UUID

import httpx

from shared.ids import new_id
from tests.integration.sla.conftest import House
from tests.integration.sla.said import dispatched, filed, replied, submitted

type Login = Callable[..., dict[str, str]]


async def test_the_clocks_of_a_case_show_what_is_used_and_left_and_the_rule(
    house: House, browser: httpx.AsyncClient, login: Login, case_id: UUID
) -> None:
    await house.told(case_id, filed("suggestion"), dispatched(new_id()))
    house.clock.advance(hours=1)
    answer = await browser.get(f"/clocks/{case_id}", headers=login("dispatcher"))
    assert answer.status_code == 200
    body = answer.json()
    clocks = {clock["kind"]: clock for clock in body["clocks"]}
    assert set(clocks) == {"accept", "total", "dispatch", "sign", "contact", "handle"}
    total = clocks["total"]
    assert (total["elapsed_seconds"], total["remaining_seconds"]) == (3600, 3600 * (5 + 24))
    assert total["share_used"] == round(1 / 30, 4)
    assert (total["state"], total["on_time"], total["due_text"]) == ("normal", None, "2026年10月8日18:00")
    assert total["due_at"] == "2026-10-08T18:00:00+08:00"
    assert total["rule"] == {"code": "2019/suggestion", "reason": "建议类三个工作日内答复"}
    assert (clocks["accept"]["state"], clocks["accept"]["on_time"]) == ("stopped", True)


async def test_a_case_is_found_by_its_number(
    house: House, browser: httpx.AsyncClient, login: Login, case_id: UUID
) -> None:
    answer = await browser.get("/clocks/by-number/ps26092800000188", headers=login("operator"))
    assert answer.json()["case_id"] == str(case_id)
    assert (await browser.get("/clocks/by-number/PS1234", headers=login("operator"))).status_code == 404


async def test_a_breached_clock_is_listed_and_says_how_late_it_is(
    house: House, browser: httpx.AsyncClient, login: Login, case_id: UUID
) -> None:
    await house.tick(days=2)
    answer = await browser.get("/clocks", headers=login("supervisor"))
    [clock] = answer.json()["clocks"]
    assert (clock["kind"], clock["case_no"], clock["state"]) == ("accept", "PS26092800000188", "breached")
    assert clock["remaining_seconds"] == -2 * 3600
    assert clock["breached_at"] is not None
    assert answer.json()["next"] is None


async def test_the_list_goes_on_where_a_page_ended(house: House, browser: httpx.AsyncClient, login: Login) -> None:
    cases = [new_id() for _ in range(7)]
    for number, each in enumerate(cases):
        await house.say(each, submitted(case_no=f"PS260928{number:06d}00"))
    await house.hear()
    await house.tick(days=2)
    seen: list[str] = []
    page = {"limit": "3"}
    for _ in range(3):
        body = (await browser.get("/clocks", params=page, headers=login("leader"))).json()
        seen += [clock["case_id"] for clock in body["clocks"]]
        page["after"] = body["next"]
    assert body["next"] is None
    assert sorted(seen) == sorted(map(str, cases))


async def test_people_of_a_unit_see_only_their_own_clocks(
    house: House, browser: httpx.AsyncClient, login: Login, case_id: UUID
) -> None:
    await house.told(case_id, filed(), dispatched(new_id()), dispatched(new_id(), unit_code="PS-SW"))
    mine = login("handler", units=("PS-CG",))
    found = (await browser.get("/clocks", params={"state": "normal"}, headers=mine)).json()["clocks"]
    assert {clock["unit_code"] for clock in found} == {"PS-CG"}
    foreign = await browser.get("/clocks", params={"state": "normal", "unit_code": "PS-SW"}, headers=mine)
    assert (foreign.status_code, foreign.json()["title_zh"]) == (403, "只能查看本单位的计时")
    assert (await browser.get(f"/clocks/{case_id}", headers=mine)).status_code == 200
    stranger = login("handler", units=("PS-JY",))
    assert (await browser.get(f"/clocks/{case_id}", headers=stranger)).status_code == 404


async def test_citizens_and_strangers_see_no_clocks(browser: httpx.AsyncClient, login: Login) -> None:
    for path in ("/clocks", "/clocks/by-number/PS1234", f"/clocks/{new_id()}"):
        assert (await browser.get(path)).status_code == 401
        assert (await browser.get(path, headers=login(kind="citizen"))).status_code == 403


async def test_an_unknown_case_is_not_found(browser: httpx.AsyncClient, login: Login) -> None:
    answer = await browser.get(f"/clocks/{new_id()}", headers=login("leader"))
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:huying:problem:case-not-timed")


async def test_a_due_time_is_told_with_its_reason(browser: httpx.AsyncClient, login: Login) -> None:
    question = {"start": "2026-09-30T16:30:00+08:00", "amount": 3, "unit": "work_day"}
    answer = await browser.post("/due-dates", json=question, headers=login(kind="citizen"))
    assert answer.status_code == 200
    told = answer.json()
    assert (told["due_at"], told["due_day"], told["provisional"]) == ("2026-10-10T18:00:00+08:00", "2026-10-10", False)
    assert told["limit"] == {"amount": 3, "unit": "work_day", "count_from": "next_day"}
    assert told["explanation"] == "自2026年9月30日的次日起计3个工作日，至末日下班时为止，2026年10月10日18:00前办结。"
    around = await browser.post("/due-dates", json={**question, "hours": "centre_24h"}, headers=login())
    assert around.json()["due_at"] == "2026-10-04T00:00:00+08:00"
    assert (await browser.post("/due-dates", json=question)).status_code == 401


async def test_a_due_time_in_a_year_without_a_notice_is_provisional(browser: httpx.AsyncClient, login: Login) -> None:
    body = {"start": "2030-09-30T16:30:00+08:00", "amount": 3, "unit": "work_day"}
    told = (await browser.post("/due-dates", json=body, headers=login())).json()
    assert (told["provisional"], told["unknown_year"]) == (True, 2030)
    assert "2030年的放假安排尚未载入" in told["explanation"]


async def test_a_question_that_makes_no_sense_is_refused_at_its_field(browser: httpx.AsyncClient, login: Login) -> None:
    wrong: list[tuple[str, object]] = [
        ("amount", 0),
        ("amount", 10**9),
        ("unit", "fortnight"),
        ("start", "2026-09-30T16:30:00"),
        ("start", "0001-01-01T00:00:00Z"),
        ("start", "9999-12-31T23:59:59-23:00"),
        ("calendar", "../../etc"),
        ("whose", "mine"),
    ]
    for field, value in wrong:
        question = {"start": "2026-09-30T16:30:00+08:00", "amount": 3, "unit": "work_day", field: value}
        answer = await browser.post("/due-dates", json=question, headers=login())
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{field}"]


async def test_what_lies_beyond_the_calendar_is_refused(browser: httpx.AsyncClient, login: Login) -> None:
    question = {"start": "2026-09-30T16:30:00+08:00", "amount": 9999, "unit": "work_day"}
    answer = await browser.post("/due-dates", json=question, headers=login())
    assert (answer.status_code, answer.json()["title_zh"]) == (422, "超出工作日历的范围")
    question = {"start": "2026-09-30T16:30:00+08:00", "amount": 9, "unit": "urgent_hour", "count_from": "next_day"}
    assert (await browser.post("/due-dates", json=question, headers=login())).status_code == 422
    unknown = {"start": "2026-09-30T16:30:00+08:00", "amount": 9, "unit": "work_day", "calendar": "cn-1999"}
    assert (await browser.post("/due-dates", json=unknown, headers=login())).status_code == 404


async def test_calendars_are_shown_with_their_years_windows_and_holidays(
    browser: httpx.AsyncClient, login: Login
) -> None:
    answer = await browser.get("/calendars", params={"year": 2026}, headers=login(kind="citizen"))
    calendars = {each["hours"]["code"]: each for each in answer.json()["calendars"]}
    assert set(calendars) == {"office", "service_hall", "centre_24h"}
    office = calendars["office"]
    assert office["in_use"]
    assert office["hours"]["windows"] == ["08:00-12:00", "14:00-18:00"]
    assert 2026 in office["known_years"]
    assert {"day": "2026-10-10", "working": True, "name": "国庆节"} in office["special_days"]
    assert (await browser.get("/calendars")).status_code == 401


async def test_a_cursor_that_is_none_is_refused(browser: httpx.AsyncClient, login: Login) -> None:
    for after in ("x", "1.zz", f"{'9' * 12}.{'0' * 32}"):
        assert (await browser.get("/clocks", params={"after": after}, headers=login("leader"))).status_code == 422


async def test_a_stopped_case_keeps_showing_how_it_went(
    house: House, browser: httpx.AsyncClient, login: Login, case_id: UUID
) -> None:
    house.clock.advance(hours=1)
    await house.told(case_id, filed(), replied())
    house.clock.advance(days=3)
    body = (await browser.get(f"/clocks/{case_id}", headers=login("reviewer"))).json()
    total = next(clock for clock in body["clocks"] if clock["kind"] == "total")
    assert (total["state"], total["elapsed_seconds"], total["on_time"]) == ("stopped", 3600, True)
