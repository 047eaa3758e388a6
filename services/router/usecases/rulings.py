"""Disputes: brought by a dispatcher or a unit, decided by the panel."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from services.router.domain import rulings, scope
from services.router.domain.beside import Ruling
from services.router.domain.cases import Case
from services.router.domain.conditions import returned_too_often
from services.router.domain.errors import RulingUnknown
from services.router.domain.rules import Rules
from services.router.domain.rulings import Verdict
from services.router.store import Tx
from services.router.tables import rulings as table
from services.router.usecases.orders import hold
from services.router.usecases.versions import must_be_current
from shared.tokens import Actor

type Found = tuple[Case, Ruling, Rules]


async def look(tx: Tx, ruling_id: UUID, by: Actor, *, lock: bool = False) -> Found:
    """The desk and the panel see every ruling, but of a complaint about their own unit."""
    case_id = await tx.connection.scalar(select(table.c.case_id).where(table.c.ruling_id == ruling_id))
    if case_id is None:
        raise RulingUnknown
    case = await tx.case(case_id, lock=lock)
    rules = tx.rules_of(case)
    if scope.recused(by, case, rules):
        raise RulingUnknown
    return case, case.ruling(ruling_id), rules


async def bring(
    tx: Tx, order_id: UUID, *, action: str, argument: str, by: Actor, if_match: str | None, now: datetime
) -> Found:
    """`refer` by the dispatcher, or `dispute` by the unit that may not return any more."""
    case, order, rules = await hold(tx, order_id, by, if_match)
    often = action == "dispute" or returned_too_often(case, order, rules)
    ruling = rulings.bring(
        case,
        order,
        by,
        rules,
        action=action,
        argument=argument,
        cause="returned_too_often" if often else "lead_moved" if order.signed_at else "disputed",
        now=now,
    )
    return case, ruling, rules


async def decide(tx: Tx, ruling_id: UUID, verdict: Verdict, *, by: Actor, if_match: str | None, now: datetime) -> Found:
    case, ruling, rules = found = await look(tx, ruling_id, by, lock=True)
    await must_be_current(tx, case, if_match)
    rulings.decide(case, ruling, by, rules, verdict, now=now)
    return found
