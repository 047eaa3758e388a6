"""并案: one case is taken into another, or follows it, and is set free again; nobody asked is ever forgotten.

The same citizen and the same matter: the later case closes as `merged`, its words are kept with the earlier one. Many
citizens and one fact: each follower stays its own citizen's case, without orders, and gets its master's reply as its own
(`following`). A follower is never a master, so that there are no chains and no circles.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.events.router import CaseMerged, CaseUnmerged, Reason
from services.router.domain import closing, filing, tagging
from services.router.domain.cancelling import DONE, Cause, cancel
from services.router.domain.cases import Case, MergeKind
from services.router.domain.errors import NotMergeable, UnitIsParty
from services.router.domain.guards import must_act_on_case
from services.router.domain.orders import CANCELLED, Role, WorkOrder
from services.router.domain.rules import Rules
from shared.tokens import Actor


@dataclass(frozen=True, slots=True)
class Pair:
    """Two cases about the same, each with its own rules; `followers` are those of the case that is to be merged."""

    case: Case
    master: Case
    followers: Sequence[Case]
    kind: MergeKind
    rules: Rules
    master_rules: Rules


def must_merge(pair: Pair, by: Actor) -> None:
    """Raises the rule that keeps the case from being merged into the master."""
    case, master, rules = pair.case, pair.master, pair.rules
    must_act_on_case(case, "merge", by, rules)
    if case.case_id == master.case_id:
        raise NotMergeable("a case is not merged into itself")
    if master.master_id is not None:
        raise NotMergeable("the master follows another case itself")
    if pair.followers:
        raise NotMergeable("other cases follow this one")
    if pair.kind == "same_person":
        if case.citizen_id is None or case.citizen_id != master.citizen_id:
            raise NotMergeable("the two cases are not of the same citizen")
        if master.state == "closed":
            raise NotMergeable("the master is closed")
        return
    lead = master.lead()
    if master.state != "handling" or lead is None:
        raise NotMergeable(f"the master is {master.state}, it must be in the hands of a unit")
    if any(rules.is_party(unit, case.accused_unit_code) for unit in master.units()):
        raise UnitIsParty
    if CANCELLED not in pair.master_rules.table.final & rules.table.final:
        raise NotMergeable("the edition of one of the cases knows no cancelled orders")


def merge(pair: Pair, by: Actor, *, now: datetime) -> None:
    must_merge(pair, by)
    case, master, kind, rules = pair.case, pair.master, pair.kind, pair.rules
    if kind == "same_fact" and case.state == "queued":
        filing.file_as(case, master, pair.master_rules, by=by.id, now=now)
        rules = pair.master_rules
    cancel_orders(case, "merged", rules, now=now)
    case.master_id, case.merge_kind, master.followed = master.case_id, kind, True
    case.say(CaseMerged(master_case_id=master.case_id, master_case_no=master.case_no, kind=kind), now=now)
    case.note("merge", by=by.id, now=now, facts={"master": master.case_no, "kind": kind})
    master.note("merged_in", by=by.id, now=now, facts={"case": case.case_no, "kind": kind})
    _tag(case, master, kind, pair.master_rules, now=now)
    if kind == "same_person":
        master.supplements += 1
        closing.end(case, "merged", rules, by=by.id, now=now)


def _tag(case: Case, master: Case, kind: MergeKind, rules: Rules, *, now: datetime) -> None:
    tags = rules.catalogue.merging.tags
    if kind == "same_fact":
        codes = tags.same_fact
    elif case.channel_code != master.channel_code:
        codes = tags.same_person_other_channel
    else:
        codes = tags.same_person
    tagging.set_by_system(master, codes, (Reason(kind="merge", text=case.case_no),), rules, now=now)


def cancel_orders(case: Case, cause: Cause, rules: Rules, *, now: datetime) -> list[WorkOrder]:
    """What its units still had in hand ends without a result."""
    over = DONE | rules.table.final
    ended = [order for order in case.live_orders() if order.state not in over]
    for order in ended:
        if order.state not in over:  # it may have gone with the one it was given on from
            cancel(case, order, cause, rules, now=now)
    if ended:
        orders = [{"order_id": str(order.order_id), "unit": order.unit_code} for order in ended]
        case.note("cancel", by="system", now=now, facts={"orders": orders, "cause": cause})
    return ended


def unmerge(case: Case, by: Actor, rules: Rules, *, now: datetime) -> None:
    """撤销并案: the case is handled on its own again; one that was closed for it begins another round."""
    must_act_on_case(case, "unmerge", by, rules)
    units = units_of(case, rules) if case.category_code is not None else []
    closed = case.state == "closed"
    detach(case, by=by.id, now=now)
    if closed:
        closing.begin_again(case, "reopened", rules, now=now)
        case.state = "handling" if units else "queued"
    for unit, role, replaced in units:
        reason = Reason(kind="unmerged", text=rules.unit_name(unit))
        filing.open_order(case, unit, role, (reason,), rules, now=now, replaces=replaced)


def detach(case: Case, *, by: str, now: datetime) -> None:
    assert case.master_id is not None
    master_id, case.master_id, case.merge_kind = case.master_id, None, None
    case.say(CaseUnmerged(master_case_id=master_id), now=now)
    case.note("unmerge", by=by, now=now, facts={"round": case.round})


def units_of(case: Case, rules: Rules) -> list[tuple[str, Role, WorkOrder | None]]:
    """Who is to have it now: the units it was taken from, else those the dispatch table names."""
    before = [order for order in case.live_orders() if order.state == CANCELLED]
    if any(order.role == "lead" for order in before):
        return [(order.unit_code, order.role, order) for order in before]
    kind = rules.catalogue.category(case.category_code or "").unit_kind
    found = rules.catalogue.dispatch.resolve(kind, case.area_code, accused=case.accused_unit_code)
    others = [unit for unit in found.co_units if unit != found.lead]
    return [(found.lead, "lead", None), *((unit, "co", None) for unit in others)]
