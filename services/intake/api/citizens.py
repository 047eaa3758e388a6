"""What citizens do themselves: log in, say how to reach them, read what they sent, be forgotten."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request

from contracts.numbers import SHENZHEN, parse_case_number
from services.intake import usecases
from services.intake.additions.usecases import words_as_sent
from services.intake.api.reading import Here, PartsHere, citizen_id_of, json_body, parse, raw_json
from services.intake.api.views import (
    CaseItem,
    CasePage,
    CaseView,
    ChannelList,
    ChannelView,
    PersonView,
    Session,
    SupplementView,
)
from services.intake.forms import ContactForm, LogIn
from shared.actors import Citizen
from shared.tokens import Actor

routes = APIRouter(tags=["citizens"])

CaseNumber = Annotated[str, Path(min_length=1, max_length=40)]


@routes.post("/sessions/wechat", status_code=201, openapi_extra=json_body(LogIn))
async def log_in_with_wechat(request: Request, here: Here, parts: PartsHere) -> Session:
    """A code of `wx.login()` becomes a token; the first login writes the citizen into the vault."""
    form = parse(LogIn, await raw_json(request))
    identity = await parts.wechat.identify(form.code)
    now = here.clock.now()
    async with here.begin() as tx:
        citizen_id = await usecases.log_in(
            tx, parts.people, parts.vault, identity.openid, notice_version=form.notice_version, now=now
        )
    token = parts.issuer.issue(Actor(str(citizen_id), "citizen"), now=now, lifetime=parts.token_lifetime)
    return Session(citizen_id=citizen_id, token=token, expires_at=now + parts.token_lifetime)


@routes.get("/sessions/person")
async def show_person(citizen: Citizen, here: Here, parts: PartsHere) -> PersonView:
    """What is known of you (个人信息保护法 §45)."""
    citizen_id = citizen_id_of(citizen)
    async with here.begin() as tx:
        contact = await usecases.contact_of(tx, parts.people, citizen_id)
    return PersonView.of(citizen_id, contact)


@routes.put("/sessions/person", openapi_extra=json_body(ContactForm))
async def change_person(request: Request, citizen: Citizen, here: Here, parts: PartsHere) -> PersonView:
    """How to reach you, in place of what you said before (§46)."""
    said = parts.reception.contact(parse(ContactForm, await raw_json(request)))
    citizen_id = citizen_id_of(citizen)
    async with here.begin() as tx:
        contact = await usecases.change_contact(tx, parts.people, citizen_id, said, now=here.clock.now())
    return PersonView.of(citizen_id, contact)


@routes.delete("/sessions/person", status_code=204)
async def forget_person(citizen: Citizen, here: Here) -> None:
    """Erases your person (§47); your cases stay, without a name and with numbers masked."""
    async with here.begin() as tx:
        await usecases.forget(tx, citizen_id_of(citizen), now=here.clock.now())


@routes.get("/cases")
async def list_cases(
    citizen: Citizen, here: Here, after: UUID | None = None, limit: Annotated[int, Query(ge=1, le=100)] = 20
) -> CasePage:
    """Yours, newest first."""
    async with here.begin() as tx:
        rows = await tx.cases_of(citizen_id_of(citizen), after=after, limit=limit + 1)
    items = [CaseItem(**CaseItem.fields(row)) for row in rows[:limit]]
    return CasePage(items=items, next=items[-1].case_id if len(rows) > limit else None)


@routes.get("/cases/{case_no}")
async def show_case(case_no: CaseNumber, citizen: Citizen, here: Here, parts: PartsHere) -> CaseView:
    """What you sent, as you sent it."""
    number = parse_case_number(case_no, prefix=parts.number_prefix, pointer="path/case_no")
    async with here.begin() as tx:
        row, photos, added = await usecases.my_case(tx, number, citizen_id_of(citizen))
    supplements = [
        SupplementView(addition_id=one.addition_id, text=words_as_sent(parts.vault, one), received_at=one.received_at)
        for one in added
    ]
    return CaseView.of_row(row, photos, usecases.words_as_sent(parts.vault, row), supplements)


@routes.get("/channels")
async def list_channels(here: Here, parts: PartsHere) -> ChannelList:
    """Where one may turn, and what became of the old channels."""
    today = here.clock.now().astimezone(SHENZHEN).date()
    return ChannelList(items=[ChannelView.of(channel) for channel in parts.channels.all(today)])
