"""What the stopwatch says."""

from datetime import date, datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel

from contracts.events.router import LimitUnit
from shared.cloudevents import Event

ClockKind = Literal[
    "accept",
    "inform",
    "dispatch",
    "sign",
    "contact",
    "handle",
    "delegate",
    "review",
    "inform_result",
    "callback",
    "total",
    "rate",
]
"""What is waited for. `inform` and `inform_result` are what the citizen is owed to be told (受理告知, 办理告知), `delegate`
is the handling of an order a unit gave on to one below it (二次分拨), `total` the whole as the citizen counts it."""
Card = Literal["yellow", "red"]
"""黄牌 before due, 红牌 on the first late working day (山东省)."""
SupervisionLevel = Literal["urged", "order", "listed", "interview", "account"]
"""催办, 督办单, 挂牌督办, 约谈, 问责: each heavier than the one before."""


class WorkingSpan(BaseModel):
    """Which days are worked until a clock is due, so that whoever shows a countdown needs no calendar of their own."""

    first_day: date
    """In Shenzhen: when the clock began, or was moved."""
    days: str
    """A character a day up to the one it is due: 1 worked, 0 not. Empty when the limit runs through nights and
    holidays."""
    windows: tuple[str, ...]
    """Of a working day: `09:00-12:00`."""


class StartedClock(BaseModel):
    clock_id: UUID
    kind: ClockKind
    order_id: UUID | None
    """None for the clocks of the whole case."""
    unit_code: str | None
    started_at: datetime
    due_at: datetime
    amount: int
    unit: LimitUnit
    rule_code: str
    """Which rule gave the limit."""
    calendar: str
    """Version of the calendar it was counted in."""
    provisional: bool = False
    """True when the due instant falls in a year whose holidays are not yet known."""
    span: WorkingSpan | None = None
    """Of the clock its citizen watches, `total`; None for the units' own."""


class SlaEvent(Event):
    PUBLISHER: ClassVar[str] = "sla"


class ClockStarted(SlaEvent):
    """Clocks of a case or an order began to run, by the same cause at the same moment."""

    TYPE: ClassVar[str] = "clock.started.v1"

    clocks: tuple[StartedClock, ...]


class ClockWarned(SlaEvent):
    """A share of the limit is used up and the work is not done."""

    TYPE: ClassVar[str] = "clock.warned.v1"

    clock_id: UUID
    kind: ClockKind
    order_id: UUID | None
    unit_code: str | None
    due_at: datetime
    share_used: float
    step_code: str = ""
    """Which rung of the ladder, as the rules name it."""
    card: Card | None = None


class ClockBreached(SlaEvent):
    """The limit has passed and the work is not done."""

    TYPE: ClassVar[str] = "clock.breached.v1"

    clock_id: UUID
    kind: ClockKind
    order_id: UUID | None
    unit_code: str | None
    due_at: datetime
    late_seconds: int = 0
    """How much later than the due second this was said: more than a moment only after a downtime."""


class ClockStopped(SlaEvent):
    """The work was done, in time or late; a fact that is never rewritten."""

    TYPE: ClassVar[str] = "clock.stopped.v1"
    EXTERNAL: ClassVar[bool] = True

    clock_id: UUID
    kind: ClockKind
    order_id: UUID | None
    unit_code: str | None
    started_at: datetime
    stopped_at: datetime
    due_at: datetime
    on_time: bool
    used_seconds: int
    """Working time used, in seconds, counted the way the limit is."""


class ClockPaused(SlaEvent):
    """挂账: the work waits for a promised day, with approval; once a case, and never because of a return."""

    TYPE: ClassVar[str] = "clock.paused.v1"

    clock_ids: tuple[UUID, ...]
    promised_at: datetime
    next_contact_at: datetime
    """When the unit speaks with the citizen again."""
    public_reason: str


class MovedClock(BaseModel):
    clock_id: UUID
    kind: ClockKind
    order_id: UUID | None
    from_due_at: datetime
    due_at: datetime
    provisional: bool = False
    span: WorkingSpan | None = None
    """Counted from the day of the change; None when that clock has none."""


class ClockResumed(SlaEvent):
    TYPE: ClassVar[str] = "clock.resumed.v1"

    clocks: tuple[MovedClock, ...]


class ClockExtended(SlaEvent):
    """延期: granted before it was due; the citizen is told the new date and why. The first due date is kept."""

    TYPE: ClassVar[str] = "clock.extended.v1"

    clocks: tuple[MovedClock, ...]
    public_reason: str
    times: int
    """How often this order has been extended, this time included."""


class ClockRecomputed(SlaEvent):
    """A calendar or a limit was published and open clocks were counted again."""

    TYPE: ClassVar[str] = "clock.recomputed.v1"

    clocks: tuple[MovedClock, ...]
    calendar: str
    reason: str


class CalendarChanged(SlaEvent):
    """A version of the working calendar is in use. About no one case."""

    TYPE: ClassVar[str] = "calendar.changed.v1"
    EXTERNAL: ClassVar[bool] = True

    version: str
    hours_code: str
    moved: int
    """How many open clocks it moved."""


class OrderUrged(SlaEvent):
    """催办: a leader, an operator or the citizen wants the unit to hurry."""

    TYPE: ClassVar[str] = "order.urged.v1"
    EXTERNAL: ClassVar[bool] = True

    order_id: UUID
    unit_code: str
    by: Literal["citizen", "operator", "supervisor", "leader", "rule"]
    times: int


class CaseSupervised(SlaEvent):
    """督办: the matter is watched from above, with a level, a day to answer by and a reply that is owed."""

    TYPE: ClassVar[str] = "case.supervised.v1"

    cause: Literal["dissatisfied_twice", "overdue", "urged_often", "repeated", "leader", "supervisor", "rework_failed"]
    level: SupervisionLevel = "order"
    supervision_id: UUID | None = None
    unit_code: str | None = None
    reply_due_at: datetime | None = None


class SupervisionAnswered(SlaEvent):
    """The unit has given the reply it owed, and it was accepted or not."""

    TYPE: ClassVar[str] = "supervision.answered.v1"
    EXTERNAL: ClassVar[bool] = True

    supervision_id: UUID
    unit_code: str
    accepted: bool
