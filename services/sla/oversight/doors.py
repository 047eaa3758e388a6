"""The doors for more time: extensions and suspensions, asked for by units and decided by others."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from services.sla.domain import CaseClocks
from services.sla.oversight import lists, records, usecases
from services.sla.oversight.extensions import Extension, Wish
from services.sla.oversight.records import NoSuchRecord, Record
from services.sla.oversight.suspensions import Suspension
from services.sla.oversight.usecases import Promise
from services.sla.oversight.views import (
    DecisionForm,
    ExtensionForm,
    ExtensionView,
    NoteForm,
    Page,
    SuspensionForm,
    SuspensionView,
)
from services.sla.settings import Settings
from services.sla.store import SlaTx
from services.sla.usecases import EVERYWHERE
from services.sla.workdays import Limit
from shared import actors
from shared.actors import requires
from shared.context import Context
from shared.tokens import Actor

routes = APIRouter(tags=["sla"])

Here = Annotated[Context[Settings, SlaTx], Depends(actors.here)]
AtWork = Annotated[Actor, Depends(requires(kind="staff"))]
OfUnit = Annotated[Actor, Depends(requires("unit_manager", "handler", "admin", kind="staff"))]
Deciding = Annotated[
    Actor, Depends(requires("unit_manager", "dispatcher", "supervisor", "leader", "admin", kind="staff"))
]
After = Annotated[str | None, Query(pattern=lists.CURSOR)]
Most = Annotated[int, Query(ge=1, le=200)]
OfUnitCode = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


def seen_by(by: Actor, unit_code: str | None) -> Sequence[str] | None:
    """The units whose matters this person sees: None is all of them."""
    if by.has(*EVERYWHERE):
        return [unit_code] if unit_code else None
    return [unit_code] if unit_code in by.units else [] if unit_code else sorted(by.units)


async def shown[R: Record, V](
    tx: SlaTx,
    kind: type[R],
    key: UUID,
    view: Callable[[R, CaseClocks, Actor, datetime], V],
    *,
    by: Actor,
    now: datetime,
) -> V:
    """One record, if it is this person's to see."""
    record = await records.find(tx.connection, kind, key)
    units = seen_by(by, None)
    if units is not None and record.unit_code not in units:
        raise NoSuchRecord
    [case] = (await tx.glance([record.case_id])).values()
    return view(record, case, by, now)


async def page[R: Record, V](
    tx: SlaTx,
    kind: type[R],
    asked: lists.Asked,
    view: Callable[[R, CaseClocks, Actor, datetime], V],
    *,
    by: Actor,
    now: datetime,
) -> Page[V]:
    found, following = await lists.page(tx.connection, kind, asked)
    cases = await tx.glance(record.case_id for record in found)
    return Page(items=[view(record, cases[record.case_id], by, now) for record in found], next=following)


@routes.post("/extensions", status_code=201)
async def ask_extension(form: ExtensionForm, by: OfUnit, here: Here) -> ExtensionView:
    """Ask for more time before it is over; a unit's manager who asks has thereby agreed to it."""
    now = here.clock.now()
    limit = Limit(form.amount, form.unit)
    wish = Wish(limit, form.reason_code, form.reason, form.public_reason, form.evidence)
    async with here.begin() as tx:
        asked = await usecases.ask_extension(tx, form.case_id, form.order_id, wish, by=by, now=now)
        return ExtensionView.of(asked, await tx.case(form.case_id), by, now)


@routes.get("/extensions")
async def list_extensions(
    *,
    by: AtWork,
    here: Here,
    state: Literal["asked", "granted", "refused", "withdrawn"] = "asked",
    unit_code: OfUnitCode = None,
    case_id: UUID | None = None,
    after: After = None,
    limit: Most = 50,
) -> Page[ExtensionView]:
    """Requests in one state, the oldest first; people of a unit see their own."""
    asked = lists.Asked([state], seen_by(by, unit_code), case_id, after, limit)
    async with here.begin() as tx:
        return await page(tx, Extension, asked, ExtensionView.of, by=by, now=here.clock.now())


@routes.get("/extensions/{extension_id}")
async def show_extension(extension_id: UUID, by: AtWork, here: Here) -> ExtensionView:
    async with here.begin() as tx:
        return await shown(tx, Extension, extension_id, ExtensionView.of, by=by, now=here.clock.now())


@routes.post("/extensions/{extension_id}/decisions")
async def decide_extension(extension_id: UUID, form: DecisionForm, by: Deciding, here: Here) -> ExtensionView:
    """The next step: the unit's manager, then the desk or a supervisor. With the last one the citizen is told."""
    now = here.clock.now()
    async with here.begin() as tx:
        asked = await usecases.decide_extension(tx, extension_id, agreed=form.agreed, note=form.note, by=by, now=now)
        return ExtensionView.of(asked, await tx.case(asked.case_id), by, now)


@routes.post("/extensions/{extension_id}/withdrawal")
async def withdraw_extension(extension_id: UUID, by: OfUnit, here: Here) -> ExtensionView:
    now = here.clock.now()
    async with here.begin() as tx:
        asked = await usecases.withdraw_extension(tx, extension_id, by=by, now=now)
        return ExtensionView.of(asked, await tx.case(asked.case_id), by, now)


@routes.post("/suspensions", status_code=201)
async def ask_suspension(form: SuspensionForm, by: OfUnit, here: Here) -> SuspensionView:
    """Ask that the matter may wait until a promised day."""
    now = here.clock.now()
    promise = Promise(form.promised_at, form.reason_code, form.reason, form.public_reason, form.evidence)
    async with here.begin() as tx:
        asked = await usecases.ask_suspension(tx, form.case_id, form.order_id, promise, by=by, now=now)
        return SuspensionView.of(asked, await tx.case(form.case_id), by, now)


@routes.get("/suspensions")
async def list_suspensions(
    *,
    by: AtWork,
    here: Here,
    state: Literal["asked", "running", "refused", "over"] = "running",
    unit_code: OfUnitCode = None,
    case_id: UUID | None = None,
    after: After = None,
    limit: Most = 50,
) -> Page[SuspensionView]:
    """The leaders' list: what waits, the nearest promised day first; people of a unit see their own."""
    asked = lists.Asked([state], seen_by(by, unit_code), case_id, after, limit)
    async with here.begin() as tx:
        return await page(tx, Suspension, asked, SuspensionView.of, by=by, now=here.clock.now())


@routes.get("/suspensions/{suspension_id}")
async def show_suspension(suspension_id: UUID, by: AtWork, here: Here) -> SuspensionView:
    async with here.begin() as tx:
        return await shown(tx, Suspension, suspension_id, SuspensionView.of, by=by, now=here.clock.now())


@routes.post("/suspensions/{suspension_id}/decisions")
async def decide_suspension(suspension_id: UUID, form: DecisionForm, by: Deciding, here: Here) -> SuspensionView:
    now = here.clock.now()
    async with here.begin() as tx:
        asked = await usecases.decide_suspension(tx, suspension_id, agreed=form.agreed, note=form.note, by=by, now=now)
        return SuspensionView.of(asked, await tx.case(asked.case_id), by, now)


@routes.post("/suspensions/{suspension_id}/contacts")
async def note_contact(suspension_id: UUID, form: NoteForm, by: OfUnit, here: Here) -> SuspensionView:
    """The citizen was told how it stands; the next word is due a period later."""
    now = here.clock.now()
    async with here.begin() as tx:
        running = await usecases.contact_meanwhile(tx, suspension_id, note=form.note, by=by, now=now)
        return SuspensionView.of(running, await tx.case(running.case_id), by, now)


@routes.post("/suspensions/{suspension_id}/resumption")
async def resume(suspension_id: UUID, by: Deciding, here: Here) -> SuspensionView:
    """Go on before the promised day."""
    now = here.clock.now()
    async with here.begin() as tx:
        running = await usecases.resume(tx, suspension_id, by=by, now=now)
        return SuspensionView.of(running, await tx.case(running.case_id), by, now)
