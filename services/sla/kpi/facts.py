"""What became of a case and of each of its orders, as far as any KPI asks: facts only, never rewritten by a judgement."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


@dataclass(slots=True)
class CaseFacts:
    """One row a case. An exemption, an extension or a suspension stands beside what happened and changes none of it."""

    case_id: UUID
    case_no: str | None = None
    channel_code: str | None = None
    area_code: str | None = None
    type_code: str | None = None
    category_code: str | None = None
    unit_code: str | None = None
    """Who leads, or led last."""
    submitted_at: datetime | None = None
    filed_at: datetime | None = None
    due_at: datetime | None = None
    """As promised to the citizen now; with every extension that was granted."""
    first_due_at: datetime | None = None
    answered_at: datetime | None = None
    """First reply, or the closing of what was closed without one."""
    closed_at: datetime | None = None
    outcome: str | None = None
    worked_seconds: int | None = None
    """Working time from receipt to the first answer, by the office calendar."""
    round: int = 1
    orders: int = 0
    returned: int = 0
    """Orders given to another unit because the one that had them was not the right one."""
    misdispatched: int = 0
    """Orders given to another unit because the dispatcher had erred."""
    extended: int = 0
    suspended: bool = False
    exempt: bool = False
    """By an appeal that was granted."""
    urged: int = 0
    supervised: bool = False
    repeated: bool = False
    merged: bool = False
    inform_due_at: datetime | None = None
    informed_at: datetime | None = None
    result_due_at: datetime | None = None
    result_told_at: datetime | None = None
    rated_at: datetime | None = None
    rated_solved: bool | None = None
    rated_satisfied: bool | None = None
    stars_speed: int | None = None
    stars_result: int | None = None
    stars_attitude: int | None = None
    stars_system: int | None = None
    called_at: datetime | None = None
    reached: bool | None = None
    contacted_in_time: bool | None = None
    solved: str | None = None
    satisfied: str | None = None
    process_satisfied: str | None = None


@dataclass(slots=True)
class OrderFacts:
    """One row an order: what its unit did with it, and by when it should have."""

    order_id: UUID
    case_id: UUID
    unit_code: str
    role: str
    round: int
    dispatched_at: datetime
    sign_due_at: datetime | None = None
    signed_at: datetime | None = None
    signed_automatically: bool = False
    contact_due_at: datetime | None = None
    contacted_at: datetime | None = None
    handle_due_at: datetime | None = None
    resolved_at: datetime | None = None
    returned: bool = False
    return_rejected: bool = False
    misdispatched: bool = False
    ended_at: datetime | None = None


@dataclass(slots=True)
class Record:
    """A case with its orders, loaded together; what changed is written by `Ledger.flush`."""

    case: CaseFacts
    orders: dict[UUID, OrderFacts] = field(default_factory=dict)
    changed_orders: set[UUID] = field(default_factory=set)

    def order(self, order_id: UUID) -> OrderFacts | None:
        """For change; None for an order never heard of, which no KPI counts."""
        found = self.orders.get(order_id)
        if found is not None:
            self.changed_orders.add(order_id)
        return found

    def add(self, order: OrderFacts) -> None:
        if order.order_id not in self.orders:
            self.orders[order.order_id] = order
            self.changed_orders.add(order.order_id)
            self.case.orders += 1
        if order.role == "lead":
            self.case.unit_code = order.unit_code
