"""What the answers look like, for the documentation and for whoever generates a client."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel


class Status(BaseModel):
    code: str
    text: str
    """As the citizen reads it."""


class NodeView(BaseModel):
    key: str
    label: str
    state: Literal["done", "current", "pending", "skipped"]
    side: bool
    """Beside the process: a note, a second round, a supervision."""
    text: str
    at: datetime | None


class NoteView(BaseModel):
    at: datetime
    unit: str
    text: str


class PhotoLink(BaseModel):
    photo_id: UUID
    kind: Literal["before", "after", "near", "far", "reference"]
    taken_at: datetime
    taken_by: Literal["unit", "grid"]
    url: str
    thumbnail_url: str


class PhotoPair(BaseModel):
    """The same work before and after, to be shown side by side."""

    unit: str
    before: PhotoLink
    after: PhotoLink


class ReplyView(BaseModel):
    round: int
    at: datetime
    unit: str
    text: str
    photos: list[PhotoLink]
    pairs: list[PhotoPair]


class StarsView(BaseModel):
    round: int
    at: datetime
    speed: int
    result: int
    attitude: int
    system: int
    solved: bool
    satisfied: bool


class Units(BaseModel):
    lead: str | None
    others: list[str]


class AllowedAction(BaseModel):
    action: str
    allowed: bool
    reason: str | None
    """Why not, as the citizen reads it."""


class ProgressView(BaseModel):
    """A case as its citizen follows it: units, never persons; 5 to 13 nodes."""

    version: int
    case_no: str
    type_code: str | None
    type_name: str
    category_name: str
    status: Status
    closed: bool
    round: int
    submitted_at: datetime
    due_at: datetime | None
    due_text: str
    due_provisional: bool
    overdue: bool
    units: Units
    nodes: list[NodeView]
    notes: list[NoteView]
    """Notes for which the bar has no room."""
    replies: list[ReplyView]
    rating: StarsView | None
    allowed_actions: list[AllowedAction]
    wording: str
    """Version of the words used."""


class ProgressPage(BaseModel):
    items: list[ProgressView]
    next: UUID | None
    """Give it as `after` for what follows."""


class PhotoView(BaseModel):
    photo_id: UUID
    order_id: UUID
    case_id: UUID
    kind: Literal["before", "after", "near", "far", "reference"]
    sha256: str
    width: int
    height: int
    taken_at: datetime
    taken_by: Literal["unit", "grid"]
    check: Literal["waiting", "asked", "passed", "held", "hidden"]
    """Only what has passed is ever shown to citizens; the rest waits for its check or for a person."""
    url: str
    thumbnail_url: str


class NoticeView(BaseModel):
    notice_id: UUID
    case_id: UUID
    occurrence: str
    audience: str
    template: str
    state: Literal["pending", "sent", "failed", "no_contact"]
    channel: Literal["wechat", "sms", "mail"] | None
    attempts: int
    reason: str
    created_at: datetime
    done_at: datetime | None
    recipient: str | None
    """Masked; only where the notice went to the visible outbox."""
    title: str | None
    body: str | None


class NoticePage(BaseModel):
    items: list[NoticeView]
    next: UUID | None
