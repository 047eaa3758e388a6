"""KPIs are counted from facts by their definitions: published figures come out, and every number opens to its cases."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from contracts.events.feedback import CallbackRecorded, NoticeSent
from contracts.events.router import OrderReturned
from services.sla.kpi import reading
from services.sla.kpi.counting import Filter, Period, Question
from services.sla.kpi.definitions import shipped_kpis
from shared.ids import new_id
from shared.tokens import Actor, TokenIssuer
from tests.integration.sla.conftest import KEY, START, House
from tests.integration.sla.said import closed, contacted, dispatched, filed, redispatched, replied, signed, submitted

EDITION = shipped_kpis().at(date(2026, 9, 1))
SEPTEMBER = Period(datetime(2026, 8, 31, 16, tzinfo=UTC), datetime(2026, 9, 30, 16, tzinfo=UTC))
DAYS = {"from": "2026-09-01", "to": "2026-10-01"}
type Get = Callable[..., Any]


async def cases(house: House, count: int, **facts: object) -> None:
    """So many cases with the same facts, written as the ledger would."""
    values = {
        "unit_code": "PS-S01", "category_code": "0101001", "due_at": datetime(2026, 9, 20, tzinfo=UTC), "round": 1,
        "orders": 1, "returned": 0, "misdispatched": 0, "extended": 0, "urged": 0, "suspended": False, "exempt": False,
        "supervised": False, "repeated": False, "merged": False, **facts,
    }  # fmt: skip
    given = ", ".join(f"CAST(:{name} AS {_type(value)})" for name, value in values.items())
    await house.rows(
        f"INSERT INTO case_facts (case_id, {', '.join(values)}) SELECT gen_random_uuid(), {given} "
        "FROM generate_series(1, :count) RETURNING 1",
        count=count,
        **values,
    )


def _type(value: object) -> str:
    return {datetime: "timestamptz", bool: "boolean", int: "integer", str: "text"}[type(value)]


async def value(house: House, code: str, *, unit: str | None = None) -> reading.Number:
    async with house.context.begin() as tx:
        lines = await reading.table(tx.connection, EDITION, [EDITION[code]], Question("unit", SEPTEMBER, Filter()))
    return next(one for one in lines if (one.whole if unit is None else one.key == unit)).numbers[code]


IN_TIME, LATE = datetime(2026, 9, 19, tzinfo=UTC), datetime(2026, 9, 25, tzinfo=UTC)


async def test_a_published_months_closing_rates_come_out(house: House) -> None:
    """天门: 972 due, 911 closed, 737 of them in time."""
    await cases(house, 737, answered_at=IN_TIME, closed_at=IN_TIME, outcome="satisfied")
    await cases(house, 911 - 737, answered_at=LATE, closed_at=LATE, outcome="unrated")
    await cases(house, 972 - 911)
    on_time, whole = await value(house, "closed_on_time_rate"), await value(house, "closed_rate")
    assert (on_time.numerator, on_time.denominator, round(on_time.value or 0, 4)) == (737, 972, 0.7582)
    assert (whole.numerator, whole.denominator, round(whole.value or 0, 4)) == (911, 972, 0.9372)


async def test_a_published_citys_on_time_rate_comes_out(house: House) -> None:
    """连云港: 24165 of 29186 that should have been closed."""
    await cases(house, 24165, answered_at=IN_TIME, closed_at=IN_TIME, outcome="unrated")
    await cases(house, 29186 - 24165, answered_at=LATE, closed_at=LATE, outcome="unrated")
    assert round((await value(house, "closed_on_time_rate")).value or 0, 4) == 0.8280


async def test_published_satisfaction_with_its_weight_comes_out(house: House) -> None:
    """西宁城中: (614 + 0.6 × 34) ÷ 670, and 663 of 670 solved."""
    called = {"called_at": IN_TIME, "reached": True}
    await cases(house, 614, **called, satisfied="satisfied", solved="solved")
    await cases(house, 34, **called, satisfied="fairly_satisfied", solved="partly")
    await cases(house, 663 - 648, **called, satisfied="dissatisfied", solved="solved")
    await cases(house, 670 - 663, **called, satisfied="very_dissatisfied", solved="unsolved")
    await cases(house, 50, called_at=IN_TIME, reached=False)
    satisfied, solved = await value(house, "satisfied_rate"), await value(house, "solved_rate")
    assert (satisfied.numerator, satisfied.denominator, round(satisfied.value or 0, 4)) == (634.4, 670, 0.9469)
    assert (solved.numerator, solved.denominator, round(solved.value or 0, 4)) == (663, 670, 0.9896)
    assert round((await value(house, "reached_rate")).value or 0, 4) == round(670 / 720, 4)


async def test_what_is_suspended_exempt_or_merged_stands_beside_and_is_left_out(house: House) -> None:
    await cases(house, 3, answered_at=IN_TIME, closed_at=IN_TIME, outcome="satisfied")
    late = {"answered_at": LATE, "closed_at": LATE, "outcome": "unrated"}
    for beside in ({"suspended": True}, {"exempt": True}, {"merged": True}):
        await cases(house, 1, **late, **beside)
    await cases(house, 1, answered_at=LATE, closed_at=LATE, outcome="not_accepted")
    on_time, whole = await value(house, "closed_on_time_rate"), await value(house, "closed_rate")
    assert (on_time.numerator, on_time.denominator) == (3, 3)
    assert (whole.numerator, whole.denominator) == (4, 4), "an exemption spares only the judgement by time"


async def test_a_case_closed_early_counts_in_the_month_it_was_closed_and_in_no_other(house: House) -> None:
    october = datetime(2026, 10, 9, tzinfo=UTC)
    await cases(house, 1, due_at=october, answered_at=IN_TIME, closed_at=IN_TIME, outcome="satisfied")
    await cases(house, 1, due_at=october)
    assert (await value(house, "closed_rate")).denominator == 1


async def test_times_have_mean_median_ninth_tenth_and_fastest(house: House) -> None:
    for hours in (1, 2, 3, 4, 40):
        await cases(house, 1, answered_at=IN_TIME, worked_seconds=hours * 3600)
    found = {code: (await value(house, code)).value for code in ("average_time", "median_time", "fastest_time")}
    assert found == {"average_time": 36000, "median_time": 10800, "fastest_time": 3600}
    assert (await value(house, "p90_time")).value == pytest.approx(25.6 * 3600)


async def test_a_whole_life_becomes_facts_whatever_is_heard_first(house: House, get: Get) -> None:
    case_id, wrong, right = new_id(), new_id(), new_id()
    await house.told(case_id, submitted(), filed(amount=5), dispatched(wrong, unit_code="PS-CG"))
    house.clock.advance(hours=1)
    await house.told(
        case_id,
        signed(wrong),
        OrderReturned(order_id=wrong, unit_code="PS-CG", reason_code="wrong_duty"),
        redispatched(wrong, right),
        dispatched(right, unit_code="PS-SW"),
        signed(right),
        contacted(right),
    )
    house.clock.advance(hours=23)
    called = CallbackRecorded(
        callback_id=new_id(), round=1, unit_code="PS-SW", method="phone", attempt=1, reached=True, solved="solved",
        contacted_in_time=True, satisfied="very_satisfied", process_satisfied="satisfied",
    )  # fmt: skip
    reply = replied().model_copy(update={"unit_code": "PS-SW"})
    await house.told(case_id, called, reply, closed())
    found = (await get("/kpis/table", **DAYS))["whole"]["numbers"]
    shares = {code: one["value"] for code, one in found.items() if one["value"] is not None}
    assert shares["closed_on_time_rate"] == shares["satisfied_rate"] == shares["responded_rate"] == 1
    assert shares["returned_rate"] == shares["first_dispatch_right_rate"] == 0.5
    assert found["average_time"]["days"] == 1.0
    by_unit = {one["key"]: one for one in (await get("/kpis/table", **DAYS, by="unit"))["lines"]}
    assert by_unit["PS-CG"]["numbers"]["returned_rate"]["value"] == 1
    assert by_unit["PS-CG"]["numbers"]["closed_rate"]["value"] is None


async def test_who_was_told_in_time_counts_for_the_two_telling_rates(house: House, get: Get) -> None:
    for told in (True, False):
        case_id = new_id()
        number = f"PS2609280000018{int(told)}"
        await house.told(
            case_id,
            submitted(case_no=number).model_copy(update={"citizen_id": new_id()}),
            filed(),
            dispatched(new_id()),
        )
        if told:
            sent = NoticeSent(notice_id=new_id(), node="accepted:1", channel="sms", template="accepted")
            await house.told(case_id, sent)
        await house.told(case_id, replied())
        if told:
            sent = NoticeSent(notice_id=new_id(), node="replied:1", channel="sms", template="replied")
            await house.told(case_id, sent)
    numbers = (await get("/kpis/table", **{**DAYS, "to": "2026-11-01"}))["whole"]["numbers"]
    for code in ("informed_rate", "result_told_rate"):
        assert (numbers[code]["numerator"], numbers[code]["denominator"]) == (1, 2), code


async def test_every_number_opens_to_the_cases_it_is_made_of(house: House, get: Get) -> None:
    await cases(house, 3, case_no="in time", answered_at=IN_TIME, closed_at=IN_TIME, outcome="unrated")
    await cases(house, 2, case_no="late", answered_at=LATE, closed_at=LATE, outcome="unrated")
    await cases(house, 1, case_no="open")
    path = "/kpis/closed_on_time_rate/cases"
    missed = await get(path, **DAYS, part="missed")
    assert sorted(one["case_no"] for one in missed["cases"]) == ["late", "late", "open"]
    first = await get(path, **DAYS, part="counted", limit=2)
    rest = await get(path, **DAYS, part="counted", limit=2, after=first["next"])
    assert [len(first["cases"]), len(rest["cases"]), rest["next"]] == [2, 1, None]
    assert {one["case_no"] for one in (*first["cases"], *rest["cases"])} == {"in time"}


async def test_units_without_anything_to_close_are_listed_apart_and_not_at_nought(house: House, get: Get) -> None:
    case_id, order = new_id(), new_id()
    await house.told(case_id, submitted(), filed(), dispatched(order, unit_code="PS-CG"))
    await cases(house, 1, answered_at=IN_TIME, closed_at=IN_TIME, outcome="unrated")
    found = await get("/kpis/table", **DAYS, code="closed_on_time_rate")
    assert [one["key"] for one in found["lines"]] == ["PS-S01"]
    assert found["without"] == [{"code": "closed_on_time_rate", "units": ["PS-CG"]}]


async def test_the_periods_before_stand_beside_the_numbers(house: House, get: Get) -> None:
    year = {"due_at": datetime(2025, 9, 9, tzinfo=UTC)}
    month = {"due_at": datetime(2026, 8, 9, tzinfo=UTC)}
    for dated, good in (({}, 3), (month, 2), (year, 1)):
        due = dated.get("due_at", datetime(2026, 9, 20, tzinfo=UTC))
        early, late = due - timedelta(days=1), due + timedelta(hours=1)
        await cases(house, good, **dated, answered_at=early, closed_at=early, outcome="unrated")
        await cases(house, 4 - good, **dated, answered_at=late, closed_at=late, outcome="unrated")
    found = (await get("/kpis/table", **DAYS, code="closed_on_time_rate", compare=True))["lines"][0]["numbers"]
    number = found["closed_on_time_rate"]
    assert (number["value"], number["before"], number["year_before"]) == (0.75, 0.5, 0.25)


@pytest.mark.parametrize(
    ("by", "keys"),
    [("class", ["01", "02"]), ("category", ["0101001", "0203001"]), ("subdistrict", ["440310001"]), ("month", ["2026-09"]),
     ("type", ["complaint"]), ("channel", ["hotline_12345", "wechat_pingshan"]), ("day", ["2026-09-19", "2026-09-20"])],
)  # fmt: skip
async def test_numbers_stand_over_every_dimension(house: House, get: Get, by: str, keys: list[str]) -> None:
    place = {"area_code": "440310001004", "type_code": "complaint"}
    done = {"answered_at": IN_TIME, "closed_at": IN_TIME, "outcome": "unrated"}
    await cases(house, 2, **place, **done, channel_code="hotline_12345")
    await cases(house, 1, **place, channel_code="wechat_pingshan", category_code="0203001")
    found = await get("/kpis/table", **DAYS, by=by, code="closed_rate")
    assert [one["key"] for one in found["lines"]] == keys
    assert sum(one["numbers"]["closed_rate"]["denominator"] for one in found["lines"]) == 3
    assert found["whole"]["numbers"]["closed_rate"]["denominator"] == 3


async def test_a_table_goes_into_a_spreadsheet(house: House, browser: httpx.AsyncClient) -> None:
    await cases(house, 1, answered_at=IN_TIME, closed_at=IN_TIME, outcome="unrated", worked_seconds=14400)
    query = {**DAYS, "code": ["closed_rate", "average_time"], "format": "csv"}
    answer = await browser.get("/kpis/table", params=query, headers=bearer(house, "leader"))
    assert answer.content.decode("utf-8-sig").splitlines() == [
        "单位,总办结率,总办结率：分子,总办结率：分母,平均用时（工作日）",
        "合计,100.00%,1,1,0.5",
        "PS-S01,100.00%,1,1,0.5",
    ]  # the length of a working day is the calendar's
    assert answer.headers["content-type"].startswith("text/csv")


async def test_people_of_a_unit_see_their_own_numbers_only(house: House, browser: httpx.AsyncClient) -> None:
    for unit in ("PS-S01", "PS-S02"):
        await cases(house, 1, unit_code=unit)
    mine = bearer(house, "unit_manager", units=("PS-S02",))
    found = (await browser.get("/kpis/table", params={**DAYS, "code": "closed_rate"}, headers=mine)).json()
    assert [one["key"] for one in found["lines"]] == ["PS-S02"]
    other = await browser.get("/kpis/table", params={**DAYS, "unit_code": "PS-S01"}, headers=mine)
    assert other.status_code == 403
    behind = await browser.get("/kpis/closed_rate/cases", params={**DAYS, "part": "missed"}, headers=mine)
    assert [one["unit_code"] for one in behind.json()["cases"]] == ["PS-S02"]


@pytest.mark.parametrize(
    "query",
    [{"from": "2026-10-01", "to": "2026-09-01"}, {"from": "2024-01-01", "to": "2026-01-01"}, {**DAYS, "by": "moon"}],
)
async def test_a_question_that_makes_no_sense_gets_a_clear_answer(
    house: House, browser: httpx.AsyncClient, query: dict[str, str]
) -> None:
    answer = await browser.get("/kpis/table", params=query, headers=bearer(house, "leader"))
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


async def test_an_unknown_kpi_is_not_found(house: House, browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/kpis/happiness/cases", params=DAYS, headers=bearer(house, "leader"))
    assert answer.status_code == 404


def bearer(house: House, *roles: str, units: tuple[str, ...] = ()) -> dict[str, str]:
    issuer = TokenIssuer(json.dumps(KEY.as_dict(private=True)))
    actor = Actor(id="-".join(roles), kind="staff", roles=frozenset(roles), units=frozenset(units))
    return {"Authorization": f"Bearer {issuer.issue(actor, now=house.clock.now(), lifetime=timedelta(days=9))}"}


@pytest.fixture
def get(house: House, browser: httpx.AsyncClient) -> Get:
    async def ask(path: str, **query: Any) -> Any:
        answer = await browser.get(path, params=query, headers=bearer(house, "leader"))
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert house.clock.now() == START
    return ask
