"""A work order: what one unit was given, what it did with it, and in which state it is."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from contracts.events.feedback import PhotoKind

Role = Literal["lead", "co", "sub"]
Moved = Literal["own_error", "return", "ruling", "rework", "reopen"]
"""Why an order took another one's place."""
CANCELLED = "cancelled"
"""The state of an order that ended without a result."""


@dataclass(frozen=True, slots=True)
class Photo:
    photo_id: UUID
    kind: PhotoKind


@dataclass(frozen=True, slots=True)
class ProgressNote:
    """One stage of the work: what the citizen reads and what stays inside, either may be empty."""

    at: datetime
    by: str
    public_note: str
    internal_note: str


@dataclass(slots=True)
class Return:
    """退件: given back once, and what the dispatcher made of it."""

    reason_code: str
    legal_basis: str
    at: datetime
    from_state: str
    """Where the order goes on if the dispatcher does not agree."""
    rejected_at: datetime | None = None
    rejection: str = ""
    evidence: str = ""
    """What shows it; internal."""
    photo_ids: tuple[UUID, ...] = ()


@dataclass(slots=True)
class Ending:
    """申请终止: why the unit wants to end without a result, and what the dispatcher made of it."""

    reason_code: str
    public_reason: str
    """What the unit adds to the words of the reason; the citizen reads it once it is approved."""
    note: str
    """Evidence; internal."""
    at: datetime
    from_state: str
    decided_at: datetime | None = None
    approved: bool | None = None
    decision: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """What the review made of the result, and why: for the unit, never for the citizen."""

    outcome: Literal["approved", "sent_back"]
    note: str
    at: datetime
    by: str


@dataclass(slots=True)
class WorkOrder:
    order_id: UUID
    case_id: UUID
    role: Role
    unit_code: str
    state: str
    round: int
    dispatched_at: datetime
    replaces: UUID | None = None
    """The order this one was made from, by redispatch or for another round."""
    signed_at: datetime | None = None
    signed_automatically: bool = False
    contacted_at: datetime | None = None
    contact_method: str = ""
    contact_note: str = ""
    resolved_at: datetime | None = None
    public_reply: str = ""
    handling_note: str = ""
    """Internal; citizens never read it."""
    photo_ids: tuple[UUID, ...] = ()
    """What the unit put beside its result."""
    photos: list[Photo] = field(default_factory=list)
    """All photos known to belong to this order."""
    notes: list[ProgressNote] = field(default_factory=list)
    returned: Return | None = None
    review: Review | None = None
    """The last one."""
    due_at: datetime | None = None
    """As the stopwatch said last; it alone changes this and the next."""
    paused_until: datetime | None = None
    parent_order_id: UUID | None = None
    """Of a `sub` order the one it was given on from (二次分拨)."""
    mandatory: bool = True
    """Whether the case waits for it."""
    temporary: bool = False
    """先办后议: until a ruling says whose it is."""
    designated: bool = False
    """Named by a ruling: it cannot be returned (潍坊市条例 §22)."""
    urgent: bool = False
    moved_because: Moved | None = None
    ending: Ending | None = None

    def knows(self, photo_id: UUID) -> bool:
        return any(photo.photo_id == photo_id for photo in self.photos)
