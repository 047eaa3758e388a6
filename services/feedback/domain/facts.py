"""What this service knows of a case: each publisher's facts side by side, so that the order of arrival is no matter."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from contracts.events.feedback import Level
from contracts.events.router import Outcome
from services.feedback.domain.beside import Beside
from services.feedback.domain.countdown import Span


@dataclass(slots=True)
class PlanNode:
    """A node of the process the case was filed under, with the words the catalogue gives it."""

    key: str
    label: str


@dataclass(slots=True)
class Note:
    at: datetime
    unit_name: str
    text: str


@dataclass(slots=True)
class Order:
    """A work order as its citizen may see it; what was returned or taken away is kept, but never shown."""

    order_id: UUID
    role: Literal["lead", "co", "sub"]
    unit_code: str
    unit_name: str
    round: int
    dispatched_at: datetime
    signed_at: datetime | None = None
    contacted_at: datetime | None = None
    resolved_at: datetime | None = None
    returned: bool = False
    """The unit has asked to be relieved; until that is decided, the responsible unit is being established."""
    withdrawn: bool = False
    notes: list[Note] = field(default_factory=list)

    @property
    def shown(self) -> bool:
        return not (self.returned or self.withdrawn)


@dataclass(slots=True)
class Reply:
    at: datetime
    round: int
    unit_name: str
    text: str
    photo_ids: list[UUID]


@dataclass(slots=True)
class Repeat:
    """The case is handled again."""

    at: datetime
    round: int
    cause: Literal["dissatisfied", "review", "reopened"]


@dataclass(slots=True)
class Stars:
    """A rating without its comment."""

    at: datetime
    round: int
    speed: int
    result: int
    attitude: int
    system: int
    solved: bool
    satisfied: bool
    level: Level | None = None


@dataclass(slots=True)
class Page:
    """The public page of a case, as its citizen follows it."""

    page_id: UUID
    state: Literal["proposed", "published", "withdrawn"]
    consented: bool


@dataclass(slots=True)
class WorkPhoto:
    photo_id: UUID
    order_id: UUID
    kind: str
    taken_at: datetime
    taken_by: Literal["unit", "grid"] = "unit"
    shown: bool = True
    """Has passed its check: an answer may show it."""


@dataclass(slots=True)
class Closing:
    at: datetime
    outcome: Outcome
    round: int


@dataclass(slots=True)
class Facts:
    # from intake
    case_no: str | None = None
    look_up_hash: str = ""
    citizen_id: UUID | None = None
    submitted_at: datetime | None = None
    type_code: str | None = None
    reply_wanted: bool = True
    confidential: bool = False
    # from router
    filed_at: datetime | None = None
    category_name: str = ""
    plan: list[PlanNode] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    repeats: list[Repeat] = field(default_factory=list)
    closing: Closing | None = None
    filed_type_code: str | None = None
    # from sla
    due_at: datetime | None = None
    due_provisional: bool = False
    overdue_at: datetime | None = None
    supervised_at: datetime | None = None
    span: Span | None = None
    """Of the promised time, for its countdown."""
    # from all of them, and of most cases nothing
    beside: Beside | None = None
    # our own
    photos: list[WorkPhoto] = field(default_factory=list)
    ratings: list[Stars] = field(default_factory=list)
    page: Page | None = None
    noticed: list[str] = field(default_factory=list)
    """Occurrences somebody was, or is being, told of."""

    @property
    def round(self) -> int:
        last = 1
        for order in self.orders:
            last = max(last, order.round)
        for repeat in self.repeats:
            last = max(last, repeat.round)
        for reply in self.replies:
            last = max(last, reply.round)
        return last

    @property
    def kind(self) -> str | None:
        return self.filed_type_code or self.type_code

    def aside(self) -> Beside:
        """For writing down what happened beside the process."""
        if self.beside is None:
            self.beside = Beside()
        return self.beside

    def order(self, order_id: UUID) -> Order | None:
        return next((order for order in self.orders if order.order_id == order_id), None)

    def lead(self) -> Order | None:
        """The order of the unit that answers for the present round; None while that is being established."""
        now = self.round
        leads = [order for order in self.orders if order.role == "lead" and order.round == now and order.shown]
        return leads[-1] if leads else None

    def others(self) -> list[Order]:
        now = self.round
        return [order for order in self.orders if order.role == "co" and order.round == now and order.shown]

    def reply(self) -> Reply | None:
        """The answer of the present round."""
        return next((reply for reply in self.replies if reply.round == self.round), None)

    def rating(self) -> Stars | None:
        return next((stars for stars in self.ratings if stars.round == self.round), None)

    def public_photos(self) -> set[UUID]:
        """Photos a reply shows and that have passed their check; the rest are the unit's own papers."""
        named = {photo_id for reply in self.replies for photo_id in reply.photo_ids}
        return {photo.photo_id for photo in self.photos if photo.shown and photo.photo_id in named}
