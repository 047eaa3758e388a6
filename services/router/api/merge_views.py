"""What is shown of merging: candidates with their evidence, followers, and what citizens have added."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import RowMapping

from contracts.events.intake import Attachment
from services.router.api.filed_views import category_name
from services.router.candidates import Candidate
from services.router.domain.cases import Case
from services.router.domain.rules import Rules


class EvidenceView(BaseModel):
    """Why two cases may be about the same."""

    text: float
    """How alike the words are, 0 to 1; likewise place and time."""
    place: float
    time: float
    shared_words: list[str]
    """The longest runs of characters both have."""
    metres: float | None
    same_area: str | None
    """`community` or `subdistrict`."""
    hours_apart: float
    same_citizen: bool
    same_category: bool


class CandidateView(BaseModel):
    case_id: UUID
    case_no: str
    state: str
    title: str
    text: str
    category_name: str
    area_code: str | None
    received_at: datetime
    score: float
    kind: str
    """What merging would make of it: `same_person` or `same_fact`."""
    may_be_master: bool
    evidence: EvidenceView

    @classmethod
    def of(cls, one: Candidate, rules: Rules) -> "CandidateView":
        row, like = one.row, one.like
        return cls(
            case_id=row["case_id"],
            case_no=row["case_no"],
            state=row["state"],
            title=row["title"],
            text=row["text"],
            category_name=category_name(row["category_code"], rules),
            area_code=row["area_code"],
            received_at=row["received_at"],
            score=like.score,
            kind="same_person" if one.same_citizen else "same_fact",
            may_be_master=one.same_citizen or row["state"] == "handling",
            evidence=EvidenceView(
                text=like.text,
                place=like.place,
                time=like.time,
                shared_words=list(like.shared_words),
                metres=like.metres,
                same_area=like.same_area,
                hours_apart=like.hours_apart,
                same_citizen=one.same_citizen,
                same_category=one.same_category,
            ),
        )


class CandidateList(BaseModel):
    items: list[CandidateView]


class FollowerView(BaseModel):
    case_id: UUID
    case_no: str
    state: str
    kind: str | None

    @classmethod
    def of(cls, case: Case) -> "FollowerView":
        return cls(case_id=case.case_id, case_no=case.case_no, state=case.state, kind=case.merge_kind)


class SupplementView(BaseModel):
    """补充; `from_case_no` where it came as a request of its own."""

    said_by: str
    channel_code: str | None
    """Only for the desk where the case is confidential."""
    text: str
    attachments: list[Attachment]
    received_at: datetime
    from_case_no: str | None

    @classmethod
    def of(cls, row: RowMapping, *, desk: bool, confidential: bool) -> "SupplementView":
        return cls(
            said_by=row["said_by"],
            channel_code=row["channel_code"] if desk or not confidential else None,
            text=row["text"],
            attachments=[Attachment.model_validate(one) for one in row["attachments"]],
            received_at=row["received_at"],
            from_case_no=row["from_case_no"] if desk else None,
        )
