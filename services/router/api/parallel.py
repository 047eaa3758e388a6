"""The doors of parallel work: 加派 beside the lead, 二次分拨 below it, taking back and accepting."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from services.router.api.doors import AtWork, Here, IfMatch
from services.router.api.orders import Body, UnitCode, shown_order
from services.router.api.views import OrderView
from services.router.usecases import parallel as usecases

routes = APIRouter(prefix="/orders", tags=["orders"])


class CoUnit(Body):
    unit_code: UnitCode
    mandatory: bool = True
    """Whether the case waits for it."""


class SubUnit(Body):
    unit_code: UnitCode
    """A unit below one's own."""


class Acceptance(Body):
    outcome: Literal["approve", "send_back"]
    note: Annotated[str, Field(max_length=4000)] = ""


@routes.post("/{order_id}/co-orders", status_code=201)
async def add_co_order(
    *, here: Here, by: AtWork, order_id: UUID, body: CoUnit, response: Response, if_match: IfMatch = None
) -> OrderView:
    """加派: one more unit beside the lead; answers with its order."""
    now = here.clock.now()
    async with here.begin() as tx:
        found = await usecases.add_co(
            tx, order_id, to_unit=body.unit_code, mandatory=body.mandatory, by=by, if_match=if_match, now=now
        )
    return shown_order(found, by, response, now)


@routes.post("/{order_id}/sub-orders", status_code=201)
async def delegate_order(
    *, here: Here, by: AtWork, order_id: UUID, body: SubUnit, response: Response, if_match: IfMatch = None
) -> OrderView:
    """二次分拨: given on to a unit below; answers with its order."""
    now = here.clock.now()
    async with here.begin() as tx:
        found = await usecases.delegate(tx, order_id, to_unit=body.unit_code, by=by, if_match=if_match, now=now)
    return shown_order(found, by, response, now)


@routes.post("/{order_id}/take-back")
async def take_order_back(
    *, here: Here, by: AtWork, order_id: UUID, response: Response, if_match: IfMatch = None
) -> OrderView:
    """The unit that gave this order on takes it back."""
    now = here.clock.now()
    async with here.begin() as tx:
        found = await usecases.take_back(tx, order_id, by=by, if_match=if_match, now=now)
    return shown_order(found, by, response, now)


@routes.post("/{order_id}/acceptance")
async def accept_order(
    *, here: Here, by: AtWork, order_id: UUID, body: Acceptance, response: Response, if_match: IfMatch = None
) -> OrderView:
    """验收: the unit that gave this order on agrees with what came back, or sends it back."""
    now = here.clock.now()
    async with here.begin() as tx:
        found = await usecases.accept(
            tx, order_id, outcome=body.outcome, note=body.note, by=by, if_match=if_match, now=now
        )
    return shown_order(found, by, response, now)
