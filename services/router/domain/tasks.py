"""Tasks beside the orders: verify before filing, check before closing, guard the scene, account for the damage."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from contracts.events.router import TaskAssigned, TaskDone
from services.router.catalogue.orders import TaskKind, TaskRule
from services.router.domain.beside import Task
from services.router.domain.cases import Case
from services.router.domain.errors import (
    NotYourUnit,
    OutcomeUnknown,
    PhotoMissing,
    PhotoUnknown,
    Recused,
    RoleMissing,
    TaskKindUnknown,
    TaskOver,
    TransitionNotAllowed,
    UnitIsParty,
    UnitUnknown,
)
from services.router.domain.orders import WorkOrder
from services.router.domain.rules import SYSTEM, Rules
from services.router.domain.scope import recused
from shared.ids import new_id
from shared.tokens import Actor

NEAREST = "grid_management"
"""The kind of unit whose officers go and look (值班网格员)."""
_WHEN = {"verify": {"queued"}, "check": {"handling"}, "guard": {"queued", "handling"}, "account": {"closed"}}


def rule_of(kind: TaskKind, rules: Rules) -> TaskRule:
    rule = rules.table.tasks.get(kind)
    if rule is None:
        raise TaskKindUnknown(kind)
    return rule


def nearest(case: Case, rules: Rules) -> str:
    """The unit whose grid officers are nearest: of the community where there is one, else of the subdistrict."""
    found = (unit for unit in rules.catalogue.units if NEAREST in unit.kinds and unit.area == case.area_code)
    here = next((unit.code for unit in found if not rules.is_party(unit.code, case.accused_unit_code)), None)
    if here is not None:
        return here
    return rules.catalogue.dispatch.resolve(NEAREST, case.area_code, accused=case.accused_unit_code).lead


def assign(
    case: Case, kind: TaskKind, by: Actor, rules: Rules, *, instruction: str, unit_code: str | None, now: datetime
) -> Task:
    """By a dispatcher or reviewer; to the nearest grid officers where no unit is named."""
    rule = rule_of(kind, rules)
    if recused(by, case, rules):
        raise Recused
    if rules.roles_of(by).isdisjoint(rule.given_by):
        raise RoleMissing(f"this needs one of the roles {', '.join(rule.given_by)}")
    lead = case.lead()
    if case.state not in _WHEN[kind] or (kind == "check" and (lead is None or lead.state != "resolved")):
        raise TransitionNotAllowed(f"the case is {case.state}")
    if unit_code is not None and unit_code not in rules.catalogue.units:
        raise UnitUnknown(unit_code)
    if unit_code is not None and rules.is_party(unit_code, case.accused_unit_code):
        raise UnitIsParty
    unit = unit_code or nearest(case, rules)
    return _give(case, kind, unit, rule, lead, by=by.id, instruction=instruction, now=now)


def _give(
    case: Case,
    kind: TaskKind,
    unit: str,
    rule: TaskRule,
    order: WorkOrder | None,
    *,
    by: str,
    instruction: str = "",
    now: datetime,
) -> Task:
    task = Task(
        task_id=new_id(),
        case_id=case.case_id,
        kind=kind,
        unit_code=unit,
        state="open",
        round=case.round,
        order_id=order.order_id if order else None,
        instruction=instruction,
        assigned_at=now,
        assigned_by=by,
        due_at=None if rule.minutes is None else now + timedelta(minutes=rule.minutes),
    )
    case.add_task(task)
    case.say(TaskAssigned(task_id=task.task_id, kind=kind, unit_code=unit, minutes=rule.minutes), unit, now=now)
    case.note("assign_task", by=by, now=now, facts={"task_id": str(task.task_id), "kind": kind, "unit": unit})
    return task


def verification_due(category_code: str, type_code: str, rules: Rules) -> bool:
    """Whether the rules want somebody to look before such a request is filed."""
    rule = rules.table.tasks.get("verify")
    return rule is not None and rule.by_rule(category_code, None, type_code)


def verify_by_rule(case: Case, rules: Rules, *, now: datetime) -> None:
    """核实 before filing, without anybody asking; the dispatcher files it after, or closes it."""
    rule = rule_of("verify", rules)
    _give(case, "verify", nearest(case, rules), rule, None, by=SYSTEM.id, now=now)


def check_result(case: Case, order: WorkOrder, rules: Rules, *, now: datetime) -> None:
    """核查 of a result, where the rules want it: by the grid officers, never by those who did the work."""
    rule = rules.table.tasks.get("check")
    if rule is not None and rule.by_rule(case.category_code, case.grade, case.type_code):
        _give(case, "check", nearest(case, rules), rule, order, by=SYSTEM.id, now=now)


def account_for(case: Case, rules: Rules, *, now: datetime) -> None:
    """先抢修再问责: after closing it is settled, once, who is liable."""
    rule, lead = rules.table.tasks.get("account"), case.lead()
    if rule is None or lead is None or any(task.kind == "account" for task in case.tasks):
        return
    unit = lead.unit_code
    if rules.table.repair.account_to == "fallback":
        unit = rules.fallback(case.area_code, accused=case.accused_unit_code)
    _give(case, "account", unit, rule, lead, by=SYSTEM.id, now=now)


def finish(
    case: Case,
    task: Task,
    by: Actor,
    rules: Rules,
    *,
    outcome: str,
    note: str,
    photo_ids: Sequence[UUID],
    now: datetime,
) -> None:
    """What was found, with photos where the rules want them."""
    rule = rule_of(task.kind, rules)
    must_do(case, task, by, rules)
    if outcome not in rule.outcomes:
        raise OutcomeUnknown(f"one of {', '.join(rule.outcomes)}")
    if any(photo not in task.photos for photo in photo_ids):
        raise PhotoUnknown(retry_after=1)
    if rule.photo_required and not photo_ids:
        raise PhotoMissing
    task.state, task.outcome, task.note, task.done_at, task.done_by = "done", outcome, note, now, by.id
    task.photo_ids = tuple(dict.fromkeys(photo_ids))
    done = TaskDone.model_validate(_done(task, outcome))
    case.say(done, task.unit_code, *case.units(), now=now)
    case.note("finish_task", by=by.id, now=now, facts={**_about(task), "outcome": outcome, "photos": len(photo_ids)})


def _done(task: Task, outcome: str) -> dict[str, object]:
    return {"task_id": task.task_id, "kind": task.kind, "unit_code": task.unit_code, "outcome": outcome}


def must_do(case: Case, task: Task, by: Actor, rules: Rules) -> None:
    """Raises the rule that keeps the actor from doing the task."""
    rule = rule_of(task.kind, rules)
    if recused(by, case, rules):
        raise Recused
    if rules.roles_of(by).isdisjoint(rule.done_by):
        raise RoleMissing(f"this needs one of the roles {', '.join(rule.done_by)}")
    if task.unit_code not in by.units:
        raise NotYourUnit
    if task.state != "open":
        raise TaskOver


def call_off(case: Case, task: Task, by: Actor, rules: Rules, *, now: datetime) -> None:
    """Whoever may give a task may call it off."""
    rule = rule_of(task.kind, rules)
    if recused(by, case, rules):
        raise Recused
    if rules.roles_of(by).isdisjoint(rule.given_by):
        raise RoleMissing(f"this needs one of the roles {', '.join(rule.given_by)}")
    if task.state != "open":
        raise TaskOver
    task.state, task.done_at, task.done_by = "cancelled", now, by.id
    case.note("call_off_task", by=by.id, now=now, facts=_about(task))


def remember_photo(case: Case, task: Task, photo_id: UUID, *, now: datetime) -> None:
    if photo_id not in task.photos:
        task.photos.append(photo_id)
        case.note("photo", by="feedback", now=now, facts={**_about(task), "photo_id": str(photo_id)})


def _about(task: Task) -> dict[str, object]:
    return {"task_id": str(task.task_id), "kind": task.kind, "unit": task.unit_code}
