"""The doors to ends that are no result: termination with approval, praise, suggestions."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from services.router.api.doors import AtWork, Here, IfMatch
from services.router.api.orders import Body, Note, shown_order
from services.router.api.views import OrderView
from services.router.usecases import ending as usecases

routes = APIRouter(prefix="/orders", tags=["orders"])


class Termination(Body):
    reason_code: Annotated[str, Field(pattern=r"^[a-z_]{2,30}$")]
    public_reason: Annotated[str, Field(min_length=1, max_length=1000)]
    """What the citizen reads after the words of the reason, once it is approved."""
    note: Note = ""
    """Evidence; for inside only."""


class TerminationDecision(Body):
    outcome: Literal["approve", "reject"]
    note: Annotated[str, Field(min_length=1, max_length=1000)]


class Conclusion(Body):
    outcome: Literal["adopt", "answer"]
    public_reply: Annotated[str, Field(min_length=1, max_length=4000)]
    handling_note: Note = ""
    photo_ids: list[UUID] = Field(default=[], max_length=20)


@routes.post("/{order_id}/termination", status_code=202)
async def ask_termination(
    *, here: Here, by: AtWork, order_id: UUID, body: Termination, response: Response, if_match: IfMatch = None
) -> OrderView:
    """申请终止: a dispatcher decides."""
    now = here.clock.now()
    async with here.begin() as tx:
        found = await usecases.ask(
            tx,
            order_id,
            reason_code=body.reason_code,
            public_reason=body.public_reason,
            note=body.note,
            by=by,
            if_match=if_match,
            now=now,
        )
    return shown_order(found, by, response, now)


@routes.post("/{order_id}/termination/decision")
async def decide_termination(
    *, here: Here, by: AtWork, order_id: UUID, body: TerminationDecision, response: Response, if_match: IfMatch = None
) -> OrderView:
    now = here.clock.now()
    async with here.begin() as tx:
        found = await usecases.decide(
            tx, order_id, outcome=body.outcome, note=body.note, by=by, if_match=if_match, now=now
        )
    return shown_order(found, by, response, now)


@routes.post("/{order_id}/acknowledgement")
async def acknowledge_praise(
    *, here: Here, by: AtWork, order_id: UUID, response: Response, if_match: IfMatch = None
) -> OrderView:
    """知悉表扬; closes the case as praised."""
    now = here.clock.now()
    async with here.begin() as tx:
        found = await usecases.acknowledge(tx, order_id, by=by, if_match=if_match, now=now)
    return shown_order(found, by, response, now)


@routes.post("/{order_id}/conclusion")
async def conclude_suggestion(
    *, here: Here, by: AtWork, order_id: UUID, body: Conclusion, response: Response, if_match: IfMatch = None
) -> OrderView:
    """建议: adopted or answered, with a reply; closes the case."""
    now = here.clock.now()
    async with here.begin() as tx:
        found = await usecases.conclude(
            tx,
            order_id,
            outcome=body.outcome,
            public_reply=body.public_reply,
            handling_note=body.handling_note,
            photo_ids=body.photo_ids,
            by=by,
            if_match=if_match,
            now=now,
        )
    return shown_order(found, by, response, now)
