"""How an order ends without a result, and takes along what was given on from it."""

from datetime import datetime
from typing import Literal

from contracts.events.router import OrderCancelled
from services.router.domain.cases import Case
from services.router.domain.orders import CANCELLED, WorkOrder
from services.router.domain.rules import Rules

DONE = frozenset({"reviewed", "closed"})
"""States in which the work of an order has been accepted."""


Cause = Literal["taken_back", "ruled", "ended", "merged"]


def cancel(case: Case, order: WorkOrder, cause: Cause, rules: Rules, *, now: datetime) -> None:
    """Its units' systems hear of it; a table of before had no such state, and the order is simply closed."""
    cancel_children(case, order, rules, now=now)
    order.state = CANCELLED if rules.table.state(CANCELLED) is not None else "closed"
    case.say(OrderCancelled(order_id=order.order_id, unit_code=order.unit_code, cause=cause), order.unit_code, now=now)


def cancel_children(case: Case, order: WorkOrder, rules: Rules, *, now: datetime) -> None:
    """No order outlives the one it was given on from."""
    for child in case.children(order):
        if child.state not in DONE:
            cancel(case, child, "ended", rules, now=now)
