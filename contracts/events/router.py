"""What the desk says."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel

from contracts.events.intake import CaseType
from shared.cloudevents import Event

Outcome = Literal[
    "satisfied",
    "dissatisfied",
    "unrated",
    "not_accepted",
    "withdrawn",
    "terminated",
    "merged",
    "answered",
    "adopted",
    "praised",
]
"""How a case ended. `answered` and `adopted` end suggestions, `praised` ends praise, `merged` a case that its own
citizen had put in twice."""

LimitUnit = Literal["urgent_hour", "work_hour", "work_day", "calendar_day"]


class Reason(BaseModel):
    """Why something was decided, in words a dispatcher can check."""

    kind: str
    text: str
    weight: float = 0.0


class Node(BaseModel):
    """One node of the process a case follows, with the words its citizen reads."""

    key: str
    label: str


class StandardLimit(BaseModel):
    """The limit the matched standard gives a complaint, as the catalogue has it."""

    amount: int
    unit: LimitUnit


class FiledStandard(BaseModel):
    """Which standard of its category a case was filed under."""

    no: int
    name: str


class RouterEvent(Event):
    PUBLISHER: ClassVar[str] = "router"


class CaseClassified(RouterEvent):
    """The case was looked at: by rule, by a trained model or by hand; without a category it waits for a dispatcher."""

    TYPE: ClassVar[str] = "case.classified.v1"
    EXTERNAL: ClassVar[bool] = True

    category_code: str | None
    type_code: CaseType
    area_code: str | None
    confidence: float
    method: Literal["explicit", "rules", "learned", "dispatcher"]
    reasons: tuple[Reason, ...]
    queued: bool
    """True when it waits on the dispatcher's queue."""


class CaseFiled(RouterEvent):
    """立案: the case has its category, process and standard, and keeps them."""

    TYPE: ClassVar[str] = "case.filed.v1"

    edition: str
    """The edition of the catalogue the case is judged by."""
    category_code: str
    category_name: str
    type_code: CaseType
    grade: Literal["A", "B", "C"]
    process_code: str
    nodes: tuple[Node, ...]
    area_code: str | None
    photo_required: bool
    limit: StandardLimit
    standard: FiledStandard | None = None
    """None in events from before a category could have several."""


class CaseTagged(RouterEvent):
    """Tags were set on the case, or taken away: by rule, because something happened, or by hand."""

    TYPE: ClassVar[str] = "case.tagged.v1"

    added: tuple[str, ...]
    removed: tuple[str, ...]
    tags: tuple[str, ...]
    """All it has now."""


class OrderDispatched(RouterEvent):
    """A work order was given to a unit; the unit's clocks start now."""

    TYPE: ClassVar[str] = "order.dispatched.v1"

    order_id: UUID
    role: Literal["lead", "co", "sub"]
    """`sub` is an order a unit gave on to one below it (二次分拨); the unit stays answerable."""
    unit_code: str
    unit_name: str
    round: int
    """1 at first, 2 when the case is handled again."""
    reasons: tuple[Reason, ...] = ()
    parent_order_id: UUID | None = None
    """The order a `sub` order was given on from; its clocks never outlast that one's."""
    mandatory: bool = True
    """False for a co-order the case need not wait for."""
    temporary: bool = False
    """先办后议: handled by this unit until a ruling says whose it is."""
    urgent: bool = False
    """Limits count in urgent hours: an emergency mode, or a repair that comes first (先抢修再问责)."""


class OrderSigned(RouterEvent):
    TYPE: ClassVar[str] = "order.signed.v1"

    order_id: UUID
    unit_code: str
    unit_name: str
    automatic: bool = False


class OrderContacted(RouterEvent):
    """The unit has spoken with the citizen."""

    TYPE: ClassVar[str] = "order.contacted.v1"

    order_id: UUID
    unit_code: str
    unit_name: str


class OrderProgressed(RouterEvent):
    """A stage of the work is done; the note is meant for the citizen."""

    TYPE: ClassVar[str] = "order.progressed.v1"

    order_id: UUID
    unit_code: str
    unit_name: str
    public_note: str


class OrderResolved(RouterEvent):
    """The unit says the work is done; it is reviewed next."""

    TYPE: ClassVar[str] = "order.resolved.v1"

    order_id: UUID
    unit_code: str
    unit_name: str
    photo_ids: tuple[UUID, ...]


class OrderReturned(RouterEvent):
    """退件: the unit says it is not the right one. Citizens never read this."""

    TYPE: ClassVar[str] = "order.returned.v1"

    order_id: UUID
    unit_code: str
    reason_code: str


class OrderReturnRejected(RouterEvent):
    """退件 was not agreed to: the order goes on where it was. Citizens never read this."""

    TYPE: ClassVar[str] = "order.return_rejected.v1"

    order_id: UUID
    unit_code: str


class OrderRedispatched(RouterEvent):
    """改派: the order was taken from one unit; a new `order.dispatched` names the next."""

    TYPE: ClassVar[str] = "order.redispatched.v1"

    order_id: UUID
    new_order_id: UUID
    from_unit_code: str
    to_unit_code: str
    own_error: bool
    """True when the dispatcher had chosen wrongly; counts against dispatch accuracy, not the unit."""


class OrderCancelled(RouterEvent):
    """The order ended without a result: taken back by the unit that gave it on, moved by a ruling, or its case ended."""

    TYPE: ClassVar[str] = "order.cancelled.v1"

    order_id: UUID
    unit_code: str
    cause: Literal["taken_back", "ruled", "ended"]


class RulingOpened(RouterEvent):
    """会商裁决: whose it is has to be decided; a temporary handler acts meanwhile. Citizens never read this."""

    TYPE: ClassVar[str] = "ruling.opened.v1"
    EXTERNAL: ClassVar[bool] = True

    ruling_id: UUID
    order_id: UUID
    temporary_unit_code: str
    cause: Literal["returned_too_often", "disputed", "lead_moved"]


class RulingMade(RouterEvent):
    """The panel has named the unit; it cannot return the order (潍坊市条例 §22). Citizens never read this."""

    TYPE: ClassVar[str] = "ruling.made.v1"
    EXTERNAL: ClassVar[bool] = True

    ruling_id: UUID
    order_id: UUID
    """The lead's order from now on."""
    lead_unit_code: str
    co_unit_codes: tuple[str, ...] = ()


class TaskAssigned(RouterEvent):
    """A task beside the orders: look at the place before filing or after the work, guard it, account for the damage."""

    TYPE: ClassVar[str] = "task.assigned.v1"

    task_id: UUID
    kind: Literal["verify", "check", "guard", "account"]
    unit_code: str
    minutes: int | None = None
    """To be done within; None for what has no limit of its own."""


class TaskDone(RouterEvent):
    TYPE: ClassVar[str] = "task.done.v1"
    EXTERNAL: ClassVar[bool] = True

    task_id: UUID
    kind: Literal["verify", "check", "guard", "account"]
    unit_code: str
    outcome: Literal["confirmed", "not_found", "passed", "failed", "done"]


class CaseMerged(RouterEvent):
    """并案: this case follows another, whose progress its citizen sees from now on."""

    TYPE: ClassVar[str] = "case.merged.v1"

    master_case_id: UUID
    master_case_no: str
    kind: Literal["same_person", "same_fact"]


class CaseUnmerged(RouterEvent):
    """The case is handled on its own again."""

    TYPE: ClassVar[str] = "case.unmerged.v1"

    master_case_id: UUID


class CaseNotAccepted(RouterEvent):
    """不予受理: with its reason and the channel that is the right one, both as the citizen reads them."""

    TYPE: ClassVar[str] = "case.not_accepted.v1"
    EXTERNAL: ClassVar[bool] = True

    reason_code: str
    public_reason: str
    right_channel: str
    handed_over: bool = False
    """True when the desk itself passed it on at once: 110, 119, 120, 122."""


class EmergencyDeclared(RouterEvent):
    """平战一体: from now on the categories named run in urgent hours in these areas. About no one case."""

    TYPE: ClassVar[str] = "emergency.declared.v1"
    EXTERNAL: ClassVar[bool] = True

    emergency_id: UUID
    theme_code: str
    area_codes: tuple[str, ...]
    """Empty for the whole district."""
    category_codes: tuple[str, ...]


class EmergencyLifted(RouterEvent):
    TYPE: ClassVar[str] = "emergency.lifted.v1"
    EXTERNAL: ClassVar[bool] = True

    emergency_id: UUID
    theme_code: str


class CaseReviewed(RouterEvent):
    TYPE: ClassVar[str] = "case.reviewed.v1"

    order_id: UUID
    outcome: Literal["approved", "sent_back"]
    round: int


class CaseReplied(RouterEvent):
    """The result is told to the citizen, who is asked to rate it."""

    TYPE: ClassVar[str] = "case.replied.v1"

    order_id: UUID
    unit_code: str
    unit_name: str
    public_reply: str
    photo_ids: tuple[UUID, ...]
    round: int


class CaseReworked(RouterEvent):
    """返工: the case is handled again, under the same number."""

    TYPE: ClassVar[str] = "case.reworked.v1"

    round: int
    cause: Literal["dissatisfied", "review", "reopened"]


class CaseClosed(RouterEvent):
    """结案."""

    TYPE: ClassVar[str] = "case.closed.v1"

    outcome: Outcome
    round: int


class CaseReopened(RouterEvent):
    TYPE: ClassVar[str] = "case.reopened.v1"

    round: int
