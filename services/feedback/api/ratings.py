"""Rating an answer."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from contracts.events.feedback import Stars
from services.feedback import usecases
from services.feedback.api.views import StarsView
from services.feedback.domain.rating import Given
from services.feedback.lookups import CaseNotFound, LookUps
from shared.actors import Here

routes = APIRouter(tags=["ratings"])


class RatingForm(BaseModel):
    """Four dimensions of one to five stars: 处置速度, 处置效果, 服务态度, 系统体验."""

    model_config = ConfigDict(extra="forbid")

    speed: Stars
    result: Stars
    attitude: Stars
    system: Stars
    solved: bool
    """Whether the matter itself is solved, asked apart from how content one is."""
    comment: str = Field("", max_length=500)
    praise: bool = False
    """表扬: thank the unit; it hears of it, and it counts."""


@routes.post("/ratings/{case_no}", status_code=201)
async def rate_answer(
    *,
    request: Request,
    here: Here,
    case_no: Annotated[str, Path(max_length=64)],
    body: RatingForm,
    x_lookup_code: Annotated[str | None, Header(alias="X-Lookup-Code", max_length=64)] = None,  # noqa: ARG001  read by the look-up
    authorization: Annotated[str | None, Header(description="Bearer token of the case's citizen")] = None,  # noqa: ARG001
) -> StarsView:
    """Once per answer, by the case's citizen (token, or number and code). Not content: the case is handled once more."""
    look_ups: LookUps = here.parts["look_ups"]
    asking = await look_ups.asking(request.scope, case_no)
    now = here.clock.now()
    if asking.staff and asking.hashed is None:
        # Staff may look, but nobody rates their own work.
        raise CaseNotFound
    await look_ups.get(asking.as_citizen(), now=now)
    given = Given(body.speed, body.result, body.attitude, body.system, body.solved)
    async with here.begin() as tx:
        stars = await usecases.rate(tx, asking.case_no, given, body.comment, praise=body.praise, now=now)
    return StarsView.model_validate(stars, from_attributes=True)


PUBLIC = frozenset({"rate_answer"})
"""It checks number and code, or a token, itself."""
