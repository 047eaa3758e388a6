"""All clocks of one case: which facts start and stop them, in whichever order the facts are heard."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from contracts.events.router import Outcome
from contracts.events.sla import ClockKind
from services.sla.board import HANDLING, Board
from services.sla.limits import URGENT, Filing
from services.sla.stopwatch import Clock
from shared.errors import NotFound


class CaseNotTimed(NotFound):
    """No clock of this case is known here."""

    zh: ClassVar[str] = "没有该诉求的计时记录"


@dataclass(slots=True)
class CaseClocks(Board):
    """All clocks of one case, and the facts they follow from.

    Publishers are heard in any order relative to each other, so a fact may find that what it starts has ended already:
    it starts and stops at once, and the clocks come out the same whichever came first. `turn` is the events' round.
    Saying a fact twice, or a fact about an order that has no such clock, changes nothing.
    """

    def submitted(
        self, at: datetime, case_no: str, channel_code: str | None = None, *, reachable: bool = False
    ) -> None:
        if self.submitted_at is not None:
            return
        self.submitted_at, self.case_no, self.channel_code, self.reachable = at, case_no, channel_code, reachable
        kinds: list[ClockKind] = ["accept", "inform"] if reachable else ["accept"]
        self._start(self.stopwatch.clock(kind, at, filing=None) for kind in kinds)
        if self.filing is not None:
            self.filing = replace(self.filing, channel_code=channel_code or "")
            self._accepted(at, self.filing)
        if self.told_at is not None:
            self.told(self.told_at)
        if self.answered_at is not None:
            self._stop(self.answered_at, lambda clock: clock.kind in ("accept", "inform", "total"))
            if self.replied_round:
                self._tell_result(self.answered_at, self.replied_round)

    def filed(self, filing: Filing) -> None:
        """立案: accepted, and from now on the whole has a limit, counted from when the case came in."""
        if self.filing is not None:
            return
        edition = self.stopwatch.book.at(filing.filed_at).edition
        self.filing = filing = replace(filing, channel_code=self.channel_code or "", edition=edition)
        dispatch = self.stopwatch.clock("dispatch", filing.filed_at, filing=filing)
        if self.submitted_at is not None:
            self._accepted(self.submitted_at, filing, dispatch)
        else:
            self._start([dispatch])

    def _accepted(self, submitted_at: datetime, filing: Filing, *others: Clock) -> None:
        self._stop(filing.filed_at, lambda clock: clock.kind == "accept")
        self._start([self.stopwatch.clock("total", submitted_at, filing=filing), *others])

    def told(self, at: datetime) -> None:
        """受理告知: the citizen knows whether the request was accepted."""
        self.told_at = self.told_at or at
        self._stop(at, lambda clock: clock.kind == "inform")

    def dispatched(
        self,
        at: datetime,
        *,
        order_id: UUID,
        unit_code: str,
        turn: int,
        urgent: bool = False,
        sub: bool = False,
        parent_order_id: UUID | None = None,
    ) -> None:
        """A unit has the order. In a later round an order it has signed before only gets a new time to handle it.

        `sub`: a unit gave it on to one below it, which has no longer than that unit itself.
        """
        self._stop(at, lambda clock: clock.kind == "dispatch")
        mine = [clock for clock in self.clocks if clock.order_id == order_id]
        first: list[ClockKind] = ["sign"] if sub else ["sign", "contact"]
        kinds = [] if mine else first
        if not any(clock.running for clock in mine if clock.kind in HANDLING):
            kinds.append("delegate" if sub else "handle")
        above = self.handling(parent_order_id) if sub else None
        self._start(
            self.stopwatch.clock(
                kind,
                at,
                filing=self._filing(),
                order_id=order_id,
                unit_code=unit_code,
                turn=turn,
                urgent=urgent,
                no_later_than=above.due_at if above else None,
            )
            for kind in kinds
        )

    def signed(self, at: datetime, order_id: UUID) -> None:
        self._stop(at, lambda clock: clock.order_id == order_id and clock.kind == "sign")

    def contacted(self, at: datetime, order_id: UUID) -> None:
        self._stop(at, lambda clock: clock.order_id == order_id and clock.kind in ("sign", "contact"))

    def resolved(self, at: datetime, order_id: UUID) -> None:
        """The unit is done, and the desk has to review it; a citizen it has not spoken with still waits for that."""
        work = self.handling(order_id)
        self._stop(at, lambda clock: clock.order_id == order_id and clock.kind in ("sign", *HANDLING))
        if work is not None and work.stopped_at == at and work.kind == "handle":
            self._again("review", at, work, work.round)

    def redispatched(self, at: datetime, order_id: UUID) -> None:
        """改派, or cancelled: the unit is out of it. A return alone stops nothing: the order stays with it until somebody else has it."""
        self._stop(at, lambda clock: clock.order_id == order_id)

    def reviewed(self, at: datetime, *, order_id: UUID) -> None:
        self._stop(at, lambda clock: clock.order_id == order_id and clock.kind == "review")

    def sent_back(self, at: datetime, *, order_id: UUID, turn: int) -> None:
        """The review was not content: the unit has the order again, with a new time to handle it."""
        self.reviewed(at, order_id=order_id)
        handled = self.handling(order_id)
        if handled is not None and not handled.running:
            self._again(handled.kind, at, handled, turn)

    def _again(self, kind: ClockKind, at: datetime, like: Clock, turn: int) -> None:
        """Another clock of the same order."""
        urgent = like.rule_code.endswith(URGENT)
        self._start(
            [
                self.stopwatch.clock(
                    kind,
                    at,
                    filing=self._filing(),
                    order_id=like.order_id,
                    unit_code=like.unit_code,
                    turn=turn,
                    urgent=urgent,
                )
            ]
        )

    def replied(self, at: datetime, turn: int) -> None:
        """The citizen has the answer: nobody owes anything any more but the citizen a rating, and we to tell them."""
        if turn <= self.replied_round:
            return
        self.replied_round = turn
        self.answered_at = self.answered_at or at
        self._stop(at, lambda _: True)
        kinds: list[ClockKind] = ["rate", "inform_result"] if self.reachable else ["rate"]
        self._start(self.stopwatch.clock(kind, at, filing=self._filing(), turn=turn) for kind in kinds)
        if self.rated_round >= turn and self.rated_at is not None:
            self._stop(self.rated_at, lambda clock: clock.kind == "rate")
        if self.result_told_round >= turn and self.result_told_at is not None:
            self._stop(self.result_told_at, lambda clock: clock.kind == "inform_result")

    def _tell_result(self, at: datetime, turn: int) -> None:
        """The reply was heard before the request itself, so that nobody knew whom to tell."""
        if self.reachable:
            self._start([self.stopwatch.clock("inform_result", at, filing=self._filing(), turn=turn)])
            told = self.result_told_at or self.closed_at
            if told is not None:
                self._stop(told, lambda clock: clock.kind == "inform_result")

    def result_told(self, at: datetime, turn: int) -> None:
        """办理告知: the citizen has been sent the result."""
        if turn > self.result_told_round:
            self.result_told_round, self.result_told_at = turn, at
        self._stop(at, lambda clock: clock.kind == "inform_result" and clock.round <= turn)

    def rated(self, at: datetime, turn: int) -> None:
        if turn > self.rated_round:
            self.rated_round, self.rated_at = turn, at
        self._stop(at, lambda clock: clock.kind == "rate" and clock.round <= turn)

    def dissatisfied(self, at: datetime, turn: int) -> None:
        """Not content. After the rework there is no third time: the matter is watched from above (督办)."""
        self.rated(at, turn)
        edition = self.stopwatch.book.at(self.filing.filed_at if self.filing else at)
        if turn >= edition.supervise_from_round and self.supervised_at is None:
            self.supervise("dissatisfied_twice", self.rules(at).supervision.dissatisfied_twice, at)

    def reworked(self, at: datetime) -> None:
        """返工: whoever sends it again does not wait for a rating any longer; new orders bring new clocks."""
        self._stop(at, lambda clock: clock.kind in ("rate", "inform_result"))

    def merged(self, at: datetime) -> None:
        """并案: from now on it follows another case, whose clocks count."""
        self._stop(at, lambda _: True)

    def unmerged(self) -> None:
        """On its own again: the citizen has waited since the beginning, and is owed the first due time."""
        if self.answered_at is None and self.submitted_at is not None and not any(c.running for c in self.clocks):
            kind: ClockKind = "total" if self.filing else "accept"
            self._start([self.stopwatch.clock(kind, self.submitted_at, filing=self.filing)])

    def closed(self, at: datetime, outcome: Outcome | None = None, turn: int = 1) -> None:
        if self.closed_at is not None and self.closed_at >= at:
            return
        self.closed_at, self.answered_at = at, self.answered_at or at
        self._stop(at, lambda _: True)
        if self.reachable and self.filing is not None and outcome in self.rules(at).callback.outcomes:
            self._start([self.stopwatch.clock("callback", at, filing=self.filing, turn=turn)])
            if self.called_round >= turn and self.called_at is not None:
                self.called(self.called_at, self.called_round)

    def called(self, at: datetime, turn: int) -> None:
        """回访 is done."""
        if turn > self.called_round:
            self.called_round, self.called_at = turn, at
        self._stop(at, lambda clock: clock.kind == "callback" and clock.round <= turn)
