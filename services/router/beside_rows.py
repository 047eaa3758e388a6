"""How rulings and tasks lie in their tables, both ways, and how those of the cases that have any are found."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.router.domain.beside import ProposedRow, Ruling, Task
from services.router.domain.cases import Case
from services.router.domain.precedents import Precedent
from services.router.rows import plain_id
from services.router.tables import cases, rulings, tasks

_RULING = tuple(field.name for field in fields(Ruling))
_TASK = tuple(field.name for field in fields(Task))


def _saving(table: Any, key: str) -> Any:
    statement = upsert(table)
    changing = {one.name: statement.excluded[one.name] for one in table.columns if one.name not in (key, "case_id")}
    return statement.on_conflict_do_update(index_elements=[key], set_=changing)


_SAVE_RULING = _saving(rulings, "ruling_id")
_SAVE_TASK = _saving(tasks, "task_id")


async def load(
    connection: AsyncConnection, case_ids: Sequence[UUID]
) -> tuple[Mapping[UUID, list[Ruling]], Mapping[UUID, list[Task]]]:
    """By case, oldest first; asks nothing where no case has any."""
    held_rulings: dict[UUID, list[Ruling]] = {}
    held_tasks: dict[UUID, list[Task]] = {}
    if case_ids:
        query = select(rulings).where(rulings.c.case_id.in_(case_ids)).order_by(rulings.c.ruling_id)
        for row in (await connection.execute(query)).mappings():
            held_rulings.setdefault(row["case_id"], []).append(ruling_of(row))
        query = select(tasks).where(tasks.c.case_id.in_(case_ids)).order_by(tasks.c.task_id)
        for row in (await connection.execute(query)).mappings():
            held_tasks.setdefault(row["case_id"], []).append(task_of(row))
    return held_rulings, held_tasks


async def save(connection: AsyncConnection, changed: Iterable[Case]) -> None:
    """What stands beside the changed cases; no statement where there is nothing."""
    having = [case for case in changed if case.beside]
    if made := [_ruling_row(one) for case in having for one in case.rulings]:
        await connection.execute(_SAVE_RULING, made)
    if given := [_task_row(one) for case in having for one in case.tasks]:
        await connection.execute(_SAVE_TASK, given)


def _ruling_row(ruling: Ruling) -> dict[str, Any]:
    row = {name: getattr(ruling, name) for name in _RULING}
    row["co_unit_codes"], row["words"] = list(ruling.co_unit_codes), list(ruling.words)
    row["proposed"] = None if ruling.proposed is None else asdict(ruling.proposed)
    return row


def ruling_of(row: RowMapping) -> Ruling:
    values = {name: row[name] for name in _RULING}
    values |= {name: plain_id(row[name]) for name in ("ruling_id", "case_id", "order_id")}
    values["co_unit_codes"], values["words"] = tuple(row["co_unit_codes"]), tuple(row["words"])
    if row["proposed"] is not None:
        values["proposed"] = ProposedRow(**{**row["proposed"], "co_units": tuple(row["proposed"]["co_units"])})
    return Ruling(**values)


def _task_row(task: Task) -> dict[str, Any]:
    row = {name: getattr(task, name) for name in _TASK}
    row["photo_ids"], row["photos"] = list(task.photo_ids), list(task.photos)
    return row


def task_of(row: RowMapping) -> Task:
    values = {name: row[name] for name in _TASK}
    values |= {name: plain_id(row[name]) for name in ("task_id", "case_id", "order_id")}
    values["photo_ids"] = tuple(UUID(int=one.int) for one in row["photo_ids"])
    values["photos"] = [UUID(int=one.int) for one in row["photos"]]
    return Task(**values)


async def precedents(connection: AsyncConnection) -> list[Precedent]:
    """Every ruling that stands for later cases."""
    query = select(rulings, cases.c.case_no).join(cases, cases.c.case_id == rulings.c.case_id)
    found = await connection.execute(query.where(rulings.c.precedent, rulings.c.state == "made"))
    return [
        Precedent(
            ruling_id=row["ruling_id"],
            case_no=row["case_no"],
            category_code=row["category_code"],
            subdistrict_code=row["subdistrict_code"],
            words=tuple(row["words"]),
            lead=row["lead_unit_code"],
            co_units=tuple(row["co_unit_codes"]),
            made_at=row["made_at"],
        )
        for row in found.mappings()
    ]
