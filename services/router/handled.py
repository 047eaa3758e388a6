"""Owns the desk's own past as records to learn from: what each case was, who handled it in the end, and whether it was late."""

from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.router.catalogue.whole import Catalogue
from services.router.learning import records as past
from services.router.learning.experience import Circumstances
from services.router.learning.records import PastRecord, Records

# The last lead is who had it in the end: returns, rework and rulings leave the last one. No words are read.
_HANDLED = text("""
SELECT c.case_id, c.category_code, c.area_code, c.channel_code, c.type_code, c.received_at, o.unit_code,
  t.tag IS NOT NULL AS late
FROM cases c
CROSS JOIN LATERAL (
  SELECT unit_code FROM orders WHERE case_id = c.case_id AND role = 'lead' ORDER BY round DESC, order_id DESC LIMIT 1
) o
LEFT JOIN case_tags t ON t.case_id = c.case_id AND t.tag = :late AND NOT t.removed
WHERE c.state IN ('replied', 'closed') AND c.category_code IS NOT NULL AND c.case_id > :after
ORDER BY c.case_id LIMIT :most
""")
LATE = "overdue"
"""The tag that stays on a case whose limit has passed."""


async def read(connection: AsyncConnection, catalogue: Catalogue, *, page: int = 2000) -> Records:
    """Every answered or closed case that was dispatched, read page by page."""
    rows: list[PastRecord] = []
    given: dict[str, Any] = {"late": LATE, "after": UUID(int=0), "most": page}
    while found := (await connection.execute(_HANDLED, given)).mappings().all():
        rows += [_record(row, catalogue) for row in found]
        given["after"] = found[-1]["case_id"]
    names = {
        "class": {code: one.name for code, one in catalogue.classes.items()},
        "street": {one.code: one.name for one in catalogue.places if one.level == "subdistrict"},
        "community": {one.code: one.name for one in catalogue.places if one.level == "community"},
        "unit": {one.code: one.name for one in catalogue.units},
    }
    return Records(tuple(rows), names, past.read_mapping())


def _record(row: RowMapping, catalogue: Catalogue) -> PastRecord:
    said = Circumstances(
        category_code=row["category_code"],
        area_code=row["area_code"],
        channel_code=row["channel_code"],
        type_code=row["type_code"],
        at=row["received_at"],
    )
    unit = row["unit_code"]
    name = catalogue.units[unit].name if unit in catalogue.units else unit
    return PastRecord(said.at, {**said.codes(catalogue.places), "unit": unit}, name, row["late"])
