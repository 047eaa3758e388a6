"""Due times a second on one core: the calendar's tables against walking days with `chinese_calendar`, in one run.

`python -m tests.bench.workdays` prints the table and writes `build/bench/workdays.json`. Both sides are given the same
random starts and amounts, turn by turn, and their answers are compared: a difference is the only way to fail.
"""

import json
import platform
import random
import statistics
import sys
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from time import perf_counter
from typing import NamedTuple
from zoneinfo import ZoneInfo

import chinese_calendar
from rich.console import Console
from rich.table import Table

from services.sla.calendars import shipped_calendar
from services.sla.workdays import Calendar, CountFrom, Limit, Unit

SHANGHAI = ZoneInfo("Asia/Shanghai")
WINDOWS = ((time(8), time(12)), (time(14), time(18)))
ONE_DAY = timedelta(days=1)
REQUIRED, AIM = 300_000, 600_000
OURS, WALKED, ROUNDS = 20_000, 400, 7
RESULT = Path("build/bench/workdays.json")


class Case(NamedTuple):
    name: str
    limits: tuple[Limit, ...]
    walk: Callable[[datetime, Limit], datetime]


def walk_hours(start: datetime, limit: Limit) -> datetime:
    local, left = start.astimezone(SHANGHAI), timedelta(hours=limit.amount * (8 if limit.unit == "work_day" else 1))
    day = local.date()
    while True:
        if chinese_calendar.is_workday(day):
            for opens, closes in WINDOWS:
                begin = max(local, datetime.combine(day, opens, SHANGHAI))
                end = datetime.combine(day, closes, SHANGHAI)
                if begin < end:
                    if left <= end - begin:
                        return begin + left
                    left -= end - begin
        day += ONE_DAY


def walk_days(start: datetime, limit: Limit) -> datetime:
    day, left = start.astimezone(SHANGHAI).date(), limit.amount
    while left:
        day += ONE_DAY
        left -= chinese_calendar.is_workday(day)
    return datetime.combine(day, WINDOWS[-1][1], SHANGHAI)


def add_hours(start: datetime, limit: Limit) -> datetime:
    return start + timedelta(hours=limit.amount)


def add_days(start: datetime, limit: Limit) -> datetime:
    return datetime.combine(start.astimezone(SHANGHAI).date() + ONE_DAY * (limit.amount + 1), time(), SHANGHAI)


def limits(unit: Unit, amounts: range, count_from: CountFrom | None = None) -> tuple[Limit, ...]:
    return tuple(Limit(amount, unit, count_from) for amount in amounts)


CASES = (
    Case("work_hour", limits("work_hour", range(1, 57)), walk_hours),
    Case("work_day, whole days", limits("work_day", range(1, 16)), walk_days),
    Case("work_day, eight hours each", limits("work_day", range(1, 16), "now"), walk_hours),
    Case("urgent_hour", limits("urgent_hour", range(1, 25)), add_hours),
    Case("calendar_day", limits("calendar_day", range(1, 61)), add_days),
)


def rate(run: Callable[[], int]) -> float:
    begun = perf_counter()
    return run() / (perf_counter() - begun)


def measure(case: Case, calendar: Calendar, chance: random.Random) -> dict[str, object]:
    first, span = int(datetime(2018, 1, 1, tzinfo=UTC).timestamp()), 86_400 * 365 * 8
    seconds = [first + chance.randrange(span) for _ in range(OURS)]
    asked = [(datetime.fromtimestamp(second, UTC), chance.choice(case.limits)) for second in seconds]
    raw = [
        (second, limit.unit, limit.amount, limit.count_from) for second, (_, limit) in zip(seconds, asked, strict=True)
    ]
    few, due, due_epoch, walk = asked[:WALKED], calendar.due, calendar.due_epoch, case.walk
    runs = {
        "due": lambda: len([due(start, limit) for start, limit in asked]),
        "due_epoch": lambda: len([due_epoch(*question) for question in raw]),
        "walking": lambda: len([walk(start, limit) for start, limit in few]),
    }
    rates: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            rates[name].append(rate(run))
    median = {name: statistics.median(values) for name, values in rates.items()}
    return {
        "case": case.name,
        "due_per_second": round(median["due"]),
        "due_epoch_per_second": round(median["due_epoch"]),
        "walking_per_second": round(median["walking"]),
        "ratio": round(median["due"] / median["walking"], 1),
        "walks_days": case.walk in (walk_hours, walk_days),
        "compared": len(few),
        "different": sum(due(start, limit).at != walk(start, limit) for start, limit in few),
    }


def show(rows: list[dict[str, object]], console: Console) -> None:
    table = Table("limit", title=f"Due times a second, one core (required {REQUIRED:,}, aim {AIM:,})")
    for heading in ("due()", "due_epoch()", "walking days", "due() is", "differing"):
        table.add_column(heading, justify="right")
    for row in rows:
        walking = f"{row['walking_per_second']:,}" + ("" if row["walks_days"] else " *")
        differing = f"{row['different']} of {row['compared']}"
        ours = (f"{row['due_per_second']:,}", f"{row['due_epoch_per_second']:,}")
        table.add_row(str(row["case"]), *ours, walking, f"{row['ratio']} ×", differing)
    console.print(table)
    console.print("* nothing to walk: plain datetime arithmetic")


def main() -> int:
    begun = perf_counter()
    calendar = Calendar(shipped_calendar())
    built = perf_counter() - begun
    chance = random.Random(2019)
    rows = [measure(case, calendar, chance) for case in CASES]
    show(rows, Console(width=110))
    result = {
        "python": platform.python_version(),
        "calendar": calendar.version,
        "calendar_built_ms": round(built * 1000, 1),
        "required_per_second": REQUIRED,
        "aim_per_second": AIM,
        "met": all(int(str(row["due_per_second"])) >= REQUIRED for row in rows),
        "rows": rows,
    }
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 1 if any(row["different"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
