"""How what is heard on the bus becomes facts: one function an event; times are those of the facts."""

from collections.abc import Callable, Mapping

from contracts.events import feedback, intake, router
from services.sla.kpi.facts import OrderFacts, Record
from shared.cloudevents import AnyEnvelope, Envelope, Event

type Hear = Callable[[Record, AnyEnvelope], None]

REPEATED = frozenset({"repeated", "repeated_elsewhere"})
"""Tags that say the same matter was brought up before."""


def on_submitted(to: Record, event: Envelope[intake.CaseSubmitted]) -> None:
    said, case = event.data, to.case
    case.case_no, case.channel_code, case.submitted_at = said.case_no, said.channel_code, said.received_at
    case.area_code = case.area_code or said.place.area_code
    case.type_code = case.type_code or said.type_code


def on_filed(to: Record, event: Envelope[router.CaseFiled]) -> None:
    said, case = event.data, to.case
    case.filed_at, case.category_code, case.type_code = event.time, said.category_code, said.type_code
    case.area_code = said.area_code or case.area_code


def on_dispatched(to: Record, event: Envelope[router.OrderDispatched]) -> None:
    said = event.data
    to.add(OrderFacts(said.order_id, event.case_id, said.unit_code, said.role, said.round, event.time))
    to.case.round = max(to.case.round, said.round)


def on_signed(to: Record, event: Envelope[router.OrderSigned]) -> None:
    if (order := to.order(event.data.order_id)) and order.signed_at is None:
        order.signed_at, order.signed_automatically = event.time, event.data.automatic


def on_contacted(to: Record, event: Envelope[router.OrderContacted]) -> None:
    if (order := to.order(event.data.order_id)) and order.contacted_at is None:
        order.contacted_at = event.time


def on_resolved(to: Record, event: Envelope[router.OrderResolved]) -> None:
    """The first time counts; what a review sends back is another round of work, not another first time."""
    if (order := to.order(event.data.order_id)) and order.resolved_at is None:
        order.resolved_at = event.time


def on_return_rejected(to: Record, event: Envelope[router.OrderReturnRejected]) -> None:
    if order := to.order(event.data.order_id):
        order.return_rejected = True


def on_redispatched(to: Record, event: Envelope[router.OrderRedispatched]) -> None:
    said = event.data
    order = to.order(said.order_id)
    if order is None or order.ended_at is not None:
        return
    order.ended_at, order.returned, order.misdispatched = event.time, not said.own_error, said.own_error
    to.case.returned += not said.own_error
    to.case.misdispatched += said.own_error


def on_cancelled(to: Record, event: Envelope[router.OrderCancelled]) -> None:
    if (order := to.order(event.data.order_id)) and order.ended_at is None:
        order.ended_at = event.time


def on_merged(to: Record, _: Envelope[router.CaseMerged]) -> None:
    to.case.merged = True


def on_unmerged(to: Record, _: Envelope[router.CaseUnmerged]) -> None:
    to.case.merged = False


def on_tagged(to: Record, event: Envelope[router.CaseTagged]) -> None:
    to.case.repeated = not REPEATED.isdisjoint(event.data.tags)


def on_replied(to: Record, event: Envelope[router.CaseReplied]) -> None:
    to.case.answered_at = to.case.answered_at or event.time
    to.case.unit_code = event.data.unit_code


def on_reworked(to: Record, event: Envelope[router.CaseReworked]) -> None:
    to.case.round = max(to.case.round, event.data.round)
    to.case.closed_at = to.case.outcome = None


def on_reopened(to: Record, event: Envelope[router.CaseReopened]) -> None:
    to.case.round = max(to.case.round, event.data.round)
    to.case.closed_at = to.case.outcome = None


def on_closed(to: Record, event: Envelope[router.CaseClosed]) -> None:
    to.case.answered_at = to.case.answered_at or event.time
    to.case.closed_at, to.case.outcome = event.time, event.data.outcome


def on_urged(to: Record, event: Envelope[intake.CaseUrged]) -> None:
    to.case.urged = max(to.case.urged, event.data.times)


def on_rated(to: Record, event: Envelope[feedback.RatingSubmitted]) -> None:
    """The last word counts: after a rework the citizen may be content."""
    said, case = event.data, to.case
    case.rated_at, case.rated_solved, case.rated_satisfied = event.time, said.solved, said.satisfied
    case.stars_speed, case.stars_result = said.speed, said.result
    case.stars_attitude, case.stars_system = said.attitude, said.system


def on_called_back(to: Record, event: Envelope[feedback.CallbackRecorded]) -> None:
    """Whoever could not be reached at first may be reached later, never the other way round."""
    said, case = event.data, to.case
    if case.reached and not said.reached:
        return
    case.called_at, case.reached, case.contacted_in_time = event.time, said.reached, said.contacted_in_time
    case.solved, case.satisfied, case.process_satisfied = said.solved, said.satisfied, said.process_satisfied


HEARD: Mapping[type[Event], Hear] = {
    intake.CaseSubmitted: on_submitted,
    intake.CaseUrged: on_urged,
    router.CaseFiled: on_filed,
    router.CaseTagged: on_tagged,
    router.OrderDispatched: on_dispatched,
    router.OrderSigned: on_signed,
    router.OrderContacted: on_contacted,
    router.OrderResolved: on_resolved,
    router.OrderReturnRejected: on_return_rejected,
    router.OrderRedispatched: on_redispatched,
    router.OrderCancelled: on_cancelled,
    router.CaseMerged: on_merged,
    router.CaseUnmerged: on_unmerged,
    router.CaseReplied: on_replied,
    router.CaseReworked: on_reworked,
    router.CaseReopened: on_reopened,
    router.CaseClosed: on_closed,
    feedback.RatingSubmitted: on_rated,
    feedback.CallbackRecorded: on_called_back,
}
