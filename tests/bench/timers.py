"""A million clocks pending on a PostgreSQL of its own: ten thousand due in one second, a steady flow, and a backlog.

`python -m tests.bench.timers [--pending 1000000] [--rounds 3]` prints the tables and writes `build/bench/timers.json`. The
timer loop is the real one, run as a worker runs it, each worker in a process of its own. Lateness counts from a timer's own
instant to the commit of its event. It fails when a timer fires twice or never, or a case's events are not in sequence; what
is slower than wanted is said and left to the reader.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import uvloop
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from deploy.standalone.ports import free_port
from deploy.standalone.postgres import Postgres
from services.sla import usecases
from services.sla.app import MANIFEST
from services.sla.firing import Fired
from services.sla.store import SlaTx
from services.sla.timers import Timers
from shared import migrate
from shared.clock import RealClock
from shared.db import Database
from shared.loops import Runner

DUE, FLOW, FLOW_SECONDS, BACKLOG = 10_000, 2_000, 5, 60_000
WANTED = {"burst_seconds": 1.0, "flow_p99_ms": 60.0, "fired_per_second": 20_000}
CLOCKS_PER_CASE, BATCH = 4, 500
RESULT = Path("build/bench/timers.json")

FILL = """
INSERT INTO cases (case_id, sequence, replied_round, rated_round)
SELECT md5('case' || n)::uuid, 0, 0, 0 FROM generate_series(1, :cases) n;
INSERT INTO clocks (case_id, clock_id, kind, round, unit_code, amount, unit, count_from, rule_code, calendar,
                    provisional, started_at, due_at)
SELECT md5('case' || (n / :per_case + 1))::uuid, md5('clock' || n)::uuid, 'handle', 1, 'PS-' || n % 60, 5, 'work_day',
       'next_day', '2019/standard', 'bench', false, now(), now() + interval '30 days'
FROM generate_series(0, :pending - 1) n;
INSERT INTO timers (case_id, clock_id, percent, due_at)
SELECT case_id, clock_id, 100, now() + interval '1 hour' + random() * interval '30 days' FROM clocks;
ANALYZE
"""
# As many as fired last time come back as pending, so that every round finds the same.
REFILL = """
INSERT INTO timers (case_id, clock_id, percent, due_at)
SELECT case_id, clock_id, 100, now() + interval '1 hour' + random() * interval '30 days' FROM clocks
ON CONFLICT DO NOTHING;
UPDATE clocks SET breached_at = NULL WHERE breached_at IS NOT NULL
"""
ARM = """
UPDATE timers SET due_at = CAST(:at AS timestamptz) + random() * CAST(:width AS double precision) * interval '1 second'
WHERE ctid = ANY(ARRAY(SELECT ctid FROM timers ORDER BY random() LIMIT :due))
"""
LEFT = "SELECT count(*) FROM timers WHERE due_at <= CAST(:at AS timestamptz)"
TOLD = "SELECT count(*) FROM outbox"
WRONG = """
SELECT count(*) FROM cases c JOIN (
  SELECT convert_from(body, 'UTF8')::jsonb ->> 'subject' AS case_id, count(*) AS told FROM outbox GROUP BY 1
) o ON o.case_id = c.case_id::text WHERE c.sequence <> o.told
"""


class Watched(Timers):
    """The loop, with how late each timer was when its event was committed, and when the last one was."""

    def __init__(self, database: Database, batch: int) -> None:
        super().__init__(lambda: database.begin(SlaTx), RealClock(), batch=batch)
        self.late: list[float] = []
        self.last = 0.0
        self._looked = 0.0

    async def run_once(self) -> bool:
        self._looked = time.time()
        return await super().run_once()

    def _measure(self, fired: Fired) -> None:
        if fired.late:
            self.last = time.time()
            self.late += [late + self.last - self._looked for late in fired.late]


def work(url: str, batch: int, stop: Any, answers: Any) -> None:
    """A worker process: fires until told to stop, then says what it saw."""

    async def serve() -> None:
        database = Database(url, schema="sla", pool=2)
        loop = Watched(database, batch)
        runner = Runner(loop)
        runner.start()
        begun = time.process_time()
        answers.put("ready")
        await asyncio.to_thread(stop.wait)
        await runner.stop()
        await database.close()
        answers.put((loop.late, loop.last, time.process_time() - begun))

    uvloop.run(serve())


@contextlib.contextmanager
def postgres() -> Iterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="huying-bench-") as folder:
        place = Path(folder)
        server = Postgres(place / "postgres", free_port(), password="bench", log=place / "postgres.log")
        server.start()
        try:
            yield server
        finally:
            server.kill()


async def run(database: Database, script: str, **given: object) -> int:
    """Statements one by one, in one transaction; the first column of what the last one answers."""
    async with database.begin(SlaTx) as tx:
        for statement in script.split(";"):
            names = {name: value for name, value in given.items() if f":{name}" in statement}
            answer = await tx.connection.execute(text(statement), names)
        return int(answer.scalar_one()) if answer.returns_rows else 0


class Round(NamedTuple):
    late: list[float]
    """Seconds from each timer's instant to the commit of its event."""
    seconds: float
    """From the first instant to the last commit."""
    cpu_us: float
    """Processor time of the workers and the server a timer, in microseconds: what it costs however busy the machine is."""


def spent(server: Postgres) -> float:
    """Processor seconds the server has used so far."""
    times = [process.cpu_times() for process in psutil.Process(server.pid).children(recursive=True)]
    return sum(each.user + each.system for each in times)


async def one_round(
    database: Database, server: Postgres, *, workers: int, due: int, width: float, ahead: float
) -> Round:
    """`due` timers spread over `width` seconds, the first in `ahead` seconds: a backlog when that is in the past."""
    await run(database, REFILL)
    told = await run(database, TOLD)
    due_at = datetime.now(UTC) + timedelta(seconds=ahead + 20)
    await run(database, ARM, at=due_at, width=width, due=due)
    shift = (datetime.now(UTC) + timedelta(seconds=ahead) - due_at).total_seconds()
    await run(database, "UPDATE timers SET due_at = due_at + CAST(:shift AS double precision) * interval '1 second' "
              "WHERE due_at < now() + interval '50 minutes'", shift=shift)  # fmt: skip
    due_at += timedelta(seconds=shift)
    await run(database, "ANALYZE timers")
    spawn = multiprocessing.get_context("spawn")
    stop, answers = spawn.Event(), spawn.Queue()
    processes = [spawn.Process(target=work, args=(server.url(), BATCH, stop, answers)) for _ in range(workers)]
    begun = time.time()
    for process in processes:
        process.start()
    for _ in processes:
        await asyncio.to_thread(answers.get)
    before = spent(server)
    end = due_at + timedelta(seconds=width)
    # Until the last timer of the round is due nothing can be over; asking earlier would only take processor from it.
    await asyncio.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds()))
    while await run(database, LEFT, at=end):
        await asyncio.sleep(0.1)  # the server is measured: it is asked ten times a second, not as fast as it answers
    stop.set()
    cost = spent(server) - before
    seen = [await asyncio.to_thread(answers.get) for _ in processes]
    for process in processes:
        await asyncio.to_thread(process.join)
    fired = await run(database, TOLD) - told
    if fired != due:
        sys.exit(f"{fired} events for {due} timers")
    late = [each for one, _, _ in seen for each in one]
    first = max(due_at.timestamp(), begun)
    return Round(late, max(last for _, last, _ in seen) - first, 1e6 * (cost + sum(own for *_, own in seen)) / due)


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def measure(server: Postgres, pending: int, rounds: int) -> dict[str, Any]:
    url = server.url()
    await migrate.upgrade(url, schema="sla", folder=MANIFEST.migrations)
    database = Database(url, schema="sla", pool=6)
    async with database.begin(SlaTx) as tx:
        await usecases.seed_calendars(tx, now=datetime.now(UTC))
    for statement in FILL.split(";"):
        await run(database, statement, cases=pending // CLOCKS_PER_CASE, per_case=CLOCKS_PER_CASE, pending=pending)
    results: dict[str, Any] = {}
    for workers in (1, 2):
        burst = [
            await one_round(database, server, workers=workers, due=DUE, width=0.001, ahead=8) for _ in range(rounds)
        ]
        flow = await one_round(database, server, workers=workers, due=FLOW * FLOW_SECONDS, width=FLOW_SECONDS, ahead=8)
        backlog = await one_round(database, server, workers=workers, due=BACKLOG, width=1, ahead=6)
        results[f"{workers}_workers"] = {
            "burst_seconds": [round(max(each.late), 3) for each in burst],
            "flow_p50_ms": round(1000 * percentile(flow.late, 0.5), 1),
            "flow_p99_ms": round(1000 * percentile(flow.late, 0.99), 1),
            "fired_per_second": round(BACKLOG / backlog.seconds),
            "cpu_us_a_timer": round(backlog.cpu_us),
        }
    if await run(database, WRONG):
        sys.exit("the events of a case are not in sequence")
    await database.close()
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pending", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with postgres() as server:
        results = uvloop.run(measure(server, arguments.pending, arguments.rounds))
    table = Table("workers", f"{DUE:,} in one second", f"{FLOW:,}/s: p50", "p99", f"{BACKLOG:,} at once", "processor")
    for name, found in results.items():
        bursts = ", ".join(f"{each:.2f} s" for each in found["burst_seconds"])
        row = (
            f"{found['flow_p50_ms']} ms",
            f"{found['flow_p99_ms']} ms",
            f"{found['fired_per_second']:,}/s",
            f"{found['cpu_us_a_timer']} µs a timer",
        )
        table.add_row(name[0], bursts, *row)
    Console(width=110).print(f"{arguments.pending:,} clocks pending", table, f"wanted: {WANTED}")
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    machine = {"python": platform.python_version(), "machine": platform.machine(), "at": datetime.now(UTC).isoformat()}
    RESULT.write_text(json.dumps({"pending": arguments.pending, "wanted": WANTED, **results, **machine}, indent=2))


if __name__ == "__main__":
    main()
