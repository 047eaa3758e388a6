"""会商裁决: a disputed order gets a temporary handler at once, the panel decides after, and its word is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.events.router import Reason, RulingMade, RulingOpened
from services.router.domain.beside import Cause, ProposedRow, Ruling
from services.router.domain.cancelling import DONE, cancel
from services.router.domain.cases import Case
from services.router.domain.errors import NoRulingPending
from services.router.domain.filing import check_unit, open_order
from services.router.domain.guards import must_act
from services.router.domain.handling import about, hand_over, reply_when_done
from services.router.domain.orders import WorkOrder
from services.router.domain.rules import Rules
from shared.ids import new_id
from shared.tokens import Actor


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the panel says."""

    lead: str
    co_units: tuple[str, ...]
    grounds: str
    legal_basis: str
    precedent: bool
    words: tuple[str, ...] = ()
    everywhere: bool = False
    """A precedent for the whole district, not only for this subdistrict."""
    propose_row: bool = False


def bring(
    case: Case, order: WorkOrder, by: Actor, rules: Rules, *, action: str, argument: str, cause: Cause, now: datetime
) -> Ruling:
    """先办后议: the place's fallback unit acts from now on, unless the unit that holds the order is the fallback."""
    must_act(case, order, action, by, rules, now=now)
    fallback = rules.fallback(case.area_code, accused=case.accused_unit_code)
    ruling = Ruling(
        ruling_id=new_id(),
        case_id=case.case_id,
        order_id=order.order_id,
        cause=cause,
        state="open",
        temporary_unit_code=fallback,
        category_code=case.category_code or "",
        subdistrict_code=rules.catalogue.places.subdistrict_of(case.area_code),
        argument=argument,
        opened_at=now,
        opened_by=by.id,
    )
    said = RulingOpened(ruling_id=ruling.ruling_id, order_id=order.order_id, temporary_unit_code=fallback, cause=cause)
    case.say(said, order.unit_code, now=now)
    ruling.order_id = _to_act_meanwhile(case, order, fallback, action, rules, now=now).order_id
    case.add_ruling(ruling)
    facts = {**about(order), "ruling_id": str(ruling.ruling_id), "cause": cause, "temporary_unit": fallback}
    case.note(action, by=by.id, now=now, facts=facts)
    return ruling


def _to_act_meanwhile(
    case: Case, order: WorkOrder, fallback: str, action: str, rules: Rules, *, now: datetime
) -> WorkOrder:
    if order.unit_code == fallback:
        order.temporary = True
        if order.returned is not None and order.state == rules.table_of(case).target("return", rules.table.initial):
            order.state = order.returned.from_state  # it is nobody else's meanwhile
        return order
    _join(case, fallback, rules, now=now)
    target = rules.table_of(case).target(action, order.state)
    assert target is not None
    order.state = target
    reasons = (Reason(kind="temporary", text=rules.unit_name(fallback)),)
    return hand_over(case, order, fallback, reasons, rules, because="ruling", temporary=True, now=now)


def _join(case: Case, unit: str, rules: Rules, *, now: datetime) -> None:
    """Who becomes the lead gives up what it had beside it."""
    for order in case.live_orders():
        if order.unit_code == unit and order.role != "lead" and order.state not in DONE:
            cancel(case, order, "ruled", rules, now=now)


def decide(case: Case, ruling: Ruling, by: Actor, rules: Rules, verdict: Verdict, *, now: datetime) -> None:
    """The panel's word. Where the work is done already, it stands for later cases only."""
    lead = case.lead() or case.order(ruling.order_id)
    must_act(case, lead, "rule", by, rules, now=now)
    if ruling.state != "open":
        raise NoRulingPending
    for unit in (verdict.lead, *verdict.co_units):
        check_unit(case, unit, rules)
    co_units = tuple(dict.fromkeys(unit for unit in verdict.co_units if unit != verdict.lead))
    moving = case.state == "handling" and lead.state not in {"resolved", *DONE}
    next_id = lead.order_id
    if moving and lead.unit_code != verdict.lead:
        next_id = _moved(case, lead, verdict.lead, rules, now=now).order_id
    elif moving:
        lead.temporary, lead.designated = False, True
    ruling.state, ruling.made_at, ruling.made_by = "made", now, by.id
    ruling.order_id, ruling.lead_unit_code, ruling.co_unit_codes = next_id, verdict.lead, co_units
    ruling.grounds, ruling.legal_basis = verdict.grounds, verdict.legal_basis
    ruling.precedent, ruling.words = verdict.precedent, verdict.words
    if verdict.everywhere:
        ruling.subdistrict_code = None
    ruling.proposed = _proposed(case, ruling, rules) if verdict.propose_row else None
    case.say(
        RulingMade(ruling_id=ruling.ruling_id, order_id=next_id, lead_unit_code=verdict.lead, co_unit_codes=co_units),
        verdict.lead,
        *case.units(),
        now=now,
    )
    if moving:
        _with_co_units(case, co_units, rules, now=now)
    facts = {"ruling_id": str(ruling.ruling_id), "lead": verdict.lead, "co_units": list(co_units), "moved": moving}
    case.note("rule", by=by.id, now=now, facts=facts)
    reply_when_done(case, rules, now=now)


def _moved(case: Case, lead: WorkOrder, unit: str, rules: Rules, *, now: datetime) -> WorkOrder:
    _join(case, unit, rules, now=now)
    target = rules.table_of(case).target("rule", lead.state)
    assert target is not None
    lead.state = target
    reasons = (Reason(kind="ruling", text=rules.unit_name(unit)),)
    return hand_over(case, lead, unit, reasons, rules, because="ruling", designated=True, now=now)


def _with_co_units(case: Case, co_units: Sequence[str], rules: Rules, *, now: datetime) -> None:
    """Those the panel names and who are not there yet; co-units of before stay."""
    present = case.units()
    for unit in co_units:
        if unit not in present:
            reasons = (Reason(kind="ruling", text=rules.unit_name(unit)),)
            open_order(case, unit, "co", reasons, rules, now=now, because="ruling", designated=True)


def _proposed(case: Case, ruling: Ruling, rules: Rules) -> ProposedRow:
    """派单目录: the row that would have sent this case where the panel has sent it."""
    category = rules.catalogue.category(ruling.category_code)
    return ProposedRow(
        unit_kind=category.unit_kind,
        area=ruling.subdistrict_code or "*",
        lead=ruling.lead_unit_code or "",
        co_units=ruling.co_unit_codes,
        note=f"裁决 {case.case_no}",
    )
