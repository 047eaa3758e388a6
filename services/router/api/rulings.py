"""The panel's doors: disputes that wait, their decision, precedents, and the rows the panel would have."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from services.router import beside_lists, lists
from services.router.api.beside_views import PrecedentView, ProposedRowView, RulingView
from services.router.api.doors import AtWork, Here, IfMatch, Limit, Panel, WithRulings, here_rules, names_of, tag
from services.router.api.orders import Body, Note, UnitCode
from services.router.beside_rows import ruling_of
from services.router.domain.rulings import Verdict
from services.router.usecases import rulings as usecases

routes = APIRouter(tags=["rulings"])

Words = Annotated[list[Annotated[str, Field(min_length=1, max_length=20)]], Field(max_length=10)]
CategoryCode = Annotated[str, Query(pattern=r"^[0-9]{7}$")]


class Dispute(Body):
    argument: Annotated[str, Field(min_length=1, max_length=4000)]
    """Why it is disputed; for inside only."""


class Decision(Body):
    lead_unit_code: UnitCode
    co_unit_codes: list[UnitCode] = Field(default=[], max_length=10)
    grounds: Annotated[str, Field(min_length=1, max_length=4000)]
    legal_basis: Note = ""
    precedent: bool = True
    """Whether later cases of this category, in this subdistrict, go the same way."""
    words: Words = Field(default=[])
    """Only those that say one of these; all where there are none."""
    everywhere: bool = False
    """The precedent is for the whole district."""
    propose_row: bool = False
    """The dispatch table should say so, too."""


class RulingPage(BaseModel):
    items: list[RulingView]
    next: UUID | None


class PrecedentList(BaseModel):
    items: list[PrecedentView]


class ProposedRows(BaseModel):
    items: list[ProposedRowView]
    csv: str
    """The same as lines of dispatch.csv."""


def _shown(found: usecases.Found, response: Response) -> RulingView:
    case, ruling, rules = found
    tag(response, case)
    return RulingView.of(ruling, rules, case_no=case.case_no, title=case.title)


@routes.post("/orders/{order_id}/referral", status_code=201)
async def refer_order(
    *, here: Here, by: AtWork, order_id: UUID, body: Dispute, response: Response, if_match: IfMatch = None
) -> RulingView:
    """提请裁决 by the dispatcher: a temporary handler acts from now on (先办后议)."""
    now = here.clock.now()
    async with here.begin() as tx:
        found = await usecases.bring(
            tx, order_id, action="refer", argument=body.argument, by=by, if_match=if_match, now=now
        )
    return _shown(found, response)


@routes.post("/orders/{order_id}/dispute", status_code=201)
async def dispute_order(
    *, here: Here, by: AtWork, order_id: UUID, body: Dispute, response: Response, if_match: IfMatch = None
) -> RulingView:
    """By the unit, once no return is left."""
    now = here.clock.now()
    async with here.begin() as tx:
        found = await usecases.bring(
            tx, order_id, action="dispute", argument=body.argument, by=by, if_match=if_match, now=now
        )
    return _shown(found, response)


@routes.get("/rulings")
async def read_rulings(
    *,
    here: Here,
    by: WithRulings,
    state: Literal["open", "made"] | None = None,
    after: UUID | None = None,
    limit: Limit = 50,
) -> RulingPage:
    """Oldest first."""
    rules = here_rules(here)
    async with here.begin() as tx:
        found = await beside_lists.rulings_by_state(
            tx.connection, state=state, recused=lists.recused_codes(by, rules), after=after, limit=limit
        )
        rules_of = await names_of(here, tx, found)
    items = [RulingView.of(ruling_of(r), rules_of(r), case_no=r["case_no"], title=r["title"]) for r in found]
    return RulingPage(items=items, next=items[-1].ruling_id if len(items) == limit else None)


@routes.get("/rulings/precedents")
async def read_precedents(
    *,
    here: Here,
    by: WithRulings,  # noqa: ARG001  all of them are shown the same
    category_code: CategoryCode,
    area_code: Annotated[str | None, Query(pattern=r"^[0-9]{9}(?:[0-9]{3})?$")] = None,
) -> PrecedentList:
    """What the panel has said of this category before, here or everywhere; what goes first stands first."""
    rules, rulebook = here_rules(here), here.parts["rulebook"]
    subdistrict = rules.catalogue.places.subdistrict_of(area_code)
    async with here.begin() as tx:
        await rulebook.refresh_precedents(tx.connection)
    return PrecedentList(
        items=[PrecedentView.of(one, rules) for one in rulebook.precedents.of(category_code, subdistrict)]
    )


@routes.get("/rulings/proposed-rows")
async def read_proposed_rows(*, here: Here, by: WithRulings) -> ProposedRows:  # noqa: ARG001
    """What the panel would have the dispatch table say, to be put into the next version of the catalogue."""
    async with here.begin() as tx:
        rows = await beside_lists.proposed_rows(tx.connection)
    lines = [",".join((r["unit_kind"], r["area"], r["lead"], "|".join(r["co_units"]), r["note"])) for r in rows]
    return ProposedRows(items=[ProposedRowView(**row) for row in rows], csv="\n".join(lines))


@routes.get("/rulings/{ruling_id}")
async def read_ruling(*, here: Here, by: WithRulings, ruling_id: UUID, response: Response) -> RulingView:
    async with here.begin() as tx:
        found = await usecases.look(tx, ruling_id, by)
    return _shown(found, response)


@routes.post("/rulings/{ruling_id}/decision")
async def decide_ruling(
    *, here: Here, by: Panel, ruling_id: UUID, body: Decision, response: Response, if_match: IfMatch = None
) -> RulingView:
    """The panel's word: who leads, who helps; it cannot be returned, and may stand for later cases."""
    verdict = Verdict(
        lead=body.lead_unit_code,
        co_units=tuple(body.co_unit_codes),
        grounds=body.grounds,
        legal_basis=body.legal_basis,
        precedent=body.precedent,
        words=tuple(body.words),
        everywhere=body.everywhere,
        propose_row=body.propose_row,
    )
    async with here.begin() as tx:
        found = await usecases.decide(tx, ruling_id, verdict, by=by, if_match=if_match, now=here.clock.now())
    return _shown(found, response)
