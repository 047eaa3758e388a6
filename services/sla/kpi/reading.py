"""How KPIs are read: a table of them over one dimension, beside the periods before, and the cases behind one number."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import RowMapping, not_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.sla.kpi import counting
from services.sla.kpi.counting import Period, Question, Tally
from services.sla.kpi.definitions import FACTS, Kpi, KpiEdition
from services.sla.kpi.tables import case_facts, unit_names

type Part = Literal["counted", "missed", "all"]


@dataclass(frozen=True, slots=True)
class Number:
    """One KPI of one line. `value` is None where nothing falls under it: that is no zero (连云港: 无应办结者另列)."""

    numerator: float | None
    denominator: int
    value: float | None
    """A share of 1 for ratios, seconds of working time for the others."""


NOTHING = Number(None, 0, None)


WHOLE = (False, "")
"""Sorts before every line."""


@dataclass(frozen=True, slots=True)
class Line:
    key: str | None
    """None for all together, or for rows of which the dimension is not known."""
    whole: bool
    numbers: Mapping[str, Number]


_ROOM = text("SET LOCAL work_mem = '64MB'")
"""Medians sort the rows of a month; in memory, and only in this transaction."""
type _Found = defaultdict[tuple[bool, str], dict[str, Number]]


async def table(connection: AsyncConnection, edition: KpiEdition, kpis: Sequence[Kpi], asked: Question) -> list[Line]:
    """The whole first, then by the dimension; the rows of a month are read once for all ratios of a grain."""
    groups: dict[tuple[str, str, bool], list[Kpi]] = defaultdict(list)
    for kpi in kpis:
        ratio = kpi.kind == "ratio"
        one_reading = ratio and asked.by not in {"day", "month"}
        groups[kpi.grain, "" if one_reading else kpi.date, ratio].append(kpi)
    found: _Found = defaultdict(dict)
    for (_, _, ratios), group in groups.items():
        await (_ratios if ratios else _values)(connection, edition, group, asked, found)
    nothing = {kpi.code: NOTHING for kpi in kpis}
    return [Line(key or None, not part, {**nothing, **found[part, key]}) for part, key in sorted(found)]


async def _ratios(
    connection: AsyncConnection, edition: KpiEdition, kpis: Sequence[Kpi], asked: Question, found: _Found
) -> None:
    tally = Tally.of(edition, kpis)
    known: dict[int, list[tuple[str, float]]] = {}
    lines: defaultdict[str, defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))
    whole: defaultdict[int, int] = defaultdict(int)
    for key, pattern, rows in await connection.execute(tally.statement(asked)):
        lines[key or ""][pattern] += rows
        whole[pattern] += rows
    for line, patterns in ((WHOLE, whole), *(((True, key), patterns) for key, patterns in lines.items())):
        sums: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for pattern, rows in patterns.items():
            if pattern not in known:
                known[pattern] = tally.counts_for(pattern)
            for code, weight in known[pattern]:
                sum_ = sums[code]
                sum_[0] += weight * rows
                sum_[1] += rows
        for code, (counted, of) in sums.items():
            found[line][code] = Number(round(counted, 6), int(of), counted / of)


async def _values(
    connection: AsyncConnection, edition: KpiEdition, kpis: Sequence[Kpi], asked: Question, found: _Found
) -> None:
    await connection.execute(_ROOM)
    for row in (await connection.execute(counting.values(edition, kpis, asked))).mappings():
        for kpi in kpis:
            value, of = row[f"{kpi.code}_n"], row[f"{kpi.code}_d"]
            number = Number(float(value), of, float(value)) if of else NOTHING
            found[not row["whole"], row["key"] or ""][kpi.code] = number


def years_back(period: Period) -> Period:
    """The same days a year before; 29 February has no day before it but the 28th."""
    return Period(*(_a_year_before(instant) for instant in (period.since, period.until)))


def _a_year_before(instant: datetime) -> datetime:
    try:
        return instant.replace(year=instant.year - 1)
    except ValueError:
        return instant.replace(year=instant.year - 1, day=28)


def before(period: Period) -> Period:
    """As long, and just before; for whole months the months before."""
    first, last = period.since, period.until
    if first.day == last.day == 1 and first.time() == last.time():
        months = (last.year - first.year) * 12 + last.month - first.month
        count = first.year * 12 + first.month - 1 - months
        return Period(first.replace(year=count // 12, month=count % 12 + 1), first)
    return Period(first - (last - first), first)


async def units(connection: AsyncConnection) -> dict[str, str]:
    """Every unit that ever had an order, with its name."""
    return {
        row.unit_code: row.name for row in await connection.execute(select(unit_names).order_by(unit_names.c.unit_code))
    }


async def behind(
    connection: AsyncConnection,
    edition: KpiEdition,
    kpi: Kpi,
    asked: Question,
    *,
    part: Part,
    after: UUID | None,
    limit: int,
) -> Sequence[RowMapping]:
    """The cases (of an order's KPI: the orders) a number is made of, in the order of their ids."""
    facts = FACTS[kpi.grain]
    key = facts.c.case_id if kpi.grain == "case" else facts.c.order_id
    shown = [key.label("cursor"), case_facts.c.case_id, case_facts.c.case_no, facts.c.unit_code]
    shown += [case_facts.c[name] for name in ("category_code", "area_code", "type_code", "channel_code")]
    shown += [case_facts.c[name] for name in ("submitted_at", "due_at", "answered_at", "closed_at", "outcome")]
    query = select(*shown, facts.c[kpi.date].label("at")).select_from(counting.joined(kpi.grain))
    query = query.where(*counting.rows_of(kpi.grain, kpi.date, asked), counting.of(edition, kpi))
    if kpi.kind == "ratio" and part != "all":
        inside = counting.counted(kpi)
        query = query.where(inside if part == "counted" else not_(inside.is_(True)))
    if after is not None:
        query = query.where(key > after)
    return (await connection.execute(query.order_by(key).limit(limit))).mappings().all()
