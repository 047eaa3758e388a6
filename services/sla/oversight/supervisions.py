"""A matter watched from above (督办): its level, the reply that is owed, and what follows when it is not given."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from contracts.events.sla import CaseSupervised, SupervisionAnswered, SupervisionLevel
from services.sla.oversight.deciding import must_be_of, must_have
from services.sla.oversight.rules import SupervisionRules
from shared.errors import Conflict, DomainError
from shared.ids import new_id
from shared.tokens import Actor

Cause = Literal["dissatisfied_twice", "overdue", "urged_often", "repeated", "leader", "supervisor", "rework_failed"]
type SupervisionState = Literal["open", "answered", "accepted", "escalated", "lifted"]
LISTED: SupervisionLevel = "listed"
INTERVIEW: SupervisionLevel = "interview"
ACCOUNT: SupervisionLevel = "account"


class NothingToAnswer(Conflict):
    """This supervision waits for no reply."""

    zh: ClassVar[str] = "该督办件不在待回复状态"


class NotAnswered(Conflict):
    """There is no reply to be judged."""

    zh: ClassVar[str] = "承办单位尚未回复，不能审核"


class SupervisionOver(Conflict):
    """This supervision is over."""

    zh: ClassVar[str] = "该督办件已经结束"


class NotHeavier(DomainError):
    """A matter is escalated to a heavier level only."""

    zh: ClassVar[str] = "升级后的督办级别须高于现有级别"


class OtherLevel(Conflict):
    """This is not done at the level the matter is on."""

    zh: ClassVar[str] = "该督办件的级别不适用此操作"


@dataclass(slots=True, kw_only=True)
class Supervision:
    """One order of supervision; a heavier one that follows it is another, and names it."""

    supervision_id: UUID
    case_id: UUID
    order_id: UUID | None
    unit_code: str | None
    level: SupervisionLevel
    cause: Cause
    state: SupervisionState
    ordered_by: str
    """Empty when a rule did."""
    ordered_at: datetime
    instruction: str
    reply_due_at: datetime
    previous_id: UUID | None = None
    reply: str | None = None
    replied_by: str | None = None
    replied_at: datetime | None = None
    judged_by: str | None = None
    judged_at: datetime | None = None
    judgement: str | None = None
    public_title: str | None = None
    """Written for the public list (挂牌); without it nothing is listed."""
    listed_at: datetime | None = None
    interviewed_at: datetime | None = None
    interview_note: str | None = None
    accountability: str | None = None
    """What was decided about whom, in the words of whoever recorded it (问责)."""
    accounted_at: datetime | None = None

    @classmethod
    def order(
        cls,
        case_id: UUID,
        cause: Cause,
        level: SupervisionLevel,
        at: datetime,
        *,
        reply_due_at: datetime,
        by: str = "",
        order_id: UUID | None = None,
        unit_code: str | None = None,
        instruction: str = "",
        previous_id: UUID | None = None,
    ) -> "Supervision":
        return cls(
            supervision_id=new_id(),
            case_id=case_id,
            order_id=order_id,
            unit_code=unit_code,
            level=level,
            cause=cause,
            state="open",
            ordered_by=by,
            ordered_at=at,
            instruction=instruction,
            reply_due_at=reply_due_at,
            previous_id=previous_id,
        )

    def said(self) -> CaseSupervised:
        return CaseSupervised(
            cause=self.cause,
            level=self.level,
            supervision_id=self.supervision_id,
            unit_code=self.unit_code,
            reply_due_at=self.reply_due_at,
        )

    @property
    def over(self) -> bool:
        return self.state in ("accepted", "escalated", "lifted")

    def may_answer(self, by: Actor) -> None:
        must_be_of(by, self.unit_code, "unit_manager", "handler")
        if self.state != "open":
            raise NothingToAnswer

    def answer(self, text: str, by: Actor, at: datetime) -> None:
        self.may_answer(by)
        self.state, self.reply, self.replied_by, self.replied_at = "answered", text, by.id, at

    def may_judge(self, by: Actor, rules: SupervisionRules) -> None:
        must_have(by, rules.order)
        if self.state != "answered":
            raise NotAnswered

    def judge(
        self, by: Actor, rules: SupervisionRules, at: datetime, *, accepted: bool, note: str
    ) -> SupervisionAnswered:
        """Accepted ends it; a reply that is not goes to the next level, or back to the unit on the last."""
        self.may_judge(by, rules)
        self.judged_by, self.judged_at, self.judgement = by.id, at, note
        if accepted:
            self.state = "accepted"
        assert self.unit_code is not None
        return SupervisionAnswered(supervision_id=self.supervision_id, unit_code=self.unit_code, accepted=accepted)

    def may_escalate(self, by: Actor, rules: SupervisionRules) -> None:
        must_have(by, rules.order)
        if self.over:
            raise SupervisionOver
        if rules.levels[self.level].next is None:
            raise NotHeavier

    def may_lift(self, by: Actor, rules: SupervisionRules) -> None:
        must_have(by, rules.order)
        if self.over:
            raise SupervisionOver

    def lift(self, by: Actor, rules: SupervisionRules, at: datetime, note: str) -> None:
        self.may_lift(by, rules)
        self.state, self.judged_by, self.judged_at, self.judgement = "lifted", by.id, at, note

    def may_list(self, by: Actor, rules: SupervisionRules) -> None:
        must_have(by, rules.order)
        if self.over:
            raise SupervisionOver
        if self.level != LISTED:
            raise OtherLevel

    def list_publicly(self, by: Actor, rules: SupervisionRules, at: datetime, title: str) -> None:
        """挂牌: in words written for the public, which name nobody."""
        self.may_list(by, rules)
        self.public_title, self.listed_at = title, self.listed_at or at

    def may_note_interview(self, by: Actor, rules: SupervisionRules) -> None:
        must_have(by, rules.order)
        if self.over:
            raise SupervisionOver
        if self.level != INTERVIEW:
            raise OtherLevel

    def note_interview(self, by: Actor, rules: SupervisionRules, at: datetime, note: str) -> None:
        """约谈 has taken place."""
        self.may_note_interview(by, rules)
        self.interviewed_at, self.interview_note = at, note

    def may_account(self, by: Actor, rules: SupervisionRules) -> None:
        must_have(by, rules.order)
        if self.level != ACCOUNT:
            raise OtherLevel
        if self.accounted_at is not None:
            raise SupervisionOver

    def account(self, by: Actor, rules: SupervisionRules, at: datetime, text: str) -> None:
        """问责: what was decided; said once and never changed."""
        self.may_account(by, rules)
        self.accountability, self.accounted_at = text, at
