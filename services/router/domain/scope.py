"""Who may see a case: the desk sees all, a unit what it was given, and nobody a complaint about their own unit."""

from services.router.domain.cases import Case
from services.router.domain.errors import CaseUnknown
from services.router.domain.orders import CANCELLED, WorkOrder
from services.router.domain.rules import Rules
from shared.tokens import Actor


def recused(actor: Actor, case: Case, rules: Rules) -> bool:
    """True when the actor works for the accused unit or under it (济南市条例 §32, 信访工作条例 §30)."""
    return any(rules.is_party(unit, case.accused_unit_code) for unit in actor.units)


def sees_all(actor: Actor, rules: Rules) -> bool:
    return actor.has(*rules.desk.see_all_roles)


def only_open(actor: Actor, rules: Rules) -> bool:
    """True for who looks across units without need to know a person: confidential cases are not for them."""
    return actor.has(*rules.desk.see_open_roles) and not actor.has(
        *rules.desk.see_all_roles - rules.desk.see_open_roles
    )


def orders_of(actor: Actor, case: Case) -> list[WorkOrder]:
    """The orders the actor's units hold or held, and what they gave on; one taken from them is theirs no more."""
    taken = {later.replaces for later in case.orders for order in case.orders if _taken_from(order, later)}
    taken |= {order.order_id for order in case.orders if order.state == CANCELLED}
    held = {o.order_id for o in case.orders if o.unit_code in actor.units and o.order_id not in taken}
    return [order for order in case.orders if order.order_id in held or order.parent_order_id in held]


def _taken_from(order: WorkOrder, later: WorkOrder) -> bool:
    return later.replaces == order.order_id and later.unit_code != order.unit_code


def sees(actor: Actor, case: Case, rules: Rules, order: WorkOrder | None = None) -> bool:
    """Whether this case, or this order of it, is the actor's to see."""
    if recused(actor, case, rules):
        return False
    if sees_all(actor, rules) and not (case.confidential and only_open(actor, rules)):
        return True
    own = orders_of(actor, case)
    return bool(own) if order is None else order in own


def must_see(actor: Actor, case: Case, rules: Rules) -> None:
    """Raises `CaseUnknown`, which does not tell whether the case exists."""
    if not sees(actor, case, rules):
        raise CaseUnknown
