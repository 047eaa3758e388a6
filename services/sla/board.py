"""The clocks of one case on one board: how they start, stop, stand still and move, and who is told to hurry."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from contracts.events.sla import (
    ClockExtended,
    ClockKind,
    ClockPaused,
    ClockResumed,
    ClockStarted,
    MovedClock,
    OrderUrged,
    SlaEvent,
    SupervisionLevel,
)
from services.sla.limits import Filing
from services.sla.oversight.rules import Oversight
from services.sla.oversight.supervisions import Cause, Supervision
from services.sla.stopwatch import Clock, Stopwatch
from services.sla.workdays import Limit
from shared.errors import Conflict

HANDLING: tuple[ClockKind, ...] = ("handle", "delegate")
type Urger = Literal["citizen", "operator", "supervisor", "leader", "rule"]


class NothingToExtend(Conflict):
    """No time of this order is running that could be extended."""

    zh: ClassVar[str] = "该工单没有正在计时的办理时限，不能延期"


class NothingToSuspend(Conflict):
    """No clock of this case is running that could stand still."""

    zh: ClassVar[str] = "该诉求没有正在计时的办理时限，不能挂账"


class NotFiledYet(Conflict):
    """The case must be filed before its work is timed."""

    zh: ClassVar[str] = "诉求尚未立案，不能开始计时"


@dataclass(slots=True)
class Board:
    """What is known of a case's time, and what is done about it; the facts it follows from are `domain`'s."""

    case_id: UUID
    stopwatch: Stopwatch
    sequence: int = 0
    case_no: str | None = None
    submitted_at: datetime | None = None
    channel_code: str | None = None
    filing: Filing | None = None
    answered_at: datetime | None = None
    """When the case was first replied to, or closed without."""
    closed_at: datetime | None = None
    reachable: bool = False
    """Whether somebody is waiting to be told: not of anonymous requests, nor where no answer is wanted."""
    told_at: datetime | None = None
    replied_round: int = 0
    result_told_round: int = 0
    result_told_at: datetime | None = None
    rated_round: int = 0
    rated_at: datetime | None = None
    called_round: int = 0
    called_at: datetime | None = None
    urged: int = 0
    """How often the units were urged, by whomever."""
    supervised_at: datetime | None = None
    clocks: list[Clock] = field(default_factory=list)
    events: list[SlaEvent] = field(default_factory=list)
    started: list[Clock] = field(default_factory=list)
    stopped: list[Clock] = field(default_factory=list)
    moved: list[Clock] = field(default_factory=list)
    supervisions: list[Supervision] = field(default_factory=list)
    """Only those just ordered."""

    def handling(self, order_id: UUID | None) -> Clock | None:
        """The clock of a unit's work on an order: the one that runs, else the last."""
        mine = [clock for clock in self.clocks if clock.order_id == order_id and clock.kind in HANDLING]
        return next((clock for clock in mine if clock.running), mine[-1] if mine else None)

    def urge(self, by: Urger, at: datetime) -> list[OrderUrged]:
        """催办: everybody who still works on it is urged; with the rules' n-th time the matter is supervised."""
        at_work = [c for c in self.clocks if c.running and c.kind in HANDLING and c.order_id and c.unit_code]
        self.urged += 1
        said = [
            OrderUrged(order_id=c.order_id, unit_code=c.unit_code, by=by, times=self.urged)
            for c in at_work
            if c.order_id and c.unit_code
        ]
        self.events += said
        rules = self.rules(at).urge
        if self.urged == rules.supervise_at and said:
            self.supervise("urged_often", rules.supervise, at, order_id=said[0].order_id, unit_code=said[0].unit_code)
        return said

    def supervise(
        self,
        cause: Cause,
        level: SupervisionLevel,
        at: datetime,
        *,
        by: str = "",
        order_id: UUID | None = None,
        unit_code: str | None = None,
        instruction: str = "",
    ) -> Supervision:
        """督办: from above, with a level and a day to answer by; of the unit that handles the lead's order if none is
        named.
        """
        if order_id is None:
            work = [clock for clock in self.clocks if clock.kind == "handle" and unit_code in (None, clock.unit_code)]
            order_id, unit_code = (work[0].order_id, work[0].unit_code) if work else (None, unit_code)
        ordered = Supervision.order(
            self.case_id,
            cause,
            level,
            at,
            reply_due_at=self.due(self.rules(at).supervision.levels[level].reply.limit, at),
            by=by,
            order_id=order_id,
            unit_code=unit_code,
            instruction=instruction,
        )
        self.supervised_at = self.supervised_at or at
        self.supervisions.append(ordered)
        self.events.append(ordered.said())
        return ordered

    def due(self, limit: Limit, at: datetime) -> datetime:
        return self.stopwatch.calendar.due(at, limit).at

    def rules(self, at: datetime) -> Oversight:
        """Those in force when the case was filed (or now, before that)."""
        return self.stopwatch.oversight.at(self.filing.filed_at if self.filing else at)

    def extend(self, order_id: UUID, due_at: datetime, now: datetime, *, public_reason: str, times: int) -> None:
        """延期: the unit's own time is longer, and with it the citizen's, if that would be over before."""
        work = self.handling(order_id)
        if work is None or not work.running:
            raise NothingToExtend
        moved = [self._move(work, due_at, now)]
        moved += [
            self._move(clock, due_at, now)
            for clock in self.clocks
            if clock.kind == "total" and clock.running and clock.due_at < due_at and work.kind == "handle"
        ]
        self.events.append(ClockExtended(clocks=tuple(moved), public_reason=public_reason, times=times))

    def _move(self, clock: Clock, due_at: datetime, now: datetime) -> MovedClock:
        self.moved.append(clock)
        return self.stopwatch.move(clock, due_at, now)

    def suspend(
        self, at: datetime, kinds: Iterable[ClockKind], *, promised_at: datetime, contact_at: datetime, reason: str
    ) -> None:
        """挂账: these clocks stand still."""
        still = [clock for clock in self.clocks if clock.running and not clock.paused and clock.kind in kinds]
        if not still:
            raise NothingToSuspend
        for clock in still:
            self.stopwatch.pause(clock, at)
        self.moved += still
        ids = tuple(clock.clock_id for clock in still)
        said = ClockPaused(clock_ids=ids, promised_at=promised_at, next_contact_at=contact_at, public_reason=reason)
        self.events.append(said)

    def resume(self, at: datetime) -> None:
        """What stood still runs again, with the time that was left."""
        still = [clock for clock in self.clocks if clock.running and clock.paused]
        if still:
            moved = tuple(self.stopwatch.resume(clock, at) for clock in still)
            self.moved += still
            self.events.append(ClockResumed(clocks=moved))

    def _filing(self) -> Filing:
        if self.filing is None:
            raise NotFiledYet
        return self.filing

    def _start(self, clocks: Iterable[Clock]) -> None:
        started = list(clocks)
        if started:
            self.clocks += started
            self.started += started
            self.events.append(ClockStarted(clocks=tuple(self.stopwatch.announced(clock) for clock in started)))

    def _stop(self, at: datetime, which: Callable[[Clock], bool]) -> None:
        for clock in self.clocks:
            if clock.running and which(clock):
                # An event heard late may be older than the start it ends; time does not run backwards.
                stopped_at = max(at, clock.started_at)
                if clock.paused:
                    self.stopwatch.resume(clock, max(stopped_at, clock.pauses[-1][0]))
                    self.moved.append(clock)
                clock.stopped_at = stopped_at
                clock.used_seconds = self.stopwatch.used(clock, stopped_at)
                self.stopped.append(clock)
                self.events.append(clock.finished())
