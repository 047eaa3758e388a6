"""What the order table asks beside state, holder and role: one function for each guard it can name."""

from collections.abc import Callable, Mapping
from datetime import datetime

from services.router.catalogue.orders import Guard
from services.router.domain.cases import Case
from services.router.domain.errors import (
    CheckFailed,
    ChildrenNotDone,
    DesignatedByRuling,
    LeadFixed,
    NoRulingPending,
    NotBelow,
    PhotoMissing,
    ReturnCapReached,
    ReturnWindowOver,
    RulingPending,
    StillReturnable,
    TasksNotDone,
)
from services.router.domain.orders import WorkOrder
from services.router.domain.rules import Rules

type Condition = Callable[[Case, WorkOrder, Rules, datetime], None]
"""Raises the rule that is broken."""


def _children_done(case: Case, order: WorkOrder, rules: Rules, now: datetime) -> None:
    """The unit answers for what it gave on: its people's work is accepted first."""
    del rules, now
    if any(child.state not in ("reviewed", "closed") for child in case.children(order)):
        raise ChildrenNotDone


def _photos_beside(case: Case, order: WorkOrder, rules: Rules, now: datetime) -> None:
    del rules, now
    if case.photo_required and order.role != "sub" and not _photos(case, order):
        raise PhotoMissing


def _photos(case: Case, order: WorkOrder) -> bool:
    return bool(order.photos) or any(child.photos for child in case.children(order))


def _under_return_caps(case: Case, order: WorkOrder, rules: Rules, now: datetime) -> None:
    """A return corrects the dispatch: it comes seldom, and a refused one counts too."""
    del now
    if returned_too_often(case, order, rules):
        raise ReturnCapReached


def returned_too_often(case: Case, order: WorkOrder, rules: Rules) -> bool:
    returns = rules.table.returns
    made = [one for one in case.orders if one.returned is not None]
    by_unit = [one for one in made if one.unit_code == order.unit_code]
    return len(by_unit) >= returns.max_per_unit or len(made) >= returns.max_per_case


def _in_return_window(case: Case, order: WorkOrder, rules: Rules, now: datetime) -> None:
    del case
    until = rules.return_until(order.dispatched_at)
    if now >= until:
        raise ReturnWindowOver(f"it ended at {until.isoformat()}")


def _returned_too_often(case: Case, order: WorkOrder, rules: Rules, now: datetime) -> None:
    del now
    if not returned_too_often(case, order, rules):
        raise StillReturnable


def _lead_not_taken(case: Case, order: WorkOrder, rules: Rules, now: datetime) -> None:
    """首办负责: the lead that has begun stays the lead. What was signed for it by the system it has not begun."""
    del case, now
    begun = order.state not in (rules.table.initial, "returned") and not (
        order.signed_automatically and order.state == "signed"
    )
    if order.role == "lead" and begun:
        raise LeadFixed


def _not_designated(case: Case, order: WorkOrder, rules: Rules, now: datetime) -> None:
    del case, rules, now
    if order.designated:
        raise DesignatedByRuling


def _no_open_ruling(case: Case, order: WorkOrder, rules: Rules, now: datetime) -> None:
    del rules, now
    if order.role == "lead" and case.open_ruling() is not None:
        raise RulingPending


def _open_ruling(case: Case, order: WorkOrder, rules: Rules, now: datetime) -> None:
    del order, rules, now
    if case.open_ruling() is None:
        raise NoRulingPending


def _tasks_done(case: Case, order: WorkOrder, rules: Rules, now: datetime) -> None:
    """The checks of this result: all done, and the last one passed."""
    del now
    checks = [task for task in case.tasks if task.kind == "check" and task.order_id == order.order_id]
    checks = [task for task in checks if order.resolved_at is None or task.assigned_at >= order.resolved_at]
    if any(task.state == "open" for task in checks):
        raise TasksNotDone
    done = [task for task in checks if task.state == "done"]
    rule = rules.table.tasks.get("check")
    if done and rule is not None and done[-1].outcome not in rule.passed:
        raise CheckFailed


def _units_below(case: Case, order: WorkOrder, rules: Rules, now: datetime) -> None:
    del case, now
    if not rules.catalogue.units.children(order.unit_code):
        raise NotBelow


def _at_the_deed(case: Case, order: WorkOrder, rules: Rules, now: datetime) -> None:
    """Depends on what is said with the action; asked where it is done."""
    del case, order, rules, now


CONDITIONS: Mapping[Guard, Condition] = {
    "children_done": _children_done,
    "closing_condition": _at_the_deed,
    "in_return_window": _in_return_window,
    "lead_not_taken": _lead_not_taken,
    "no_open_ruling": _no_open_ruling,
    "not_designated": _not_designated,
    "open_ruling": _open_ruling,
    "photos_beside": _photos_beside,
    "returned_too_often": _returned_too_often,
    "tasks_done": _tasks_done,
    "under_return_caps": _under_return_caps,
    "units_below": _units_below,
}
