"""A worker that is killed in the middle of firing loses no timer and fires none twice."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from contracts.events.sla import ClockBreached
from services.sla.timers import Timers
from shared.clock import RealClock
from tests.integration.sla.conftest import House
from tests.support.system import ROOT

ROUNDS, CASES, EACH = 50, 400, 3

FILL = """
INSERT INTO cases (case_id, sequence, replied_round, rated_round)
SELECT md5('case' || n)::uuid, 0, 0, 0 FROM generate_series(1, :cases) n
"""
CLOCKS = """
INSERT INTO clocks (case_id, clock_id, kind, round, amount, unit, count_from, rule_code, calendar, provisional,
                    started_at, due_at)
SELECT md5('case' || (n % CAST(:cases AS integer) + 1))::uuid, md5('clock' || n)::uuid, 'total', 1, 5, 'work_day', 'next_day',
       '2019/standard', 'killed', false, now(), now()
FROM generate_series(1, CAST(:clocks AS integer)) n
"""
ARM = "INSERT INTO timers (case_id, clock_id, percent, due_at) SELECT case_id, clock_id, 100, now() FROM clocks"


@contextlib.asynccontextmanager
async def worker(url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.firing", url, "20", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    await process.stdout.readline()
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def last(house: House) -> int:
    """Cheap to ask; a killed worker leaves gaps in it, so it tells no number."""
    [row] = await house.rows("SELECT coalesce(max(position), 0) AS last FROM outbox")
    return int(row.last)


async def told(house: House) -> int:
    [row] = await house.rows("SELECT count(*) AS n FROM outbox")
    return int(row.n)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_fifty_killed_workers_lose_no_timer_and_double_none(house: House, database: str) -> None:
    """INVARIANT: the removal of a timer and its event are one transaction, also when the process dies in it.

    Breaks when a batch is committed in two parts, or a timer is removed before its event is in the outbox.
    """
    house.context.clock = RealClock()
    await write(house, FILL, cases=CASES)
    await write(house, CLOCKS, cases=CASES, clocks=CASES * EACH)
    interrupted = 0
    for number in range(1, ROUNDS + 1):
        before, since = await told(house), await last(house)
        async with worker(database) as process:
            await write(house, ARM)
            async with asyncio.timeout(120):
                while await last(house) == since:
                    await asyncio.sleep(0)  # until the worker, a process of its own, has fired its first
            process.send_signal(signal.SIGKILL)
            await process.wait()
        done = await told(house) - before
        interrupted += 0 < done < CASES * EACH
        timers = Timers(house.context.begin, RealClock(), batch=500)
        async with asyncio.timeout(120):
            while await house.rows("SELECT 1 FROM timers LIMIT 1"):
                await timers.run_once()
        assert await told(house) - before == CASES * EACH, f"round {number}"
    assert interrupted >= ROUNDS // 2
    breaches = await house.emitted(ClockBreached)
    assert len(breaches) == ROUNDS * CASES * EACH
    sequences: dict[object, list[int]] = {}
    for event in breaches:
        sequences.setdefault(event.case_id, []).append(event.sequence)
    assert all(found == list(range(1, ROUNDS * EACH + 1)) for found in sequences.values())


async def write(house: House, statement: str, **given: object) -> None:
    async with house.context.begin() as tx:
        await tx.connection.execute(text(statement), given)
