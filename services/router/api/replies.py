"""The door where a unit tries its reply before it resolves: what a review would find."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from services.router.api.doors import AtWork, Here
from services.router.domain import answering
from services.router.usecases import orders as usecases

routes = APIRouter(prefix="/orders", tags=["orders"])


class Draft(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    public_reply: Annotated[str, Field(min_length=1, max_length=4000)]


class FindingView(BaseModel):
    rule: str
    name: str
    advice: str
    may_override: bool
    """Whether a reviewer may let it pass with a reason."""
    words: list[str]
    """What gave it away."""


class ReplyCheck(BaseModel):
    sendable: bool
    findings: list[FindingView]


@routes.post("/{order_id}/reply-check", status_code=200)
async def check_reply(*, here: Here, by: AtWork, order_id: UUID, body: Draft) -> ReplyCheck:
    """A dry run: nothing is kept, and nothing is refused."""
    async with here.begin() as tx:
        case, _, rules = await usecases.look(tx, order_id, by)
        found = answering.flaws_of(case, body.public_reply, rules)
    findings = [FindingView.model_validate(answering.finding(one)) for one in found]
    return ReplyCheck(sendable=not findings, findings=findings)
