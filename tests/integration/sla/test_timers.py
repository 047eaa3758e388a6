"""The timer loop: everything due is said once, in order, however many workers look."""

import asyncio
import logging
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from contracts.events.sla import ClockBreached, ClockWarned
from services.sla import firing
from services.sla.timers import CaughtUp, Timers
from shared.clock import AcceleratedClock
from shared.ids import new_id
from tests.integration.sla.conftest import START, House
from tests.integration.sla.said import approved, contacted, dispatched, filed, resolved, signed, submitted


async def many_cases(house: House, count: int) -> list[UUID]:
    """Cases a minute apart, each with an order: five clocks, accept stopped."""
    cases = [new_id() for _ in range(count)]
    for number, case_id in enumerate(cases):
        house.clock.at = START + timedelta(minutes=number)
        await house.say(case_id, submitted(case_no=f"PS260928{number:06d}00"))
        await house.say(case_id, filed())
        await house.say(case_id, dispatched(new_id()))
    await house.hear()
    return cases


async def drain(timers: Timers) -> None:
    while await timers.run_once():
        pass


async def test_two_workers_fire_each_timer_once_and_keep_every_case_in_order(house: House) -> None:
    """INVARIANT: one event per timer, and per case a gapless sequence in order of due time.

    Breaks when the claim locks timers instead of cases, or does not look again under the lock.
    """
    cases = await many_cases(house, 30)
    before = len(await house.emitted())
    house.clock.advance(days=60)
    workers = [house.timers(batch=7) for _ in range(4)]
    while await house.rows("SELECT 1 FROM timers LIMIT 1"):
        await asyncio.gather(*(drain(worker) for worker in workers))
    fired = [
        event for event in (await house.emitted())[before:] if event.type in (ClockBreached.TYPE, ClockWarned.TYPE)
    ]
    steps = [(event.data.clock_id, getattr(event.data, "step_code", "breach")) for event in fired]
    assert len(steps) == len(set(steps)) == 30 * (4 * 3 + 4)
    everything = await house.emitted()
    for case_id in cases:
        sequences = [event.sequence for event in everything if event.case_id == case_id]
        assert sequences == list(range(1, len(sequences) + 1))
    said: dict[UUID, list[float]] = {}
    for event in fired:
        if getattr(event.data, "step_code", "share").startswith("share"):
            said.setdefault(event.data.clock_id, []).append(getattr(event.data, "share_used", 1.0))
    assert set(map(tuple, said.values())) == {(0.5, 0.8, 1.0)}


async def test_after_a_downtime_the_backlog_is_said_in_order_of_due_time(house: House) -> None:
    await many_cases(house, 20)
    before = len(await house.emitted())
    house.clock.advance(days=60)
    await drain(house.timers(batch=9))
    breaches = [event.data.due_at for event in (await house.emitted())[before:] if event.type == ClockBreached.TYPE]
    assert len(breaches) == 80
    assert breaches == sorted(breaches)


async def test_a_timer_skips_a_case_somebody_works_on_and_fires_it_afterwards(house: House, case_id: UUID) -> None:
    house.clock.advance(days=5)
    async with house.context.begin() as tx:
        await tx.load([case_id])
        assert not await house.timers().run_once()
        assert len(await house.emitted(ClockBreached)) == 0
    await house.timers().run_once()
    assert len(await house.emitted(ClockBreached)) == 1


async def test_a_rolled_back_round_fires_again(house: House, case_id: UUID) -> None:
    """INVARIANT: the mark and the event are one transaction."""
    house.clock.advance(days=5)
    try:
        async with house.context.begin() as tx:
            await firing.fire(tx, house.clock.now(), 500)
            raise RuntimeError
    except RuntimeError:
        pass
    assert await house.emitted(ClockBreached) == []
    await drain(house.timers())
    await drain(house.timers())
    assert len(await house.emitted(ClockBreached)) == 1


async def test_timers_follow_an_accelerated_clock(house: House, case_id: UUID) -> None:
    clock = AcceleratedClock(anchor=0.0, start=START - timedelta(days=60 * 365), rate=2.0)
    assert clock.now() > START + timedelta(days=365)
    await drain(Timers(house.context.begin, clock))
    assert len(await house.emitted(ClockBreached)) == 1


async def test_timers_wait_until_what_happened_meanwhile_is_heard(house: House, case_id: UUID) -> None:
    """Filed in time, but heard only after the due time: the acceptance was never late."""
    await house.hear()
    order = new_id()
    for event in (filed(), dispatched(order), signed(order), contacted(order), resolved(order), approved(order)):
        await house.say(case_id, event)
    house.clock.advance(days=5)
    ready = CaughtUp(house.context.bus, ["INTAKE", "ROUTER", "FEEDBACK"], service="sla", patience=60, settle=0)
    timers = Timers(house.context.begin, house.clock, ready=ready)
    await timers.run_once()
    assert await house.emitted(ClockBreached) == []
    await house.hear()
    await drain(timers)
    assert {event.data.kind for event in await house.emitted(ClockBreached)} == set()
    house.clock.advance(days=15)
    await drain(timers)
    assert {event.data.kind for event in await house.emitted(ClockBreached)} == {"total"}


async def test_timers_do_not_wait_for_ever(house: House, case_id: UUID) -> None:
    await house.say(case_id, filed())
    impatient = CaughtUp(house.context.bus, ["ROUTER"], service="sla", patience=0, settle=60)
    assert await impatient()


async def test_readyz_says_how_far_the_timers_are_behind(
    house: House, browser: httpx.AsyncClient, case_id: UUID
) -> None:
    async def said() -> str:
        answer = await browser.get("http://sla/sla/readyz")
        assert answer.status_code == 200
        told: str = answer.json()["details"]["timers"]
        return told

    assert await said() == "on time"
    house.clock.advance(days=5)
    assert (await said()).startswith("3 due, the oldest for ")
    await drain(house.timers())
    assert await said() == "on time"


async def test_a_backlog_is_told_at_both_ends_and_a_timer_in_time_is_not(
    house: House, case_id: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    house.clock.advance(days=5)
    timers = house.timers(batch=2)
    with caplog.at_level(logging.WARNING, logger="services.sla.timers"):
        await drain(timers)
        await timers.run_once()
    assert [record.getMessage() for record in caplog.records] == [
        "timers:sla: behind by 349200 s; what is due is said in order, the oldest first",
        "timers:sla: caught up after 3 timers",
    ]
    [breach] = await house.emitted(ClockBreached)
    assert breach.data.late_seconds > 0
    caplog.clear()
    await house.told(case_id, filed())
    [due] = await house.rows("SELECT min(due_at) AS at FROM timers")
    house.clock.at = due.at
    with caplog.at_level(logging.WARNING, logger="services.sla.timers"):
        await drain(timers)
    assert caplog.records == []
