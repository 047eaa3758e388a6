"""What staff and departments are shown of cases and orders, and what they may do next."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from contracts.events.intake import Place
from contracts.events.router import Reason
from services.router.api.beside_views import PrecedentView, RulingView, TaskView, rulings_of
from services.router.api.filed_views import CandidateView, FiledView, category_name
from services.router.api.merge_views import FollowerView, SupplementView
from services.router.api.tag_views import TagName, TagView, facts_for_units
from services.router.domain import scope
from services.router.domain.cases import Case, Mark
from services.router.domain.chain import Entry
from services.router.domain.guards import Permission, case_permissions, order_permissions
from services.router.domain.orders import WorkOrder
from services.router.domain.precedents import Precedent
from services.router.domain.rules import Rules
from services.router.people import reads
from services.router.usecases.merging import NOTHING, Related
from shared.tokens import Actor


class ActionView(BaseModel):
    action: str
    outcome: str | None
    title: str
    allowed: bool
    reason: str
    reason_zh: str

    @classmethod
    def of(cls, permission: Permission) -> "ActionView":
        return cls(
            action=permission.action,
            outcome=permission.outcome,
            title=permission.title,
            allowed=permission.allowed,
            reason=permission.reason,
            reason_zh=permission.reason_zh,
        )


class PhotoView(BaseModel):
    photo_id: UUID
    kind: str


class NoteView(BaseModel):
    at: datetime
    by: str
    public_note: str
    internal_note: str


class ReturnView(BaseModel):
    reason_code: str
    legal_basis: str
    at: datetime
    rejected_at: datetime | None
    rejection: str
    evidence: str
    photo_ids: list[UUID]


class EndingView(BaseModel):
    """申请终止, and what the dispatcher said."""

    reason_code: str
    reason_zh: str
    public_reason: str
    note: str
    at: datetime
    decided_at: datetime | None
    approved: bool | None
    decision: str


class ReviewView(BaseModel):
    """What the last review said, and why; never shown to the citizen."""

    outcome: Literal["approved", "sent_back"]
    note: str
    at: datetime


class OrderView(BaseModel):
    order_id: UUID
    case_id: UUID
    case_no: str
    role: str
    unit_code: str
    unit_name: str
    state: str
    round: int
    title: str
    text: str
    place: Place
    type_code: str
    category_code: str | None
    category_name: str
    standard: FiledView | None
    area_code: str | None
    grade: str | None
    photo_required: bool
    confidential: bool
    reply_wanted: bool
    dispatched_at: datetime
    due_at: datetime | None
    paused_until: datetime | None
    signed_at: datetime | None
    signed_automatically: bool
    contacted_at: datetime | None
    contact_method: str
    contact_note: str
    resolved_at: datetime | None
    public_reply: str
    handling_note: str
    photo_ids: list[UUID]
    photos: list[PhotoView]
    notes: list[NoteView]
    returned: ReturnView | None
    review: ReviewView | None
    parent_order_id: UUID | None
    """Of a sub-order the one it was given on from."""
    mandatory: bool
    """Whether the case waits for it."""
    temporary: bool
    """Until a ruling says whose it is."""
    designated: bool
    """Named by a ruling: it cannot be returned."""
    urgent: bool
    ending: EndingView | None
    tags: list[TagName]
    supplements: int
    """How often its citizen has added something; the words stand in the case."""
    urges: int
    marks: list[Mark]
    return_until: datetime
    watermark: str
    """Who looks, and when: lay it over the view of a confidential case; empty for others."""
    version: int
    """Also the ETag; send it back as If-Match."""
    allowed_actions: list[ActionView]

    @classmethod
    def of(cls, case: Case, order: WorkOrder, rules: Rules, by: Actor, *, now: datetime) -> "OrderView":
        made = order.returned
        return cls(
            order_id=order.order_id,
            case_id=case.case_id,
            case_no=case.case_no,
            role=order.role,
            unit_code=order.unit_code,
            unit_name=rules.unit_name(order.unit_code),
            state=order.state,
            round=order.round,
            title=case.title,
            text=case.text,
            place=case.place,
            type_code=case.type_code,
            category_code=case.category_code,
            category_name=category_name(case.category_code, rules),
            standard=FiledView.of(case, rules),
            area_code=case.area_code,
            grade=case.grade,
            photo_required=case.photo_required,
            confidential=case.confidential,
            reply_wanted=case.reply_wanted,
            dispatched_at=order.dispatched_at,
            due_at=order.due_at,
            paused_until=order.paused_until,
            signed_at=order.signed_at,
            signed_automatically=order.signed_automatically,
            contacted_at=order.contacted_at,
            contact_method=order.contact_method,
            contact_note=order.contact_note,
            resolved_at=order.resolved_at,
            public_reply=order.public_reply,
            handling_note=order.handling_note,
            photo_ids=list(order.photo_ids),
            photos=[PhotoView(photo_id=photo.photo_id, kind=photo.kind) for photo in order.photos],
            notes=[
                NoteView(at=note.at, by=note.by, public_note=note.public_note, internal_note=note.internal_note)
                for note in order.notes
            ],
            returned=None
            if made is None
            else ReturnView(
                reason_code=made.reason_code,
                legal_basis=made.legal_basis,
                at=made.at,
                rejected_at=made.rejected_at,
                rejection=made.rejection,
                evidence=made.evidence,
                photo_ids=list(made.photo_ids),
            ),
            review=None
            if order.review is None
            else ReviewView(outcome=order.review.outcome, note=order.review.note, at=order.review.at),
            parent_order_id=order.parent_order_id,
            mandatory=order.mandatory,
            temporary=order.temporary,
            designated=order.designated,
            urgent=order.urgent,
            ending=_ending_view(order, rules),
            tags=TagName.of_case(case, rules, desk=scope.sees_all(by, rules)),
            supplements=case.supplements,
            urges=case.urges,
            marks=list(case.marks),
            return_until=rules.return_until(order.dispatched_at),
            watermark=reads.mark(case, by, now),
            version=case.log_seq,
            allowed_actions=[ActionView.of(one) for one in order_permissions(case, order, by, rules, now=now)],
        )


def _ending_view(order: WorkOrder, rules: Rules) -> EndingView | None:
    asked = order.ending
    if asked is None:
        return None
    reason = rules.table.termination(asked.reason_code)
    return EndingView(
        reason_code=asked.reason_code,
        reason_zh=reason.zh if reason else "",
        public_reason=asked.public_reason,
        note=asked.note,
        at=asked.at,
        decided_at=asked.decided_at,
        approved=asked.approved,
        decision=asked.decision,
    )


class LogView(BaseModel):
    seq: int
    at: datetime
    actor: str
    action: str
    facts: dict[str, Any]
    hash: str

    @classmethod
    def of(cls, entry: Entry, facts: Mapping[str, Any] | None = None) -> "LogView":
        """`facts` where not all of the entry's are shown."""
        return cls(
            seq=entry.seq,
            at=entry.at,
            actor=entry.actor,
            action=entry.action,
            facts=dict(entry.facts if facts is None else facts),
            hash=entry.hash.hex(),
        )


class CaseView(BaseModel):
    case_id: UUID
    case_no: str
    state: str
    type_code: str
    category_code: str | None
    category_name: str
    standard: FiledView | None
    area_code: str | None
    grade: str | None
    process_code: str | None
    edition: str
    title: str
    text: str
    place: Place
    round: int
    anonymous: bool
    confidential: bool
    reply_wanted: bool
    received_at: datetime
    filed_at: datetime | None
    replied_at: datetime | None
    closed_at: datetime | None
    outcome: str | None
    closing_reason_code: str | None
    channel_code: str | None
    """Only for the desk where the case is confidential or anonymous."""
    accused_unit_code: str | None
    """Only for the desk."""
    said_type: str | None
    said_category: str | None
    confidence: float
    reasons: list[Reason]
    """Only for the desk: they may tell that a unit was passed over as accused."""
    candidates: list[CandidateView]
    tags: list[TagView]
    """For a unit: those meant for it."""
    orders: list[OrderView]
    """For a unit: its own."""
    master_case_id: UUID | None
    """并案: whom it follows. This, and who follows it, is for the desk."""
    master_case_no: str | None
    merge_kind: str | None
    followers: list[FollowerView]
    supplements: list[SupplementView]
    """Of its followers, too."""
    urges: int
    marks: list[Mark]
    withdrawal_asked_at: datetime | None
    urgent: bool
    rulings: list[RulingView]
    """Only for the desk."""
    precedents: list[PrecedentView]
    """What the panel said of such cases before; only for the desk."""
    tasks: list[TaskView]
    """For a unit: its own."""
    log: list[LogView]
    log_broken_at: int | None
    """The first entry whose hash does not fit; null while the chain holds."""
    watermark: str
    """Who looks, and when: lay it over the view of a confidential case; empty for others."""
    version: int
    allowed_actions: list[ActionView]

    @classmethod
    def of(
        cls,
        case: Case,
        rules: Rules,
        by: Actor,
        history: tuple[list[Entry], int | None],
        related: Related = NOTHING,
        *,
        precedents: Sequence[Precedent] = (),
        now: datetime,
    ) -> "CaseView":
        """The desk sees everything; a unit its own orders, and of a confidential case only what the work needs."""
        desk = scope.sees_all(by, rules)
        open_to_unit = desk or not case.confidential
        orders = case.orders if desk else scope.orders_of(by, case)
        return cls(
            case_id=case.case_id,
            case_no=case.case_no,
            state=case.state,
            type_code=case.type_code,
            category_code=case.category_code,
            category_name=category_name(case.category_code, rules),
            standard=FiledView.of(case, rules),
            area_code=case.area_code,
            grade=case.grade,
            process_code=case.process_code,
            edition=case.edition,
            title=case.title,
            text=case.text,
            place=case.place,
            round=case.round,
            anonymous=case.anonymous,
            confidential=case.confidential,
            reply_wanted=case.reply_wanted,
            received_at=case.received_at,
            filed_at=case.filed_at,
            replied_at=case.replied_at,
            closed_at=case.closed_at,
            outcome=case.outcome,
            closing_reason_code=case.closing_reason_code,
            channel_code=case.channel_code if open_to_unit and (desk or not case.anonymous) else None,
            accused_unit_code=case.accused_unit_code if desk else None,
            said_type=case.said_type if open_to_unit else None,
            said_category=case.said_category if open_to_unit else None,
            confidence=case.confidence,
            reasons=list(case.reasons) if desk else [],
            candidates=CandidateView.all(case.candidates if desk else (), rules),
            tags=TagView.all_of(case, rules, desk=desk),
            orders=[OrderView.of(case, order, rules, by, now=now) for order in orders],
            master_case_id=case.master_id if desk else None,
            master_case_no=related.master_no,
            merge_kind=case.merge_kind if desk else None,
            followers=[FollowerView.of(one) for one in related.followers],
            supplements=[
                SupplementView.of(row, desk=desk, confidential=case.confidential) for row in related.supplements
            ],
            urges=case.urges,
            marks=list(case.marks),
            withdrawal_asked_at=case.withdrawal_asked_at,
            urgent=case.urgent,
            rulings=rulings_of(case, rules) if desk else [],
            precedents=[PrecedentView.of(one, rules) for one in precedents] if desk else [],
            tasks=[TaskView.of(one, rules, now=now) for one in case.tasks if desk or one.unit_code in by.units],
            log=[LogView.of(one, None if desk else facts_for_units(one, case, rules)) for one in history[0]]
            if open_to_unit
            else [],
            log_broken_at=history[1] if desk else None,
            watermark=reads.mark(case, by, now),
            version=case.log_seq,
            allowed_actions=[ActionView.of(one) for one in case_permissions(case, by, rules)],
        )
