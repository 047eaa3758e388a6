"""Past cases for compression rounds: from a CSV file, or from the clocks kept here."""

import csv
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Final, get_args

from sqlalchemy import and_, select

from contracts.events.intake import CaseType
from services.sla.compression import PastCase
from services.sla.hours import SHENZHEN
from services.sla.store import SlaTx
from services.sla.tables import cases, clocks
from services.sla.workdays import COUNTS_FROM
from shared.errors import DomainError, FieldError

COLUMNS: Final = ("type_code", "category_code")
MOST_FAULTS: Final = 50


class PastCasesNotUsable(DomainError):
    """The file of past cases has rows that cannot be used."""

    zh: ClassVar[str] = "历史案件文件有误，请按行修改"


def read_past(path: Path) -> list[PastCase]:
    """A CSV with `type_code,category_code` and, as far as they are known, `started_at,finished_at` (Shenzhen time where
    no zone is said), `late` (0 or 1), `grade`, `limit_amount`, `limit_unit`. PastCasesNotUsable names the wrong rows.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if not set(COLUMNS) <= set(reader.fieldnames or ()):
            raise PastCasesNotUsable(f"the columns {', '.join(COLUMNS)} are needed")
        found, faults = [], []
        for at, row in enumerate(reader):
            try:
                found.append(_case(row))
            except ValueError as error:
                faults.append(FieldError(f"/rows/{at}", str(error)))
    if faults:
        raise PastCasesNotUsable(f"{len(faults)} faults", fields=tuple(faults[:MOST_FAULTS]))
    return found


def _case(row: Mapping[str, str | None]) -> PastCase:
    given = {name: (value or "").strip() for name, value in row.items()}
    if given["type_code"] not in get_args(CaseType):
        raise ValueError(f"{given['type_code']!r} is no type")
    started, finished = (_instant(given.get(name, "")) for name in ("started_at", "finished_at"))
    if started and finished and finished < started:
        raise ValueError("it ends before it begins")
    more: dict[str, Any] = {}
    if late := given.get("late"):
        more["late"] = bool(int(late))
    if grade := given.get("grade"):
        more["grade"] = grade
    if amount := given.get("limit_amount"):
        if (unit := given.get("limit_unit")) not in COUNTS_FROM:
            raise ValueError(f"{unit!r} is no unit")
        more |= {"amount": int(amount), "unit": unit}
    return PastCase(given["type_code"], given["category_code"], started, finished, **more)  # type: ignore[arg-type]


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=SHENZHEN)


async def past_cases(tx: SlaTx, since: datetime, until: datetime) -> list[PastCase]:
    """Cases answered in that time, as their clock of the whole has it."""
    query = (
        select(
            cases.c.type_code,
            cases.c.category_code,
            clocks.c.started_at,
            clocks.c.stopped_at,
            cases.c.grade,
            cases.c.standard_amount,
            cases.c.standard_unit,
        )
        .join(cases, cases.c.case_id == clocks.c.case_id)
        .where(
            and_(
                clocks.c.kind == "total",
                clocks.c.stopped_at >= since,
                clocks.c.stopped_at < until,
                cases.c.type_code.is_not(None),
            )
        )
    )
    return [
        PastCase(kind, category or "", started, stopped, None, grade, amount, unit)
        for kind, category, started, stopped, grade, amount, unit in await tx.connection.execute(query)
    ]
