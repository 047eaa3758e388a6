"""The events, by publisher: the only source AsyncAPI, JSON Schemas and examples are generated from."""

from contracts.events import feedback, intake, router, sla
from shared.cloudevents import Event

INTAKE: tuple[type[Event], ...] = (intake.CaseSubmitted, intake.ContactChanged, intake.CitizenErased)
ROUTER: tuple[type[Event], ...] = (
    router.CaseClassified,
    router.CaseFiled,
    router.CaseTagged,
    router.OrderDispatched,
    router.OrderSigned,
    router.OrderContacted,
    router.OrderProgressed,
    router.OrderResolved,
    router.OrderReturned,
    router.OrderReturnRejected,
    router.OrderRedispatched,
    router.CaseReviewed,
    router.CaseReplied,
    router.CaseReworked,
    router.CaseClosed,
    router.CaseReopened,
)
SLA: tuple[type[Event], ...] = (
    sla.ClockStarted,
    sla.ClockWarned,
    sla.ClockBreached,
    sla.ClockStopped,
    sla.CaseSupervised,
)
FEEDBACK: tuple[type[Event], ...] = (
    feedback.PhotoTaken,
    feedback.RatingSubmitted,
    feedback.CitizenDissatisfied,
    feedback.NoticeSent,
    feedback.NoticeFailed,
)
ALL: tuple[type[Event], ...] = (*INTAKE, *ROUTER, *SLA, *FEEDBACK)
