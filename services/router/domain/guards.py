"""May this actor do this now? One answer for the button and for the deed: whatever acts asks here first."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from services.router.catalogue.orders import OrderAction
from services.router.domain.cases import Case
from services.router.domain.conditions import CONDITIONS
from services.router.domain.errors import (
    NotForThisOrder,
    NotMergeable,
    NotMerged,
    NotReplied,
    NotWaiting,
    NotYourUnit,
    Recused,
    RoleMissing,
    TransitionNotAllowed,
    VerificationPending,
    WordsErased,
)
from services.router.domain.orders import WorkOrder
from services.router.domain.rules import Rules
from services.router.domain.scope import recused
from shared.errors import DomainError
from shared.tokens import Actor

REJECT_RETURN = "reject_return"
"""Where a table has no row for it, whoever may redispatch a returned order may also give it back to its unit."""
CASE_ACTIONS = {
    "classify": "人工分拨",
    "not_accept": "不予受理",
    "close": "结案",
    "reopen": "重新打开",
    "merge": "并案",
    "unmerge": "撤销并案",
}
OF_THE_CASE = frozenset({"close", "reopen", "rework"})
"""Rows of the order table that act on the whole case."""


@dataclass(frozen=True, slots=True)
class Permission:
    """One action somebody might want, whether it is open to them now, and if not why."""

    action: str
    outcome: str | None
    title: str
    allowed: bool
    reason: str = ""
    reason_zh: str = ""


def row_of(case: Case, action: str, rules: Rules, outcome: str | None = None) -> OrderAction:
    """The row of the table an action goes by."""
    table = rules.table_of(case)
    row = table.action(action, outcome)
    if row is None and action == REJECT_RETURN:  # tables of before had no row of its own for it
        row = table.action("redispatch")
    if row is None:
        raise TransitionNotAllowed(f"there is no action {action}")
    return row


def must_act(
    case: Case,
    order: WorkOrder,
    action: str,
    actor: Actor,
    rules: Rules,
    *,
    now: datetime,
    outcome: str | None = None,
) -> None:
    """Raises the rule that keeps the actor from doing this to the order now."""
    row = row_of(case, action, rules, outcome)
    _must_have_role(case, row, order, actor, rules)
    if order.role not in row.of:
        raise NotForThisOrder
    if (case.state == "closed" and action != "rule") or row.target(order.state) is None:
        raise TransitionNotAllowed(f"the order is {order.state}")
    if action == REJECT_RETURN and (order.returned is None or order.state != _returned(case, rules)):
        raise TransitionNotAllowed("the order has not been returned")
    for name in row.guards if action != REJECT_RETURN else ():
        CONDITIONS[name](case, order, rules, now)


def _must_have_role(case: Case, row: OrderAction, order: WorkOrder | None, actor: Actor, rules: Rules) -> None:
    if recused(actor, case, rules):
        raise Recused
    if rules.roles_of(actor).isdisjoint(row.roles):
        raise RoleMissing(f"this needs one of the roles {', '.join(row.roles)}")
    if row.own_unit and (order is None or _holder(case, row, order) not in actor.units_as(*row.roles)):
        raise NotYourUnit


def _holder(case: Case, row: OrderAction, order: WorkOrder) -> str | None:
    if row.holder == "self":
        return order.unit_code
    return None if order.parent_order_id is None else case.order(order.parent_order_id).unit_code


def _returned(case: Case, rules: Rules) -> str | None:
    table = rules.table_of(case)
    return table.target("return", table.initial)


def must_act_on_case(case: Case, action: str, actor: Actor, rules: Rules) -> None:
    """Raises the rule that keeps the actor from doing this to the case as a whole now."""
    if action in {"classify", "not_accept"}:
        _must_decide(case, action, actor, rules)
        return
    if action in {"merge", "unmerge"}:
        _must_merge(case, action, actor, rules)
        return
    row, lead = row_of(case, action, rules), case.lead()
    _must_have_role(case, row, lead, actor, rules)
    if _without_orders(case):
        _must_act_without_orders(case, action)
        return
    if lead is None or row.target(lead.state) is None:
        raise TransitionNotAllowed(f"the case is {case.state}")
    if action == "close" and case.state != "replied":
        raise NotReplied
    if action == "reopen" and case.blank:
        raise WordsErased


def _must_decide(case: Case, action: str, actor: Actor, rules: Rules) -> None:
    roles = rules.desk.classify_roles if action == "classify" else rules.desk.not_accept_roles
    if recused(actor, case, rules):
        raise Recused
    if rules.roles_of(actor).isdisjoint(roles):
        raise RoleMissing(f"this needs one of the roles {', '.join(sorted(roles))}")
    if case.state != "queued":
        raise NotWaiting
    if action == "classify" and any(task.kind == "verify" and task.state == "open" for task in case.tasks):
        raise VerificationPending


def _must_merge(case: Case, action: str, actor: Actor, rules: Rules) -> None:
    """What is asked of the case itself; what is asked of the two together stands in `merging`."""
    if recused(actor, case, rules):
        raise Recused
    roles = rules.catalogue.merging.roles
    if rules.roles_of(actor).isdisjoint(roles):
        raise RoleMissing(f"this needs one of the roles {', '.join(roles)}")
    if action == "merge":
        if case.master_id is not None or case.state not in {"queued", "handling"}:
            raise NotMergeable(
                f"the case is {case.state}" if case.master_id is None else "the case follows another one"
            )
        return
    undone = case.state == "handling" or (case.state == "closed" and case.outcome == "merged")
    if case.master_id is None or not undone:
        raise NotMerged
    if case.blank:
        raise WordsErased


def _without_orders(case: Case) -> bool:
    """True where the work was done, or the end made, without an order of its own: followers, and what was not accepted."""
    return case.master_id is not None or case.outcome in {"not_accepted", "withdrawn"}


def _must_act_without_orders(case: Case, action: str) -> None:
    if case.outcome == "merged" or (case.state not in {"replied", "closed"}):
        raise TransitionNotAllowed(f"the case is {case.outcome or case.state}")
    if action == "close" and case.state != "replied":
        raise NotReplied
    if action == "reopen" and case.blank:
        raise WordsErased


def refusal(ask: Callable[[], None]) -> DomainError | None:
    """What a guard would say, without raising it."""
    try:
        ask()
    except DomainError as refused:
        return refused
    return None


def order_permissions(
    case: Case, order: WorkOrder, actor: Actor, rules: Rules, *, now: datetime
) -> tuple[Permission, ...]:
    """Every action on an order, allowed or not; what only the system does is left out."""
    table = rules.table_of(case)
    rows = [row for row in table.actions if row.name not in OF_THE_CASE and set(row.roles) != {"system"}]
    wanted = [(row.name, row.outcome, row.title) for row in rows]
    if table.action(REJECT_RETURN) is None and table.action("redispatch") is not None:
        wanted.append((REJECT_RETURN, None, "不同意退件"))
    return tuple(
        _permission(
            action,
            outcome,
            title,
            refusal(partial(must_act, case, order, action, actor, rules, now=now, outcome=outcome)),
        )
        for action, outcome, title in wanted
    )


def case_permissions(case: Case, actor: Actor, rules: Rules) -> tuple[Permission, ...]:
    return tuple(
        _permission(action, None, title, refusal(partial(must_act_on_case, case, action, actor, rules)))
        for action, title in CASE_ACTIONS.items()
    )


def _permission(action: str, outcome: str | None, title: str, refused: DomainError | None) -> Permission:
    if refused is None:
        return Permission(action, outcome, title, allowed=True)
    return Permission(action, outcome, title, allowed=False, reason=str(refused), reason_zh=refused.zh)
