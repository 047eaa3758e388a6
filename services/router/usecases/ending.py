"""What ends an order without the usual result: termination with approval, praise, suggestions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.router.domain import ending
from services.router.store import Tx
from services.router.usecases.orders import Found, hold
from shared.tokens import Actor


async def ask(
    tx: Tx,
    order_id: UUID,
    *,
    reason_code: str,
    public_reason: str,
    note: str,
    by: Actor,
    if_match: str | None,
    now: datetime,
) -> Found:
    case, order, rules = found = await hold(tx, order_id, by, if_match)
    ending.ask_ending(case, order, by, rules, reason_code=reason_code, public_reason=public_reason, note=note, now=now)
    return found


async def decide(
    tx: Tx,
    order_id: UUID,
    *,
    outcome: Literal["approve", "reject"],
    note: str,
    by: Actor,
    if_match: str | None,
    now: datetime,
) -> Found:
    case, order, rules = found = await hold(tx, order_id, by, if_match)
    ending.decide_ending(case, order, by, rules, outcome=outcome, note=note, now=now)
    return found


async def acknowledge(tx: Tx, order_id: UUID, *, by: Actor, if_match: str | None, now: datetime) -> Found:
    case, order, rules = found = await hold(tx, order_id, by, if_match)
    ending.acknowledge(case, order, by, rules, now=now)
    return found


async def conclude(
    tx: Tx,
    order_id: UUID,
    *,
    outcome: Literal["adopt", "answer"],
    public_reply: str,
    handling_note: str,
    photo_ids: Sequence[UUID],
    by: Actor,
    if_match: str | None,
    now: datetime,
) -> Found:
    case, order, rules = found = await hold(tx, order_id, by, if_match)
    ending.conclude(
        case,
        order,
        by,
        rules,
        outcome=outcome,
        public_reply=public_reply,
        handling_note=handling_note,
        photo_ids=photo_ids,
        now=now,
    )
    return found
