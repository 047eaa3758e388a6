"""Call-backs: which cases are called back, what a clerk may do with one, and what follows from the answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from contracts.events.feedback import CallbackMethod, Level, Solved
from contracts.events.router import Outcome
from services.feedback.domain.facts import Facts
from shared.errors import Conflict, Forbidden

State = Literal["open", "claimed", "reached", "unreached", "dropped"]
Reason = Literal["sample", "all", "low_mark"]
_ALL = 100.0
_HUNDREDTHS = 10_000


class NotInTheQueue(Conflict):
    """Somebody else has taken this call-back, or it is done."""

    zh = "该回访已被他人领取或已完成"


class NotYourCallback(Forbidden):
    """Take the call-back before you record it."""

    zh = "请先领取该回访任务"


class AnsweredAlready(Conflict):
    """This call-back has been answered."""

    zh = "本次回访已完成，感谢您的反馈"


@dataclass(frozen=True, slots=True)
class CallbackRule:
    when: Literal["low_mark", "closed"]
    percent: float
    method: CallbackMethod
    outcomes: tuple[Outcome, ...] = ()

    def chooses(self, case_id: UUID) -> bool:
        """By the random end of the id: the same for whoever asks, and nobody's choice."""
        return case_id.int % _HUNDREDTHS < self.percent * 100


@dataclass(frozen=True, slots=True)
class Discontent:
    solved: tuple[Solved, ...]
    satisfied: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class CallbackRules:
    """One version of `catalog/callbacks.yaml`."""

    version: str
    rules: tuple[CallbackRule, ...]
    attempts: int
    hours_between: float
    link_days: float
    claim_minutes: float
    dissatisfied_when: Discontent

    def after_low_mark(self, facts: Facts, case_id: UUID) -> "Owed | None":
        return self._owed(facts, case_id, [rule for rule in self.rules if rule.when == "low_mark"])

    def after_closing(self, facts: Facts, case_id: UUID) -> "Owed | None":
        closing = facts.closing
        if closing is None or facts.reply() is None:
            return None
        fitting = [rule for rule in self.rules if rule.when == "closed" and closing.outcome in rule.outcomes]
        return self._owed(facts, case_id, fitting)

    def _owed(self, facts: Facts, case_id: UUID, fitting: list[CallbackRule]) -> "Owed | None":
        """Nobody is called who is unknown, wants no answer, or asked that their contact be kept secret."""
        reachable = facts.citizen_id is not None and facts.reply_wanted and not facts.confidential
        if not fitting or not reachable or facts.case_no is None or not fitting[0].chooses(case_id):
            return None
        rule = fitting[0]
        reason: Reason = "low_mark" if rule.when == "low_mark" else "all" if rule.percent >= _ALL else "sample"
        return Owed(reason, rule.method, timedelta(days=self.link_days if rule.method != "phone" else 0))

    def content(self, answer: "Answer") -> bool:
        bad = self.dissatisfied_when
        return answer.solved not in bad.solved and answer.satisfied not in bad.satisfied


@dataclass(frozen=True, slots=True)
class Owed:
    """A call-back to be made."""

    reason: Reason
    method: CallbackMethod
    wait: timedelta
    """Until a clerk's turn comes: how long a link may stay unanswered."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a citizen said; solved and satisfied are asked apart, and handling and process apart."""

    solved: Solved
    satisfied: Level
    process_satisfied: Level | None = None
    contacted_in_time: bool | None = None
    praise: bool = False


@dataclass(slots=True, kw_only=True)
class Callback:
    callback_id: UUID
    case_id: UUID
    case_no: str
    round: int
    unit_code: str | None
    unit_name: str
    reason: Reason
    method: CallbackMethod
    state: State
    attempts: int
    claimed_by: str | None
    claimed_at: datetime | None
    next_at: datetime
    created_at: datetime
    done_at: datetime | None = None
    answer: Answer | None = None
    note: str = ""

    def refusals(self, by: str, rules: CallbackRules, *, now: datetime) -> Mapping[str, str | None]:
        """Why `by` may not take or record it; None where they may."""
        mine = self.state == "claimed" and self.claimed_by == by
        return {
            "claim": None if mine or self._free(rules, now) else NotInTheQueue.zh,
            "record": None if mine else NotYourCallback.zh,
        }

    def _free(self, rules: CallbackRules, now: datetime) -> bool:
        if self.state == "claimed" and self.claimed_at is not None:
            return self.claimed_at + timedelta(minutes=rules.claim_minutes) <= now
        return self.state == "open" and self.next_at <= now

    def claim(self, by: str, rules: CallbackRules, *, now: datetime) -> None:
        """The first who asks gets it. Raises `NotInTheQueue`."""
        if self.refusals(by, rules, now=now)["claim"]:
            raise NotInTheQueue
        self.state, self.claimed_by, self.claimed_at, self.method = "claimed", by, now, "phone"

    def missed(self, by: str, rules: CallbackRules, *, note: str, now: datetime) -> None:
        """未接通: back to the queue for later, until the tries are used up. Raises `NotYourCallback`."""
        self.must_be_claimed_by(by)
        self.attempts, self.note = self.attempts + 1, note
        self.claimed_by = self.claimed_at = None
        if self.attempts >= rules.attempts:
            self.state, self.done_at = "unreached", now
        else:
            self.state, self.next_at = "open", now + timedelta(hours=rules.hours_between)

    def reached(self, by: str, answer: Answer, *, note: str, now: datetime) -> None:
        """Raises `NotYourCallback`."""
        self.must_be_claimed_by(by)
        self.note = note
        self._answered(answer, now)

    def answered(self, answer: Answer, *, now: datetime) -> None:
        """By its citizen, over the link, also while a clerk was about to call. Raises `AnsweredAlready`."""
        if self.state not in ("open", "claimed"):
            raise AnsweredAlready
        self.claimed_by = self.claimed_at = None
        self._answered(answer, now)

    def _answered(self, answer: Answer, now: datetime) -> None:
        self.attempts += 1
        self.state, self.done_at, self.answer = "reached", now, answer

    def must_be_claimed_by(self, by: str) -> None:
        """Raises `NotYourCallback`."""
        if self.state != "claimed" or self.claimed_by != by:
            raise NotYourCallback
