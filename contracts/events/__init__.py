"""The events, by publisher: the only source AsyncAPI, JSON Schemas and examples are generated from."""

from contracts.events import feedback, intake, router, sla
from shared.cloudevents import Event

INTAKE: tuple[type[Event], ...] = (
    intake.CaseSubmitted,
    intake.CaseSupplemented,
    intake.CaseUrged,
    intake.CaseWithdrawn,
    intake.ContactChanged,
    intake.CitizenErased,
)
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
    router.OrderCancelled,
    router.RulingOpened,
    router.RulingMade,
    router.TaskAssigned,
    router.TaskDone,
    router.CaseMerged,
    router.CaseUnmerged,
    router.CaseNotAccepted,
    router.EmergencyDeclared,
    router.EmergencyLifted,
    router.SessionEnded,
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
    sla.ClockPaused,
    sla.ClockResumed,
    sla.ClockExtended,
    sla.ClockRecomputed,
    sla.CalendarChanged,
    sla.OrderUrged,
    sla.SupervisionAnswered,
    sla.CaseSupervised,
)
FEEDBACK: tuple[type[Event], ...] = (
    feedback.PhotoTaken,
    feedback.RatingSubmitted,
    feedback.CitizenDissatisfied,
    feedback.CallbackRecorded,
    feedback.PraiseGiven,
    feedback.NoticeSent,
    feedback.NoticeFailed,
)
ALL: tuple[type[Event], ...] = (*INTAKE, *ROUTER, *SLA, *FEEDBACK)
