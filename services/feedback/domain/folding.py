"""How each event changes what is known of a case; a publisher's events come in order, the publishers in any order."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from contracts.events.intake import CaseSubmitted, CaseSupplemented, CaseUrged, CaseWithdrawn
from contracts.events.router import (
    CaseClosed,
    CaseFiled,
    CaseMerged,
    CaseNotAccepted,
    CaseReopened,
    CaseReplied,
    CaseReviewed,
    CaseReworked,
    CaseUnmerged,
    OrderCancelled,
    OrderContacted,
    OrderDispatched,
    OrderProgressed,
    OrderRedispatched,
    OrderResolved,
    OrderReturned,
    OrderReturnRejected,
    OrderSigned,
)
from contracts.events.sla import (
    CaseSupervised,
    ClockBreached,
    ClockExtended,
    ClockPaused,
    ClockRecomputed,
    ClockResumed,
    ClockStarted,
    MovedClock,
    WorkingSpan,
)
from services.feedback.domain.beside import Extended, Recomputed, Refused, Said, Suspended
from services.feedback.domain.countdown import Span
from services.feedback.domain.facts import Closing, Facts, Note, Order, PlanNode, Repeat, Reply
from shared.cloudevents import Event
from shared.errors import DomainError


class OrderUnknown(DomainError):
    """This order was never dispatched."""

    kind = "conflict"
    zh = "该工单尚未派出"


def submitted(facts: Facts, event: CaseSubmitted, at: datetime) -> None:
    facts.case_no = event.case_no
    facts.look_up_hash = event.look_up_hash
    facts.citizen_id = event.citizen_id
    facts.submitted_at = at
    facts.type_code = event.type_code
    facts.reply_wanted = event.reply_wanted
    facts.confidential = event.confidential


def urged(facts: Facts, _: CaseUrged, at: datetime) -> None:
    facts.aside().said.append(Said(at, "urged"))


def supplemented(facts: Facts, _: CaseSupplemented, at: datetime) -> None:
    facts.aside().said.append(Said(at, "supplemented"))


def withdrawn(facts: Facts, _: CaseWithdrawn, at: datetime) -> None:
    facts.aside().said.append(Said(at, "withdrawing"))


def filed(facts: Facts, event: CaseFiled, at: datetime) -> None:
    # Filed again under another category: the time of the first filing stays, it is what the citizen was told.
    facts.filed_at = facts.filed_at or at
    facts.filed_type_code = event.type_code
    facts.category_name = event.category_name
    facts.plan = [PlanNode(node.key, node.label) for node in event.nodes]


def dispatched(facts: Facts, event: OrderDispatched, at: datetime) -> None:
    if facts.order(event.order_id) is None:
        facts.orders.append(
            Order(event.order_id, event.role, event.unit_code, event.unit_name, event.round, dispatched_at=at)
        )


def _order(
    facts: Facts,
    event: OrderSigned | OrderContacted | OrderProgressed | OrderResolved | OrderReturned | OrderReturnRejected,
) -> Order:
    order = facts.order(event.order_id)
    if order is None:
        raise OrderUnknown
    # Whoever works on has not been relieved: the return was refused.
    order.returned = isinstance(event, OrderReturned)
    return order


def signed(facts: Facts, event: OrderSigned, at: datetime) -> None:
    order = _order(facts, event)
    order.signed_at = order.signed_at or at


def contacted(facts: Facts, event: OrderContacted, at: datetime) -> None:
    order = _order(facts, event)
    order.contacted_at = order.contacted_at or at


def progressed(facts: Facts, event: OrderProgressed, at: datetime) -> None:
    _order(facts, event).notes.append(Note(at, event.unit_name, event.public_note))


def resolved(facts: Facts, event: OrderResolved, at: datetime) -> None:
    _order(facts, event).resolved_at = at


def returned(facts: Facts, event: OrderReturned, _: datetime) -> None:
    _order(facts, event)


def return_rejected(facts: Facts, event: OrderReturnRejected, _: datetime) -> None:
    _order(facts, event)


def redispatched(facts: Facts, event: OrderRedispatched, _: datetime) -> None:
    order = facts.order(event.order_id)
    if order is None:
        raise OrderUnknown
    order.withdrawn = True


def cancelled(facts: Facts, event: OrderCancelled, _: datetime) -> None:
    """What ended with its case stays as it was seen; what was taken back or moved by a ruling was never the citizen's
    business."""
    order = facts.order(event.order_id)
    if order is None:
        raise OrderUnknown
    if event.cause != "ended":
        order.withdrawn = True


def merged(facts: Facts, _: CaseMerged, at: datetime) -> None:
    aside = facts.aside()
    aside.merged_at, aside.unmerged_at = at, None


def unmerged(facts: Facts, _: CaseUnmerged, at: datetime) -> None:
    facts.aside().unmerged_at = at


def not_accepted(facts: Facts, event: CaseNotAccepted, at: datetime) -> None:
    facts.aside().refused = Refused(at, event.public_reason, event.right_channel, event.handed_over)


def reviewed(facts: Facts, event: CaseReviewed, _: datetime) -> None:
    order = facts.order(event.order_id)
    if order is not None and event.outcome == "sent_back":
        order.resolved_at = None


def replied(facts: Facts, event: CaseReplied, at: datetime) -> None:
    facts.replies = [reply for reply in facts.replies if reply.round != event.round]
    facts.replies.append(Reply(at, event.round, event.unit_name, event.public_reply, list(event.photo_ids)))


def reworked(facts: Facts, event: CaseReworked, at: datetime) -> None:
    _repeat(facts, Repeat(at, event.round, event.cause))


def reopened(facts: Facts, event: CaseReopened, at: datetime) -> None:
    _repeat(facts, Repeat(at, event.round, "reopened"))


def _repeat(facts: Facts, repeat: Repeat) -> None:
    facts.closing = None
    if all(each.round != repeat.round for each in facts.repeats):
        facts.repeats.append(repeat)


def closed(facts: Facts, event: CaseClosed, at: datetime) -> None:
    facts.closing = Closing(at, event.outcome, event.round)
    if event.public_reason:
        facts.aside().ended_because = event.public_reason


def clock_started(facts: Facts, event: ClockStarted, _: datetime) -> None:
    for clock in event.clocks:
        if clock.kind == "total":
            _promise(facts, clock.due_at, clock.span, provisional=clock.provisional)


def _promise(facts: Facts, due_at: datetime, span: WorkingSpan | None, *, provisional: bool) -> None:
    facts.due_at, facts.due_provisional = due_at, provisional
    facts.span = None
    if span is not None:
        facts.span = Span(span.first_day, span.days, tuple(map(_window, span.windows)))


def _window(text: str) -> tuple[int, int]:
    opens, _, closes = text.partition("-")
    return _seconds(opens), _seconds(closes)


def _seconds(clock: str) -> int:
    """`09:00` or `09:00:30` since midnight."""
    hours, minutes, *seconds = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + sum(map(int, seconds))


def _moved(facts: Facts, clocks: tuple[MovedClock, ...]) -> bool:
    """Whether the promised time is among what was moved; the units' own limits are not the citizen's business."""
    for clock in clocks:
        if clock.kind == "total":
            _promise(facts, clock.due_at, clock.span, provisional=clock.provisional)
            return True
    return False


def clock_extended(facts: Facts, event: ClockExtended, at: datetime) -> None:
    if _moved(facts, event.clocks) and facts.due_at is not None:
        facts.aside().extensions.append(Extended(at, facts.due_at, event.public_reason))


def clock_recomputed(facts: Facts, event: ClockRecomputed, at: datetime) -> None:
    before = facts.due_at
    if _moved(facts, event.clocks) and facts.due_at is not None and facts.due_at != before:
        facts.aside().recomputed.append(Recomputed(at, facts.due_at))


def clock_paused(facts: Facts, event: ClockPaused, at: datetime) -> None:
    facts.aside().suspensions.append(Suspended(at, event.promised_at, event.next_contact_at, event.public_reason))


def clock_resumed(facts: Facts, event: ClockResumed, at: datetime) -> None:
    suspended = facts.beside.suspended if facts.beside is not None else None
    if suspended is not None:
        suspended.resumed_at = at
    _moved(facts, event.clocks)


def clock_breached(facts: Facts, event: ClockBreached, at: datetime) -> None:
    # Only the promise made to the citizen is the citizen's business; the units' own clocks are the district's.
    if event.kind == "total":
        facts.overdue_at = facts.overdue_at or at


def supervised(facts: Facts, event: CaseSupervised, at: datetime) -> None:
    if event.level != "urged":  # 催办 from above is between the district and the unit; 督办 is what citizens are told
        facts.supervised_at = facts.supervised_at or at


def concerns_citizens(event: Event) -> bool:
    """Most of what the stopwatch says is about the units' own clocks and changes nothing here."""
    if isinstance(event, ClockStarted | ClockExtended | ClockRecomputed):
        return any(clock.kind == "total" for clock in event.clocks)
    return not isinstance(event, ClockBreached) or event.kind == "total"


FOLDS: Mapping[type[Event], Callable[[Facts, Any, datetime], None]] = {
    CaseSubmitted: submitted,
    CaseUrged: urged,
    CaseSupplemented: supplemented,
    CaseWithdrawn: withdrawn,
    CaseFiled: filed,
    OrderDispatched: dispatched,
    OrderSigned: signed,
    OrderContacted: contacted,
    OrderProgressed: progressed,
    OrderResolved: resolved,
    OrderReturned: returned,
    OrderReturnRejected: return_rejected,
    OrderRedispatched: redispatched,
    OrderCancelled: cancelled,
    CaseMerged: merged,
    CaseUnmerged: unmerged,
    CaseNotAccepted: not_accepted,
    CaseReviewed: reviewed,
    CaseReplied: replied,
    CaseReworked: reworked,
    CaseReopened: reopened,
    CaseClosed: closed,
    ClockStarted: clock_started,
    ClockBreached: clock_breached,
    ClockExtended: clock_extended,
    ClockRecomputed: clock_recomputed,
    ClockPaused: clock_paused,
    ClockResumed: clock_resumed,
    CaseSupervised: supervised,
}
