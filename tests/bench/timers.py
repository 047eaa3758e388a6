"""Ten thousand clocks due in the same second, with a hundred thousand pending, on a PostgreSQL of its own.

`python -m tests.bench.timers` prints the table and writes `build/bench/timers.json`. The timer loop is the real one,
run as a worker runs it; a round counts from the due instant to the commit of the last event. It fails when a round
takes more than a second, a timer fires twice or never, or a case's events are not in sequence.
"""

import asyncio
import contextlib
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import psutil
import uvloop
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from deploy.standalone.ports import free_port
from deploy.standalone.postgres import Postgres
from services.sla.app import MANIFEST
from services.sla.store import SlaTx
from services.sla.timers import Timers
from shared import migrate
from shared.clock import RealClock
from shared.db import Database
from shared.loops import Runner

PENDING, DUE, LIMIT_SECONDS = 100_000, 10_000, 1.0
CLOCKS_PER_CASE, ROUNDS = 4, 3
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
ARM = """
INSERT INTO timers (case_id, clock_id, percent, due_at)
SELECT case_id, clock_id, 100, now() + interval '1 hour' + random() * interval '30 days' FROM clocks
ON CONFLICT DO NOTHING;
UPDATE clocks SET breached_at = NULL WHERE breached_at IS NOT NULL;
UPDATE timers SET due_at = CAST(:at AS timestamptz) + random() * interval '1 millisecond'
WHERE ctid = ANY(ARRAY(SELECT ctid FROM timers ORDER BY random() LIMIT :due))
"""
LEFT = "SELECT count(*) FROM timers WHERE due_at <= CAST(:at AS timestamptz) + interval '1 second'"
TOLD = "SELECT count(*) FROM outbox"
WRONG = """
SELECT count(*) FROM (
  SELECT sequence, (SELECT count(*) FROM outbox o WHERE convert_from(o.body, 'UTF8')::jsonb ->> 'subject' = c.case_id::text)
  FROM cases c WHERE sequence > 0 ORDER BY case_id LIMIT 20
) AS sample (sequence, told) WHERE sequence <> told
"""


class Watched(Timers):
    """The loop, with a note of when each batch was committed."""

    def __init__(self, database: Database, batch: int) -> None:
        super().__init__(lambda: database.begin(SlaTx), RealClock(), batch=batch)
        self.committed: list[float] = []
        self.empty: list[float] = []

    async def run_once(self) -> bool:
        started = time.perf_counter()
        more = await super().run_once()
        if more:
            self.committed.append(time.time())
        else:
            self.empty.append(time.perf_counter() - started)
        return more


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
    seconds: float
    """From the due instant to the commit of the last event."""
    cpu_seconds: float
    """Of the loops and of the server, from then on: what it costs however busy the machine is."""
    empty: list[float]
    """How long looks took that found nothing, in seconds."""


def spent(server: Postgres) -> float:
    """Processor seconds used so far, by us and by the server."""
    times = [process.cpu_times() for process in psutil.Process(server.pid).children(recursive=True)]
    return time.process_time() + sum(each.user + each.system for each in times)


async def one_round(database: Database, server: Postgres, workers: int) -> Round:
    told = await run(database, TOLD)
    due_at = datetime.now(UTC) + timedelta(seconds=6)
    await run(database, ARM, at=due_at, due=DUE)
    await run(database, "ANALYZE timers")
    loops = [Watched(database, 500) for _ in range(workers)]
    runners = [Runner(loop) for loop in loops]
    for runner in runners:
        runner.start()
    await asyncio.sleep((due_at - datetime.now(UTC)).total_seconds())
    before = spent(server)
    while await run(database, LEFT, at=due_at):
        await asyncio.sleep(0.25)
    cost = spent(server) - before
    for runner in runners:
        await runner.stop()
    fired = await run(database, TOLD) - told
    if fired != DUE:
        sys.exit(f"{fired} events for {DUE} timers")
    last = max(at for loop in loops for at in loop.committed)
    return Round(last - due_at.timestamp(), cost, [took for loop in loops for took in loop.empty])


async def measure(server: Postgres) -> dict[str, object]:
    url = server.url()
    await migrate.upgrade(url, schema="sla", folder=MANIFEST.migrations)
    database = Database(url, schema="sla", pool=6)
    cases = PENDING // CLOCKS_PER_CASE
    for statement in FILL.split(";"):
        await run(database, statement, cases=cases, per_case=CLOCKS_PER_CASE, pending=PENDING)
    results: dict[str, object] = {}
    for workers in (1, 2):
        rounds = [await one_round(database, server, workers) for _ in range(ROUNDS)]
        seconds = [each.seconds for each in rounds]
        results[f"{workers}_workers"] = {
            "seconds": [round(took, 3) for took in seconds],
            "median_seconds": round(statistics.median(seconds), 3),
            "timers_per_second": round(DUE / statistics.median(seconds)),
            "cpu_seconds": round(statistics.median(each.cpu_seconds for each in rounds), 2),
            "empty_look_ms": round(1000 * statistics.median([look for each in rounds for look in each.empty]), 2),
        }
    if await run(database, WRONG):
        sys.exit("the events of a case are not in sequence")
    await database.close()
    return results


def main() -> None:
    with postgres() as server:
        results = uvloop.run(measure(server))
    table = Table("workers", "all fired after", "rounds", "timers/s", "processor", "empty look")
    for name, found in results.items():
        assert isinstance(found, dict)
        rounds = ", ".join(f"{each:.2f}" for each in found["seconds"])
        row = (
            f"{found['median_seconds']:.2f} s",
            rounds,
            f"{found['timers_per_second']:,}",
            f"{found['cpu_seconds']} s",
            f"{found['empty_look_ms']} ms",
        )
        table.add_row(name[0], *row)
    Console(width=100).print(f"{DUE:,} timers due in the same second, {PENDING:,} pending", table)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    machine = {"python": platform.python_version(), "machine": platform.machine(), "at": datetime.now(UTC).isoformat()}
    RESULT.write_text(
        json.dumps({"due": DUE, "pending": PENDING, "limit_seconds": LIMIT_SECONDS, **results, **machine}, indent=2)
    )
    worst = max(found["median_seconds"] for found in results.values() if isinstance(found, dict))
    if worst > LIMIT_SECONDS:
        sys.exit(f"not all timers fired within {LIMIT_SECONDS} s")


if __name__ == "__main__":
    main()
