"""What past cases say of the one at hand: units that had such requests, and how likely it is to be late. Advice only."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.router.api.desk import CategoryCode
from services.router.api.doors import AtDesk, Here, here_rules, rulebook_of
from services.router.domain.cases import Case
from services.router.domain.rules import Rules
from services.router.learning.experience import Circumstances, Experience
from services.router.learning.overtime import Risk
from services.router.learning.suggestion import Suggestion
from services.router.units import NoUnitLeft
from services.router.usecases import desk as usecases

routes = APIRouter(prefix="/desk", tags=["desk"])


class TableView(BaseModel):
    """派单目录: what the dispatch table says, and it has the last word."""

    lead_unit_code: str
    lead_unit_name: str
    co_unit_codes: list[str]
    fallback: bool
    reason: str


class UnitAdvice(BaseModel):
    unit_code: str
    unit_name: str
    share: float
    """How likely it is to be the right one, 0 to 1, as such advice has proved so far."""
    reasons: list[str]
    """Counts that speak for it, in words."""


class LatenessView(BaseModel):
    """No deadline and no judgement of a unit hangs on it."""

    score: float
    usual: float
    """The share of late ones among all cases so far."""
    reasons: list[str]

    @classmethod
    def of(cls, risk: Risk) -> "LatenessView":
        return cls(score=risk.score, usual=risk.usual, reasons=[one.words for one in risk.factors])


class AdviceView(BaseModel):
    category_code: str | None
    """The one asked about; else the case's own, or the classifier's best guess; null where there is none."""
    table: TableView | None
    """Null where every unit the table names is the one complained about."""
    units: list[UnitAdvice]
    """From experience, best first; empty while too little has been learned."""
    lateness: LatenessView | None
    learned: str | None
    """Version of what was learned."""
    cases: int
    """From so many handled cases."""


@routes.get("/cases/{case_id}/advice")
async def read_advice(
    *, here: Here, by: AtDesk, case_id: UUID, category_code: Annotated[CategoryCode | None, Query()] = None
) -> AdviceView:
    """For the form a dispatcher fills in: by the case's own category, or by the one that is being considered."""
    rules, experience = here_rules(here), rulebook_of(here).experience
    async with here.begin() as tx:
        case, _ = await usecases.look(tx, case_id, by)
    code = category_code or case.category_code or (case.candidates[0].category_code if case.candidates else None)
    table = _by_table(case, code, rules)
    view = AdviceView(category_code=code, table=table, units=[], lateness=None, learned=None, cases=0)
    if code is None or experience is None:
        return view
    units, risk = await asyncio.to_thread(_learned, case, code, rules, experience)
    return view.model_copy(
        update={
            "units": [
                UnitAdvice(unit_code=one.unit, unit_name=one.name, share=one.share, reasons=[one.context, *one.reasons])
                for one in units
            ],
            "lateness": LatenessView.of(risk) if risk else None,
            "learned": experience.version,
            "cases": experience.cases,
        }
    )


def _by_table(case: Case, code: str | None, rules: Rules) -> TableView | None:
    category = rules.catalogue.categories.get(code) if code else None
    if category is None:
        return None
    try:
        found = rules.catalogue.dispatch.resolve(category.unit_kind, case.area_code, accused=case.accused_unit_code)
    except NoUnitLeft:
        return None
    return TableView(
        lead_unit_code=found.lead,
        lead_unit_name=rules.unit_name(found.lead),
        co_unit_codes=list(found.co_units),
        fallback=found.fallback_used,
        reason=found.reason.text,
    )


def _learned(case: Case, code: str, rules: Rules, by: Experience) -> tuple[tuple[Suggestion, ...], Risk | None]:
    """Units that are gone, or are the one complained about, are left out."""
    places, tree, accused = rules.catalogue.places, rules.catalogue.units, case.accused_unit_code
    said = Circumstances(code, case.area_code, case.channel_code, case.type_code, case.received_at)
    known = by.suggester.decided.codes
    barred = [one for one in known if one not in tree or (accused is not None and tree.is_party(one, accused))]
    lead = case.lead()
    return by.units(said, places, barred=barred), by.late(said, places, unit=lead.unit_code if lead else "")
