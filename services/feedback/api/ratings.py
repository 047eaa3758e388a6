"""Rating an answer."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from contracts.events.feedback import Stars
from services.feedback import usecases
from services.feedback.api.opening import Authorization, CaseNo, LookUpCode, citizens_own
from services.feedback.api.views import StarsView
from services.feedback.domain.rating import Given
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
    case_no: CaseNo,
    body: RatingForm,
    x_lookup_code: LookUpCode = None,  # noqa: ARG001  read by the look-up
    authorization: Authorization = None,  # noqa: ARG001
) -> StarsView:
    """Once per answer, by the case's citizen (token, or number and code). Not content: the case is handled once more."""
    now = here.clock.now()
    number = await citizens_own(request, case_no, now=now)
    given = Given(body.speed, body.result, body.attitude, body.system, body.solved)
    async with here.begin() as tx:
        stars = await usecases.rate(tx, number, given, body.comment, praise=body.praise, now=now)
    return StarsView.model_validate(stars, from_attributes=True)


PUBLIC = frozenset({"rate_answer"})
"""It checks number and code, or a token, itself."""
