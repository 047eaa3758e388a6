"""How a case ends and begins again: closing (结案), rework (返工), reopening, each by its rule."""

from datetime import datetime
from typing import Literal

from contracts.events.router import CaseClosed, CaseReopened, CaseReworked, Outcome, Reason
from services.router.domain.cancelling import DONE, cancel
from services.router.domain.cases import Case
from services.router.domain.filing import open_order
from services.router.domain.guards import must_act_on_case
from services.router.domain.orders import Moved
from services.router.domain.rules import SYSTEM, Rules
from services.router.domain.tasks import account_for
from shared.tokens import Actor


def close(case: Case, by: Actor, rules: Rules, *, now: datetime) -> None:
    """By hand, when the citizen has been answered and says nothing."""
    must_act_on_case(case, "close", by, rules)
    end(case, "unrated", rules, by=by.id, now=now)


def reopen(case: Case, by: Actor, rules: Rules, *, now: datetime) -> None:
    """By hand: the lead gets the case once more, under the same number."""
    must_act_on_case(case, "reopen", by, rules)
    _again(case, "reopened", rules, by=by.id, now=now)


def close_satisfied(case: Case, round_: int, rules: Rules, *, now: datetime) -> bool:
    """The citizen is content; False when this round is over already."""
    if case.state != "replied" or case.round != round_:
        return False
    end(case, "satisfied", rules, by=SYSTEM.id, now=now)
    return True


def close_unrated(case: Case, rules: Rules, *, now: datetime) -> bool:
    """The time for rating has passed."""
    if case.state != "replied":
        return False
    end(case, "unrated", rules, by=SYSTEM.id, now=now)
    return True


def hear_dissatisfied(case: Case, round_: int, rules: Rules, *, now: datetime) -> bool:
    """Handled again as often as the rules grant; after that it closes as it is, and is supervised (深圳 民意速办).

    A case closed because nobody rated in time is taken up again too: the citizen has spoken after all. Not so where
    the words have been erased since: nobody could act on what is left.
    """
    answered = case.state == "replied" or (case.state == "closed" and case.outcome == "unrated" and not case.blank)
    if not answered or case.round != round_:
        return False
    if case.round <= rules.table.rework.max_automatic:
        _again(case, "dissatisfied", rules, by=SYSTEM.id, now=now)
    elif case.state == "replied":
        end(case, "dissatisfied", rules, by=SYSTEM.id, now=now)
    return True


def begin_again(case: Case, cause: Literal["dissatisfied", "reopened"], rules: Rules, *, now: datetime) -> None:
    """The next round, as yet without an order."""
    told = case.units()
    _end_orders(case, "reopen" if cause == "reopened" else "rework", rules, now=now)
    case.round += 1
    case.state, case.outcome, case.closed_at, case.replied_at = "handling", None, None, None
    case.closing_reason_code = None
    if cause == "reopened":
        case.say(CaseReopened(round=case.round), *told, now=now)
    else:
        case.say(CaseReworked(round=case.round, cause=cause), *told, now=now)


def _again(case: Case, cause: Literal["dissatisfied", "reopened"], rules: Rules, *, by: str, now: datetime) -> None:
    """The next round: a new order for the unit that led the last one."""
    lead = case.lead()
    assert lead is not None
    action = "reopen" if cause == "reopened" else "rework"
    begin_again(case, cause, rules, now=now)
    reason = Reason(kind=cause, text=rules.unit_name(lead.unit_code))
    because: Moved = "reopen" if cause == "reopened" else "rework"
    made = open_order(
        case,
        lead.unit_code,
        "lead",
        (reason,),
        rules,
        now=now,
        replaces=lead,
        because=because,
        designated=lead.designated,
    )
    facts = {"round": case.round, "order_id": str(made.order_id), "unit": made.unit_code}
    case.note(action, by=by, now=now, facts=facts)


def end(case: Case, outcome: Outcome, rules: Rules, *, by: str, now: datetime, public_reason: str = "") -> None:
    """However it came: all orders end with the case, and so do the tasks beside them."""
    units = case.units()
    _end_orders(case, "close", rules, now=now)
    _end_tasks(case, now=now)
    case.state, case.outcome, case.closed_at = "closed", outcome, now
    if case.erased_at is not None:
        case.wipe()
    case.say(CaseClosed(outcome=outcome, round=case.round, public_reason=public_reason), *units, now=now)
    facts: dict[str, object] = {"outcome": outcome, "round": case.round}
    if case.closing_reason_code:
        facts["reason_code"] = case.closing_reason_code
    case.note("close", by=by, now=now, facts=facts)
    if case.urgent:
        account_for(case, rules, now=now)


def _end_orders(case: Case, action: str, rules: Rules, *, now: datetime) -> None:
    """What was accepted is closed with the case, what is still open is cancelled; what ended before stays as it is."""
    row = rules.table_of(case).action(action)
    for order in case.orders:
        if order.state in rules.table.final:
            continue
        if row is not None and order.state in DONE:
            order.state = row.moves[0].to
        else:
            cancel(case, order, "ended", rules, now=now)


def _end_tasks(case: Case, *, now: datetime) -> None:
    for task in case.tasks:
        if task.state == "open" and task.kind != "account":
            task.state, task.done_at = "cancelled", now
