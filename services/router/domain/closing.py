"""How a case ends and begins again: closing (结案), rework (返工), reopening, each by its rule."""

from datetime import datetime
from typing import Literal

from contracts.events.router import CaseClosed, CaseReopened, CaseReworked, Reason
from services.router.domain.cases import Case, Outcome
from services.router.domain.filing import open_order
from services.router.domain.guards import must_act_on_case
from services.router.domain.rules import SYSTEM, Rules
from shared.tokens import Actor


def close(case: Case, by: Actor, rules: Rules, *, now: datetime) -> None:
    """By hand, when the citizen has been answered and says nothing."""
    must_act_on_case(case, "close", by, rules)
    _close(case, "unrated", rules, by=by.id, now=now)


def reopen(case: Case, by: Actor, rules: Rules, *, now: datetime) -> None:
    """By hand: the lead gets the case once more, under the same number."""
    must_act_on_case(case, "reopen", by, rules)
    _again(case, "reopened", rules, by=by.id, now=now)


def close_satisfied(case: Case, round_: int, rules: Rules, *, now: datetime) -> bool:
    """The citizen is content; False when this round is over already."""
    if case.state != "replied" or case.round != round_:
        return False
    _close(case, "satisfied", rules, by=SYSTEM.id, now=now)
    return True


def close_unrated(case: Case, rules: Rules, *, now: datetime) -> bool:
    """The time for rating has passed."""
    if case.state != "replied":
        return False
    _close(case, "unrated", rules, by=SYSTEM.id, now=now)
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
        _close(case, "dissatisfied", rules, by=SYSTEM.id, now=now)
    return True


def begin_again(case: Case, cause: Literal["dissatisfied", "reopened"], rules: Rules, *, now: datetime) -> None:
    """The next round, as yet without an order."""
    told = case.units()
    _end_orders(case, "reopen" if cause == "reopened" else "rework", rules)
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
    made = open_order(case, lead.unit_code, "lead", (reason,), rules, now=now, replaces=lead)
    facts = {"round": case.round, "order_id": str(made.order_id), "unit": made.unit_code}
    case.note(action, by=by, now=now, facts=facts)


def end(case: Case, outcome: Outcome, rules: Rules, *, by: str, now: datetime) -> None:
    """For who has asked a rule of its own before: merged, withdrawn, not accepted."""
    _close(case, outcome, rules, by=by, now=now)


def _close(case: Case, outcome: Outcome, rules: Rules, *, by: str, now: datetime) -> None:
    units = case.units()
    _end_orders(case, "close", rules)
    case.state, case.outcome, case.closed_at = "closed", outcome, now
    if case.erased_at is not None:
        case.wipe()
    case.say(CaseClosed(outcome=outcome, round=case.round), *units, now=now)
    facts: dict[str, object] = {"outcome": outcome, "round": case.round}
    if case.closing_reason_code:
        facts["reason_code"] = case.closing_reason_code
    case.note("close", by=by, now=now, facts=facts)


def _end_orders(case: Case, action: str, rules: Rules) -> None:
    """With the case end all its orders, co-orders too; one that was redispatched has ended before."""
    row = rules.table.action(action)
    final = {state.key for state in rules.table.states if state.final}
    for order in case.orders:
        if row is not None and order.state not in final:
            order.state = row.moves[0].to
