"""What is shown of KPIs: their definitions, tables of numbers with the periods beside them, and the cases behind a number."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Literal, NamedTuple
from uuid import UUID

from pydantic import BaseModel

from services.sla.kpi.definitions import Kpi, KpiEdition
from services.sla.kpi.reading import Line, Number


class KpiView(BaseModel):
    code: str
    name: str
    grain: str
    kind: str
    date: str
    better: str
    meaning: str
    source: str
    excludes: list[str]
    """What is left out, in words."""

    @classmethod
    def of(cls, kpi: Kpi, edition: KpiEdition) -> "KpiView":
        names = ("code", "name", "grain", "kind", "date", "better", "meaning", "source")
        left_out = [edition.exclusions[name].name for name in kpi.excludes]
        return cls(**{name: getattr(kpi, name) for name in names}, excludes=left_out)


class KpiList(BaseModel):
    edition: str
    kpis: list[KpiView]


class NumberView(BaseModel):
    numerator: float | None
    denominator: int
    value: float | None
    """A share of 1; for times seconds of working time. Null where nothing falls under it, which is no zero."""
    days: float | None = None
    """Times in working days."""
    before: float | None = None
    """The value of the period before (环比); only when asked for, like the next."""
    year_before: float | None = None
    """The value of the same period a year ago (同比)."""


class LineView(BaseModel):
    key: str | None
    """Null in `whole`, and for what belongs to none of them."""
    name: str
    numbers: dict[str, NumberView]


class Without(BaseModel):
    """Units of which nothing falls under a KPI: listed apart instead of a rate of nought (连云港市通报口径)."""

    code: str
    units: list[str]


class KpiTable(BaseModel):
    edition: str
    by: str
    first: date
    end: date
    """The day after the last one."""
    whole: LineView
    lines: list[LineView]
    without: list[Without]
    """Only of a table by unit."""


class BehindLine(BaseModel):
    case_id: UUID
    case_no: str | None
    unit_code: str | None
    category_code: str | None
    area_code: str | None
    type_code: str | None
    channel_code: str | None
    submitted_at: datetime | None
    due_at: datetime | None
    answered_at: datetime | None
    closed_at: datetime | None
    outcome: str | None
    at: datetime
    """By which it belongs to the period."""


class Behind(BaseModel):
    code: str
    part: Literal["counted", "missed", "all"]
    cases: list[BehindLine]
    next: UUID | None


type Numbers = Mapping[str | None, Mapping[str, Number]]


class Besides(NamedTuple):
    """The numbers of other periods by their key; None when nobody asked for them."""

    before: Numbers | None = None
    year_before: Numbers | None = None


def line(one: Line, name: str, kpis: Iterable[Kpi], day_seconds: int, besides: Besides) -> LineView:
    numbers = {kpi.code: _number(kpi, one, day_seconds, besides) for kpi in kpis}
    return LineView(key=one.key, name=name, numbers=numbers)


def _number(kpi: Kpi, one: Line, day_seconds: int, besides: Besides) -> NumberView:
    number = one.numbers[kpi.code]
    digits = 4 if kpi.kind == "ratio" else 0
    timed = kpi.kind != "ratio" and number.value is not None
    return NumberView(
        numerator=None if number.numerator is None else round(number.numerator, 2),
        denominator=number.denominator,
        value=None if number.value is None else round(number.value, digits),
        days=round((number.value or 0) / day_seconds, 2) if timed else None,
        before=_beside(besides.before, one, kpi, digits),
        year_before=_beside(besides.year_before, one, kpi, digits),
    )


def _beside(other: Numbers | None, one: Line, kpi: Kpi, digits: int) -> float | None:
    found = None if other is None else other.get(one.key, {}).get(kpi.code)
    return None if found is None or found.value is None else round(found.value, digits)


def as_csv(table: KpiTable, kpis: Sequence[Kpi], heading: str) -> bytes:
    """For a spreadsheet: percent with two digits, times in working days, an empty cell where there is nothing."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow([heading, *(cell for kpi in kpis for cell in _headings(kpi))])
    for one in (table.whole, *table.lines):
        rows.writerow([one.name or one.key or "", *(c for kpi in kpis for c in _cells(kpi, one.numbers[kpi.code]))])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _headings(kpi: Kpi) -> tuple[str, ...]:
    return (kpi.name, f"{kpi.name}：分子", f"{kpi.name}：分母") if kpi.kind == "ratio" else (f"{kpi.name}（工作日）",)


def _cells(kpi: Kpi, number: NumberView) -> tuple[object, ...]:
    if kpi.kind != "ratio":
        return ("" if number.days is None else number.days,)
    shown = "" if number.value is None else f"{number.value:.2%}"
    return shown, "" if number.numerator is None else f"{number.numerator:g}", number.denominator
