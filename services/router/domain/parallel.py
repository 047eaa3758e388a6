"""并联派件 and 二次分拨: co-units beside the lead, and sub-units below the one that stays answerable."""

from datetime import datetime
from typing import Literal

from contracts.events.router import CaseReviewed, Reason
from services.router.domain.cancelling import cancel
from services.router.domain.cases import Case
from services.router.domain.errors import NotBelow, SameUnit
from services.router.domain.filing import check_unit, open_order
from services.router.domain.guards import must_act
from services.router.domain.handling import about, move
from services.router.domain.orders import ProgressNote, Review, WorkOrder
from services.router.domain.rules import Rules
from shared.tokens import Actor


def add_co(
    case: Case, lead: WorkOrder, by: Actor, rules: Rules, *, to_unit: str, mandatory: bool, now: datetime
) -> WorkOrder:
    """加派: one more unit beside the lead, with clocks of its own; the case waits for it where it is mandatory."""
    must_act(case, lead, "add_co", by, rules, now=now)
    _must_be_free(case, to_unit, rules)
    reasons = (Reason(kind="added", text=rules.unit_name(to_unit)),)
    made = open_order(case, to_unit, "co", reasons, rules, now=now, mandatory=mandatory)
    case.note("add_co", by=by.id, now=now, facts={**about(made), "mandatory": mandatory})
    return made


def delegate(case: Case, order: WorkOrder, by: Actor, rules: Rules, *, to_unit: str, now: datetime) -> WorkOrder:
    """二次分拨: given on to a unit below; who gave it on answers for it and accepts what comes back."""
    must_act(case, order, "delegate", by, rules, now=now)
    check_unit(case, to_unit, rules)
    if order.unit_code not in rules.catalogue.units.ancestors(to_unit):
        raise NotBelow(to_unit)
    _must_be_free(case, to_unit, rules)
    reasons = (Reason(kind="delegated", text=rules.unit_name(order.unit_code)),)
    made = open_order(case, to_unit, "sub", reasons, rules, now=now, parent=order)
    facts = {**about(order), "to_unit": to_unit, "new_order_id": str(made.order_id)}
    case.note("delegate", by=by.id, now=now, facts=facts)
    return made


def _must_be_free(case: Case, to_unit: str, rules: Rules) -> None:
    check_unit(case, to_unit, rules)
    if to_unit in case.units():
        raise SameUnit(to_unit)


def take_back(case: Case, order: WorkOrder, by: Actor, rules: Rules, *, now: datetime) -> None:
    """The unit that gave it on does it itself after all, or gives it to another one."""
    must_act(case, order, "take_back", by, rules, now=now)
    cancel(case, order, "taken_back", rules, now=now)
    case.note("take_back", by=by.id, now=now, facts=about(order))


def accept(
    case: Case,
    order: WorkOrder,
    by: Actor,
    rules: Rules,
    *,
    outcome: Literal["approve", "send_back"],
    note: str,
    now: datetime,
) -> None:
    """验收: the parent's manager looks at what came back; the parent resolves only when all of it is accepted."""
    move(case, order, "accept", by, rules, now=now, outcome=outcome)
    order.review = Review("approved" if outcome == "approve" else "sent_back", note, now, by.id)
    said = CaseReviewed(order_id=order.order_id, outcome=order.review.outcome, round=case.round)
    case.say(said, order.unit_code, now=now)
    if note:
        order.notes.append(ProgressNote(now, by.id, "", note))
    case.note("accept", by=by.id, now=now, facts={**about(order), "outcome": outcome})
