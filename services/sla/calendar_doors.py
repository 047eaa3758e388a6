"""The HTTP door of working time: notices, hours, whose hours a unit keeps; each with a dry run before it is published."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from sqlalchemy import select

from services.sla import alarm, almanac, changes_of_time
from services.sla.calendar_views import (
    AlarmView,
    HoursBody,
    MissingView,
    NoticeBody,
    PreviewView,
    PublicationList,
    PublicationView,
    PublishedView,
    UnitHoursBody,
    UnitHoursList,
    UnitHoursView,
)
from services.sla.notices import Notice, Row, checked, read_notice
from services.sla.publications import Publication, dry_run, publish, published
from services.sla.settings import Settings
from services.sla.store import SlaTx
from services.sla.tables import unit_hours
from shared import actors
from shared.actors import requires
from shared.context import Context
from shared.errors import DomainError
from shared.tokens import Actor

routes = APIRouter(prefix="/calendars", tags=["sla"])

Here = Annotated[Context[Settings, SlaTx], Depends(actors.here)]
Keeper = Annotated[Actor, Depends(requires("admin", "system_admin", "supervisor", kind="staff"))]
AtWork = Annotated[Actor, Depends(requires(kind=("staff", "machine")))]
DryRun = Annotated[bool, Query()]
MOST_BYTES = 100_000


class NoticeTooLarge(DomainError):
    """A notice of holidays is at most 100 kB."""

    kind = "too_large"
    zh = "放假安排文件不得超过100KB"


@routes.post("/notices")
async def publish_notice(body: NoticeBody, by: Keeper, here: Here, dry_run: DryRun = True) -> PublishedView:
    """The holidays and make-up days of a year, typed in; without `dry_run=false` only what it would move."""
    rows = [Row(row.kind, row.first, row.last, row.name) for row in body.rows]
    return await _notice(here, checked(body.year, body.source, rows), body.reason, by, dry=dry_run)


@routes.post(
    "/notices/file",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {kind: {"schema": {"type": "string"}} for kind in ("text/csv", "application/json")},
        }
    },
)
async def publish_notice_file(
    *,
    request: Request,
    by: Keeper,
    here: Here,
    year: Annotated[int | None, Query(ge=2004, le=2100)] = None,
    source: Annotated[str, Query(max_length=100)] = "",
    reason: Annotated[str, Query(min_length=2, max_length=200)] = "载入年度放假安排",
    dry_run: DryRun = True,
) -> PublishedView:
    """The same from a file: JSON that names year and source itself, or CSV with both in the query."""
    raw = bytearray()
    async for piece in request.stream():
        raw += piece
        if len(raw) > MOST_BYTES:
            raise NoticeTooLarge
    form: Literal["csv", "json"] = "csv" if "csv" in request.headers.get("content-type", "") else "json"
    return await _notice(here, read_notice(bytes(raw), form=form, year=year, source=source), reason, by, dry=dry_run)


@routes.post("/hours")
async def publish_hours(body: HoursBody, by: Keeper, here: Here, dry_run: DryRun = True) -> PublishedView:
    """A new kind of working hours, or other windows for one from a day on (summer hours, say)."""
    async with here.begin() as tx:
        hours = await almanac.hours_in_use(tx.connection)
    data = changes_of_time.with_hours(
        hours,
        code=body.code,
        name=body.name,
        windows=body.windows,
        every_day=body.every_day,
        valid_from=body.valid_from,
    )
    return await _publish(here, Publication([data], reason=body.reason, by=by.id), dry=dry_run)


@routes.get("/units")
async def list_unit_hours(_: AtWork, here: Here) -> UnitHoursList:
    """Units that keep other than office hours, or did."""
    async with here.begin() as tx:
        rows = await tx.connection.execute(select(unit_hours).order_by(unit_hours.c.unit_code, unit_hours.c.valid_from))
    return UnitHoursList(units=[UnitHoursView.model_validate(row, from_attributes=True) for row in rows])


@routes.put("/units/{unit_code}")
async def keep_unit_hours(
    unit_code: Annotated[str, Path(pattern=r"^[A-Za-z0-9_.-]{1,64}$")],
    body: UnitHoursBody,
    by: Keeper,
    here: Here,
    dry_run: DryRun = True,
) -> PublishedView:
    """Whose hours a unit keeps, from a day on; its open clocks that began since are counted again."""
    async with here.begin() as tx:
        hours = await almanac.hours_in_use(tx.connection)
    kept = changes_of_time.unit_keeps(hours, unit_code, body.hours_code, body.valid_from)
    return await _publish(here, Publication(units=[kept], reason=body.reason, by=by.id), dry=dry_run)


@routes.get("/publications")
async def list_publications(_: AtWork, here: Here) -> PublicationList:
    """The last changes of working time: who, when, why, and how many open clocks each has moved."""
    async with here.begin() as tx:
        rows = await published(tx)
    return PublicationList(publications=[PublicationView.of(row) for row in rows])


@routes.get("/alarms")
async def show_alarms(_: AtWork, here: Here) -> AlarmView:
    """The next year of each kind of hours whose notice is missing, and whether it is time to worry."""
    async with here.begin() as tx:
        found = await alarm.look(tx, here.clock.now())
        waiting = await alarm.provisional_clocks(tx)
    return AlarmView(
        missing=[MissingView.model_validate(each, from_attributes=True) for each in found], provisional_clocks=waiting
    )


async def _notice(
    here: Context[Settings, SlaTx], notice: Notice, reason: str, by: Actor, *, dry: bool
) -> PublishedView:
    async with here.begin() as tx:
        hours = await almanac.hours_in_use(tx.connection)
    data = [notice.over(calendar.data) for calendar in hours.calendars.values()]
    notes = [f"未见{name}的放假安排，请核对文件是否完整" for name in notice.missing()]
    return await _publish(here, Publication(data, reason=reason, by=by.id), dry=dry, notes=notes)


async def _publish(
    here: Context[Settings, SlaTx], publication: Publication, *, dry: bool, notes: list[str] | None = None
) -> PublishedView:
    async with here.begin() as tx:
        found = await dry_run(tx, publication)
        made = None if dry else await publish(tx, publication, now=here.clock.now())
    return PublishedView(
        publication_id=made,
        versions=[data.version for data in publication.calendars],
        notes=notes or [],
        preview=PreviewView.of(found),
    )
