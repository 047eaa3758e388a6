"""All clocks of one case: which facts start and stop them, in whichever order the facts are heard."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from contracts.events.sla import CaseSupervised, ClockKind, ClockStarted, SlaEvent
from services.sla.limits import Filing
from services.sla.stopwatch import Clock, Stopwatch
from shared.errors import Conflict, NotFound


class CaseNotTimed(NotFound):
    """No clock of this case is known here."""

    zh: ClassVar[str] = "没有该诉求的计时记录"


class NotFiledYet(Conflict):
    """The case must be filed before its work is timed."""

    zh: ClassVar[str] = "诉求尚未立案，不能开始计时"


@dataclass(slots=True)
class CaseClocks:
    """All clocks of one case, and the facts they follow from.

    Publishers are heard in any order relative to each other, so a fact may find that what it starts has ended already:
    it starts and stops at once, and the clocks come out the same whichever came first. `turn` is the events' round. Saying a fact twice, or a fact
    about an order that has no such clock, changes nothing.
    """

    case_id: UUID
    stopwatch: Stopwatch
    sequence: int = 0
    case_no: str | None = None
    submitted_at: datetime | None = None
    filing: Filing | None = None
    answered_at: datetime | None = None
    """When the case was first replied to, or closed without."""
    replied_round: int = 0
    rated_round: int = 0
    rated_at: datetime | None = None
    supervised_at: datetime | None = None
    clocks: list[Clock] = field(default_factory=list)
    events: list[SlaEvent] = field(default_factory=list)
    started: list[Clock] = field(default_factory=list)
    stopped: list[Clock] = field(default_factory=list)

    def submitted(self, at: datetime, case_no: str) -> None:
        if self.submitted_at is not None:
            return
        self.submitted_at, self.case_no = at, case_no
        self._start([self.stopwatch.clock("accept", at, filing=None)])
        if self.filing is not None:
            self._accepted(at, self.filing)
        if self.answered_at is not None:
            self._stop(self.answered_at, lambda clock: clock.kind in ("accept", "total"))

    def filed(self, filing: Filing) -> None:
        """立案: accepted, and from now on the whole has a limit, counted from when the case came in."""
        if self.filing is not None:
            return
        self.filing = filing
        if self.submitted_at is not None:
            self._accepted(self.submitted_at, filing)

    def _accepted(self, submitted_at: datetime, filing: Filing) -> None:
        self._stop(filing.filed_at, lambda clock: clock.kind == "accept")
        self._start([self.stopwatch.clock("total", submitted_at, filing=filing)])

    def dispatched(self, at: datetime, *, order_id: UUID, unit_code: str, turn: int) -> None:
        """A unit has the order. In a later round an order it has signed before only gets a new time to handle it."""
        mine = [clock for clock in self.clocks if clock.order_id == order_id]
        kinds: list[ClockKind] = [] if mine else ["sign", "contact"]
        if not any(clock.running for clock in mine if clock.kind == "handle"):
            kinds.append("handle")
        self._start(
            self.stopwatch.clock(kind, at, filing=self._filing(), order_id=order_id, unit_code=unit_code, turn=turn)
            for kind in kinds
        )

    def signed(self, at: datetime, order_id: UUID) -> None:
        self._stop(at, lambda clock: clock.order_id == order_id and clock.kind == "sign")

    def contacted(self, at: datetime, order_id: UUID) -> None:
        self._stop(at, lambda clock: clock.order_id == order_id and clock.kind in ("sign", "contact"))

    def resolved(self, at: datetime, order_id: UUID) -> None:
        """The unit is done; a citizen it has not spoken with still waits for that."""
        self._stop(at, lambda clock: clock.order_id == order_id and clock.kind in ("sign", "handle"))

    def redispatched(self, at: datetime, order_id: UUID) -> None:
        """改派: the unit is out of it. A return alone stops nothing: the order stays with it until somebody else has it."""
        self._stop(at, lambda clock: clock.order_id == order_id)

    def sent_back(self, at: datetime, *, order_id: UUID, turn: int) -> None:
        """The review was not content: the unit has the order again, with a new time to handle it."""
        handled = [clock for clock in self.clocks if clock.order_id == order_id and clock.kind == "handle"]
        if handled and not any(clock.running for clock in handled):
            unit_code = handled[-1].unit_code
            self._start(
                [
                    self.stopwatch.clock(
                        "handle", at, filing=self._filing(), order_id=order_id, unit_code=unit_code, turn=turn
                    )
                ]
            )

    def replied(self, at: datetime, turn: int) -> None:
        """The citizen has the answer: nobody owes anything any more but the citizen a rating."""
        if turn <= self.replied_round:
            return
        self.replied_round = turn
        self.answered_at = self.answered_at or at
        self._stop(at, lambda _: True)
        self._start([self.stopwatch.clock("rate", at, filing=self._filing(), turn=turn)])
        if self.rated_round >= turn and self.rated_at is not None:
            self._stop(self.rated_at, lambda clock: clock.kind == "rate")

    def rated(self, at: datetime, turn: int) -> None:
        if turn > self.rated_round:
            self.rated_round, self.rated_at = turn, at
        self._stop(at, lambda clock: clock.kind == "rate" and clock.round <= turn)

    def dissatisfied(self, at: datetime, turn: int) -> None:
        """Not content. After the rework there is no third time: the matter is watched from above (督办)."""
        self.rated(at, turn)
        edition = self.stopwatch.book.at(self.filing.filed_at if self.filing else at)
        if turn >= edition.supervise_from_round and self.supervised_at is None:
            self.supervised_at = at
            self.events.append(CaseSupervised(cause="dissatisfied_twice"))

    def reworked(self, at: datetime) -> None:
        """返工: whoever sends it again does not wait for a rating any longer; new orders bring new clocks."""
        self._stop(at, lambda clock: clock.kind == "rate")

    def closed(self, at: datetime) -> None:
        self.answered_at = self.answered_at or at
        self._stop(at, lambda _: True)

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
                clock.stopped_at = stopped_at = max(at, clock.started_at)
                clock.used_seconds = self.stopwatch.used(clock, stopped_at)
                self.stopped.append(clock)
                self.events.append(clock.finished())
