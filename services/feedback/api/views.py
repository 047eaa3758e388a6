"""What the answers look like, for the documentation and for whoever generates a client."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from contracts.events.feedback import Level


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
    unit: str | None
    """Who did it or must: a unit, never a person."""
    promised_at: datetime | None
    """Until when, of what is not done yet."""


class CountdownView(BaseModel):
    """Time left until the promised time, as it was at `at`; the rest is what a client needs to go on counting."""

    due_at: datetime
    first_day: date | None
    """The day `working_days` begins with, in Shenzhen; None when the working days are not known."""
    working_days: str
    """A character a day up to the promised one: 1 worked, 0 not. Empty when time runs through."""
    windows: list[tuple[int, int]]
    """Working hours: seconds since midnight in Shenzhen, from and to."""
    at: datetime
    remaining_seconds: int | None
    """Of working time where `working`; None when it cannot be counted."""
    working: bool
    text: str
    """As the citizen reads it: 还剩2个工作日."""


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
    level: Level | None
    """Of the national five (好差评)."""


class Units(BaseModel):
    lead: str | None
    others: list[str]


class AllowedAction(BaseModel):
    action: str
    allowed: bool
    reason: str | None
    """Why not, as the citizen reads it."""


class PageSeen(BaseModel):
    """What its citizen is asked to agree to; the text is under `/v1/public-cases/{page_id}/preview`."""

    page_id: UUID
    state: Literal["proposed", "published", "withdrawn"]
    agreed: bool


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
    public_page: PageSeen | None
    """None while nobody has proposed to make the case public."""
    wording: str
    """Version of the words used."""
    countdown: CountdownView | None
    """None once it is answered, while it is suspended, and before a time is promised."""


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
