"""Ends that are no result: 终止 with approval; and the short ends of praise and suggestions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from contracts.events.router import OrderResolved, OrderSigned
from services.router.domain import closing
from services.router.domain.cases import Case
from services.router.domain.errors import PhotoUnknown, ReplyMissing, TerminationUnfounded
from services.router.domain.guards import must_act
from services.router.domain.handling import about, move, reply
from services.router.domain.orders import Ending, WorkOrder
from services.router.domain.rules import SYSTEM, Rules
from shared.tokens import Actor


def ask_ending(
    case: Case,
    order: WorkOrder,
    by: Actor,
    rules: Rules,
    *,
    reason_code: str,
    public_reason: str,
    note: str,
    now: datetime,
) -> None:
    """申请终止: the unit sees no way on; nothing is told before a dispatcher agrees, and no clock stops."""
    must_act(case, order, "ask_ending", by, rules, now=now)
    if rules.table.termination(reason_code) is None:
        raise TerminationUnfounded(reason_code)
    came_from = order.state
    move(case, order, "ask_ending", by, rules, now=now)
    order.ending = Ending(reason_code, public_reason, note, now, came_from)
    case.note("ask_ending", by=by.id, now=now, facts={**about(order), "reason_code": reason_code})


def decide_ending(
    case: Case,
    order: WorkOrder,
    by: Actor,
    rules: Rules,
    *,
    outcome: Literal["approve", "reject"],
    note: str,
    now: datetime,
) -> None:
    """Agreed: the citizen reads why; not agreed: the order goes on where it was."""
    must_act(case, order, "decide_ending", by, rules, now=now, outcome=outcome)
    asked = order.ending
    assert asked is not None
    asked.decided_at, asked.approved, asked.decision = now, outcome == "approve", note
    case.note("decide_ending", by=by.id, now=now, facts={**about(order), "outcome": outcome})
    if outcome == "reject":
        order.state = asked.from_state
        return
    reason = rules.table.termination(asked.reason_code)
    words = "。".join(text for text in (reason.zh if reason else "", asked.public_reason) if text)
    case.closing_reason_code = asked.reason_code
    move(case, order, "decide_ending", by, rules, now=now, outcome=outcome)
    closing.end(case, "terminated", rules, by=by.id, now=now, public_reason=words)


def acknowledge(case: Case, order: WorkOrder, by: Actor, rules: Rules, *, now: datetime) -> None:
    """知悉表扬: the unit knows, and that is the end of it."""
    move(case, order, "acknowledge", by, rules, now=now)
    _acknowledged(case, order, by, rules, now=now, automatic=False)


def acknowledge_automatically(case: Case, order: WorkOrder, rules: Rules, *, now: datetime) -> bool:
    """Praise nobody looked at in time counts as known; False where the order is none of praise."""
    target = rules.table_of(case).target("acknowledge", order.state)
    if target is None or order.role != "lead" or case.state == "closed":
        return False
    order.state = target
    _acknowledged(case, order, SYSTEM, rules, now=now, automatic=True)
    return True


def _acknowledged(case: Case, order: WorkOrder, by: Actor, rules: Rules, *, now: datetime, automatic: bool) -> None:
    order.signed_at, order.signed_automatically = now, automatic
    unit, name = order.unit_code, rules.unit_name(order.unit_code)
    case.say(OrderSigned(order_id=order.order_id, unit_code=unit, unit_name=name, automatic=automatic), unit, now=now)
    case.note("acknowledge", by=by.id, now=now, facts={**about(order), "automatic": automatic})
    closing.end(case, "praised", rules, by=by.id, now=now)


def conclude(
    case: Case,
    order: WorkOrder,
    by: Actor,
    rules: Rules,
    *,
    outcome: Literal["adopt", "answer"],
    public_reply: str,
    handling_note: str,
    photo_ids: Sequence[UUID],
    now: datetime,
) -> None:
    """建议: considered, and adopted or answered; with a reply either way (信访工作条例: 研究论证并予以回复)."""
    must_act(case, order, "conclude", by, rules, now=now, outcome=outcome)
    if not public_reply.strip():
        raise ReplyMissing
    if any(not order.knows(photo) for photo in photo_ids):
        raise PhotoUnknown(retry_after=1)
    move(case, order, "conclude", by, rules, now=now, outcome=outcome)
    order.resolved_at, order.public_reply, order.handling_note = now, public_reply.strip(), handling_note
    order.photo_ids = tuple(dict.fromkeys(photo_ids))
    unit, name = order.unit_code, rules.unit_name(order.unit_code)
    said = OrderResolved(order_id=order.order_id, unit_code=unit, unit_name=name, photo_ids=order.photo_ids)
    case.say(said, unit, now=now)
    case.note("conclude", by=by.id, now=now, facts={**about(order), "outcome": outcome})
    reply(case, order, rules, now=now)
    closing.end(case, "adopted" if outcome == "adopt" else "answered", rules, by=by.id, now=now)
