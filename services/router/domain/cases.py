"""The case as the desk knows it: its classification, its orders, and the news and log entries a change makes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from contracts.events.intake import CaseType, Place
from contracts.events.router import Outcome, Reason, RouterEvent
from services.router.catalogue.tags import SetBy
from services.router.domain import chain
from services.router.domain.beside import Ruling, Task
from services.router.domain.errors import OrderUnknown, RulingUnknown, TaskUnknown
from services.router.domain.orders import CANCELLED, WorkOrder

CaseState = Literal["queued", "handling", "replied", "closed"]
MergeKind = Literal["same_person", "same_fact"]
Mark = Literal["supplemented", "urged", "withdrawal_asked"]


def marks(state: str, supplements: int, urges: int, withdrawal_asked_at: datetime | None) -> tuple[Mark, ...]:
    """What lists show beside the tags, which belong to the catalogue: 有补充, 催办, 申请撤诉."""
    if state == "closed":
        return ()
    open_marks: dict[Mark, bool] = {
        "supplemented": supplements > 0,
        "urged": urges > 0 and state != "replied",
        "withdrawal_asked": withdrawal_asked_at is not None,
    }
    return tuple(mark for mark, holds in open_marks.items() if holds)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A category the classifier thought of."""

    category_code: str
    score: float
    words: tuple[str, ...] = ()
    """What of the message spoke for it."""


@dataclass(frozen=True, slots=True)
class Tagging:
    """What last happened to one tag of a case; one that was taken away stays to be seen."""

    tag: str
    set_by: SetBy
    """Who set it, or took it away."""
    actor: str
    at: datetime
    reasons: tuple[Reason, ...] = ()
    removed: bool = False


@dataclass(frozen=True, slots=True)
class News:
    """An event in its place, and the units whose systems are told of it."""

    sequence: int
    event: RouterEvent
    units: tuple[str, ...]
    at: datetime
    cause: UUID | None


@dataclass(slots=True, kw_only=True)
class Case:
    case_id: UUID
    case_no: str
    state: CaseState
    received_at: datetime
    channel_code: str
    citizen_id: UUID | None
    anonymous: bool
    confidential: bool
    reply_wanted: bool
    accused_unit_code: str | None
    title: str
    text: str
    place: Place
    said_type: CaseType | None
    said_category: str | None
    edition: str
    """Of the catalogue; kept from filing on."""
    type_code: CaseType
    category_code: str | None = None
    standard_no: int | None = None
    """Which standard of the category it falls under; kept from filing on."""
    area_code: str | None = None
    grade: Literal["A", "B", "C"] | None = None
    process_code: str | None = None
    photo_required: bool = False
    confidence: float = 0.0
    candidates: tuple[Candidate, ...] = ()
    reasons: tuple[Reason, ...] = ()
    round: int = 1
    sequence: int = 0
    """Of the last event published on this case."""
    log_seq: int = 0
    """Of the last log entry; also the version staff hold in their hands (ETag)."""
    log_hash: bytes = chain.GENESIS
    filed_at: datetime | None = None
    replied_at: datetime | None = None
    closed_at: datetime | None = None
    outcome: Outcome | None = None
    closing_reason_code: str | None = None
    erased_at: datetime | None = None
    """When its citizen was erased; the words stay until the case is closed, for who has to act on them."""
    master_id: UUID | None = None
    """并案: the case it follows, or was taken into."""
    merge_kind: MergeKind | None = None
    followed: bool = False
    """True once other cases have followed it."""
    answered_by: str | None = None
    """Of a follower: the unit whose reply to its master its citizen was given."""
    supplements: int = 0
    """How often something was added to it."""
    urges: int = 0
    withdrawal_asked_at: datetime | None = None
    """When its citizen wanted to withdraw it and could not."""
    urgent: bool = False
    """先抢修再问责: repaired first, in urgent hours."""
    beside: int = 0
    """How many rulings and tasks there are, so that nobody looks where there are none."""
    orders: list[WorkOrder] = field(default_factory=list)
    rulings: list[Ruling] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    tags: dict[str, Tagging] = field(default_factory=dict)
    retagged: set[str] = field(default_factory=set)
    """Tags that have changed and are not saved yet."""
    news: list[News] = field(default_factory=list)
    entries: list[chain.Entry] = field(default_factory=list)
    cause: UUID | None = None
    """The event that is being applied, if one is."""

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What its citizen has added and nobody has answered yet."""
        return marks(self.state, self.supplements, self.urges, self.withdrawal_asked_at)

    def has_tag(self, code: str) -> bool:
        held = self.tags.get(code)
        return held is not None and not held.removed

    def put_tag(self, made: Tagging) -> None:
        self.tags[made.tag] = made
        self.retagged.add(made.tag)

    def say(self, event: RouterEvent, *units: str, now: datetime) -> None:
        """Publish; `units` are those whose work it concerns."""
        self.sequence += 1
        self.news.append(News(self.sequence, event, tuple(dict.fromkeys(units)), now, self.cause))

    def note(self, action: str, *, by: str, now: datetime, facts: Mapping[str, object] | None = None) -> None:
        """Write the log: one entry for every action anybody took."""
        self.log_seq += 1
        made = chain.entry(
            self.case_id,
            self.log_seq,
            at=now,
            actor=by,
            action=action,
            facts=facts or {},
            prev_hash=self.log_hash,
        )
        self.log_hash = made.hash
        self.entries.append(made)

    @property
    def blank(self) -> bool:
        """True when the citizen's words are gone for good."""
        return self.state == "closed" and self.erased_at is not None

    def wipe(self) -> None:
        """The citizen's words go (个人信息保护法 §47); the area stays, for who counts what happens where."""
        self.title = self.text = ""
        self.place = Place(area_code=self.place.area_code)

    def order(self, order_id: UUID) -> WorkOrder:
        for order in self.orders:
            if order.order_id == order_id:
                return order
        raise OrderUnknown

    def live_orders(self) -> list[WorkOrder]:
        """Those of the present round that no other order has replaced and nobody has taken back."""
        replaced = {order.replaces for order in self.orders}
        return [
            order
            for order in self.orders
            if order.round == self.round and order.order_id not in replaced and order.state != CANCELLED
        ]

    def children(self, order: WorkOrder) -> list[WorkOrder]:
        """What this order's unit gave on and has not taken back (二次分拨)."""
        return [one for one in self.live_orders() if one.parent_order_id == order.order_id]

    def add_ruling(self, ruling: Ruling) -> None:
        self.rulings.append(ruling)
        self.beside += 1

    def open_ruling(self) -> Ruling | None:
        return next((one for one in self.rulings if one.state == "open"), None)

    def ruling(self, ruling_id: UUID) -> Ruling:
        for one in self.rulings:
            if one.ruling_id == ruling_id:
                return one
        raise RulingUnknown

    def add_task(self, task: Task) -> None:
        self.tasks.append(task)
        self.beside += 1

    def task(self, task_id: UUID) -> Task:
        for one in self.tasks:
            if one.task_id == task_id:
                return one
        raise TaskUnknown

    def lead(self) -> WorkOrder | None:
        return next((order for order in self.live_orders() if order.role == "lead"), None)

    def units(self) -> tuple[str, ...]:
        """Units that hold a live order."""
        return tuple(dict.fromkeys(order.unit_code for order in self.live_orders() if order.state != CANCELLED))
