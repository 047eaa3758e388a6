"""Owns reading past cases to be replayed: those of a period in pages from the database, or those of a CSV file."""

import csv
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import get_args
from uuid import UUID

from sqlalchemy import RowMapping, case, select
from sqlalchemy.dialects.postgresql import distinct_on

from contracts.events.intake import CaseType
from services.router.catalogue import standards
from services.router.catalogue.whole import Catalogue
from services.router.domain.rules import SHENZHEN
from services.router.simulation import Decided, PastCase
from services.router.store import Tx
from services.router.tables import cases, orders
from shared.errors import FieldError, InvalidInput

PAGE = 500
_WORDS = ("title", "text")
_PLAIN = (
    *(cases.c.case_id, cases.c.case_no, cases.c.received_at, cases.c.channel_code, cases.c.place, cases.c.said_type),
    *(cases.c.said_category, cases.c.accused_unit_code, cases.c.edition, cases.c.category_code, cases.c.standard_no),
)
_ALIASES = {"category_code": "category", "area_code": "area", "type_code": "type", "unit_code": "unit"}
COLUMNS = ("case_no", "text", "title", "area", "type", "channel", "said_category", "category", "standard", "unit")


class NoPastCases(InvalidInput):
    """The file holds no past cases: a CSV file in UTF-8 with a column `text` is needed."""

    zh = "文件不含可用的历史事件：须为UTF-8编码的CSV，且有text列"


class PeriodEmpty(InvalidInput):
    """The period ends before it begins."""

    zh = "时段的结束日期应晚于开始日期"


@dataclass(frozen=True, slots=True)
class Period:
    """From the beginning of one day in Shenzhen up to the beginning of another."""

    first: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.first:
            raise PeriodEmpty(fields=(FieldError("/to", "must be after `from`", "应晚于开始日期"),))

    def instants(self) -> tuple[datetime, datetime]:
        return _midnight(self.first), _midnight(self.end)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=SHENZHEN).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the cases of a period; `last` is None when no more can follow."""

    cases: list[PastCase]
    skipped: int
    """Whose words are erased, or whose citizen is: they are no longer ours to look at for this."""
    last: UUID | None


async def page(
    tx: Tx, period: Period, *, after: UUID | None = None, limit: int = PAGE, recused: Collection[str] = ()
) -> Page:
    """In the order of their ids and in two queries; `recused` are accused units whose cases are left out."""
    # The words of erased citizens do not even leave the database.
    words = (case((cases.c.erased_at.is_(None), cases.c[name]), else_="").label(name) for name in _WORDS)
    since, until = period.instants()
    query = select(*_PLAIN, *words).where(cases.c.received_at >= since, cases.c.received_at < until)
    query = query.order_by(cases.c.case_id).limit(limit)
    if after is not None:
        query = query.where(cases.c.case_id > after)
    if recused:
        query = query.where(cases.c.accused_unit_code.is_(None) | cases.c.accused_unit_code.not_in(recused))
    found = (await tx.connection.execute(query)).mappings().all()
    told = [row for row in found if row["text"]]
    await tx.rulebook.need(tx.connection, {row["edition"] for row in told})
    leads = await _leads(tx, [row["case_id"] for row in told])
    past = [_past(row, leads.get(row["case_id"]), tx.rulebook.edition(row["edition"]).rules.catalogue) for row in told]
    last = UUID(int=found[-1]["case_id"].int) if len(found) == limit else None
    return Page(past, len(found) - len(told), last)


async def _leads(tx: Tx, case_ids: Collection[UUID]) -> Mapping[UUID, str]:
    """Who led each case in the end: returns and rework leave the last one."""
    table = orders
    query = select(table.c.case_id, table.c.unit_code).ext(distinct_on(table.c.case_id))
    query = query.where(table.c.case_id.in_(case_ids), table.c.role == "lead")
    query = query.order_by(table.c.case_id, table.c.round.desc(), table.c.order_id.desc())
    return {row.case_id: row.unit_code for row in (await tx.connection.execute(query)).all()} if case_ids else {}


def _past(row: RowMapping, lead: str | None, filed_under: Catalogue) -> PastCase:
    return PastCase(
        case_no=row["case_no"],
        text=row["text"],
        title=row["title"],
        received_at=row["received_at"],
        area_code=row["place"].get("area_code"),
        channel_code=row["channel_code"],
        said_type=row["said_type"],
        said_category=row["said_category"],
        accused_unit_code=row["accused_unit_code"],
        decided=_decided(row["category_code"], row["standard_no"], lead, filed_under),
    )


def _decided(code: str | None, standard_no: int | None, lead: str | None, filed_under: Catalogue) -> Decided:
    if code is None:
        return Decided("waits")
    category = filed_under.categories.get(code)
    return Decided.filed(code, category.standard(standard_no) if category else None, lead)


def from_csv(path: Path, today: Catalogue, now: datetime) -> tuple[list[PastCase], int]:
    """The cases of a file, and how many rows have no text; what a row does not say comes from today's tables."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error):
        raise NoPastCases from None
    if not rows or "text" not in rows[0]:
        raise NoPastCases
    found = [({_ALIASES.get(name, name): (value or "").strip() for name, value in row.items() if name}) for row in rows]
    told = [(number, row) for number, row in enumerate(found, start=2) if row["text"]]
    if not told:
        raise NoPastCases
    return [_of_row(number, row, today, now) for number, row in told], len(rows) - len(told)


def _of_row(number: int, row: Mapping[str, str], today: Catalogue, now: datetime) -> PastCase:
    area, code = row.get("area") or None, row.get("category") or None
    said = row.get("type") or None
    return PastCase(
        case_no=row.get("case_no") or f"row {number}",
        text=row["text"],
        title=row.get("title", ""),
        received_at=now,
        area_code=area,
        channel_code=row.get("channel") or "hotline_12345",
        said_type=next((one for one in get_args(CaseType) if one == said), None),
        said_category=row.get("said_category") or None,
        decided=_of_tables(row, code, area, today) if code else None,
    )


def _of_tables(row: Mapping[str, str], code: str, area: str | None, today: Catalogue) -> Decided:
    """A row may say only its category: unit, standard and limit are then those of today's tables."""
    category = today.categories.get(code)
    if category is None:
        return Decided("filed", code, unit_code=row.get("unit") or None)
    no = row.get("standard", "")
    standard = category.standard(int(no)) if no.isascii() and no.isdigit() else None
    if standard is None:
        standard, _ = standards.told(category, row.get("title", ""), row["text"], today.classification)
    unit = row.get("unit") or today.dispatch.resolve(category.unit_kind, area).lead
    return Decided.filed(code, standard, unit)
