"""What units and the desk do with a work order."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.router.domain import answering, handling, scope
from services.router.domain.cases import Case
from services.router.domain.errors import OrderUnknown
from services.router.domain.orders import WorkOrder
from services.router.domain.rules import Rules
from services.router.store import Tx
from services.router.usecases.versions import must_be_current, tells_what_changed
from shared.errors import FieldError, InvalidInput
from shared.tokens import Actor

type Found = tuple[Case, WorkOrder, Rules]


async def look(tx: Tx, order_id: UUID, by: Actor, *, lock: bool = False) -> Found:
    """The order, if it is the actor's to see; who may not learn that it exists hears that it is unknown."""
    case = await tx.case_of_order(order_id, lock=lock)
    rules, order = tx.rules_of(case), case.order(order_id)
    if not scope.sees(by, case, rules, order):
        raise OrderUnknown
    return case, order, rules


async def hold(tx: Tx, order_id: UUID, by: Actor, if_match: str | None) -> Found:
    """The order, locked, if what the actor saw of it is still so."""
    found = await look(tx, order_id, by, lock=True)
    await must_be_current(tx, found[0], if_match)
    return found


@tells_what_changed
async def sign(tx: Tx, order_id: UUID, *, by: Actor, if_match: str | None, now: datetime) -> Found:
    case, order, rules = found = await hold(tx, order_id, by, if_match)
    handling.sign(case, order, by, rules, now=now)
    return found


@tells_what_changed
async def contact(
    tx: Tx,
    order_id: UUID,
    *,
    method: str,
    at: datetime | None,
    note: str,
    by: Actor,
    if_match: str | None,
    now: datetime,
) -> Found:
    """`at` may lie in the past (it was a call), not in the future and not before the order came."""
    case, order, rules = found = await hold(tx, order_id, by, if_match)
    moment = at or now
    if not order.dispatched_at <= moment <= now:
        wrong = FieldError(
            "/at", "must lie between the dispatch of the order and now", "联系时间应在派单之后、当前之前"
        )
        raise InvalidInput(fields=(wrong,))
    handling.contact(case, order, by, rules, method=method, at=moment, note=note, now=now)
    return found


@tells_what_changed
async def progress(
    tx: Tx,
    order_id: UUID,
    *,
    public_note: str,
    internal_note: str,
    by: Actor,
    if_match: str | None,
    now: datetime,
) -> Found:
    case, order, rules = found = await hold(tx, order_id, by, if_match)
    handling.progress(case, order, by, rules, public_note=public_note, internal_note=internal_note, now=now)
    return found


@tells_what_changed
async def resolve(
    tx: Tx,
    order_id: UUID,
    *,
    public_reply: str,
    handling_note: str,
    photo_ids: Sequence[UUID],
    by: Actor,
    if_match: str | None,
    now: datetime,
) -> Found:
    case, order, rules = found = await hold(tx, order_id, by, if_match)
    handling.resolve(
        case,
        order,
        by,
        rules,
        public_reply=public_reply,
        handling_note=handling_note,
        photo_ids=photo_ids,
        now=now,
    )
    return found


@tells_what_changed
async def give_back(
    tx: Tx,
    order_id: UUID,
    *,
    reason_code: str,
    legal_basis: str,
    evidence: str = "",
    photo_ids: Sequence[UUID] = (),
    by: Actor,
    if_match: str | None,
    now: datetime,
) -> Found:
    case, order, rules = found = await hold(tx, order_id, by, if_match)
    handling.give_back(
        case,
        order,
        by,
        rules,
        reason_code=reason_code,
        legal_basis=legal_basis,
        evidence=evidence,
        photo_ids=photo_ids,
        now=now,
    )
    return found


@tells_what_changed
async def reject_return(tx: Tx, order_id: UUID, *, note: str, by: Actor, if_match: str | None, now: datetime) -> Found:
    case, order, rules = found = await hold(tx, order_id, by, if_match)
    handling.reject_return(case, order, by, rules, note=note, now=now)
    return found


@tells_what_changed
async def redispatch(
    tx: Tx, order_id: UUID, *, to_unit: str, own_error: bool, by: Actor, if_match: str | None, now: datetime
) -> Found:
    """Answers with the new order."""
    case, order, rules = await hold(tx, order_id, by, if_match)
    made = handling.redispatch(case, order, by, rules, to_unit=to_unit, own_error=own_error, now=now)
    return case, made, rules


@tells_what_changed
async def review(
    tx: Tx,
    order_id: UUID,
    *,
    outcome: Literal["approve", "send_back"],
    note: str,
    condition_met: bool,
    override_reason: str = "",
    by: Actor,
    if_match: str | None,
    now: datetime,
) -> Found:
    """`override_reason` lets a reply pass that was found wanting, where the rules allow it."""
    case, order, rules = found = await hold(tx, order_id, by, if_match)
    if outcome == "approve":
        answering.must_be_sendable(case, order, by, rules, override_reason=override_reason, now=now)
    handling.review(case, order, by, rules, outcome=outcome, note=note, condition_met=condition_met, now=now)
    return found
