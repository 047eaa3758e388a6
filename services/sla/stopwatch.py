"""A clock: its limit running, its timers and what is said of it; and the stopwatch that makes clocks by the rules."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from contracts.events.sla import (
    ClockBreached,
    ClockKind,
    ClockStopped,
    ClockWarned,
    MovedClock,
    OrderUrged,
    SlaEvent,
    StartedClock,
    WorkingSpan,
)
from services.sla.calendar import DAY
from services.sla.countdown import working_span
from services.sla.hours import Hours
from services.sla.limits import URGENT, Filing, LimitBook
from services.sla.oversight.rules import OversightBook, Rung, shipped_oversight
from services.sla.workdays import HOUR, Calendar, CountFrom, Limit, Unit, epoch
from shared.ids import new_id

type State = Literal["normal", "warned", "breached", "paused", "stopped"]

BREACH = 100
"""The share of a limit, in percent, at which it is breached: all of it and a second more."""
type Pause = tuple[datetime, datetime | None]
"""From when until when a clock stood still; None while it does."""


def pauses_of(kept: Any) -> tuple[Pause, ...]:
    """From the column of a row, as JSON or read already."""
    pairs = json.loads(kept) if isinstance(kept, str) else kept or ()
    return tuple(
        (datetime.fromisoformat(since), datetime.fromisoformat(until) if until else None) for since, until in pairs
    )


@dataclass(slots=True)
class Timer:
    """An instant at which something is said of a clock."""

    percent: int
    """The share of the limit that is used up, or the number of a rung of the ladder (`FIRST_RUNG` and above)."""
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
    first_due_at: datetime | None = None
    """When it was due at first, if that was ever moved."""
    pauses: tuple[Pause, ...] = ()
    timers: tuple[Timer, ...] = ()
    """Only of a clock just started or moved."""

    @property
    def original_due_at(self) -> datetime:
        return self.first_due_at or self.due_at

    @property
    def paused(self) -> bool:
        return bool(self.pauses) and self.pauses[-1][1] is None

    @property
    def running(self) -> bool:
        return self.stopped_at is None

    @property
    def state(self) -> State:
        if self.stopped_at is not None:
            return "stopped"
        if self.paused:
            return "paused"
        # A breach said before an extension was granted stays a fact, and says nothing of the new due time.
        if self.breached_at is not None and self.breached_at > self.due_at:
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


@dataclass(frozen=True, slots=True, kw_only=True)
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
    share_used: float
    rung: Rung | None = None
    late_seconds: int = 0

    def said(self, urged: int) -> list[SlaEvent]:
        """What is told of it; `urged` is how often the case's orders have been urged before."""
        clock = {
            "clock_id": self.clock_id,
            "kind": self.kind,
            "order_id": self.order_id,
            "unit_code": self.unit_code,
            "due_at": self.due_at,
        }
        if self.percent == BREACH:
            return [ClockBreached(**clock, late_seconds=self.late_seconds)]
        rung = self.rung
        code = rung.code if rung else f"share-{self.percent}"
        card = rung.card if rung else None
        warned = ClockWarned(**clock, share_used=self.share_used, step_code=code, card=card)
        if rung is None or not rung.urge or self.order_id is None or self.unit_code is None:
            return [warned]
        return [warned, OrderUrged(order_id=self.order_id, unit_code=self.unit_code, by="rule", times=urged + 1)]


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """The rules clocks are made by: limits, a calendar, and what is said of a clock before and after it is due."""

    book: LimitBook
    calendar: Calendar
    """Of office hours."""
    hours: Hours | None = None
    """None: everybody keeps office hours."""
    oversight: OversightBook = field(default_factory=shipped_oversight)

    def calendar_for(self, unit_code: str | None, at: datetime) -> Calendar:
        """What a clock of this unit that starts at `at` is counted in."""
        return self.calendar if self.hours is None else self.hours.calendar(unit_code, at)

    def calendar_of(self, clock: Clock) -> Calendar:
        """What a clock is counted in: its own version while that is in use, else what took its place."""
        if clock.calendar == self.calendar.version or self.hours is None:
            return self.calendar
        return self.hours.by_version.get(clock.calendar) or self.hours.calendar(clock.unit_code, clock.started_at)

    def clock(
        self,
        kind: ClockKind,
        at: datetime,
        *,
        filing: Filing | None,
        order_id: UUID | None = None,
        unit_code: str | None = None,
        turn: int = 1,
        urgent: bool = False,
        no_later_than: datetime | None = None,
    ) -> Clock:
        """A clock that starts at `at`, under the edition in force when the case was filed (or came in, before that).

        `urgent`: its limit runs without a break. `no_later_than`: the end of what it is a part of.
        """
        judged_at = filing.filed_at if filing else at
        edition = self.book.judging(filing) if filing else self.book.at(at)
        oversight, calendar = self.oversight.at(judged_at), self.calendar_for(unit_code, at)
        given = edition.limit(kind, filing, emergency=urgent)
        limit, rule_code = given.limit, given.rule_code
        if urgent and limit.unit != "urgent_hour":
            limit, rule_code = oversight.urgent(limit), rule_code + URGENT
        due = calendar.due(at, limit)
        due_at = due.at if no_later_than is None else max(at, min(due.at, no_later_than))
        assert limit.count_from is not None
        shares = () if kind in oversight.silent else edition.warnings
        return Clock(
            clock_id=new_id(),
            kind=kind,
            order_id=order_id,
            unit_code=unit_code,
            round=turn,
            amount=limit.amount,
            unit=limit.unit,
            count_from=limit.count_from,
            rule_code=rule_code,
            calendar=due.calendar_version,
            provisional=due.provisional,
            started_at=at,
            due_at=due_at,
            timers=self._timers(
                calendar,
                shares,
                oversight.rungs(kind, limit.amount, limit.unit),
                (epoch(at), epoch(due_at)),
                limit.unit,
            ),
        )

    def announced(self, clock: Clock) -> StartedClock:
        """With its working days where a citizen counts down."""
        if clock.kind != "total":
            return clock.announced()
        return clock.announced(working_span(self.calendar_of(clock), clock.started_at, clock.due_at, clock.unit))

    def timers_again(
        self, kind: ClockKind, limit: Limit, unit_code: str | None, span: tuple[int, int], filed_at: datetime | None
    ) -> tuple[Timer, ...]:
        """What is to be said of a clock that begins and is due at these seconds, as if nothing had been said yet."""
        started_at = datetime.fromtimestamp(span[0], UTC)
        judged_at = filed_at or started_at
        oversight = self.oversight.at(judged_at)
        shares = () if kind in oversight.silent else self.book.at(judged_at).warnings
        rungs = oversight.rungs(kind, limit.amount, limit.unit)
        return self._timers(self.calendar_for(unit_code, started_at), shares, rungs, span, limit.unit)

    def _timers(
        self, calendar: Calendar, shares: Iterable[int], rungs: Iterable[Rung], span: tuple[int, int], unit: Unit
    ) -> tuple[Timer, ...]:
        """`span`: from the start to the due second."""
        (start_s, due_s), timers = span, []
        whole = calendar.elapsed_epoch(start_s, due_s, unit)
        working = unit in ("work_hour", "work_day")
        for percent in shares:
            used = -(-whole * percent // 100)
            at_s = calendar.add_epoch(start_s, used) if working else start_s + used
            if start_s < at_s < due_s:
                timers.append(Timer(percent, datetime.fromtimestamp(at_s, UTC)))
        # The due second itself is still in time, so it is over with the next one.
        timers.append(Timer(BREACH, datetime.fromtimestamp(due_s + 1, UTC)))
        for rung in rungs:
            at_s = _rung_epoch(calendar, rung, due_s)
            if start_s < at_s:
                timers.append(Timer(rung.rung, datetime.fromtimestamp(at_s, UTC)))
        return tuple(timers)

    def used(self, clock: Clock, at: datetime) -> int:
        """Seconds from the clock's start to `at`, counted the way its limit is, without the time it stood still."""
        return _used(self.calendar_of(clock), clock.started_at, clock.pauses, clock.unit, at=at)

    def share_used(self, clock: Clock, at: datetime) -> float:
        """How much of the time to the due time is used; a span without any of its unit is used up when it is over."""
        return share(self.calendar_of(clock), clock.started_at, clock.due_at, clock.pauses, clock.unit, at=at)

    def pause(self, clock: Clock, at: datetime) -> None:
        clock.pauses = (*clock.pauses, (at, None))
        clock.timers = ()

    def resume(self, clock: Clock, at: datetime) -> MovedClock:
        """The time it stood still is given back; a clock that was over when it was paused stays over."""
        since = clock.pauses[-1][0]
        clock.pauses = (*clock.pauses[:-1], (since, at))
        calendar = self.calendar_of(clock)
        left = calendar.elapsed(since, clock.due_at, clock.unit)
        if left <= 0:
            return self.move(clock, clock.due_at, at)
        at_s = epoch(at)
        due_s = calendar.add_epoch(at_s, left) if clock.unit in ("work_hour", "work_day") else at_s + left
        return self.move(clock, datetime.fromtimestamp(due_s, UTC), at)

    def move(self, clock: Clock, due_at: datetime, now: datetime) -> MovedClock:
        """Another due time; what would have been said before `now` is not said any more, the first due time is kept."""
        before = clock.due_at
        if due_at != before:
            clock.first_due_at, clock.due_at, clock.warned_at = clock.original_due_at, due_at, None
        unknown = self.calendar_of(clock).unknown_year(clock.started_at, due_at, clock.unit)
        clock.provisional = unknown is not None
        clock.timers = self.timers_left(clock, now)
        return MovedClock(
            clock_id=clock.clock_id,
            kind=clock.kind,
            order_id=clock.order_id,
            from_due_at=before,
            due_at=due_at,
            provisional=clock.provisional,
        )

    def timers_left(self, clock: Clock, now: datetime) -> tuple[Timer, ...]:
        """What is still to be said of a running clock: all that lies after `now`, and the breach if it was not said."""
        if not clock.running or clock.paused:
            return ()
        oversight, calendar = self.oversight.at(clock.started_at), self.calendar_of(clock)
        shares = () if clock.kind in oversight.silent else self.book.at(clock.started_at).warnings
        rungs = oversight.rungs(clock.kind, clock.amount, clock.unit)
        said = clock.breached_at is not None and clock.breached_at > clock.due_at
        stood = sum(calendar.elapsed(since, until, clock.unit) for since, until in clock.pauses if until is not None)
        start_s = epoch(clock.started_at)
        if stood:  # as if it had begun so much later
            working = clock.unit in ("work_hour", "work_day")
            start_s = calendar.add_epoch(start_s, stood) if working else start_s + stood
        timers = self._timers(calendar, shares, rungs, (start_s, epoch(clock.due_at)), clock.unit)
        return tuple(each for each in timers if each.due_at > now or (each.percent == BREACH and not said))


def _rung_epoch(calendar: Calendar, rung: Rung, due_s: int) -> int:
    """Working units count working time from the due second; after it nothing comes before the breach itself."""
    span = rung.before or rung.after
    assert span is not None
    sign = -1 if rung.before is not None else 1
    if span.unit in ("work_hour", "work_day"):
        seconds = span.amount * (calendar.day_seconds if span.unit == "work_day" else HOUR)
        at_s = calendar.add_epoch(due_s, sign * seconds if seconds else 1)
    else:
        at_s = due_s + sign * span.amount * (DAY if span.unit == "calendar_day" else HOUR)
    return at_s if sign < 0 else max(at_s, due_s + 1)


def _used(calendar: Calendar, started_at: datetime, pauses: Iterable[Pause], unit: Unit, *, at: datetime) -> int:
    used = calendar.elapsed(started_at, at, unit)
    for since, until in pauses:
        if since < at:
            used -= calendar.elapsed(since, min(until or at, at), unit)
    return used


def share(
    calendar: Calendar,
    started_at: datetime,
    due_at: datetime,
    pauses: Sequence[Pause],
    unit: Unit,
    *,
    at: datetime,
) -> float:
    """How much of a span is used up, 0 to more than 1; see `Stopwatch.share_used`."""
    used = _used(calendar, started_at, pauses, unit, at=at)
    still = bool(pauses) and pauses[-1][1] is None  # the rest of it waits where the pause began
    whole = used + calendar.elapsed(pauses[-1][0] if still else at, due_at, unit)
    return max(0, used) / whole if whole > 0 else float(at >= due_at)
