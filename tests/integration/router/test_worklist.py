"""The work list: soonest due first, filtered, page by page, by what the stopwatch has said."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.events.sla import (
    ClockExtended,
    ClockPaused,
    ClockRecomputed,
    ClockResumed,
    ClockStarted,
    MovedClock,
    SlaEvent,
    StartedClock,
)
from shared.ids import new_id
from tests.integration.router.conftest import People
from tests.integration.router.desk import GARBAGE, START, House, Person

AREAS = ("440310001", "440310002")


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


class Clock:
    """The stopwatch's clock of one order."""

    def __init__(self, house: House, case_id: UUID, order_id: UUID) -> None:
        self.house, self.case_id, self.order_id, self.clock_id = house, case_id, order_id, new_id()

    def started(self, due_at: datetime, kind: Any = "handle") -> ClockStarted:
        clock = StartedClock(
            clock_id=self.clock_id,
            kind=kind,
            order_id=self.order_id,
            unit_code="PS-S01",
            started_at=START,
            due_at=due_at,
            amount=5,
            unit="work_day",
            rule_code="r",
            calendar="2026",
        )
        return ClockStarted(clocks=(clock,))

    def moved(self, due_at: datetime) -> tuple[MovedClock, ...]:
        known: Any = {"clock_id": self.clock_id, "kind": "handle", "order_id": self.order_id}
        return (MovedClock(**known, from_due_at=START, due_at=due_at),)

    def paused(self, until: datetime) -> ClockPaused:
        return ClockPaused(
            clock_ids=(self.clock_id,), promised_at=until, next_contact_at=until, public_reason="等待材料"
        )

    async def say(self, *said: SlaEvent) -> None:
        await self.house.told(self.case_id, *said)


async def order(house: House, due: float | None = None, **more: Any) -> Clock:
    case_id = await house.submit(**more)
    clock = Clock(house, case_id, await house.lead(case_id))
    if due is not None:
        await clock.say(clock.started(at(due)))
    return clock


async def listed(somebody: Person, **query: Any) -> list[UUID]:
    answer = await somebody.get("/orders", **query)
    assert answer.status_code == 200, answer.text
    return [UUID(item["order_id"]) for item in answer.json()["items"]]


async def test_the_soonest_due_comes_first_and_what_has_no_time_yet_last(house: House, unit: Person) -> None:
    late, untold, early = await order(house, 48), await order(house), await order(house, 4)
    assert await listed(unit) == [early.order_id, late.order_id, untold.order_id]
    items = (await unit.get("/orders")).json()["items"]
    assert [item["due_at"] for item in items] == ["2026-09-14T06:00:00Z", "2026-09-16T02:00:00Z", None]
    assert (await unit.get(f"/orders/{early.order_id}")).json()["due_at"] == "2026-09-14T06:00:00Z"
    assert (await unit.get(f"/orders/{untold.order_id}")).json()["due_at"] is None


async def test_other_clocks_than_the_one_for_handling_change_nothing(house: House, unit: Person) -> None:
    one = await order(house)
    await one.say(one.started(at(2), "sign"), one.started(at(3), "contact"))
    assert (await unit.get("/orders")).json()["items"][0]["due_at"] is None


async def test_an_extension_and_a_new_calendar_move_an_order_in_the_list(house: House, unit: Person) -> None:
    first, second = await order(house, 4), await order(house, 8)
    await first.say(ClockExtended(clocks=first.moved(at(20)), public_reason="雨季施工", times=1))
    assert await listed(unit) == [second.order_id, first.order_id]
    await second.say(ClockRecomputed(clocks=second.moved(at(30)), calendar="2026b", reason="放假"))
    assert await listed(unit) == [first.order_id, second.order_id]


async def test_a_paused_order_is_neither_overdue_nor_due_soon_until_it_goes_on(house: House, unit: Person) -> None:
    one, other = await order(house, 4), await order(house, 5)
    await one.say(one.paused(at(200)))
    assert await listed(unit, due="paused") == [one.order_id]
    assert await listed(unit, due="soon") == [other.order_id]
    view = (await unit.get(f"/orders/{one.order_id}")).json()
    assert datetime.fromisoformat(view["paused_until"]) == at(200)
    await one.say(ClockResumed(clocks=one.moved(at(6))))
    assert await listed(unit, due="soon") == [other.order_id, one.order_id]
    assert await listed(unit, due="paused") == []


async def test_a_pause_and_what_follows_it_in_one_batch_end_as_they_were_said(house: House, unit: Person) -> None:
    one, other = await order(house), await order(house)
    for clock in (one, other):
        await house.say(clock.case_id, clock.started(at(4)))
        await house.say(clock.case_id, clock.paused(at(200)))
        await house.say(clock.case_id, ClockRecomputed(clocks=clock.moved(at(9)), calendar="2026b", reason="放假"))
    await house.say(other.case_id, ClockResumed(clocks=other.moved(at(7))))
    await house.hear()
    assert await listed(unit, due="paused") == [one.order_id]
    assert await listed(unit) == [other.order_id, one.order_id]


async def test_what_the_stopwatch_said_earlier_changes_nothing_that_it_said_later(house: House, unit: Person) -> None:
    one = await order(house)
    stale = await house.say(one.case_id, one.started(at(4)))
    await house.say(one.case_id, ClockExtended(clocks=one.moved(at(20)), public_reason="雨季施工", times=1))
    await house.hear()
    async with house.context.begin() as tx:
        tx.due.set(stale)
    view = (await unit.get(f"/orders/{one.order_id}")).json()
    assert datetime.fromisoformat(view["due_at"]) == at(20)


async def test_a_change_of_the_order_keeps_what_the_stopwatch_said(house: House, unit: Person) -> None:
    one = await order(house, 4)
    await unit.did(f"/orders/{one.order_id}/sign")
    assert (await unit.get("/orders")).json()["items"][0]["due_at"] == "2026-09-14T06:00:00Z"


async def test_overdue_and_due_soon_are_told_by_the_clock_and_not_of_what_is_answered(
    house: House, unit: Person
) -> None:
    late, soon, later = await order(house, 4), await order(house, 20), await order(house, 100)
    house.clock.advance(hours=5)
    assert await listed(unit, due="overdue") == [late.order_id]
    assert await listed(unit, due="soon") == [soon.order_id]
    await unit.did(f"/orders/{late.order_id}/sign")
    photo = await house.photo(late.case_id, late.order_id)
    await unit.did(
        f"/orders/{late.order_id}/resolve", {"public_reply": "垃圾已于当日清运完毕", "photo_ids": [str(photo)]}
    )
    assert await listed(unit, due="overdue") == []
    assert await listed(unit) == [late.order_id, soon.order_id, later.order_id]


async def test_pages_bring_every_order_once_with_equal_times_too(house: House, unit: Person) -> None:
    made = [await order(house, due) for due in (4, 4, 4, 8)] + [await order(house), await order(house)]
    seen: list[UUID] = []
    after: dict[str, str] = {}
    while True:
        page = (await unit.get("/orders", limit=2, **after)).json()
        seen += [UUID(item["order_id"]) for item in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen == [one.order_id for one in made]


async def test_the_list_is_filtered_by_all_that_a_case_is_filed_under(
    house: House, unit: Person, dispatcher: Person
) -> None:
    one = await order(house, 4)
    other = await order(house, 5, place={"area_code": AREAS[1]})
    await unit.did(f"/orders/{one.order_id}/sign")
    both = [one.order_id, other.order_id]
    assert await listed(dispatcher) == both
    assert await listed(dispatcher, area=AREAS[1]) == [other.order_id]
    assert await listed(dispatcher, category=GARBAGE) == both
    assert await listed(dispatcher, category=GARBAGE[:2]) == both
    assert await listed(dispatcher, category="02") == []
    assert await listed(dispatcher, state="signed") == [one.order_id]
    assert await listed(dispatcher, state=["signed", "dispatched"]) == both
    assert await listed(dispatcher, unit="PS-S02") == [other.order_id]
    assert await listed(dispatcher, round=2) == []
    grades = [(await dispatcher.get("/orders", grade=grade)).json()["items"] for grade in "ABC"]
    assert sorted(len(items) for items in grades) == [0, 0, 2]
    assert await listed(dispatcher, tag="overdue") == []


async def test_several_units_share_one_list(house: House, department: Person) -> None:
    first = await order(house, 9)
    second = await order(house, 4, place={"area_code": AREAS[1]})
    third = await order(house, 6)
    assert await listed(department) == [second.order_id, third.order_id, first.order_id]
    assert await listed(department, limit=2) == [second.order_id, third.order_id]


async def test_a_closed_order_leaves_the_list_and_is_found_when_asked_for(
    house: House, unit: Person, dispatcher: Person, reviewer: Person
) -> None:
    one = await order(house, 4)
    await unit.did(f"/orders/{one.order_id}/sign")
    photo = await house.photo(one.case_id, one.order_id)
    await unit.did(
        f"/orders/{one.order_id}/resolve", {"public_reply": "垃圾已于当日清运完毕", "photo_ids": [str(photo)]}
    )
    await reviewer.did(f"/orders/{one.order_id}/review", {"outcome": "approve", "closing_condition_met": True})
    assert await listed(unit) == [one.order_id]
    await reviewer.did(f"/desk/cases/{one.case_id}/close", {})
    for somebody in (unit, dispatcher):
        assert await listed(somebody) == []
        assert await listed(somebody, state="closed") == [one.order_id]
        assert await listed(somebody, state=["closed", "signed"]) == [one.order_id]


async def test_a_unit_reads_nothing_of_other_units_or_about_itself(house: House, person: People) -> None:
    one = await order(house, 4)
    stranger, party = person("handler", units=("PS-D01",)), person("dispatcher", units=("PS-S03",))
    assert await listed(stranger) == []
    assert await listed(party) == [one.order_id]
    accused = await house.submit(accused_unit_code="PS-S03")
    assert all(UUID(item["case_id"]) != accused for item in (await party.get("/orders")).json()["items"])


@pytest.mark.parametrize(
    "query",
    [
        {"after": "x"},
        {"after": "9" * 18 + ".00000000-0000-0000-0000-000000000000"},
        {"due": "never"},
        {"category": "123"},
        {"area": "44"},
        {"grade": "Z"},
        {"round": 0},
        {"tag": "nonsense"},
    ],
)
async def test_a_question_that_is_none_is_refused(unit: Person, query: dict[str, Any]) -> None:
    assert (await unit.get("/orders", **query)).status_code == 422
