"""What the doors of oversight take and show; each view says what its reader may do with it now, and why not."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.events.sla import SupervisionLevel
from services.sla.domain import CaseClocks
from services.sla.oversight.appeals import Appeal, Mark
from services.sla.oversight.deciding import Permission, permission
from services.sla.oversight.extensions import Extension
from services.sla.oversight.supervisions import Supervision
from services.sla.oversight.suspensions import Suspension
from services.sla.views import Instant, Local
from services.sla.workdays import Unit
from shared.tokens import Actor

Words = Annotated[str, Field(min_length=1, max_length=2000)]
Note = Annotated[str, Field(max_length=2000)]
PublicWords = Annotated[str, Field(min_length=4, max_length=200)]
"""What a citizen reads."""
ReasonCode = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")]
UnitCode = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Evidence = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=20)]
"""What proves it: ids of photos and files kept elsewhere, numbers of documents."""


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ExtensionForm(_Form):
    case_id: UUID
    order_id: UUID
    amount: Annotated[int, Field(ge=1, le=400)]
    unit: Unit
    reason_code: ReasonCode
    reason: Words
    public_reason: PublicWords
    evidence: Annotated[Evidence, Field(min_length=1)]


class SuspensionForm(_Form):
    case_id: UUID
    order_id: UUID
    promised_at: Instant
    reason_code: ReasonCode
    reason: Words
    public_reason: PublicWords
    evidence: Annotated[Evidence, Field(min_length=1)]


class DecisionForm(_Form):
    agreed: bool
    note: Note = ""


class NoteForm(_Form):
    note: Words


class UrgeForm(_Form):
    note: Note = ""


class SupervisionForm(_Form):
    case_id: UUID
    level: SupervisionLevel = "order"
    unit_code: UnitCode | None = None
    order_id: UUID | None = None
    instruction: Words


class PublicTitleForm(_Form):
    public_title: PublicWords


class AppealForm(_Form):
    case_id: UUID
    unit_code: UnitCode
    ground_code: ReasonCode
    statement: Words
    evidence: Evidence = []


class ReviewForm(DecisionForm):
    mark: Mark | None = None


class ActionView(BaseModel):
    action: str
    allowed: bool
    reason: str
    reason_zh: str

    @classmethod
    def all(cls, permissions: Iterable[Permission]) -> "list[ActionView]":
        return [
            cls(action=one.action, allowed=one.allowed, reason=one.reason, reason_zh=one.reason_zh)
            for one in permissions
        ]


class DecisionView(BaseModel):
    by: str
    at: Local
    agreed: bool
    note: str


class _View(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    case_id: UUID
    case_no: str | None = None
    allowed_actions: list[ActionView] = []


class ExtensionView(_View):
    extension_id: UUID
    order_id: UUID
    unit_code: str
    state: str
    amount: int
    unit: Unit
    reason_code: str
    reason: str
    public_reason: str
    evidence: list[str]
    asked_by: str
    asked_at: Local
    from_due_at: Local
    due_at: Local
    """When it is due if this is granted."""
    times: int
    decisions: list[DecisionView]

    @classmethod
    def of(cls, asked: Extension, case: CaseClocks, by: Actor, now: datetime) -> "ExtensionView":
        rules = case.rules(now).extension
        actions = [
            permission("decide", lambda: asked.may_decide(by, rules)),
            permission("withdraw", lambda: asked.may_withdraw(by, rules)),
        ]
        return cls(**_fields(cls, asked), case_no=case.case_no, allowed_actions=ActionView.all(actions))


class SuspensionView(_View):
    suspension_id: UUID
    order_id: UUID
    unit_code: str
    state: str
    reason_code: str
    reason: str
    public_reason: str
    evidence: list[str]
    promised_at: Local
    asked_by: str
    asked_at: Local
    decided_by: str | None
    decided_at: Local | None
    note: str | None
    next_contact_at: Local | None
    contacts: list[DecisionView]
    resumed_at: Local | None
    resumed_by: str | None

    @classmethod
    def of(cls, asked: Suspension, case: CaseClocks, by: Actor, now: datetime) -> "SuspensionView":
        rules = case.rules(now).suspension
        actions = [
            permission("decide", lambda: asked.may_decide(by, rules)),
            permission("contact", lambda: asked.may_contact(by, rules)),
            permission("resume", lambda: asked.may_resume(by, rules)),
        ]
        return cls(**_fields(cls, asked), case_no=case.case_no, allowed_actions=ActionView.all(actions))


class SupervisionView(_View):
    supervision_id: UUID
    order_id: UUID | None
    unit_code: str | None
    level: SupervisionLevel
    cause: str
    state: str
    ordered_by: str
    """Empty when a rule did."""
    ordered_at: Local
    instruction: str
    reply_due_at: Local
    previous_id: UUID | None
    reply: str | None
    replied_by: str | None
    replied_at: Local | None
    judged_by: str | None
    judged_at: Local | None
    judgement: str | None
    public_title: str | None
    listed_at: Local | None
    interviewed_at: Local | None
    interview_note: str | None
    accountability: str | None
    accounted_at: Local | None

    @classmethod
    def of(cls, given: Supervision, case: CaseClocks, by: Actor, now: datetime) -> "SupervisionView":
        rules = case.rules(now).supervision
        actions = [
            permission("answer", lambda: given.may_answer(by)),
            permission("judge", lambda: given.may_judge(by, rules)),
            permission("escalate", lambda: given.may_escalate(by, rules)),
            permission("lift", lambda: given.may_lift(by, rules)),
            permission("list", lambda: given.may_list(by, rules)),
            permission("interview", lambda: given.may_note_interview(by, rules)),
            permission("account", lambda: given.may_account(by, rules)),
        ]
        return cls(**_fields(cls, given), case_no=case.case_no, allowed_actions=ActionView.all(actions))


class AppealView(_View):
    appeal_id: UUID
    unit_code: str
    state: str
    ground_code: str
    statement: str
    evidence: list[str]
    asked_by: str
    asked_at: Local
    reviews: list[DecisionView]
    mark: str | None
    exempt: bool
    """Left out of the unit's figures; the clocks stay as they were."""
    exempt_at: Local | None

    @classmethod
    def of(cls, asked: Appeal, case: CaseClocks, by: Actor, now: datetime) -> "AppealView":
        rules = case.rules(now).appeal
        actions = [permission("review", lambda: asked.may_review(by, rules))]
        return cls(**_fields(cls, asked), case_no=case.case_no, allowed_actions=ActionView.all(actions))


class ListedMatter(BaseModel):
    """One line of the public list (挂牌督办): written for the public, and without a case's number or words."""

    public_title: str
    unit_code: str | None
    listed_at: Local
    reply_due_at: Local
    state: str


class ListedMatters(BaseModel):
    matters: list[ListedMatter]


class UrgedView(BaseModel):
    times: int
    unit_codes: list[str]
    """The units that were urged: those still at work."""


class Page[V](BaseModel):
    items: list[V]
    next: str | None
    """`after` of the next page; None when this is the last."""


def _fields(view: type[BaseModel], record: Any) -> dict[str, Any]:
    names = set(view.model_fields) - {"case_no", "allowed_actions"}
    return {name: _plain(getattr(record, name)) for name in names}


def _plain(value: Any) -> Any:
    """Decisions of the domain as what a view takes."""
    if isinstance(value, Sequence) and value and isinstance(value[0], BaseModel):
        return [each.model_dump() for each in value]
    return value
