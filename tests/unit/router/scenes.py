"""For every row of the order table a case in which it can be done, and the deed with everything it asks for."""

from collections.abc import Callable
from typing import Any

from contracts.events.intake import CaseType
from services.router.catalogue.orders import OrderAction
from services.router.domain import closing, ending, filing, handling, parallel, rulings
from services.router.domain.beside import Ruling
from services.router.domain.cases import Case
from services.router.domain.orders import Ending, Return, WorkOrder
from services.router.domain.rulings import Verdict
from shared.ids import new_id
from shared.tokens import Actor
from tests.unit.router.desk import START, UNIT, actor, filed, rules

TABLE = rules().table
CENTRE, DEPARTMENT, ELSEWHERE = "PS-C00", "PS-D01", "PS-S02"
VERDICT = Verdict(lead=ELSEWHERE, co_units=(), grounds="按三定方案", legal_basis="", precedent=True)


def disputed(case: Case, order: WorkOrder) -> Ruling:
    return Ruling(
        ruling_id=new_id(),
        case_id=case.case_id,
        order_id=order.order_id,
        cause="disputed",
        state="open",
        temporary_unit_code=order.unit_code,
        category_code=case.category_code or "",
        subdistrict_code="440310001",
        argument="权属不清",
        opened_at=START,
        opened_by="dispatcher",
    )


def scene(row: OrderAction, state: str) -> tuple[Case, WorkOrder]:
    """A case as it is when this row can be done to an order in this state, with nothing said yet."""
    kind: CaseType = "praise" if "praise" in row.processes else "suggestion" if row.processes else "complaint"
    case = filed(type_code=kind)
    lead = order = case.orders[0]
    if row.of == ("sub",):
        order = filing.open_order(case, DEPARTMENT, "sub", (), rules(), parent=lead, now=START)
    elif "lead_not_taken" in row.guards and state not in {TABLE.initial, "returned"}:
        order = filing.open_order(case, DEPARTMENT, "co", (), rules(), now=START)
    elif "units_below" in row.guards:
        order.unit_code = CENTRE
    elif row.name in {"refer", "dispute"}:
        order.unit_code = DEPARTMENT
    order.state = state
    if state == "returned" or "returned_too_often" in row.guards:
        order.returned = Return("wrong_area", "辖区不符", START, "signed")
    if state == "ending":
        order.ending = Ending("matter_gone", "现场已无此物", "", START, "signed")
    if "open_ruling" in row.guards:
        case.add_ruling(disputed(case, order))
    if state == "reviewed":
        case.state = "replied"
    elif state == "closed":
        case.state, case.outcome = "closed", "unrated"
    case.news.clear()
    return case, order


def holder(case: Case, row: OrderAction, order: WorkOrder) -> str:
    parent = order.parent_order_id
    return case.order(parent).unit_code if row.holder == "parent" and parent else order.unit_code


def somebody(case: Case, row: OrderAction, order: WorkOrder) -> Actor:
    """With every role the row admits, of the unit it asks for."""
    return actor(*row.roles, units=(holder(case, row, order),))


def do(case: Case, row: OrderAction, order: WorkOrder, *, by: Actor, now: Any = START, away: str = ELSEWHERE) -> None:
    """Act the row out."""
    the, outcome, photos = rules(), row.outcome or "approve", [photo.photo_id for photo in order.photos]
    words: dict[str, Any] = {"public_reply": "已处理", "handling_note": "", "photo_ids": photos, "now": now}
    verdict = Verdict(away, (), "按三定方案", "", precedent=True)

    brought = case.rulings[-1] if case.rulings else disputed(case, order)

    def bring(action: str) -> object:
        return rulings.bring(case, order, by, the, action=action, argument="权属不清", cause="disputed", now=now)

    deeds: dict[str, Callable[[], object]] = {
        "sign": lambda: handling.sign(case, order, by, the, now=now),
        "contact": lambda: handling.contact(case, order, by, the, method="phone", at=now, note="", now=now),
        "progress": lambda: handling.progress(case, order, by, the, public_note="已派人", internal_note="", now=now),
        "resolve": lambda: handling.resolve(case, order, by, the, **words),
        "delegate": lambda: parallel.delegate(case, order, by, the, to_unit=away, now=now),
        "take_back": lambda: parallel.take_back(case, order, by, the, now=now),
        "accept": lambda: parallel.accept(case, order, by, the, outcome=outcome, note="", now=now),  # type: ignore[arg-type]
        "return": lambda: handling.give_back(
            case, order, by, the, reason_code="wrong_area", legal_basis="辖区不符", now=now
        ),
        "reject_return": lambda: handling.reject_return(case, order, by, the, note="维持", now=now),
        "redispatch": lambda: handling.redispatch(case, order, by, the, to_unit=away, own_error=False, now=now),
        "refer": lambda: bring("refer"),
        "dispute": lambda: bring("dispute"),
        "rule": lambda: rulings.decide(case, brought, by, the, verdict, now=now),
        "add_co": lambda: parallel.add_co(case, order, by, the, to_unit=away, mandatory=True, now=now),
        "ask_ending": lambda: ending.ask_ending(
            case, order, by, the, reason_code="matter_gone", public_reason="现场已无此物", note="", now=now
        ),
        "decide_ending": lambda: ending.decide_ending(case, order, by, the, outcome=outcome, note="", now=now),  # type: ignore[arg-type]
        "review": lambda: handling.review(
            case,
            order,
            by,
            the,
            outcome=outcome,
            note="请补充照片",
            condition_met=True,
            now=now,  # type: ignore[arg-type]
        ),
        "acknowledge": lambda: ending.acknowledge(case, order, by, the, now=now),
        "conclude": lambda: ending.conclude(case, order, by, the, outcome=outcome, **words),  # type: ignore[arg-type]
        "close": lambda: closing.close(case, by, the, now=now),
        "rework": lambda: closing.hear_dissatisfied(case, case.round, the, now=now),
        "reopen": lambda: closing.reopen(case, by, the, now=now),
    }
    deeds[row.name]()


__all__ = ["CENTRE", "DEPARTMENT", "ELSEWHERE", "TABLE", "UNIT", "VERDICT", "disputed", "do", "scene", "somebody"]
