"""The public pages' verbs: propose, consent, publish, withdraw, and what anybody may read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from services.feedback.domain.facts import Page as SeenPage
from services.feedback.domain.page import ConfidentialCase, NotTheirPage, Page, PageExists, must_be_anonymous
from services.feedback.store import Tx
from services.feedback.tables import public_pages
from shared.errors import NotFound
from shared.ids import new_id
from shared.tokens import Actor

DESK = ("dispatcher", "reviewer", "kb_editor", "admin")
"""Who may propose, publish and withdraw for all units."""
_STATE = ("state", "unit_consent_by", "unit_consent_at", "citizen_consent_at", "published_by", "published_at")
_END = ("withdrawn_by", "withdrawn_at")


class NoSuchPage(NotFound):
    """There is no such public page."""

    zh = "未找到该公开页"


async def propose(tx: Tx, case_no: str, texts: dict[str, str], *, by: Actor, now: datetime) -> Page:
    """`texts`: title, request and answer. Raises `NotAnonymous`, `ConfidentialCase`, `NotTheirPage` or `PageExists`."""
    case = await tx.case_of_number(case_no)
    facts, lead, reply = case.facts, case.facts.lead(), case.facts.reply()
    if facts.confidential or lead is None or reply is None:
        raise ConfidentialCase
    if lead.unit_code not in by.units and not by.has(*DESK):
        raise NotTheirPage
    must_be_anonymous({f"/{name}": text for name, text in texts.items()}, case_no)
    consents = by.has("unit_manager") and lead.unit_code in by.units
    page = Page(
        page_id=new_id(),
        case_id=case.case_id,
        case_no=case_no,
        unit_code=lead.unit_code,
        state="proposed",
        unit_consent_by=by.id if consents else None,
        unit_consent_at=now if consents else None,
        citizen_consent_at=None,
    )
    row: dict[str, object] = {name: getattr(page, name) for name in ("page_id", "case_id", "case_no", "unit_code")}
    row |= {name: getattr(page, name) for name in _STATE}
    row |= {**texts, "unit_name": reply.unit_name, "category_name": facts.category_name}
    try:
        await tx.connection.execute(insert(public_pages), row | {"proposed_by": by.id, "proposed_at": now})
    except IntegrityError:
        raise PageExists from None
    await _show(tx, page, now)
    return page


async def unit_consents(tx: Tx, page_id: UUID, *, by: Actor, now: datetime) -> Page:
    page = await _page(tx, page_id)
    page.unit_consents(by.id, by.units, now=now)
    return await _save(tx, page, now)


async def citizen_consents(tx: Tx, page_id: UUID, *, agreed: bool, now: datetime) -> Page:
    """The door has made sure that it is their case; without their consent the page is withdrawn."""
    page = await _page(tx, page_id)
    if agreed:
        page.citizen_consents(now=now)
    else:
        page.withdraw("citizen", now=now)
    return await _save(tx, page, now)


async def publish(tx: Tx, page_id: UUID, *, by: Actor, now: datetime) -> Page:
    page = await _page(tx, page_id)
    page.publish(by.id, now=now)
    return await _save(tx, page, now)


async def withdraw(tx: Tx, page_id: UUID, *, by: Actor, now: datetime) -> Page:
    """By the unit it is about, or the desk."""
    page = await _page(tx, page_id)
    if page.unit_code not in by.units and not by.has(*DESK):
        raise NotTheirPage
    page.withdraw(by.id, now=now)
    return await _save(tx, page, now)


async def drop(tx: Tx, case_ids: Sequence[UUID], *, now: datetime) -> None:
    """Whoever is forgotten has taken their consent back."""
    shown = public_pages.c.case_id.in_(case_ids) & (public_pages.c.state != "withdrawn")
    done = update(public_pages).where(shown).values(state="withdrawn", withdrawn_by="citizen", withdrawn_at=now)
    await tx.connection.execute(done)


async def case_no_of(tx: Tx, page_id: UUID) -> str:
    """Raises `NoSuchPage`."""
    found: str | None = await tx.connection.scalar(
        select(public_pages.c.case_no).where(public_pages.c.page_id == page_id)
    )
    if found is None:
        raise NoSuchPage
    return found


async def row_of(tx: Tx, page_id: UUID) -> Row[Any]:
    """Raises `NoSuchPage`."""
    row = (await tx.connection.execute(select(public_pages).where(public_pages.c.page_id == page_id))).one_or_none()
    if row is None:
        raise NoSuchPage
    return row


async def published(tx: Tx, page_id: UUID) -> Row[Any]:
    """What anybody may read. Raises `NoSuchPage` for what is not, or not any more, public."""
    row = await row_of(tx, page_id)
    if row.state != "published":
        raise NoSuchPage
    return row


async def newest(tx: Tx, *, before: UUID | None, limit: int) -> Sequence[Row[Any]]:
    """Published pages, the newest first; `before`: the last one seen."""
    query = select(public_pages).where(public_pages.c.state == "published")
    if before is not None:
        last = select(public_pages.c.published_at).where(public_pages.c.page_id == before).scalar_subquery()
        query = query.where(tuple_(public_pages.c.published_at, public_pages.c.page_id) < tuple_(last, before))
    order = public_pages.c.published_at.desc(), public_pages.c.page_id.desc()
    return (await tx.connection.execute(query.order_by(*order).limit(limit))).all()


async def _page(tx: Tx, page_id: UUID) -> Page:
    """Its case is locked first, as everybody locks."""
    case_id = await tx.connection.scalar(select(public_pages.c.case_id).where(public_pages.c.page_id == page_id))
    if case_id is None:
        raise NoSuchPage
    await tx.load([UUID(int=case_id.int)])
    row = await row_of(tx, page_id)
    return Page(
        page_id=page_id,
        case_id=UUID(int=case_id.int),
        **{name: getattr(row, name) for name in ("case_no", "unit_code", *_STATE, *_END)},
    )


async def _save(tx: Tx, page: Page, now: datetime) -> Page:
    values = {name: getattr(page, name) for name in (*_STATE, *_END)}
    await tx.connection.execute(update(public_pages).where(public_pages.c.page_id == page.page_id).values(values))
    await _show(tx, page, now)
    return page


async def _show(tx: Tx, page: Page, now: datetime) -> None:
    """Its citizen sees it beside their case."""
    case = await tx.case(page.case_id)
    case.facts.page = SeenPage(page.page_id, page.state, page.citizen_consent_at is not None)
    tx.touch(case, now)
