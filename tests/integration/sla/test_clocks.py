"""Clocks start, warn, breach and stop as the events of the other services say, heard from a real bus."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from contracts import events
from contracts.events.sla import CaseSupervised, ClockBreached, ClockStarted, ClockStopped, ClockWarned
from shared.cloudevents import AnyEnvelope, EventReader
from shared.ids import new_id
from tests.integration.sla.conftest import START, House
from tests.integration.sla.said import (
    approved,
    closed,
    contacted,
    dispatched,
    dissatisfied,
    filed,
    rated,
    redispatched,
    replied,
    resolved,
    reworked,
    sent_back,
    signed,
    submitted,
)


def said(found: list[AnyEnvelope]) -> list[tuple[str, str, float]]:
    """(what, which clock, share used) of warnings and breaches."""
    return [
        (event.type.split(".")[1], event.data.kind, 1.0 if event.type == ClockBreached.TYPE else event.data.share_used)
        for event in found
        if event.type in (ClockWarned.TYPE, ClockBreached.TYPE)
    ]


async def test_a_case_gets_its_clocks_with_due_times_over_the_national_day(house: House, case_id: UUID) -> None:
    """From 28 September 2026: 29, 30 September, then 8, 9 and the made-up Saturday 10 October."""
    order = new_id()
    house.clock.advance(minutes=5)
    await house.told(case_id, filed(amount=5), dispatched(order))
    filed_at = house.clock.now()
    due = {row.kind: (row.started_at, row.due_at) for row in await house.rows("SELECT * FROM clocks")}
    assert due == {
        "accept": (START, datetime(2026, 9, 29, 10, tzinfo=UTC)),
        "total": (START, datetime(2026, 10, 10, 10, tzinfo=UTC)),
        "dispatch": (filed_at, datetime(2026, 9, 28, 8, 5, tzinfo=UTC)),
        "sign": (filed_at, datetime(2026, 9, 29, 10, tzinfo=UTC)),
        "contact": (filed_at, datetime(2026, 9, 29, 10, tzinfo=UTC)),
        "handle": (filed_at, datetime(2026, 10, 10, 10, tzinfo=UTC)),
    }
    started = await house.emitted(ClockStarted)
    assert [[clock.kind for clock in event.data.clocks] for event in started] == [
        ["accept"],
        ["total", "dispatch"],
        ["sign", "contact", "handle"],
    ]
    assert started[2].data.clocks[2].rule_code == "2019/standard"
    assert not started[2].data.clocks[2].provisional


async def test_urgent_work_is_timed_in_hours_at_once(house: House, case_id: UUID) -> None:
    await house.told(case_id, filed(amount=2, unit="urgent_hour", grade="A"), dispatched(new_id()))
    hours = {
        row.kind: (row.due_at - row.started_at).total_seconds() / 3600
        for row in await house.rows("SELECT * FROM clocks")
    }
    assert (hours["sign"], hours["contact"], hours["handle"], hours["total"]) == (1, 2, 2, 2)


async def test_events_carry_a_gapless_sequence_and_their_cause(house: House, case_id: UUID) -> None:
    cause = await house.say(case_id, filed())
    await house.told(case_id, dispatched(new_id()))
    await house.tick(days=30)
    found = await house.emitted()
    assert [event.sequence for event in found] == list(range(1, len(found) + 1))
    assert found[1].causation_id == found[2].causation_id == cause.id
    assert found[-1].causation_id is None


async def test_what_is_said_reaches_the_stream_through_the_relay(house: House, case_id: UUID) -> None:
    await house.publish()
    bus = house.context.bus
    message = await bus.jetstream.get_last_msg(bus.name("SLA"), bus.name(ClockStarted.TYPE))
    assert message.data is not None
    event = EventReader(events.SLA).read(message.data)
    assert (event.case_id, event.sequence, event.data.clocks[0].kind) == (case_id, 1, "accept")


async def test_a_clock_warns_at_its_shares_and_breaches_after_its_due_second(house: House, case_id: UUID) -> None:
    """Consultation: one working day from the next; 6 h of today are left and 8 h of tomorrow."""
    order = new_id()
    await house.told(case_id, filed("consultation"), dispatched(order), signed(order), contacted(order))
    await house.told(case_id, resolved(order), approved(order))
    assert said(await house.tick_to(datetime(2026, 9, 29, 0, 59, 59, tzinfo=UTC))) == []
    assert said(await house.tick_to(datetime(2026, 9, 29, 1, 0, 0, tzinfo=UTC))) == [("warned", "total", 0.5)]
    assert said(await house.tick_to(datetime(2026, 9, 29, 7, 12, tzinfo=UTC))) == [("warned", "total", 0.8)]
    assert (await house.clock_of(case_id, "total")).warned_at == house.clock.now()
    assert said(await house.tick_to(datetime(2026, 9, 29, 10, 0, 0, tzinfo=UTC))) == []
    [breach] = await house.tick(seconds=1)
    assert (breach.data.kind, breach.data.due_at) == ("total", datetime(2026, 9, 29, 10, tzinfo=UTC))
    assert (await house.clock_of(case_id, "total")).breached_at == house.clock.now()
    assert await house.tick(days=100) == []


async def test_a_clock_that_stopped_never_fires(house: House, case_id: UUID) -> None:
    order = new_id()
    await house.told(case_id, filed("consultation"), dispatched(order))
    house.clock.advance(hours=1)
    await house.told(case_id, signed(order), contacted(order), resolved(order), replied(), rated())
    assert await house.tick(days=100) == []
    assert await house.rows("SELECT 1 FROM timers") == []


async def test_a_stopped_clock_tells_the_working_time_used_and_whether_it_was_in_time(
    house: House, case_id: UUID
) -> None:
    order = new_id()
    await house.told(case_id, filed("consultation"), dispatched(order))
    house.clock.at = datetime(2026, 9, 29, 1, 0, tzinfo=UTC)
    await house.told(case_id, resolved(order))
    house.clock.at = datetime(2026, 9, 29, 10, 0, 0, 900_000, tzinfo=UTC)
    await house.told(case_id, contacted(order))
    house.clock.at = datetime(2026, 9, 30, 1, 0, tzinfo=UTC)
    await house.told(case_id, replied())
    stops = {event.data.kind: event.data for event in await house.emitted(ClockStopped)}
    assert (stops["handle"].used_seconds, stops["handle"].on_time) == (7 * 3600, True)
    assert (stops["contact"].used_seconds, stops["contact"].on_time) == (14 * 3600, True)
    assert (stops["total"].used_seconds, stops["total"].on_time) == (15 * 3600, False)


async def test_a_reply_ends_every_clock_but_the_citizens(house: House, case_id: UUID) -> None:
    await house.told(case_id, filed(), dispatched(new_id()), dispatched(new_id(), unit_code="PS-SW"), replied())
    running = await house.rows("SELECT kind FROM clocks WHERE stopped_at IS NULL")
    assert [row.kind for row in running] == ["rate"]


async def test_an_unrated_reply_breaches_and_closing_stops_the_clock(house: House, case_id: UUID) -> None:
    """Five working days from 28 September: until 10 October, 18:00."""
    await house.told(case_id, filed(), replied())
    fired = said(await house.tick(days=14))
    assert fired == [("warned", "rate", 0.5), ("warned", "rate", 0.8), ("breached", "rate", 1.0)]
    assert (await house.clock_of(case_id, "rate")).due_at == datetime(2026, 10, 10, 10, tzinfo=UTC)
    await house.told(case_id, closed("unrated"))
    [stop] = [e for e in await house.emitted(ClockStopped) if e.data.kind == "rate"]
    assert not stop.data.on_time


async def test_a_return_keeps_the_clocks_running_and_a_redispatch_changes_hands(house: House, case_id: UUID) -> None:
    first, second = new_id(), new_id()
    await house.told(case_id, filed(), dispatched(first), redispatched(first, second), dispatched(second))
    rows = await house.rows("SELECT order_id, stopped_at IS NULL AS running FROM clocks WHERE order_id IS NOT NULL")
    assert {(row.order_id, row.running) for row in rows} == {(first, False), (second, True)}
    assert (await house.clock_of(case_id, "total")).stopped_at is None


async def test_work_sent_back_by_the_review_gets_a_new_time_to_handle(house: House, case_id: UUID) -> None:
    order = new_id()
    await house.told(case_id, filed(), dispatched(order), signed(order), resolved(order), sent_back(order))
    handles = await house.rows(
        "SELECT stopped_at IS NULL AS running FROM clocks WHERE kind = 'handle' ORDER BY clock_id"
    )
    assert [row.running for row in handles] == [False, True]


async def test_dissatisfied_twice_is_supervised_once(house: House, case_id: UUID) -> None:
    order = new_id()
    await house.told(case_id, filed(), dispatched(order), signed(order), contacted(order), resolved(order), replied())
    await house.told(case_id, rated(satisfied=False), dissatisfied())
    await house.told(case_id, reworked(), dispatched(order, turn=2))
    assert await house.emitted(CaseSupervised) == []
    running = await house.rows("SELECT kind, round FROM clocks WHERE stopped_at IS NULL")
    assert [tuple(row) for row in running] == [("handle", 2)]
    await house.told(case_id, resolved(order), replied(turn=2))
    await house.told(case_id, rated(turn=2, satisfied=False), dissatisfied(turn=2), closed("dissatisfied", turn=2))
    assert [event.data.cause for event in await house.emitted(CaseSupervised)] == ["dissatisfied_twice"]
    assert await house.rows("SELECT 1 FROM clocks WHERE stopped_at IS NULL") == []


@pytest.mark.parametrize("order", [("ROUTER", "FEEDBACK", "INTAKE"), ("FEEDBACK", "ROUTER", "INTAKE")])
async def test_publishers_may_be_heard_in_any_order(house: House, order: tuple[str, ...]) -> None:
    case_id, work = new_id(), new_id()
    await house.say(case_id, submitted())
    for event in (filed(), dispatched(work), signed(work), contacted(work), resolved(work), replied()):
        house.clock.advance(minutes=10)
        await house.say(case_id, event)
    house.clock.advance(minutes=10)
    await house.say(case_id, rated())
    for stream in order:
        await house.hear(stream)
    rows = await house.rows("SELECT kind, stopped_at - started_at AS took FROM clocks ORDER BY kind")
    assert [(row.kind, row.took.total_seconds() / 60) for row in rows] == [
        ("accept", 10),
        ("contact", 20),
        ("dispatch", 10),
        ("handle", 30),
        ("rate", 10),
        ("review", 10),
        ("sign", 10),
        ("total", 60),
    ]
    assert await house.rows("SELECT 1 FROM parked") == []


async def test_an_event_delivered_twice_starts_one_clock_of_each_kind(house: House, case_id: UUID) -> None:
    first = await house.say(case_id, filed())
    second = await house.say(case_id, dispatched(new_id()))
    for event in (first, second):
        await house.context.bus.jetstream.publish(house.context.bus.name(event.type), event.to_json())
    await house.hear()
    counts = await house.rows("SELECT kind, count(*) AS n FROM clocks GROUP BY kind")
    assert {row.kind: row.n for row in counts} == {
        "accept": 1,
        "total": 1,
        "dispatch": 1,
        "sign": 1,
        "contact": 1,
        "handle": 1,
    }


async def test_work_on_a_case_that_was_never_filed_waits(house: House) -> None:
    case_id = new_id()
    await house.say(case_id, dispatched(new_id()))
    [consumer] = [c for c in house.consumers() if c.stream == "ROUTER"]
    await consumer.run_once()
    await consumer.close()
    assert await house.rows("SELECT 1 FROM clocks") == []
    assert await house.rows("SELECT 1 FROM parked") == []


async def test_a_call_entered_after_an_outage_counts_from_when_it_was_made(house: House) -> None:
    """A citizen's time runs while the telephone platform is down; what is over by then is late at once."""
    late, made_at = new_id(), START - timedelta(hours=3)
    await house.told(late, submitted(case_no="PS26092800000285", received_at=made_at))
    await house.told(late, filed(amount=2, unit="urgent_hour", grade="A"), dispatched(new_id()))
    rows = await house.rows(f"SELECT kind, started_at FROM clocks WHERE case_id = '{late}'")
    assert {row.kind: row.started_at for row in rows}["total"] == made_at
    assert ("breached", "total", 1.0) in said(await house.tick(seconds=1))
