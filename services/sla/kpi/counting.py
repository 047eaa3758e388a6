"""How definitions become SQL: one statement for all KPIs that share a grain and a date, whole rows never leave the database."""

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any, Literal, NamedTuple, Self

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Table,
    and_,
    case,
    cast,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.types import Text

from services.sla.kpi.definitions import FACTS, Condition, Grain, Kpi, KpiEdition
from services.sla.kpi.tables import case_facts, order_facts

By = Literal["unit", "class", "subclass", "category", "subdistrict", "community", "channel", "type", "day", "month"]
_SHENZHEN = "Asia/Shanghai"
_CUTS = {"class": 2, "subclass": 4, "category": 7, "subdistrict": 9, "community": 12}
_PERCENTILES = {"median": 0.5, "p90": 0.9}


@dataclass(frozen=True, slots=True)
class Period:
    """From one instant up to another, the second not included."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Filter:
    """What of the district is looked at; codes of categories and areas name all below them."""

    units: tuple[str, ...] | None = None
    """None is all; an empty one is none."""
    category_code: str | None = None
    area_code: str | None = None
    channel_code: str | None = None
    type_code: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    by: By
    period: Period
    only: Filter = Filter()


def holds(table: Table, conditions: Iterable[Condition]) -> ColumnElement[bool]:
    """All of them; a fact that is not known fails every test but `known: false` and `none_of`."""
    return and_(true(), *(_test(table, one) for one in conditions))


def _test(table: Table, one: Condition) -> ColumnElement[bool]:
    column = table.c[one.fact]
    if one.known is not None:
        return column.is_not(None) if one.known else column.is_(None)
    if one.equals is not None:
        return column.is_(one.equals)
    if one.one_of is not None:
        return _text(column).in_(one.one_of)
    if one.none_of is not None:
        return or_(column.is_(None), _text(column).not_in(one.none_of))
    if one.by is not None:
        return column <= table.c[one.by]
    return column >= one.at_least


def _text(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(column, Text) if isinstance(column.type, Integer) else column


def of(edition: KpiEdition, kpi: Kpi) -> ColumnElement[bool]:
    """The denominator as a condition."""
    table = FACTS[kpi.grain]
    left_out = [holds(table, when) for when in edition.without(kpi)]
    return and_(holds(table, kpi.of), *(not_(func.coalesce(one, false())) for one in left_out))


def counted(kpi: Kpi) -> ColumnElement[bool]:
    """The numerator as a condition; whatever its weight."""
    return or_(false(), *(holds(FACTS[kpi.grain], share.when) for share in kpi.counts))


class Reading(NamedTuple):
    """What one KPI reads in a pattern: bits that must all be there, bits of which none may be, and weights by bit."""

    code: str
    needs: int
    bars: int
    shares: tuple[tuple[int, float], ...]

    def weight(self, pattern: int) -> float | None:
        """None for rows that are no part of the denominator."""
        if pattern & self.needs != self.needs or pattern & self.bars:
            return None
        return next((weight for bit, weight in self.shares if pattern & bit), 0.0)


@dataclass(frozen=True, slots=True)
class Tally:
    """Ratios of one grain, counted in one reading: how many rows there are of each pattern of conditions that hold.

    The conditions are those of the KPIs, and which of their dates fall into the period. What each KPI makes of a pattern
    is arithmetic, done once a pattern and not once a row.
    """

    grain: Grain
    dates: tuple[str, ...]
    sets: tuple[tuple[Condition, ...], ...]
    """Every set of conditions any of them has. The place of each, after the dates, is its bit."""
    readings: tuple[Reading, ...]

    @classmethod
    def of(cls, edition: KpiEdition, kpis: Sequence[Kpi]) -> Self:
        dates, sets = dict.fromkeys(kpi.date for kpi in kpis), dict[tuple[Condition, ...], None]()
        for kpi in kpis:
            sets |= dict.fromkeys((kpi.of, *edition.without(kpi), *(share.when for share in kpi.counts)))
        places = (*dates, *sets)
        bit = {place: 1 << at for at, place in enumerate(places)}
        readings = (
            Reading(
                kpi.code,
                needs=bit[kpi.date] | bit[kpi.of],
                bars=sum({bit[one] for one in edition.without(kpi)}),
                shares=tuple((bit[share.when], share.weight) for share in kpi.counts),
            )
            for kpi in kpis
        )
        return cls(kpis[0].grain, tuple(dates), tuple(sets), tuple(readings))

    def statement(self, asked: Question) -> Select[Any]:
        """Of every value of the dimension; by day or month a row has one for each of its dates, so there one is given."""
        table = FACTS[self.grain]
        key = _dimension(table, self.dates[0], asked.by).label("key")
        falls = [in_period(table, date, asked.period) for date in self.dates]
        conditions = (*falls, *(holds(table, one) for one in self.sets))
        bits = (case((one, literal_column(f"{1 << at}::bigint")), else_=_NONE) for at, one in enumerate(conditions))
        pattern = reduce(operator.add, bits).label("pattern")
        query = select(key, pattern, func.count().label("rows")).select_from(_needed(self.grain, asked))
        return query.where(or_(false(), *falls), *_only(self.grain, asked.only)).group_by(key, pattern)

    def counts_for(self, pattern: int) -> list[tuple[str, float]]:
        """The KPIs of whose denominator such a row is part, and what it counts in the numerator of each."""
        weights = ((one.code, one.weight(pattern)) for one in self.readings)
        return [(code, weight) for code, weight in weights if weight is not None]


_NONE: ColumnElement[int] = literal_column("0")


def values(edition: KpiEdition, kpis: Sequence[Kpi], asked: Question) -> Select[Any]:
    """For averages and the like, that share grain and date: value and rows of each line, and, with `whole` set, of all."""
    grain, date = kpis[0].grain, kpis[0].date
    dimension = _dimension(FACTS[grain], date, asked.by)
    columns: list[ColumnElement[Any]] = [dimension.label("key"), (func.grouping(dimension) == 1).label("whole")]
    for kpi in kpis:
        within = of(edition, kpi)
        columns += [_value(kpi, within).label(f"{kpi.code}_n"), _count(within).label(f"{kpi.code}_d")]
    query = select(*columns).select_from(_needed(grain, asked)).where(*rows_of(grain, date, asked))
    return query.group_by(func.grouping_sets(tuple_(dimension), tuple_()))


def _value(kpi: Kpi, within: ColumnElement[bool]) -> ColumnElement[Any]:
    assert kpi.value is not None
    value = FACTS[kpi.grain].c[kpi.value]
    if kpi.kind in _PERCENTILES:
        return func.percentile_cont(_PERCENTILES[kpi.kind]).within_group(value).filter(within)
    return (func.avg(value) if kpi.kind == "mean" else func.min(value)).filter(within)


def _count(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.count().filter(condition)


def rows_of(grain: Grain, date: str, asked: Question) -> tuple[ColumnElement[bool], ...]:
    """The rows of the period that are looked at."""
    return in_period(FACTS[grain], date, asked.period), *_only(grain, asked.only)


def in_period(table: Table, date: str, period: Period) -> ColumnElement[bool]:
    return and_(table.c[date] >= period.since, table.c[date] < period.until)


def _needed(grain: Grain, asked: Question) -> Any:
    """An order's own row says its unit and its dates; only for the rest its case is looked at."""
    only = asked.only
    asks_the_case = any((only.category_code, only.area_code, only.channel_code, only.type_code))
    return joined(grain) if asks_the_case or asked.by not in {"unit", "day", "month"} else FACTS[grain]


def joined(grain: Grain) -> Any:
    if grain == "case":
        return case_facts
    return order_facts.join(case_facts, case_facts.c.case_id == order_facts.c.case_id)


def _only(grain: Grain, only: Filter) -> Iterable[ColumnElement[bool]]:
    if only.units is not None:
        yield FACTS[grain].c.unit_code.in_(only.units)
    for name, code in (("category_code", only.category_code), ("area_code", only.area_code)):
        if code is not None:
            yield case_facts.c[name].startswith(code, autoescape=True)
    for name, code in (("channel_code", only.channel_code), ("type_code", only.type_code)):
        if code is not None:
            yield case_facts.c[name] == code


def _dimension(table: Table, date: str, by: By) -> ColumnElement[Any]:
    match by:
        case "unit":
            return table.c.unit_code
        case "channel":
            return case_facts.c.channel_code
        case "type":
            return case_facts.c.type_code
        case "day" | "month":
            local = func.timezone(_word(_SHENZHEN), table.c[date])
            return func.to_char(local, _word("YYYY-MM-DD" if by == "day" else "YYYY-MM"))
        case "subdistrict" | "community":
            return func.left(case_facts.c.area_code, literal_column(str(_CUTS[by])))
        case _:
            return func.left(case_facts.c.category_code, literal_column(str(_CUTS[by])))


def _word(said: str) -> ColumnElement[Any]:
    """In the text of the statement: a parameter would be another expression each time it is named."""
    return literal_column(f"'{said}'")
