"""The desk's doors for cases about the same: candidates, merging, un-merging."""

from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

from services.router.api.desk import shown
from services.router.api.doors import Dispatcher, Here, IfMatch, here_rules
from services.router.api.merge_views import CandidateList, CandidateView
from services.router.api.views import CaseView
from services.router.usecases import merging as usecases

routes = APIRouter(prefix="/desk", tags=["desk"])


class Merging(BaseModel):
    """Into which case, and what the two have in common."""

    model_config = ConfigDict(extra="forbid")

    master_case_id: UUID
    kind: Literal["same_person", "same_fact"]
    """`same_person`: the same citizen again, whose words are kept with the earlier case, and this one closes.
    `same_fact`: another citizen, whose case follows the master and is answered with it."""


@routes.get("/cases/{case_id}/merge-candidates")
async def read_merge_candidates(*, here: Here, by: Dispatcher, case_id: UUID) -> CandidateList:
    """Open cases that may be about the same, the likeliest first, each with why."""
    rules = here_rules(here)
    async with here.begin() as tx:
        _, _, found = await usecases.find(tx, case_id, by=by)
    return CandidateList(items=[CandidateView.of(one, rules) for one in found])


@routes.post("/cases/{case_id}/merge")
async def merge_case(
    *, here: Here, by: Dispatcher, case_id: UUID, body: Merging, response: Response, if_match: IfMatch = None
) -> CaseView:
    """并案; a follower is never a master, and what is closed is none."""
    now = here.clock.now()
    async with here.begin() as tx:
        await usecases.merge(
            tx, case_id, master_case_id=body.master_case_id, kind=body.kind, by=by, if_match=if_match, now=now
        )
    async with here.begin() as tx:
        return await shown(tx, case_id, by, response, now)


@routes.post("/cases/{case_id}/unmerge")
async def unmerge_case(
    *, here: Here, by: Dispatcher, case_id: UUID, response: Response, if_match: IfMatch = None
) -> CaseView:
    """撤销并案: a new order for the units it was taken from."""
    now = here.clock.now()
    async with here.begin() as tx:
        await usecases.unmerge(tx, case_id, by=by, if_match=if_match, now=now)
    async with here.begin() as tx:
        return await shown(tx, case_id, by, response, now)
