"""What is given beside an order and below it: co-units, sub-units, and what comes back from them."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from services.router.domain import parallel
from services.router.store import Tx
from services.router.usecases.orders import Found, hold
from shared.tokens import Actor


async def add_co(
    tx: Tx, order_id: UUID, *, to_unit: str, mandatory: bool, by: Actor, if_match: str | None, now: datetime
) -> Found:
    """Answers with the new order."""
    case, order, rules = await hold(tx, order_id, by, if_match)
    return case, parallel.add_co(case, order, by, rules, to_unit=to_unit, mandatory=mandatory, now=now), rules


async def delegate(tx: Tx, order_id: UUID, *, to_unit: str, by: Actor, if_match: str | None, now: datetime) -> Found:
    """Answers with the new order."""
    case, order, rules = await hold(tx, order_id, by, if_match)
    return case, parallel.delegate(case, order, by, rules, to_unit=to_unit, now=now), rules


async def take_back(tx: Tx, order_id: UUID, *, by: Actor, if_match: str | None, now: datetime) -> Found:
    case, order, rules = found = await hold(tx, order_id, by, if_match)
    parallel.take_back(case, order, by, rules, now=now)
    return found


async def accept(
    tx: Tx,
    order_id: UUID,
    *,
    outcome: Literal["approve", "send_back"],
    note: str,
    by: Actor,
    if_match: str | None,
    now: datetime,
) -> Found:
    case, order, rules = found = await hold(tx, order_id, by, if_match)
    parallel.accept(case, order, by, rules, outcome=outcome, note=note, now=now)
    return found
