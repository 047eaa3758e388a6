"""From a request to work orders: taking it in, deciding its category, filing it, giving it to units (立案、分拨)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from contracts.events.intake import CaseSubmitted, CaseType
from contracts.events.router import (
    CaseClassified,
    CaseFiled,
    FiledStandard,
    OrderDispatched,
    Reason,
    StandardLimit,
)
from services.router.catalogue import standards
from services.router.catalogue.entries import Category, Standard
from services.router.domain.cases import Candidate, Case
from services.router.domain.errors import TypeNotFileable, UnitIsParty, UnitUnknown
from services.router.domain.guards import must_act_on_case
from services.router.domain.orders import Moved, Role, WorkOrder
from services.router.domain.precedents import Precedents
from services.router.domain.rules import SHENZHEN, SYSTEM, Rules
from services.router.domain.tasks import verification_due, verify_by_rule
from services.router.units import Dispatch, NoUnitLeft
from shared.ids import new_id
from shared.tokens import Actor


@dataclass(frozen=True, slots=True)
class Decision:
    """What a request is, and who says so."""

    category_code: str | None
    type_code: CaseType
    area_code: str | None
    confidence: float
    method: Literal["explicit", "rules", "learned", "dispatcher"]
    reasons: tuple[Reason, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    sure: bool = True
    """False when a person must look at it."""
    standard_no: int | None = None
    """Only where somebody chose it; else the words of the request tell."""


def receive(case_id: UUID, said: CaseSubmitted, rules: Rules) -> Case:
    """The case as it came in; nothing is decided yet."""
    return Case(
        case_id=case_id,
        case_no=said.case_no,
        state="queued",
        received_at=said.received_at,
        channel_code=said.channel_code,
        citizen_id=said.citizen_id,
        anonymous=said.anonymous,
        confidential=said.confidential,
        reply_wanted=said.reply_wanted,
        accused_unit_code=said.accused_unit_code,
        title=said.title,
        text=said.text,
        place=said.place,
        said_type=said.type_code,
        said_category=said.category_code,
        edition=rules.catalogue.edition.id,
        type_code=said.type_code or rules.catalogue.classification.types.default,
        area_code=said.place.area_code,
    )


def decide(
    case: Case, decision: Decision, rules: Rules, *, precedents: Precedents | None = None, now: datetime
) -> None:
    """File and dispatch where the classifier is sure enough and a unit is left; else wait for a dispatcher."""
    found: tuple[Category, Standard, Dispatch] | None = None
    reasons, waits = decision.reasons, ""
    hazard = repair_first(case, decision, rules)
    if hazard is not None:
        decision, case.urgent = replace(decision, category_code=hazard.category_code, sure=True), True
        reasons = (*reasons, Reason(kind="repair_first", text=rules.catalogue.category(hazard.category_code).name))
    if decision.category_code and decision.sure and decision.type_code not in rules.desk.always_queued:
        category = rules.catalogue.category(decision.category_code)
        try:
            dispatch = resolve(case, category, decision.area_code, rules, precedents)
        except NoUnitLeft as left:
            reasons = (*reasons, Reason(kind="no_unit_left", text=left.zh))
        else:
            standard, why = _standard(case, category, decision.standard_no, rules)
            if not case.urgent and verification_due(category.code, decision.type_code, rules):
                waits = category.code
                reasons = (*reasons, Reason(kind="verification", text=category.name))
            else:
                found = category, standard, dispatch
                reasons = (*reasons, *why, dispatch.reason)
    if waits and not decision.candidates:
        decision = replace(decision, candidates=(Candidate(waits, decision.confidence),))
    _classify(case, decision, reasons, queued=found is None, by=SYSTEM.id, now=now)
    if waits:
        verify_by_rule(case, rules, now=now)
    if found is not None:
        category, standard, dispatch = found
        _file(case, category, standard, rules, now=now)
        told = _told(dispatch, rules)
        dispatch_to(case, dispatch.lead, dispatch.co_units, (told,), rules, by=SYSTEM.id, now=now)


def repair_first(case: Case, decision: Decision, rules: Rules) -> Candidate | None:
    """先抢修再问责: for a hazard the likeliest guess is enough; None where it is none, or nobody has said it is one."""
    repair = rules.table.repair
    if decision.type_code in rules.desk.always_queued or decision.type_code == "praise":
        return None
    if decision.category_code is not None:
        likeliest = Candidate(decision.category_code, decision.confidence)
    elif decision.candidates:
        likeliest = Candidate(decision.candidates[0].category_code, decision.confidence)
    else:
        return None
    said = case.said_category == likeliest.category_code
    hazard = likeliest.category_code in repair.categories and (said or likeliest.score >= repair.confidence)
    return likeliest if hazard else None


def resolve(
    case: Case, category: Category, area_code: str | None, rules: Rules, precedents: Precedents | None
) -> Dispatch:
    """By the ruling that settled such a matter in this place, else by the dispatch table."""
    ruled = None
    if precedents is not None:
        subdistrict = rules.catalogue.places.subdistrict_of(area_code)
        ruled = precedents.find(category.code, subdistrict, f"{case.title} {case.text}")
    if (
        ruled is not None
        and ruled.lead in rules.catalogue.units
        and not rules.is_party(ruled.lead, case.accused_unit_code)
    ):
        co_units = tuple(unit for unit in ruled.co_units if not rules.is_party(unit, case.accused_unit_code))
        return Dispatch(ruled.lead, co_units, fallback_used=False, reason=ruled.reason(rules.unit_name(ruled.lead)))
    return rules.catalogue.dispatch.resolve(category.unit_kind, area_code, accused=case.accused_unit_code)


def decide_by_hand(
    case: Case,
    decision: Decision,
    rules: Rules,
    *,
    lead: str | None = None,
    co_units: Sequence[str] = (),
    repair: bool = False,
    precedents: Precedents | None = None,
    by: Actor,
    now: datetime,
) -> None:
    """A dispatcher's choice of category, of units where the dispatch table should not decide, and whether to repair first."""
    must_act_on_case(case, "classify", by, rules)
    if decision.type_code in rules.desk.always_queued:
        raise TypeNotFileable
    category = rules.catalogue.category(decision.category_code or "")
    standard, by_standard = _standard(case, category, decision.standard_no, rules)
    for unit in (*co_units, *([lead] if lead else [])):
        check_unit(case, unit, rules, now=now)
    if lead is not None:
        chosen = (lead, tuple(unit for unit in co_units if unit != lead))
        why = told = Reason(kind="dispatcher", text=rules.unit_name(lead))
    else:
        found = resolve(case, category, decision.area_code, rules, precedents)
        also = (unit for unit in (*found.co_units, *co_units) if unit != found.lead)
        chosen, why, told = (found.lead, tuple(dict.fromkeys(also))), found.reason, _told(found, rules)
    case.urgent = repair or repair_first(case, decision, rules) is not None
    _classify(case, decision, (*decision.reasons, *by_standard, why), queued=False, by=by.id, now=now)
    _file(case, category, standard, rules, now=now)
    dispatch_to(case, *chosen, (told,), rules, by=by.id, now=now)


def _standard(case: Case, category: Category, no: int | None, rules: Rules) -> tuple[Standard, tuple[Reason, ...]]:
    """Which standard applies, and why where there was a choice."""
    if no is not None:
        standard, why = standards.given(category, no)
        return standard, (why,)
    return standards.told(category, case.title, case.text, rules.catalogue.classification)


def _told(dispatch: Dispatch, rules: Rules) -> Reason:
    """Why this unit, as its own people may read it; that another one was passed over as accused stays at the desk."""
    if not dispatch.fallback_used:
        return dispatch.reason
    return Reason(kind="fallback", text=rules.unit_name(dispatch.lead))


def check_unit(case: Case, unit_code: str, rules: Rules, *, now: datetime | None = None) -> None:
    """Orders go to units that exist (`now`: that day) and are not complained about."""
    if unit_code not in rules.catalogue.units:
        raise UnitUnknown(unit_code)
    if now is not None and not rules.catalogue.units[unit_code].stands(now.astimezone(SHENZHEN).date()):
        raise UnitUnknown(unit_code)
    if rules.is_party(unit_code, case.accused_unit_code):
        raise UnitIsParty


def _classify(
    case: Case, decision: Decision, reasons: tuple[Reason, ...], *, queued: bool, by: str, now: datetime
) -> None:
    case.type_code, case.area_code = decision.type_code, decision.area_code
    case.confidence, case.reasons = decision.confidence, reasons
    case.candidates = decision.candidates if queued else ()
    case.category_code = None if queued else decision.category_code
    case.say(
        CaseClassified(
            category_code=case.category_code,
            type_code=decision.type_code,
            area_code=decision.area_code,
            confidence=decision.confidence,
            method=decision.method,
            reasons=reasons,
            queued=queued,
        ),
        now=now,
    )
    facts = {
        "category_code": case.category_code,
        "type_code": decision.type_code,
        "area_code": decision.area_code,
        "confidence": round(decision.confidence, 3),
        "method": decision.method,
        "queued": queued,
    }
    case.note("classify", by=by, now=now, facts=facts)


def _file(case: Case, category: Category, standard: Standard, rules: Rules, *, now: datetime) -> None:
    process = rules.catalogue.processes.for_case(case.type_code, category)
    case.edition, case.category_code = rules.catalogue.edition.id, category.code
    case.standard_no, case.grade, case.process_code = standard.no, category.grade, process.code
    case.photo_required = rules.photo_required(standard, case.type_code) and not case.urgent
    case.filed_at, case.state = now, "handling"
    case.say(
        CaseFiled(
            edition=case.edition,
            category_code=category.code,
            category_name=category.name,
            type_code=case.type_code,
            grade=category.grade,
            process_code=process.code,
            nodes=process.for_citizen,
            area_code=case.area_code,
            photo_required=case.photo_required,
            limit=StandardLimit(amount=standard.limit.amount, unit=standard.limit.unit),
            standard=FiledStandard(no=standard.no, name=standard.name),
        ),
        now=now,
    )


def file_as(case: Case, like: Case, rules: Rules, *, by: str, now: datetime) -> None:
    """File a case that waits under what another one was filed under, by that one's edition; no order is made."""
    category = rules.catalogue.category(like.category_code or "")
    standard = next((one for one in category.standards if one.no == like.standard_no), category.standards[0])
    reason = Reason(kind="merge", text=like.case_no)
    decision = Decision(
        category_code=category.code,
        type_code=case.type_code if case.type_code not in rules.desk.always_queued else like.type_code,
        area_code=case.area_code or like.area_code,
        confidence=1.0,
        method="dispatcher",
        reasons=(reason,),
    )
    _classify(case, decision, (reason,), queued=False, by=by, now=now)
    _file(case, category, standard, rules, now=now)


def dispatch_to(
    case: Case,
    lead: str,
    co_units: Sequence[str],
    reasons: tuple[Reason, ...],
    rules: Rules,
    *,
    by: str,
    now: datetime,
) -> None:
    """One order for the lead, one for each co-unit; the clocks of all start now."""
    process = rules.catalogue.processes.get(case.process_code) if case.process_code else None
    if process is not None and process.lead_only:
        co_units = ()
    made = [open_order(case, lead, "lead", reasons, rules, now=now)]
    made += [open_order(case, unit, "co", reasons, rules, now=now) for unit in co_units]
    orders = [{"order_id": str(order.order_id), "unit": order.unit_code, "role": order.role} for order in made]
    case.note("dispatch", by=by, now=now, facts={"orders": orders, "round": case.round})


def open_order(
    case: Case,
    unit_code: str,
    role: Role,
    reasons: tuple[Reason, ...],
    rules: Rules,
    *,
    now: datetime,
    replaces: WorkOrder | None = None,
    order_id: UUID | None = None,
    because: Moved | None = None,
    parent: WorkOrder | None = None,
    mandatory: bool = True,
    temporary: bool = False,
    designated: bool = False,
) -> WorkOrder:
    """One order, given now; its unit's clocks start."""
    order = WorkOrder(
        order_id=order_id or new_id(),
        case_id=case.case_id,
        role=role,
        unit_code=unit_code,
        state=rules.table.initial,
        round=case.round,
        dispatched_at=now,
        replaces=replaces.order_id if replaces else None,
        moved_because=because,
        parent_order_id=parent.order_id if parent else None,
        mandatory=mandatory,
        temporary=temporary,
        designated=designated,
        urgent=case.urgent,
    )
    case.orders.append(order)
    emergency = rules.emergency(case.area_code, case.category_code, now=now)
    if emergency is not None:
        reasons = (*reasons, Reason(kind="emergency", text=emergency.title))
    case.say(
        OrderDispatched(
            order_id=order.order_id,
            role=role,
            unit_code=unit_code,
            unit_name=rules.unit_name(unit_code),
            round=case.round,
            reasons=reasons,
            parent_order_id=order.parent_order_id,
            mandatory=mandatory,
            temporary=temporary,
            urgent=order.urgent or emergency is not None,
        ),
        unit_code,
        now=now,
    )
    return order
