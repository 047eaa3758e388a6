"""The doors of tags at the desk: setting and taking away, and how many cases have each."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from services.router import lists
from services.router.api.desk import shown
from services.router.api.doors import AtWork, Here, IfMatch, here_rules
from services.router.api.tag_views import TagCount, TagCounts
from services.router.api.views import CaseView
from services.router.domain import scope
from services.router.usecases import tags as usecases

routes = APIRouter(prefix="/desk", tags=["desk"])

TagCode = Annotated[str, Path(pattern=r"^[a-z_]{2,40}$")]
CaseStates = Annotated[list[Literal["queued", "handling", "replied", "closed"]], Query(max_length=4)]


class TagNote(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    note: Annotated[str, Field(max_length=200)] = ""
    """Why; for the desk only."""


@routes.get("/tags")
async def count_tags(
    *,
    here: Here,
    by: AtWork,
    state: CaseStates = ["queued", "handling", "replied"],  # noqa: B006
) -> TagCounts:
    """How many cases in these states have each tag, of those the caller sees."""
    rules = here_rules(here)
    desk = scope.sees_all(by, rules)
    tags = [one for one in rules.catalogue.tags.tags if one.seen(desk=desk, confidential=False)]
    async with here.begin() as tx:
        found = await lists.count_by_tag(
            tx.connection,
            states=state,
            units=None if desk else by.units,
            personal=[] if desk else [one.code for one in tags if one.personal],
            left=[one.key for one in rules.table.states if one.final],
            recused=lists.recused_codes(by, rules),
        )
    return TagCounts(
        items=[TagCount(code=one.code, name=one.name, group=one.group, count=found.get(one.code, 0)) for one in tags]
    )


@routes.put("/cases/{case_id}/tags/{tag}")
async def put_tag(
    *,
    here: Here,
    by: AtWork,
    case_id: UUID,
    tag: TagCode,
    response: Response,
    body: TagNote | None = None,
    if_match: IfMatch = None,
) -> CaseView:
    """Who may is said for each tag in the list of tags; no rule takes away what was set by hand."""
    now, note = here.clock.now(), body.note if body else ""
    async with here.begin() as tx:
        await usecases.put(tx, case_id, tag, note=note, by=by, if_match=if_match, now=now)
    async with here.begin() as tx:
        return await shown(tx, case_id, by, response, now)


@routes.delete("/cases/{case_id}/tags/{tag}")
async def remove_tag(
    *, here: Here, by: AtWork, case_id: UUID, tag: TagCode, response: Response, if_match: IfMatch = None
) -> CaseView:
    """No rule sets again what was taken away by hand; a new event does."""
    now = here.clock.now()
    async with here.begin() as tx:
        await usecases.remove(tx, case_id, tag, by=by, if_match=if_match, now=now)
    async with here.begin() as tx:
        return await shown(tx, case_id, by, response, now)
