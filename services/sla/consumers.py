"""The NATS door: what intake, router and feedback say starts and stops clocks."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from contracts.events import feedback, intake, router
from services.sla.domain import CaseClocks
from services.sla.kpi.hearing import HEARD
from services.sla.limits import Filing
from services.sla.store import SlaTx
from shared.cloudevents import AnyEnvelope, Envelope, Event
from shared.consumer import Handlers

type Heard = Callable[[SlaTx, AnyEnvelope, datetime], Awaitable[None]]


async def prefetch(tx: SlaTx, events: Sequence[AnyEnvelope]) -> None:
    """Every case of the batch in two statements."""
    await tx.load(event.case_id for event in events)


def heard[E: Event](change: Callable[[CaseClocks, Envelope[E]], None]) -> Heard:
    """A handler: load the case, let it take the fact, save it. Facts count from when they happened, not when heard."""

    async def handler(tx: SlaTx, event: AnyEnvelope, now: datetime) -> None:
        case = await tx.case(event.case_id)
        tx.ledger.hear(event)
        change(case, event)
        tx.save(case, now)

    return handler


async def noted(tx: SlaTx, event: AnyEnvelope, now: datetime) -> None:  # noqa: ARG001  a handler is given the time
    """A fact that starts and stops no clock, but is counted."""
    await tx.load([event.case_id])
    tx.ledger.hear(event)


@heard
def on_case_submitted(case: CaseClocks, event: Envelope[intake.CaseSubmitted]) -> None:
    # A call entered after an outage of the telephone platform counts from when it was made.
    said = event.data
    reachable = said.citizen_id is not None and not said.anonymous and said.reply_wanted
    case.submitted(said.received_at, said.case_no, said.origin_channel_code, reachable=reachable)


@heard
def on_case_filed(case: CaseClocks, event: Envelope[router.CaseFiled]) -> None:
    said = event.data
    case.filed(
        Filing(
            event.time,
            said.type_code,
            said.grade,
            said.limit.amount,
            said.limit.unit,
            said.category_code,
            said.standard.no if said.standard else None,
            groups=case.stopwatch.book.groups_of(said.tags),
        )
    )


@heard
def on_order_dispatched(case: CaseClocks, event: Envelope[router.OrderDispatched]) -> None:
    order = event.data
    case.dispatched(
        event.time,
        order_id=order.order_id,
        unit_code=order.unit_code,
        turn=order.round,
        urgent=order.urgent,
        sub=order.role == "sub",
        parent_order_id=order.parent_order_id,
    )


@heard
def on_order_signed(case: CaseClocks, event: Envelope[router.OrderSigned]) -> None:
    case.signed(event.time, event.data.order_id)


@heard
def on_order_contacted(case: CaseClocks, event: Envelope[router.OrderContacted]) -> None:
    case.contacted(event.time, event.data.order_id)


@heard
def on_order_resolved(case: CaseClocks, event: Envelope[router.OrderResolved]) -> None:
    case.resolved(event.time, event.data.order_id)


@heard
def on_order_redispatched(case: CaseClocks, event: Envelope[router.OrderRedispatched]) -> None:
    case.redispatched(event.time, event.data.order_id)


@heard
def on_order_cancelled(case: CaseClocks, event: Envelope[router.OrderCancelled]) -> None:
    case.redispatched(event.time, event.data.order_id)


@heard
def on_case_merged(case: CaseClocks, event: Envelope[router.CaseMerged]) -> None:
    case.merged(event.time)


@heard
def on_case_unmerged(case: CaseClocks, _: Envelope[router.CaseUnmerged]) -> None:
    case.unmerged()


@heard
def on_case_reviewed(case: CaseClocks, event: Envelope[router.CaseReviewed]) -> None:
    if event.data.outcome == "sent_back":
        case.sent_back(event.time, order_id=event.data.order_id, turn=event.data.round)
    else:
        case.reviewed(event.time, order_id=event.data.order_id)


@heard
def on_case_replied(case: CaseClocks, event: Envelope[router.CaseReplied]) -> None:
    case.replied(event.time, event.data.round)


@heard
def on_case_reworked(case: CaseClocks, event: Envelope[router.CaseReworked]) -> None:
    case.reworked(event.time)


@heard
def on_case_closed(case: CaseClocks, event: Envelope[router.CaseClosed]) -> None:
    case.closed(event.time, event.data.outcome, event.data.round)


async def on_case_urged(tx: SlaTx, event: Envelope[intake.CaseUrged], now: datetime) -> None:
    """催办 by whoever asked: the units that have the work hear it."""
    case = await tx.case(event.case_id)
    said = event.data
    tx.ledger.hear(event)
    tx.urged(case, case.urge(said.by, event.time), urge_id=said.urge_id, by=said.by, at=said.received_at)
    tx.save(case, now)


@heard
def on_notice_sent(case: CaseClocks, event: Envelope[feedback.NoticeSent]) -> None:
    # `replied:2` is the notice of the second round's reply.
    node, _, turn = event.data.node.partition(":")
    notices = case.rules(event.time).notices
    if node in notices["inform"]:
        case.told(event.time)
    elif node in notices["inform_result"]:
        case.result_told(event.time, int(turn) if turn.isdecimal() else 1)


@heard
def on_callback_recorded(case: CaseClocks, event: Envelope[feedback.CallbackRecorded]) -> None:
    """A call nobody answered is none, until it has been tried as often as the rules ask."""
    if event.data.reached or event.data.attempt >= case.rules(event.time).callback.attempts:
        case.called(event.time, event.data.round)


@heard
def on_rating_submitted(case: CaseClocks, event: Envelope[feedback.RatingSubmitted]) -> None:
    case.rated(event.time, event.data.round)


@heard
def on_citizen_dissatisfied(case: CaseClocks, event: Envelope[feedback.CitizenDissatisfied]) -> None:
    case.dissatisfied(event.time, event.data.round)


CONSUMES: Handlers[SlaTx] = {
    **dict.fromkeys(HEARD, noted),
    intake.CaseSubmitted: on_case_submitted,
    intake.CaseUrged: on_case_urged,
    router.CaseFiled: on_case_filed,
    router.OrderDispatched: on_order_dispatched,
    router.OrderSigned: on_order_signed,
    router.OrderContacted: on_order_contacted,
    router.OrderResolved: on_order_resolved,
    router.OrderRedispatched: on_order_redispatched,
    router.OrderCancelled: on_order_cancelled,
    router.CaseMerged: on_case_merged,
    router.CaseUnmerged: on_case_unmerged,
    router.CaseReviewed: on_case_reviewed,
    router.CaseReplied: on_case_replied,
    router.CaseReworked: on_case_reworked,
    router.CaseClosed: on_case_closed,
    feedback.RatingSubmitted: on_rating_submitted,
    feedback.CitizenDissatisfied: on_citizen_dissatisfied,
    feedback.NoticeSent: on_notice_sent,
    feedback.CallbackRecorded: on_callback_recorded,
}
