"""What is done with a work order: sign, contact, progress, resolve, return, redispatch, review.

Every function asks `guards` first, so that what is shown as allowed and what succeeds are the same, and so that who
may not act is not told what was missing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from contracts.events.feedback import PhotoKind
from contracts.events.router import (
    CaseReplied,
    CaseReviewed,
    OrderContacted,
    OrderProgressed,
    OrderRedispatched,
    OrderResolved,
    OrderReturned,
    OrderReturnRejected,
    OrderSigned,
    Reason,
)
from services.router.domain.cancelling import DONE, cancel, cancel_children
from services.router.domain.cases import Case
from services.router.domain.errors import (
    ClosingConditionOpen,
    EvidenceMissing,
    PhotoMissing,
    PhotoUnknown,
    ReplyMissing,
    ReturnUnfounded,
    SameUnit,
)
from services.router.domain.filing import check_unit, open_order
from services.router.domain.guards import REJECT_RETURN, must_act, row_of
from services.router.domain.orders import Moved, Photo, ProgressNote, Return, Review, WorkOrder
from services.router.domain.rules import SYSTEM, Rules
from services.router.domain.tasks import check_result
from shared.ids import new_id
from shared.tokens import Actor


def move(
    case: Case, order: WorkOrder, action: str, by: Actor, rules: Rules, *, now: datetime, outcome: str | None = None
) -> None:
    """Ask the guard, then go where the table says."""
    must_act(case, order, action, by, rules, now=now, outcome=outcome)
    target = rules.table_of(case).target(action, order.state, outcome)
    assert target is not None
    order.state = target


def sign(case: Case, order: WorkOrder, by: Actor, rules: Rules, *, now: datetime) -> None:
    move(case, order, "sign", by, rules, now=now)
    _signed(case, order, by, rules, now=now, automatic=False)


def sign_automatically(case: Case, order: WorkOrder, rules: Rules, *, now: datetime) -> bool:
    """超时自动签收: nobody signed in time, so the order counts as signed; False when it does not wait for that."""
    target = rules.table_of(case).target("sign", order.state)
    if target is None or case.state == "closed":
        return False
    order.state = target
    _signed(case, order, SYSTEM, rules, now=now, automatic=True)
    return True


def _signed(case: Case, order: WorkOrder, by: Actor, rules: Rules, *, now: datetime, automatic: bool) -> None:
    order.signed_at, order.signed_automatically = now, automatic
    unit, name = order.unit_code, rules.unit_name(order.unit_code)
    case.say(OrderSigned(order_id=order.order_id, unit_code=unit, unit_name=name, automatic=automatic), unit, now=now)
    case.note("sign", by=by.id, now=now, facts={**about(order), "automatic": automatic})


def contact(
    case: Case, order: WorkOrder, by: Actor, rules: Rules, *, method: str, at: datetime, note: str, now: datetime
) -> None:
    """The unit has spoken with the citizen; `note` is the evidence and stays inside."""
    move(case, order, "contact", by, rules, now=now)
    order.contacted_at, order.contact_method, order.contact_note = at, method, note
    unit, name = order.unit_code, rules.unit_name(order.unit_code)
    case.say(OrderContacted(order_id=order.order_id, unit_code=unit, unit_name=name), unit, now=now)
    case.note("contact", by=by.id, now=now, facts={**about(order), "method": method})


def progress(
    case: Case, order: WorkOrder, by: Actor, rules: Rules, *, public_note: str, internal_note: str, now: datetime
) -> None:
    """A stage of the work; only a public note is news."""
    move(case, order, "progress", by, rules, now=now)
    order.notes.append(ProgressNote(now, by.id, public_note, internal_note))
    if public_note:
        unit, name = order.unit_code, rules.unit_name(order.unit_code)
        case.say(
            OrderProgressed(order_id=order.order_id, unit_code=unit, unit_name=name, public_note=public_note),
            unit,
            now=now,
        )
    case.note("progress", by=by.id, now=now, facts={**about(order), "public": bool(public_note)})


def resolve(
    case: Case,
    order: WorkOrder,
    by: Actor,
    rules: Rules,
    *,
    public_reply: str,
    handling_note: str,
    photo_ids: Sequence[UUID],
    now: datetime,
) -> None:
    """The work is done; the reply and the photos are shown to the citizen once the review agrees."""
    try:
        must_act(case, order, "resolve", by, rules, now=now)
    except PhotoMissing:
        if photo_ids:  # there are some, and the news of them is still on its way
            raise PhotoUnknown(retry_after=1) from None
        raise
    if not public_reply.strip():
        raise ReplyMissing
    known = {photo.photo_id for one in (order, *case.children(order)) for photo in one.photos}
    if not known.issuperset(photo_ids):
        raise PhotoUnknown(retry_after=1)
    if case.photo_required and not photo_ids and order.role != "sub":
        raise PhotoMissing
    move(case, order, "resolve", by, rules, now=now)
    order.resolved_at, order.public_reply, order.handling_note = now, public_reply.strip(), handling_note
    order.photo_ids = tuple(dict.fromkeys(photo_ids))
    unit, name = order.unit_code, rules.unit_name(order.unit_code)
    case.say(
        OrderResolved(order_id=order.order_id, unit_code=unit, unit_name=name, photo_ids=order.photo_ids),
        unit,
        now=now,
    )
    case.note("resolve", by=by.id, now=now, facts={**about(order), "photos": len(order.photo_ids)})
    if order.role == "lead":
        check_result(case, order, rules, now=now)


def give_back(
    case: Case,
    order: WorkOrder,
    by: Actor,
    rules: Rules,
    *,
    reason_code: str,
    legal_basis: str,
    evidence: str = "",
    photo_ids: Sequence[UUID] = (),
    now: datetime,
) -> None:
    """退件: the unit says it is not the right one; its clocks run on until a dispatcher has decided."""
    must_act(case, order, "return", by, rules, now=now)
    reason = rules.table.returns.reason(reason_code)
    if reason is None:
        raise ReturnUnfounded(reason_code)
    if reason.evidence and not (evidence.strip() or photo_ids):
        raise EvidenceMissing(reason_code)
    if any(not order.knows(photo) for photo in photo_ids):
        raise PhotoUnknown(retry_after=1)
    came_from = order.state
    move(case, order, "return", by, rules, now=now)
    order.returned = Return(
        reason_code, legal_basis, now, came_from, evidence=evidence, photo_ids=tuple(dict.fromkeys(photo_ids))
    )
    cancel_children(case, order, rules, now=now)
    case.say(
        OrderReturned(order_id=order.order_id, unit_code=order.unit_code, reason_code=reason_code),
        order.unit_code,
        now=now,
    )
    case.note("return", by=by.id, now=now, facts={**about(order), "reason_code": reason_code})


def reject_return(case: Case, order: WorkOrder, by: Actor, rules: Rules, *, note: str, now: datetime) -> None:
    """The dispatcher does not agree: the order goes on where it was, and cannot be returned again."""
    must_act(case, order, REJECT_RETURN, by, rules, now=now)
    assert order.returned is not None
    order.state = order.returned.from_state
    order.returned.rejected_at, order.returned.rejection = now, note
    case.say(OrderReturnRejected(order_id=order.order_id, unit_code=order.unit_code), order.unit_code, now=now)
    case.note(REJECT_RETURN, by=by.id, now=now, facts=about(order))


def redispatch(
    case: Case, order: WorkOrder, by: Actor, rules: Rules, *, to_unit: str, own_error: bool, now: datetime
) -> WorkOrder:
    """改派: to another unit, because the dispatcher erred (`own_error`) or agrees with a return."""
    must_act(case, order, "redispatch", by, rules, now=now)
    check_unit(case, to_unit, rules, now=now)
    if any(live.unit_code == to_unit for live in case.live_orders()):
        raise SameUnit(to_unit)
    move(case, order, "redispatch", by, rules, now=now)
    reasons = (Reason(kind="redispatched", text=rules.unit_name(to_unit)),)
    because: Moved | None = "own_error" if own_error else "return" if order.returned is not None else None
    made = hand_over(case, order, to_unit, reasons, rules, because=because, now=now)
    facts = {**about(order), "to_unit": to_unit, "new_order_id": str(made.order_id), "own_error": own_error}
    case.note("redispatch", by=by.id, now=now, facts=facts)
    return made


def hand_over(
    case: Case,
    order: WorkOrder,
    to_unit: str,
    reasons: tuple[Reason, ...],
    rules: Rules,
    *,
    because: Moved | None,
    temporary: bool = False,
    designated: bool = False,
    now: datetime,
) -> WorkOrder:
    """Another unit goes on in an order's place; what was given on from it ends with it."""
    cancel_children(case, order, rules, now=now)
    new_order_id = new_id()
    case.say(
        OrderRedispatched(
            order_id=order.order_id,
            new_order_id=new_order_id,
            from_unit_code=order.unit_code,
            to_unit_code=to_unit,
            own_error=because == "own_error",
        ),
        order.unit_code,
        now=now,
    )
    return open_order(
        case,
        to_unit,
        order.role,
        reasons,
        rules,
        now=now,
        replaces=order,
        order_id=new_order_id,
        because=because,
        mandatory=order.mandatory,
        temporary=temporary,
        designated=designated,
    )


def review(
    case: Case,
    order: WorkOrder,
    by: Actor,
    rules: Rules,
    *,
    outcome: Literal["approve", "send_back"],
    note: str,
    condition_met: bool = False,
    now: datetime,
) -> None:
    """结案审核: agree, against the standard's closing condition; or send the work back to the same unit."""
    must_act(case, order, "review", by, rules, now=now, outcome=outcome)
    approved = outcome == "approve"
    asked = "closing_condition" in row_of(case, "review", rules, outcome).guards
    if asked and order.role == "lead" and case.standard_no is not None and not condition_met:
        raise ClosingConditionOpen
    move(case, order, "review", by, rules, now=now, outcome=outcome)
    order.review = Review("approved" if approved else "sent_back", note, now, by.id)
    case.say(
        CaseReviewed(order_id=order.order_id, outcome=order.review.outcome, round=case.round),
        order.unit_code,
        now=now,
    )
    if note:
        order.notes.append(ProgressNote(now, by.id, "", note))
    case.note("review", by=by.id, now=now, facts={**about(order), "outcome": outcome})
    if approved:
        reply_when_done(case, rules, now=now)


def reply_when_done(case: Case, rules: Rules, *, now: datetime) -> None:
    """The lead's reply goes out once its work and that of all mandatory co-units is approved; the rest is cancelled."""
    lead = case.lead()
    others = [order for order in case.live_orders() if order.role == "co"]
    if lead is None or lead.state != "reviewed" or case.state != "handling":
        return
    if any(order.mandatory and order.state not in DONE for order in others):
        return
    for order in others:
        if order.state not in DONE:
            cancel(case, order, "ended", rules, now=now)
    reply(case, lead, rules, now=now)


def reply(case: Case, order: WorkOrder, rules: Rules, *, now: datetime) -> None:
    """The citizen is told."""
    case.state, case.replied_at = "replied", now
    case.say(
        CaseReplied(
            order_id=order.order_id,
            unit_code=order.unit_code,
            unit_name=rules.unit_name(order.unit_code),
            public_reply=order.public_reply,
            photo_ids=order.photo_ids,
            round=case.round,
        ),
        *case.units(),
        now=now,
    )


def remember_photo(case: Case, order: WorkOrder, photo_id: UUID, kind: PhotoKind, *, now: datetime) -> None:
    if order.knows(photo_id):
        return
    order.photos.append(Photo(photo_id, kind))
    case.note("photo", by="feedback", now=now, facts={**about(order), "photo_id": str(photo_id), "kind": kind})


def about(order: WorkOrder) -> dict[str, object]:
    return {"order_id": str(order.order_id), "unit": order.unit_code}
