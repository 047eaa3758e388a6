"""A clock: its limit running, its timers and what is said of it; and the stopwatch that makes clocks by the rules."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from contracts.events.sla import ClockBreached, ClockKind, ClockStopped, ClockWarned, StartedClock, WorkingSpan
from services.sla.limits import Filing, LimitBook
from services.sla.spans import working_span
from services.sla.workdays import Calendar, CountFrom, Unit, epoch
from shared.ids import new_id

type State = Literal["normal", "warned", "breached", "stopped"]

BREACH = 100
"""The share of a limit, in percent, at which it is breached: all of it and a second more."""


@dataclass(slots=True)
class Timer:
    """An instant at which a share of a clock's limit is used up."""

    percent: int
    due_at: datetime


@dataclass(slots=True, kw_only=True)
class Clock:
    """One limit running, or stopped; what it was started with never changes."""

    clock_id: UUID
    kind: ClockKind
    order_id: UUID | None
    unit_code: str | None
    round: int
    amount: int
    unit: Unit
    count_from: CountFrom
    rule_code: str
    calendar: str
    provisional: bool
    started_at: datetime
    due_at: datetime
    warned_at: datetime | None = None
    breached_at: datetime | None = None
    stopped_at: datetime | None = None
    used_seconds: int | None = None
    timers: tuple[Timer, ...] = ()
    """Only of a clock just started."""

    @property
    def running(self) -> bool:
        return self.stopped_at is None

    @property
    def state(self) -> State:
        if self.stopped_at is not None:
            return "stopped"
        if self.breached_at is not None:
            return "breached"
        return "normal" if self.warned_at is None else "warned"

    @property
    def on_time(self) -> bool | None:
        """None while it runs. What is done in the due second itself is done in time."""
        return None if self.stopped_at is None else epoch(self.stopped_at) <= epoch(self.due_at)

    def announced(self, span: WorkingSpan | None = None) -> StartedClock:
        """`span`: the working days it counts, of the clock its citizen watches."""
        return StartedClock(
            clock_id=self.clock_id,
            kind=self.kind,
            order_id=self.order_id,
            unit_code=self.unit_code,
            started_at=self.started_at,
            due_at=self.due_at,
            amount=self.amount,
            unit=self.unit,
            rule_code=self.rule_code,
            calendar=self.calendar,
            provisional=self.provisional,
            span=span,
        )

    def finished(self) -> ClockStopped:
        assert self.stopped_at is not None
        assert self.used_seconds is not None
        return ClockStopped(
            clock_id=self.clock_id,
            kind=self.kind,
            order_id=self.order_id,
            unit_code=self.unit_code,
            started_at=self.started_at,
            stopped_at=self.stopped_at,
            due_at=self.due_at,
            on_time=bool(self.on_time),
            used_seconds=self.used_seconds,
        )


@dataclass(frozen=True, slots=True)
class Firing:
    """A timer whose instant has come while its clock was running."""

    case_id: UUID
    clock_id: UUID
    kind: ClockKind
    order_id: UUID | None
    unit_code: str | None
    due_at: datetime
    """Of the clock."""
    percent: int
    fell_due_at: datetime
    """Of the timer."""

    def event(self) -> ClockBreached | ClockWarned:
        if self.percent >= BREACH:
            return ClockBreached(
                clock_id=self.clock_id,
                kind=self.kind,
                order_id=self.order_id,
                unit_code=self.unit_code,
                due_at=self.due_at,
            )
        return ClockWarned(
            clock_id=self.clock_id,
            kind=self.kind,
            order_id=self.order_id,
            unit_code=self.unit_code,
            due_at=self.due_at,
            share_used=self.percent / 100,
        )


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """The rules clocks are made by: limits and a calendar."""

    book: LimitBook
    calendar: Calendar

    def clock(
        self,
        kind: ClockKind,
        at: datetime,
        *,
        filing: Filing | None,
        order_id: UUID | None = None,
        unit_code: str | None = None,
        turn: int = 1,
    ) -> Clock:
        """A clock that starts at `at`, under the edition in force when the case was filed (or came in, before that)."""
        edition = self.book.at(filing.filed_at if filing else at)
        given = edition.limit(kind, filing)
        due = self.calendar.due(at, given.limit)
        assert given.limit.count_from is not None
        return Clock(
            clock_id=new_id(),
            kind=kind,
            order_id=order_id,
            unit_code=unit_code,
            round=turn,
            amount=given.limit.amount,
            unit=given.limit.unit,
            count_from=given.limit.count_from,
            rule_code=given.rule_code,
            calendar=due.calendar_version,
            provisional=due.provisional,
            started_at=at,
            due_at=due.at,
            timers=self._timers(edition.warnings, epoch(at), epoch(due.at), given.limit.unit),
        )

    def announced(self, clock: Clock) -> StartedClock:
        """With its working days where a citizen counts down."""
        if clock.kind != "total":
            return clock.announced()
        return clock.announced(working_span(self.calendar, clock.started_at, clock.due_at, clock.unit))

    def _timers(self, warnings: Iterable[int], start_s: int, due_s: int, unit: Unit) -> tuple[Timer, ...]:
        calendar, timers = self.calendar, []
        whole = calendar.elapsed_epoch(start_s, due_s, unit)
        working = unit in ("work_hour", "work_day")
        for percent in warnings:
            used = -(-whole * percent // 100)
            at_s = calendar.add_epoch(start_s, used) if working else start_s + used
            if start_s < at_s < due_s:
                timers.append(Timer(percent, datetime.fromtimestamp(at_s, UTC)))
        # The due second itself is still in time, so it is over with the next one.
        timers.append(Timer(BREACH, datetime.fromtimestamp(due_s + 1, UTC)))
        return tuple(timers)

    def used(self, clock: Clock, at: datetime) -> int:
        """Seconds from the clock's start to `at`, counted the way its limit is."""
        return self.calendar.elapsed(clock.started_at, at, clock.unit)
