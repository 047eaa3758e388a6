"""Public pages of cases: proposed and published by staff, agreed to by the unit and the citizen, read by anybody."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from services.feedback import publishing
from services.feedback.api.opening import Authorization, LookUpCode, citizens_own
from services.feedback.domain.page import Page, State
from services.feedback.lookups import LookUps
from shared.actors import Here, requires
from shared.tokens import Actor

routes = APIRouter(tags=["public-cases"])

PUBLIC = frozenset({"list_public_cases", "show_public_case", "agree_to_public_case", "preview_public_case"})
"""Published pages are anybody's to read; the others check number and code, or a token, themselves."""

Proposer = Annotated[Actor, Depends(requires("unit_manager", *publishing.DESK, kind="staff"))]
Manager = Annotated[Actor, Depends(requires("unit_manager", kind="staff"))]
Editor = Annotated[Actor, Depends(requires(*publishing.DESK, kind="staff"))]


class PageForm(BaseModel):
    """Written anew for the public: nothing of the person, and not the citizen's own words."""

    model_config = ConfigDict(extra="forbid")

    case_no: str = Field(max_length=64)
    title: str = Field(min_length=4, max_length=60)
    request: str = Field(min_length=10, max_length=1000)
    answer: str = Field(min_length=10, max_length=2000)


class Consent(BaseModel):
    model_config = ConfigDict(extra="forbid")

    agreed: bool


class PageState(BaseModel):
    page_id: UUID
    state: State
    unit_agreed: bool
    citizen_agreed: bool

    @classmethod
    def of(cls, page: Page) -> "PageState":
        return cls(
            page_id=page.page_id,
            state=page.state,
            unit_agreed=page.unit_consent_at is not None,
            citizen_agreed=page.citizen_consent_at is not None,
        )


class PublicCase(BaseModel):
    """What anybody may read."""

    page_id: UUID
    title: str
    category_name: str
    unit_name: str
    request: str
    answer: str
    published_at: datetime | None

    @classmethod
    def of(cls, row: Any) -> "PublicCase":
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class PublicCases(BaseModel):
    items: list[PublicCase]
    next: UUID | None
    """Give it as `after` for what follows."""


@routes.get("/public-cases")
async def list_public_cases(
    here: Here, after: UUID | None = None, limit: Annotated[int, Query(ge=1, le=50)] = 20
) -> PublicCases:
    """The newest first."""
    async with here.begin() as tx:
        rows = await publishing.newest(tx, before=after, limit=limit + 1)
    items = [PublicCase.of(row) for row in rows[:limit]]
    return PublicCases(items=items, next=items[-1].page_id if len(rows) > limit else None)


@routes.get("/public-cases/{page_id}")
async def show_public_case(page_id: UUID, here: Here) -> PublicCase:
    async with here.begin() as tx:
        return PublicCase.of(await publishing.published(tx, page_id))


@routes.post("/public-cases", status_code=201)
async def propose_public_case(body: PageForm, here: Here, by: Proposer) -> PageState:
    """For a case that has its answer; a manager's own proposal is also the unit's consent."""
    look_ups: LookUps = here.parts["look_ups"]
    texts = {"title": body.title, "request": body.request, "answer": body.answer}
    async with here.begin() as tx:
        page = await publishing.propose(tx, look_ups.canonical(body.case_no), texts, by=by, now=here.clock.now())
    return PageState.of(page)


@routes.post("/public-cases/{page_id}/unit-consent")
async def consent_for_unit(page_id: UUID, here: Here, by: Manager) -> PageState:
    async with here.begin() as tx:
        return PageState.of(await publishing.unit_consents(tx, page_id, by=by, now=here.clock.now()))


@routes.get("/public-cases/{page_id}/preview")
async def preview_public_case(
    page_id: UUID,
    request: Request,
    here: Here,
    x_lookup_code: LookUpCode = None,  # noqa: ARG001  read by the look-up
    authorization: Authorization = None,  # noqa: ARG001
) -> PublicCase:
    """For the citizen whose case it is, before they agree: exactly what would be public."""
    async with here.begin() as tx:
        row = await publishing.row_of(tx, page_id)
    await citizens_own(request, row.case_no, now=here.clock.now())
    return PublicCase.of(row)


@routes.post("/public-cases/{page_id}/citizen-consent")
async def agree_to_public_case(
    *,
    page_id: UUID,
    body: Consent,
    request: Request,
    here: Here,
    x_lookup_code: LookUpCode = None,  # noqa: ARG001  read by the look-up
    authorization: Authorization = None,  # noqa: ARG001
) -> PageState:
    """The citizen agrees, or takes the page back: at any time, and it is gone at once."""
    now = here.clock.now()
    async with here.begin() as tx:
        case_no = await publishing.case_no_of(tx, page_id)
    await citizens_own(request, case_no, now=now)
    async with here.begin() as tx:
        return PageState.of(await publishing.citizen_consents(tx, page_id, agreed=body.agreed, now=now))


@routes.post("/public-cases/{page_id}/publish")
async def publish_case(page_id: UUID, here: Here, by: Editor) -> PageState:
    """Only with both consents."""
    async with here.begin() as tx:
        return PageState.of(await publishing.publish(tx, page_id, by=by, now=here.clock.now()))


@routes.post("/public-cases/{page_id}/withdrawal")
async def withdraw_public_case(page_id: UUID, here: Here, by: Proposer) -> PageState:
    async with here.begin() as tx:
        return PageState.of(await publishing.withdraw(tx, page_id, by=by, now=here.clock.now()))
