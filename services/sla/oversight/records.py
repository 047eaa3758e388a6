"""Requests and orders of oversight in the database: each is a row whose columns are named as its fields are."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Table, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.sla import tables
from services.sla.oversight.appeals import Appeal
from services.sla.oversight.deciding import Decision
from services.sla.oversight.extensions import Extension
from services.sla.oversight.supervisions import Supervision
from services.sla.oversight.suspensions import Suspension
from shared.errors import NotFound

type Record = Extension | Suspension | Supervision | Appeal

_TABLES: dict[type[Any], Table] = {
    Extension: tables.extensions,
    Suspension: tables.suspensions,
    Supervision: tables.supervisions,
    Appeal: tables.appeals,
}
_PEOPLE = ("decisions", "contacts", "reviews")
"""Lists of decisions, kept as JSON."""


class NoSuchRecord(NotFound):
    """There is no such request, or it is not yours to see."""

    zh: ClassVar[str] = "没有该申请或督办件，或无权查看"


def table_of(kind: type[Any]) -> Table:
    return _TABLES[kind]


async def find[R: Record](connection: AsyncConnection, kind: type[R], key: UUID) -> R:
    """By its own id; NoSuchRecord."""
    table = _TABLES[kind]
    [id_column] = table.primary_key.columns
    row = (await connection.execute(select(table).where(id_column == key))).one_or_none()
    if row is None:
        raise NoSuchRecord
    return made(kind, row)


async def of_case[R: Record](connection: AsyncConnection, kind: type[R], case_id: UUID) -> Sequence[R]:
    """All of a case, the oldest first: their ids rise with time."""
    table = _TABLES[kind]
    [id_column] = table.primary_key.columns
    rows = await connection.execute(select(table).where(table.c.case_id == case_id).order_by(id_column))
    return [made(kind, row) for row in rows]


def made[R: Record](kind: type[R], row: Any) -> R:
    given: dict[str, Any] = {field.name: getattr(row, field.name) for field in fields(kind)}
    for name, value in given.items():
        if isinstance(value, UUID):
            given[name] = UUID(int=value.int)  # the driver's own kind does not go into an event's JSON
        elif name in _PEOPLE:
            given[name] = [Decision.model_validate(each) for each in value]
    return kind(**given)


async def write(connection: AsyncConnection, records: Iterable[Record]) -> None:
    """New ones and changed ones alike; there is seldom more than one in a transaction."""
    for record in records:
        table = _TABLES[type(record)]
        row = asdict(record)
        for name in _PEOPLE:
            if name in row:
                row[name] = [each.model_dump(mode="json") for each in getattr(record, name)]
        keys = [column.name for column in table.primary_key.columns]
        changes = {name: value for name, value in row.items() if name not in keys}
        statement = insert(table).values(row).on_conflict_do_update(index_elements=keys, set_=changes)
        await connection.execute(statement)
