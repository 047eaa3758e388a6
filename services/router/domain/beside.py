"""What may stand beside a case's orders: disputes before the panel, and tasks; most cases have none."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.router.catalogue.orders import TaskKind

Cause = Literal["returned_too_often", "disputed", "lead_moved"]


@dataclass(frozen=True, slots=True)
class ProposedRow:
    """A row the panel would have the dispatch table take over."""

    unit_kind: str
    area: str
    lead: str
    co_units: tuple[str, ...]
    note: str


@dataclass(slots=True, kw_only=True)
class Ruling:
    """会商裁决: a dispute, who acts meanwhile, and what the panel said."""

    ruling_id: UUID
    case_id: UUID
    order_id: UUID
    """The lead's order: first the disputed one, then the one that goes on."""
    cause: Cause
    state: Literal["open", "made"]
    temporary_unit_code: str
    category_code: str
    subdistrict_code: str | None
    argument: str
    """Why it is disputed; internal."""
    opened_at: datetime
    opened_by: str
    lead_unit_code: str | None = None
    co_unit_codes: tuple[str, ...] = ()
    grounds: str = ""
    legal_basis: str = ""
    words: tuple[str, ...] = ()
    """A precedent is for requests that say one of these; for all where there are none."""
    precedent: bool = False
    proposed: ProposedRow | None = None
    made_at: datetime | None = None
    made_by: str | None = None


@dataclass(slots=True, kw_only=True)
class Task:
    """核实、核查、临时处置、问责: something to be done beside the orders, by the unit nearest to the place."""

    task_id: UUID
    case_id: UUID
    kind: TaskKind
    unit_code: str
    state: Literal["open", "done", "cancelled"]
    round: int
    order_id: UUID | None
    """The order whose result is looked at."""
    instruction: str
    assigned_at: datetime
    assigned_by: str
    due_at: datetime | None
    outcome: str | None = None
    note: str = ""
    """Internal."""
    photo_ids: tuple[UUID, ...] = ()
    photos: list[UUID] = field(default_factory=list)
    """All photos known to belong to it."""
    done_at: datetime | None = None
    done_by: str | None = None
