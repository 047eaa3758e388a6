"""What staff are shown of rulings, precedents and tasks."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from services.router.domain.beside import Ruling, Task
from services.router.domain.cases import Case
from services.router.domain.precedents import Precedent
from services.router.domain.rules import Rules


class ProposedRowView(BaseModel):
    unit_kind: str
    area: str
    lead: str
    co_units: list[str]
    note: str


class RulingView(BaseModel):
    ruling_id: UUID
    case_id: UUID
    case_no: str
    title: str
    order_id: UUID
    cause: str
    state: str
    category_code: str
    subdistrict_code: str | None
    temporary_unit_code: str
    temporary_unit_name: str
    argument: str
    opened_at: datetime
    opened_by: str
    lead_unit_code: str | None
    lead_unit_name: str
    co_unit_codes: list[str]
    grounds: str
    legal_basis: str
    precedent: bool
    words: list[str]
    proposed: ProposedRowView | None
    made_at: datetime | None
    made_by: str | None

    @classmethod
    def of(cls, ruling: Ruling, rules: Rules, *, case_no: str, title: str) -> "RulingView":
        row = ruling.proposed
        return cls(
            case_no=case_no,
            title=title,
            temporary_unit_name=rules.unit_name(ruling.temporary_unit_code),
            lead_unit_name=rules.unit_name(ruling.lead_unit_code) if ruling.lead_unit_code else "",
            co_unit_codes=list(ruling.co_unit_codes),
            words=list(ruling.words),
            proposed=None
            if row is None
            else ProposedRowView(
                unit_kind=row.unit_kind, area=row.area, lead=row.lead, co_units=list(row.co_units), note=row.note
            ),
            **{name: getattr(ruling, name) for name in _RULING},
        )


_RULING = (
    *("ruling_id", "case_id", "order_id", "cause", "state", "category_code", "subdistrict_code"),
    *("temporary_unit_code", "argument", "opened_at", "opened_by", "lead_unit_code", "grounds", "legal_basis"),
    *("precedent", "made_at", "made_by"),
)


class PrecedentView(BaseModel):
    """A ruling of before, as a dispatcher is shown it beside a case of its kind."""

    ruling_id: UUID
    case_no: str
    category_code: str
    subdistrict_code: str | None
    words: list[str]
    lead_unit_code: str
    lead_unit_name: str
    co_unit_codes: list[str]
    made_at: datetime

    @classmethod
    def of(cls, one: Precedent, rules: Rules) -> "PrecedentView":
        return cls(
            ruling_id=one.ruling_id,
            case_no=one.case_no,
            category_code=one.category_code,
            subdistrict_code=one.subdistrict_code,
            words=list(one.words),
            lead_unit_code=one.lead,
            lead_unit_name=rules.unit_name(one.lead),
            co_unit_codes=list(one.co_units),
            made_at=one.made_at,
        )


class TaskView(BaseModel):
    task_id: UUID
    case_id: UUID
    order_id: UUID | None
    kind: str
    title: str
    unit_code: str
    unit_name: str
    state: str
    instruction: str
    assigned_at: datetime
    due_at: datetime | None
    overdue: bool
    outcomes: list[str]
    """What may be found."""
    photo_required: bool
    outcome: str | None
    note: str
    photo_ids: list[UUID]
    photos: list[UUID]
    """All that are beside it."""
    done_at: datetime | None

    @classmethod
    def of(cls, task: Task, rules: Rules, *, now: datetime) -> "TaskView":
        rule = rules.table.tasks.get(task.kind)
        return cls(
            title=rule.title if rule else task.kind,
            unit_name=rules.unit_name(task.unit_code),
            overdue=task.due_at is not None and task.due_at < (task.done_at or now),
            outcomes=list(rule.outcomes) if rule else [],
            photo_required=rule.photo_required if rule else False,
            photo_ids=list(task.photo_ids),
            photos=list(task.photos),
            **{name: getattr(task, name) for name in _TASK},
        )


_TASK = (
    *("task_id", "case_id", "order_id", "kind", "unit_code", "state", "instruction", "assigned_at", "due_at"),
    *("outcome", "note", "done_at"),
)


def rulings_of(case: Case, rules: Rules) -> list[RulingView]:
    return [RulingView.of(one, rules, case_no=case.case_no, title=case.title) for one in case.rulings]
