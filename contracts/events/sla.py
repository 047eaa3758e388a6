"""What the stopwatch says."""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel

from contracts.events.router import LimitUnit
from shared.cloudevents import Event

ClockKind = Literal["accept", "sign", "contact", "handle", "total", "rate"]


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


class ClockBreached(SlaEvent):
    """The limit has passed and the work is not done."""

    TYPE: ClassVar[str] = "clock.breached.v1"

    clock_id: UUID
    kind: ClockKind
    order_id: UUID | None
    unit_code: str | None
    due_at: datetime


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


class CaseSupervised(SlaEvent):
    """督办: dissatisfied a second time, so the matter is watched from above."""

    TYPE: ClassVar[str] = "case.supervised.v1"

    cause: Literal["dissatisfied_twice"]
