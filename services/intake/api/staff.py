"""What staff may see of a citizen, with a reason and a record."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from services.intake import usecases
from services.intake.api.reading import Here, PartsHere, json_body, parse, raw_json, reader_of
from services.intake.api.views import ContactReadPage, ContactReadView, ContactView
from services.intake.domain import CLERKS, CONTACT_READERS
from services.intake.forms import ContactRead
from shared.actors import requires
from shared.tokens import Actor

routes = APIRouter(tags=["staff"])

ContactReader = Annotated[Actor, Depends(requires("dispatcher", *sorted(CLERKS | CONTACT_READERS), kind="staff"))]
Watcher = Annotated[Actor, Depends(requires("audit_admin", "discipline", kind="staff"))]


@routes.post("/cases/{case_id}/contact-reads", status_code=201, openapi_extra=json_body(ContactRead))
async def read_contact(
    case_id: UUID, request: Request, reader: ContactReader, here: Here, parts: PartsHere
) -> ContactView:
    """The citizen's phone and name in clear; that you looked, and why, is kept."""
    reason = parts.reception.reason(parse(ContactRead, await raw_json(request)))
    async with here.begin() as tx:
        contact = await usecases.read_contact(
            tx, parts.people, case_id, by=reader_of(reader), reason=reason, now=here.clock.now()
        )
    return ContactView(
        case_id=case_id, name=contact.name, phone=contact.phone, mail=contact.mail, wechat=contact.openid is not None
    )


@routes.get("/contact-reads")
async def read_contact_reads(
    *,
    here: Here,
    by: Watcher,  # noqa: ARG001
    case_id: UUID | None = None,
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ContactReadPage:
    """Every time somebody was shown a citizen's contact, newest first: who, as what, for which case, and why."""
    async with here.begin() as tx:
        found = await tx.contact_reads(case_id=case_id, before=before, limit=limit)
    items = [ContactReadView.of(row) for row in found]
    return ContactReadPage(items=items, next=items[-1].read_id if len(items) == limit else None)
