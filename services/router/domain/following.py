"""What happens to the followers of a case: they get its reply as their own, and outlive it when it ends without one."""

from collections.abc import Callable, Sequence
from datetime import datetime

from contracts.events.router import CaseClosed, CaseMerged, CaseReplied, Reason
from services.router.domain import closing, filing, merging
from services.router.domain.cases import Case, News
from services.router.domain.guards import must_act_on_case
from services.router.domain.rules import SYSTEM, Rules
from shared.tokens import Actor

type RulesOf = Callable[[Case], Rules]


def follow(master: Case, followers: Sequence[Case], rules_of: RulesOf) -> None:
    """Let the followers follow what was just said of their master; once, before it is saved.

    It looks at what was said and not at who did it, so that no way a case can be answered or end forgets them.
    """
    for news in tuple(master.news):
        waiting = [one for one in followers if one.master_id == master.case_id and one.state == "handling"]
        if isinstance(news.event, CaseReplied):
            for one in waiting:
                _answer(one, master, news, news.event)
        elif isinstance(news.event, CaseClosed) and waiting:
            _succeed(master, waiting, rules_of, now=news.at)


def _answer(case: Case, master: Case, news: News, reply: CaseReplied) -> None:
    """The master's answer is the follower's, in its own round: its citizen reads it and is asked to rate it."""
    case.cause = news.cause
    case.state, case.replied_at, case.answered_by = "replied", news.at, reply.unit_code
    case.say(reply.model_copy(update={"round": case.round}), now=news.at)
    case.note("reply_followed", by=SYSTEM.id, now=news.at, facts={"master": master.case_no, "round": case.round})


def _succeed(master: Case, waiting: Sequence[Case], rules_of: RulesOf, *, now: datetime) -> None:
    """The master ended without an answer (withdrawn, terminated …), the fact did not: its oldest follower takes over."""
    heir, *others = sorted(waiting, key=lambda one: (one.received_at, one.case_id))
    lead, rules = master.lead(), rules_of(heir)
    units = merging.units_of(heir, rules)
    if lead is not None and not rules.is_party(lead.unit_code, heir.accused_unit_code):
        replaced = next((old for _, role, old in units if role == "lead"), None)
        units = [(lead.unit_code, "lead", replaced)]
    merging.detach(heir, by=SYSTEM.id, now=now)
    for unit, role, replaces in units:
        reason = Reason(kind="succeeded", text=rules.unit_name(unit))
        filing.open_order(heir, unit, role, (reason,), rules, now=now, replaces=replaces)
    heir.followed = bool(others)
    for one in others:
        merging.detach(one, by=SYSTEM.id, now=now)
        one.master_id, one.merge_kind = heir.case_id, "same_fact"
        one.say(CaseMerged(master_case_id=heir.case_id, master_case_no=heir.case_no, kind="same_fact"), now=now)
        one.note("merge", by=SYSTEM.id, now=now, facts={"master": heir.case_no, "kind": "same_fact"})


def hear_dissatisfied(case: Case, round_: int, rules: Rules, *, now: datetime) -> bool:
    """As for any case; a follower whose citizen is not content with the common reply is handled on its own from now on."""
    answered = case.state == "replied" or (case.state == "closed" and case.outcome == "unrated" and not case.blank)
    again = case.round <= rules.table.rework.max_automatic
    if case.master_id is None or not (answered and case.round == round_ and again):
        return closing.hear_dissatisfied(case, round_, rules, now=now)
    _on_its_own(case, "dissatisfied", rules, by=SYSTEM.id, now=now)
    return True


def reopen(case: Case, by: Actor, rules: Rules, *, now: datetime) -> None:
    """By hand, as any case; one that was never filed waits for a dispatcher again."""
    must_act_on_case(case, "reopen", by, rules)
    if case.master_id is not None:
        _on_its_own(case, "reopened", rules, by=by.id, now=now)
    elif case.outcome in {"not_accepted", "withdrawn"}:
        _take_back(case, rules, by=by, now=now)
    else:
        closing.reopen(case, by, rules, now=now)


def _on_its_own(case: Case, cause: str, rules: Rules, *, by: str, now: datetime) -> None:
    """Another round, by the unit whose reply it was given, or else by its own."""
    units = merging.units_of(case, rules)
    unit, _, replaced = next(one for one in units if one[1] == "lead")
    if case.answered_by is not None and not rules.is_party(case.answered_by, case.accused_unit_code):
        unit = case.answered_by
    merging.detach(case, by=by, now=now)
    closing.begin_again(case, "reopened" if cause == "reopened" else "dissatisfied", rules, now=now)
    made = filing.open_order(
        case, unit, "lead", (Reason(kind=cause, text=rules.unit_name(unit)),), rules, now=now, replaces=replaced
    )
    facts = {"round": case.round, "order_id": str(made.order_id), "unit": unit}
    case.note("reopen" if cause == "reopened" else "rework", by=by, now=now, facts=facts)


def _take_back(case: Case, rules: Rules, *, by: Actor, now: datetime) -> None:
    """What was not accepted, or withdrawn, is taken up after all: back to the queue, or to the units it was taken from."""
    units = [] if case.category_code is None else merging.units_of(case, rules)
    closing.begin_again(case, "reopened", rules, now=now)
    if not units:
        case.state = "queued"
    for unit, role, replaced in units:
        reason = Reason(kind="reopened", text=rules.unit_name(unit))
        filing.open_order(case, unit, role, (reason,), rules, now=now, replaces=replaced)
    case.note("reopen", by=by.id, now=now, facts={"round": case.round, "queued": not units})
