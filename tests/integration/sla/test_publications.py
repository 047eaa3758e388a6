"""Publishing working time: a dry run says what would move, publishing moves open clocks only, and everybody is told."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from contracts.events.sla import CalendarChanged, ClockRecomputed
from services.sla.publications import Recounts
from shared.ids import new_id
from tests.integration.sla.conftest import House
from tests.integration.sla.said import dispatched, filed, replied, submitted

type Login = Callable[..., dict[str, str]]

AUTUMN = datetime(2026, 12, 29, 2, 0, tzinfo=UTC)
"""Tuesday, 10:00 in Shenzhen."""
NOTICE: dict[str, Any] = {
    "year": 2027,
    "source": "试算通知",
    "rows": [
        {"kind": "holiday", "from": "2027-01-01", "to": "2027-01-03", "name": "元旦"},
        {"kind": "workday", "from": "2026-12-26", "name": "元旦"},
        {"kind": "holiday", "from": "2027-02-05", "to": "2027-02-11", "name": "春节"},
    ],
}


async def recounted(house: House) -> None:
    loop = Recounts(house.context.begin, house.context.clock)
    while await house.rows("SELECT 1 FROM publications WHERE finished_at IS NULL"):
        await loop.run_once()


@pytest.fixture
async def december(house: House) -> House:
    house.clock.at = AUTUMN
    return house


@pytest.fixture
async def waiting(december: House) -> UUID:
    """A case whose five working days end in a year nobody knows the holidays of yet."""
    case_id = new_id()
    await december.told(case_id, submitted(), filed(), dispatched(new_id()))
    return case_id


async def test_a_dry_run_says_how_many_clocks_move_and_by_how_much_and_changes_nothing(
    december: House, waiting: UUID, browser: httpx.AsyncClient, login: Login
) -> None:
    before = await december.rows("SELECT * FROM clocks ORDER BY clock_id")
    assert [row.provisional for row in before if row.kind in ("total", "handle")] == [True, True]
    answer = await browser.post("/calendars/notices", json=NOTICE, headers=login("supervisor"))
    body = answer.json()
    assert (answer.status_code, body["publication_id"]) == (200, None)
    preview = body["preview"]
    assert (preview["looked"], preview["moved"], preview["cases"]) == (4, {"office": 2}, 1)
    assert (preview["later"], preview["earlier"], preview["confirmed"]) == (2, 0, 2)
    assert preview["shifts"] == [{"days": 1, "clocks": 2}]
    assert {example["kind"] for example in preview["examples"]} == {"total", "handle"}
    assert "未见中秋的放假安排，请核对文件是否完整" in body["notes"]
    assert await december.rows("SELECT * FROM clocks ORDER BY clock_id") == before
    assert not await december.rows("SELECT * FROM publications")


async def test_publishing_moves_open_clocks_with_their_timers_and_tells_each_case_and_the_calendar(
    december: House, waiting: UUID, browser: httpx.AsyncClient, login: Login
) -> None:
    done = new_id()
    await december.told(done, submitted(case_no="PS26122900000199"), filed(), dispatched(new_id()), replied())
    closed = await december.rows("SELECT * FROM clocks WHERE case_id = :case AND stopped_at IS NOT NULL", case=done)
    sequence = (await december.rows("SELECT sequence FROM cases WHERE case_id = :case", case=waiting))[0].sequence
    answer = await browser.post("/calendars/notices?dry_run=false", json=NOTICE, headers=login("admin"))
    assert answer.json()["publication_id"] is not None
    await recounted(december)
    total = await december.clock_of(waiting, "total")
    assert total.due_at == datetime(2027, 1, 6, 10, tzinfo=UTC)
    assert (total.provisional, total.calendar) == (False, answer.json()["versions"][1])
    timers = await december.rows(
        "SELECT percent, due_at FROM timers WHERE clock_id = :clock ORDER BY percent", clock=total.clock_id
    )
    assert [row.percent for row in timers] == [50, 80, 100]
    assert timers[-1].due_at == total.due_at + timedelta(seconds=1)
    [fact] = await december.rows("SELECT due_at FROM case_facts WHERE case_id = :case", case=waiting)
    [order] = await december.rows("SELECT handle_due_at FROM order_facts WHERE case_id = :case", case=waiting)
    assert (fact.due_at, order.handle_due_at) == (total.due_at, total.due_at)
    [said] = [each for each in await december.emitted(ClockRecomputed) if each.case_id == waiting]
    assert said.sequence == sequence + 1
    assert said.data.reason == "载入年度放假安排"
    assert {(moved.kind, moved.due_at, moved.provisional) for moved in said.data.clocks} == {
        ("total", total.due_at, False),
        ("handle", total.due_at, False),
    }
    changed = {each.data.hours_code: each.data.moved for each in await december.emitted(CalendarChanged)}
    assert changed == {"office": 3, "service_hall": 0, "centre_24h": 0}  # the rating of the other case as well
    assert closed == await december.rows(
        "SELECT * FROM clocks WHERE case_id = :case AND stopped_at IS NOT NULL", case=done
    )
    listed = (await browser.get("/calendars/publications", headers=login("leader"))).json()["publications"]
    assert [(each["reason"], each["published_by"], each["moved"]) for each in listed] == [
        ("载入年度放假安排", "someone", {"office": 3})
    ]
    again = await browser.post("/calendars/notices?dry_run=false", json=NOTICE, headers=login("admin"))
    assert (again.status_code, again.json()["title_zh"]) == (409, "内容与现行版本相同，无须发布")


async def test_what_was_late_already_keeps_the_due_time_it_was_late_for(
    december: House, waiting: UUID, browser: httpx.AsyncClient, login: Login
) -> None:
    due = (await december.clock_of(waiting, "total")).due_at
    await december.tick_to(due + timedelta(days=1))
    await browser.post("/calendars/notices?dry_run=false", json=NOTICE, headers=login("admin"))
    await recounted(december)
    assert (await december.clock_of(waiting, "total")).due_at == due
    assert not await december.emitted(ClockRecomputed)


async def test_a_notice_as_csv_is_refused_row_by_row_and_taken_when_it_is_right(
    house: House, browser: httpx.AsyncClient, login: Login
) -> None:
    wrong = "kind,from,to,name\nfeast,2027-01-01,,元旦\nholiday,2027-13-01,,春节\nworkday,2027-01-04,,元旦\nholiday,2028-01-01,,元旦\nholiday,2027-05-05,2027-05-01,\n"
    headers = login("supervisor") | {"Content-Type": "text/csv"}
    where = {"year": "2027", "source": "试算通知"}
    answer = await browser.post("/calendars/notices/file", params=where, content=wrong.encode(), headers=headers)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [
        "/rows/0/kind",
        "/rows/1/from",
        "/rows/1/to",
        "/rows/2/from",
        "/rows/3/from",
        "/rows/4/name",
        "/rows/4/to",
    ]
    right = "﻿kind,from,to,name\n放假,2027-01-01,2027-01-03,元旦\n上班,2026-12-26,,元旦\n"
    answer = await browser.post("/calendars/notices/file", params=where, content=right.encode(), headers=headers)
    assert answer.status_code == 200
    big = await browser.post("/calendars/notices/file", params=where, content=b"x" * 100_001, headers=headers)
    assert big.status_code == 413


async def test_summer_hours_begin_on_their_day(house: House, browser: httpx.AsyncClient, login: Login) -> None:
    body = {
        "code": "office",
        "name": "机关夏令作息",
        "windows": ["08:00-12:00", "14:30-18:30"],
        "valid_from": "2027-06-01",
        "reason": "夏令作息",
    }
    answer = await browser.post("/calendars/hours?dry_run=false", json=body, headers=login("system_admin"))
    assert answer.status_code == 200
    ends = []
    for day in ("2027-05-31", "2027-06-01"):
        question = {"start": f"{day}T13:00:00+08:00", "amount": 1, "unit": "work_hour"}
        ends.append((await browser.post("/due-dates", json=question, headers=login())).json()["due_at"])
    assert ends == ["2027-05-31T15:00:00+08:00", "2027-06-01T15:30:00+08:00"]
    broken = await browser.post("/calendars/hours", json={**body, "windows": ["18:00-08:00"]}, headers=login("admin"))
    assert (broken.status_code, broken.json()["errors"][0]["pointer"]) == (422, "/hours/windows")


async def test_a_unit_that_works_around_the_clock_is_counted_so_from_its_day_on(
    house: House, browser: httpx.AsyncClient, login: Login, case_id: UUID
) -> None:
    order = new_id()
    await house.told(case_id, filed(amount=5), dispatched(order, unit_code="PS-E02"))
    office = await house.clock_of(case_id, "handle")
    assert office.due_at == datetime(2026, 10, 10, 10, tzinfo=UTC)
    body = {"hours_code": "centre_24h", "valid_from": "2026-09-28", "reason": "抢修值守"}
    where = "/calendars/units/PS-E02?dry_run=false"
    answer = await browser.put(where, json=body, headers=login("supervisor"))
    preview = answer.json()["preview"]
    assert (preview["earlier"], preview["later"]) == (1, 2)  # a day ends at midnight there
    await recounted(house)
    moved = await house.clock_of(case_id, "handle")
    assert moved.due_at == datetime(2026, 10, 3, 16, tzinfo=UTC)
    assert ".centre_24h-" in moved.calendar
    assert (await house.clock_of(case_id, "total")).due_at == office.due_at
    shown = (await browser.get(f"/clocks/{case_id}", headers=login("leader"))).json()["clocks"]
    [handle] = [clock for clock in shown if clock["kind"] == "handle"]
    assert handle["elapsed_seconds"] == 0
    house.clock.advance(hours=9)  # seven in the evening
    shown = (await browser.get(f"/clocks/{case_id}", headers=login("leader"))).json()["clocks"]
    assert {clock["kind"]: clock["elapsed_seconds"] for clock in shown if clock["kind"] in ("handle", "total")} == {
        "handle": 9 * 3600,
        "total": 6 * 3600,
    }
    unknown = await browser.put(where, json={**body, "hours_code": "moonlight"}, headers=login("supervisor"))
    assert unknown.status_code == 404
    units = (await browser.get("/calendars/units", headers=login("leader"))).json()["units"]
    assert {unit["unit_code"] for unit in units} == {"PS-C00", "PS-E02"}


async def test_a_missing_year_raises_the_alarm_sixty_days_before_it_begins(
    house: House, browser: httpx.AsyncClient, login: Login
) -> None:
    async def office() -> dict[str, Any]:
        body = (await browser.get("/calendars/alarms", headers=login("leader"))).json()
        return next(each for each in body["missing"] if each["hours_code"] == "office")

    house.clock.at = datetime(2026, 11, 1, 15, 59, tzinfo=UTC)
    assert (await office())["raised"] is False
    house.clock.at = datetime(2026, 11, 1, 16, 0, tzinfo=UTC)  # 2 November in Shenzhen
    found = await office()
    assert (found["year"], found["days_left"], found["raised"]) == (2027, 60, True)
    answer = await browser.post("/calendars/notices?dry_run=false", json=NOTICE, headers=login("admin"))
    assert answer.status_code == 200, answer.text
    found = await office()
    assert (found["year"], found["raised"]) == (2028, False)


async def test_only_those_who_keep_the_rules_may_publish_time(browser: httpx.AsyncClient, login: Login) -> None:
    for who in (login("operator"), login("leader"), login(kind="citizen"), login("admin", kind="machine")):
        assert (await browser.post("/calendars/notices", json=NOTICE, headers=who)).status_code == 403
    assert (await browser.get("/calendars/alarms", headers=login(kind="citizen"))).status_code == 403
