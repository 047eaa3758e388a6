"""A million open clocks counted again after a notice, on a PostgreSQL of its own.

`python -m tests.bench.recompute` prints the table and writes `build/bench/recompute.json`. The notice is one that moves
what is open in a year nobody knew; the loop is the worker's own. It fails when it takes longer than a minute, or when a
clock is left that would come out differently.
"""

import asyncio
import json
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from deploy.standalone.ports import free_port
from deploy.standalone.postgres import Postgres
from services.sla import almanac, usecases
from services.sla.app import MANIFEST
from services.sla.calendars import shipped_calendar
from services.sla.notices import Row, checked
from services.sla.publications import Publication, Recounts, dry_run, publish
from services.sla.store import SlaTx
from services.sla.workdays import Calendar, Limit
from shared import migrate
from shared.bulk import driver_of
from shared.clock import FixedClock
from shared.db import Database

CLOCKS, PER_CASE, LIMIT_SECONDS = 1_000_000, 4, 60.0
FILLING_SECONDS = 600
NOW = datetime(2026, 12, 14, 2, 0, tzinfo=UTC)
RESULT = Path("build/bench/recompute.json")
FIRST, DAYS, AMOUNTS = datetime(2026, 12, 21, 1, tzinfo=UTC), 11, range(1, 8)
CALENDAR = Calendar(shipped_calendar())
# Whole working days end alike for all that came in on one day.
DUES = ",".join(
    f"({day}, {amount}, timestamptz '{CALENDAR.due(FIRST + timedelta(day), Limit(amount, 'work_day')).at.isoformat()}')"
    for day in range(DAYS)
    for amount in AMOUNTS
)
# Two weeks of arrivals before the year's end, limits of one to seven working days: about half reach into the new year.
FILL = f"""
INSERT INTO cases (case_id, sequence, replied_round, rated_round)
SELECT md5('case' || n)::uuid, 0, 0, 0 FROM generate_series(0, {CLOCKS // PER_CASE - 1}) n;
INSERT INTO clocks (case_id, clock_id, kind, round, unit_code, amount, unit, count_from, rule_code, calendar,
                    provisional, started_at, due_at)
SELECT md5('case' || (n / {PER_CASE}))::uuid, md5('clock' || n)::uuid, 'handle', 1, 'PS-' || n % 60, dues.amount,
       'work_day', 'next_day', '2019/standard', '{CALENDAR.version}', dues.due_at > '2026-12-31 16:00+00',
       timestamptz '{FIRST.isoformat()}' + dues.day * interval '1 day' + n % 28000 * interval '1 second', dues.due_at
FROM generate_series(0, {CLOCKS - 1}) n
JOIN (VALUES {DUES}) AS dues (day, amount, due_at) ON dues.day = (n / {PER_CASE}) % {DAYS} AND dues.amount = 1 + n % 7;
INSERT INTO timers (case_id, clock_id, percent, due_at)
SELECT case_id, clock_id, percent, due_at FROM clocks, (VALUES (80), (100)) AS said (percent);
ANALYZE
"""


async def filled(database: Database) -> None:
    async with database.begin(SlaTx) as tx:
        await usecases.seed_calendars(tx, now=NOW)
        await (await driver_of(tx.connection)).execute(FILL, timeout=FILLING_SECONDS)


async def measured(url: str) -> dict[str, object]:
    database = Database(url, schema="sla")
    await filled(database)
    notice = checked(2027, "试算", [Row("holiday", "2027-01-01", "2027-01-03", "元旦")])
    async with database.begin(SlaTx) as tx:
        hours = await almanac.hours_in_use(tx.connection)
        data = [notice.over(calendar.data) for calendar in hours.calendars.values()]
        publication = Publication(data, reason="压测", by="bench")
        begun = time.perf_counter()
        preview = await dry_run(tx, publication)
        looked = time.perf_counter() - begun
        await publish(tx, publication, now=NOW)
    cpu = time.process_time()
    loop, begun = Recounts(lambda: database.begin(SlaTx), FixedClock(NOW)), time.perf_counter()
    while await unfinished(database):
        await loop.run_once()
    took, cpu = time.perf_counter() - begun, time.process_time() - cpu
    async with database.begin(SlaTx) as tx:
        again = await dry_run(tx, publication)
        said = await tx.connection.scalar(text("SELECT count(*) FROM outbox"))
    await database.close()
    return {
        "clocks": preview.looked,
        "moved": preview.moved.total(),
        "cases": len(preview.cases),
        "dry_run_seconds": round(looked, 2),
        "recount_seconds": round(took, 2),
        "of_it_python": round(cpu, 2),
        "events": said,
        "left": len(again.cases),
        "met": took <= LIMIT_SECONDS and not again.cases,
    }


async def unfinished(database: Database) -> bool:
    async with database.begin(SlaTx) as tx:
        return bool(await tx.connection.scalar(text("SELECT count(*) FROM publications WHERE finished_at IS NULL")))


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="huying-bench-") as folder:
        place = Path(folder)
        server = Postgres(place / "postgres", free_port(), password="bench", log=place / "postgres.log")
        server.start()
        try:
            url = server.url()
            asyncio.run(migrate.upgrade(url, schema="sla", folder=MANIFEST.migrations))
            result = uvloop.run(measured(url))
        finally:
            server.kill()
    table = Table(*result, title=f"{CLOCKS:,} open clocks counted again (at most {LIMIT_SECONDS:g} s)")
    table.add_row(*map(str, result.values()))
    Console(width=120).print(table)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0 if result["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
