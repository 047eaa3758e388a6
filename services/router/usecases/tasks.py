"""Tasks beside the orders: given by the desk, done by the grid officers who are nearest."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from services.router.catalogue.orders import TaskKind
from services.router.domain import scope, tasks
from services.router.domain.beside import Task
from services.router.domain.cases import Case
from services.router.domain.errors import TaskUnknown
from services.router.domain.rules import Rules
from services.router.store import Tx
from services.router.tables import tasks as table
from services.router.usecases import desk
from services.router.usecases.versions import must_be_current
from shared.tokens import Actor

type Found = tuple[Case, Task, Rules]


async def look(tx: Tx, task_id: UUID, by: Actor, *, lock: bool = False) -> Found:
    """The desk sees every task, a unit its own."""
    case_id = await tx.connection.scalar(select(table.c.case_id).where(table.c.task_id == task_id))
    if case_id is None:
        raise TaskUnknown
    case = await tx.case(case_id, lock=lock)
    rules, task = tx.rules_of(case), case.task(task_id)
    if scope.recused(by, case, rules) or not (scope.sees_all(by, rules) or task.unit_code in by.units):
        raise TaskUnknown
    return case, task, rules


async def assign(
    tx: Tx,
    case_id: UUID,
    *,
    kind: TaskKind,
    instruction: str,
    unit_code: str | None,
    by: Actor,
    if_match: str | None,
    now: datetime,
) -> Found:
    case, rules = await desk.look(tx, case_id, by, lock=True)
    await must_be_current(tx, case, if_match)
    task = tasks.assign(case, kind, by, rules, instruction=instruction, unit_code=unit_code, now=now)
    return case, task, rules


async def finish(
    tx: Tx,
    task_id: UUID,
    *,
    outcome: str,
    note: str,
    photo_ids: Sequence[UUID],
    by: Actor,
    if_match: str | None,
    now: datetime,
) -> Found:
    case, task, rules = found = await look(tx, task_id, by, lock=True)
    await must_be_current(tx, case, if_match)
    tasks.finish(case, task, by, rules, outcome=outcome, note=note, photo_ids=photo_ids, now=now)
    return found


async def call_off(tx: Tx, task_id: UUID, *, by: Actor, if_match: str | None, now: datetime) -> Found:
    case, task, rules = found = await look(tx, task_id, by, lock=True)
    await must_be_current(tx, case, if_match)
    tasks.call_off(case, task, by, rules, now=now)
    return found
