"""The doors of the catalogue's versions: upload as a dry run or a draft, compare, export, publish, withdraw."""

import asyncio
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from services.router import lists
from services.router.api.doors import Here, here_rules, rulebook_of
from services.router.api.simulation_views import MOST_CASES, SimulationRequest, SimulationView
from services.router.api.version_views import (
    MOST_SHOWN,
    CountsView,
    DifferenceView,
    ProblemView,
    UploadView,
    VersionDetail,
    VersionList,
    VersionView,
)
from services.router.catalogue import archive, exchange, versions, workbook
from services.router.catalogue.diff import changes
from services.router.catalogue.lines import COLUMNS
from services.router.usecases import catalogue as usecases
from services.router.usecases import simulation
from shared.actors import requires
from shared.errors import DomainError
from shared.tokens import Actor

routes = APIRouter(prefix="/catalogue-versions", tags=["catalogue versions"])

MOST_BYTES = 20_000_000
"""Of an upload; the shipped catalogue is a fiftieth of it as a workbook."""
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_ZIP, _CSV = "application/zip", "text/csv"
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_FILE: dict[str, Any] = {"requestBody": {"required": True, "content": dict.fromkeys((_XLSX, _ZIP, _CSV), _BINARY)}}

Admin = Annotated[Actor, Depends(requires("admin", kind="staff"))]
Reader = Annotated[Actor, Depends(requires("admin", "dispatcher", "supervisor", "leader", kind="staff"))]
VersionId = Annotated[str, Path(pattern=r"^[0-9]{4}(-[a-z0-9]{1,12})?$")]
NewId = Annotated[str, Query(alias="id", pattern=r"^[0-9]{4}(-[a-z0-9]{1,12})?$")]
Based = Annotated[str | None, Query(pattern=r"^[0-9]{4}(-[a-z0-9]{1,12})?$")]
Title = Annotated[str, Query(min_length=2, max_length=60, pattern=r"^[^\x00-\x1f\x7f]*$")]


class UploadTooLarge(DomainError):
    """The uploaded file is too large for a catalogue."""

    kind = "too_large"
    zh = "上传的文件过大"


class Publication(BaseModel):
    model_config = ConfigDict(extra="forbid")

    effective_from: date
    """In Shenzhen; not before today."""


@routes.get("")
async def read_versions(here: Here, by: Reader) -> VersionList:  # noqa: ARG001  any of these roles
    """The shipped editions and everything that was uploaded, newest first."""
    rulebook = rulebook_of(here)
    async with here.begin() as tx:
        await rulebook.ready(tx.connection)
        rows = await versions.listed(tx.connection)
    shipped = [VersionView.shipped(one.rules.catalogue) for one in reversed(rulebook.shipped())]
    in_force = rulebook.in_force(here.clock.now()).rules.catalogue.edition.id
    return VersionList(items=[*(VersionView.of(row) for row in rows), *shipped], in_force=in_force)


@routes.post("", openapi_extra=_FILE)
async def upload_version(
    *,
    here: Here,
    by: Admin,
    request: Request,
    version_id: NewId,
    title: Title,
    based_on: Based = None,
    table: Annotated[str, Query(max_length=30, pattern=r"^[a-z_]*$")] = "",
    dry_run: bool = True,
) -> UploadView:
    """A workbook, an archive of CSV tables, or with `table` one CSV table, laid over an edition; a draft if not dry.

    A dry run answers with every fault by table, row and column. Without it a faulty file is refused as a whole.
    """
    tables = exchange.received(_name(request, table), await _body(request))
    now = here.clock.now()
    async with here.begin() as tx:
        base = await usecases.base_for(tx, version_id, based_on, now=now)
    proposal = await asyncio.to_thread(usecases.propose, base, tables, version_id=version_id, title=title, now=now)
    if not dry_run:
        async with here.begin() as tx:
            await usecases.keep(tx, proposal, base, by=by, now=now)
    return _upload_view(proposal, version_id, base.catalogue.edition.id, kept=not dry_run)


def _upload_view(proposal: usecases.Proposal, version_id: str, against: str, *, kept: bool) -> UploadView:
    problems = proposal.upload.problems
    return UploadView(
        accepted=proposal.upload.catalogue is not None,
        kept=kept,
        faults=sum(one.level == "fault" for one in problems),
        problems=[ProblemView.of(one) for one in problems[:MOST_SHOWN]],
        difference=DifferenceView.of(version_id, against, proposal.changes),
    )


def _name(request: Request, table: str) -> str:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == _CSV and f"{table}.csv" in COLUMNS:
        return f"{table}.csv"
    suffix = {_XLSX: "xlsx", _ZIP: "zip"}.get(kind)
    if suffix is None:
        raise exchange.FormatUnknown
    return f"upload.{suffix}"


async def _body(request: Request) -> bytes:
    """Refused as soon as it is longer than a catalogue can be."""
    parts, size = list[bytes](), 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BYTES:
            raise UploadTooLarge
        parts.append(part)
    return b"".join(parts)


@routes.get("/{version_id}")
async def read_version(*, here: Here, by: Reader, version_id: VersionId) -> VersionDetail:  # noqa: ARG001
    async with here.begin() as tx:
        row = await versions.facts(tx.connection, version_id)
        found = await usecases.catalogue_of(tx, version_id)
    counts = CountsView(
        classes=len(found.classes),
        subclasses=len(found.subclasses),
        categories=len(found.categories),
        standards=len(found.standards()),
    )
    return VersionDetail(version=VersionView.shipped(found) if row is None else VersionView.of(row), counts=counts)


@routes.get("/{version_id}/difference")
async def read_difference(
    *,
    here: Here,
    by: Reader,  # noqa: ARG001
    version_id: VersionId,
    against: Based = None,
) -> DifferenceView:
    """What is different in a version, against another one or else the edition in force."""
    async with here.begin() as tx:
        new = await usecases.catalogue_of(tx, version_id)
        in_force = tx.rulebook.in_force(here.clock.now()).rules.catalogue.edition.id
        old = await usecases.catalogue_of(tx, against or in_force)
    return DifferenceView.of(version_id, old.edition.id, changes(old, new))


@routes.post("/{version_id}/simulation")
async def simulate_version(*, here: Here, by: Reader, version_id: VersionId, body: SimulationRequest) -> SimulationView:
    """What this version would have made of the cases of a period, against the edition in force; nothing is written.

    One call replays 2,000 cases at the most and says where to go on. Examples name cases by their number only.
    """
    period = body.period()
    async with here.begin() as tx:
        compared = await simulation.sides(tx, version_id, now=here.clock.now())
    recused = lists.recused_codes(by, here_rules(here))
    found = await simulation.simulate(here.begin, compared, period, after=body.after, most=MOST_CASES, recused=recused)
    return SimulationView.of(*found)


@routes.get(
    "/{version_id}/export", response_class=Response, responses={200: {"content": {_XLSX: _BINARY, _ZIP: _BINARY}}}
)
async def export_version(
    *,
    here: Here,
    by: Reader,  # noqa: ARG001
    version_id: VersionId,
    form: Annotated[Literal["xlsx", "zip"], Query(alias="format")] = "xlsx",
) -> Response:
    """To be changed in a spreadsheet and uploaded again."""
    async with here.begin() as tx:
        base = await usecases.base_of(tx, version_id)
    content = await asyncio.to_thread(_packed, base, form)
    named = {"Content-Disposition": f'attachment; filename="catalogue-{version_id}.{form}"'}
    return Response(content, media_type=_XLSX if form == "xlsx" else _ZIP, headers=named)


def _packed(base: usecases.Base, form: str) -> bytes:
    tables = exchange.cut(base.files, base.catalogue)
    if form == "zip":
        return archive.write(tables)
    return workbook.write({name: tables[name] for name in workbook.as_tables(tables)})


@routes.post("/{version_id}/publish")
async def publish_version(*, here: Here, by: Admin, version_id: VersionId, body: Publication) -> VersionView:
    """From that day on new cases are filed under it, in every running process."""
    now = here.clock.now()
    async with here.begin() as tx:
        await usecases.publish(tx, version_id, effective_from=body.effective_from, by=by, now=now)
    return await _now(here, version_id)


@routes.post("/{version_id}/withdraw")
async def withdraw_version(*, here: Here, by: Admin, version_id: VersionId) -> VersionView:
    """A draft, or a published version before the day it begins on."""
    async with here.begin() as tx:
        await usecases.withdraw(tx, version_id, by=by, now=here.clock.now())
    return await _now(here, version_id)


async def _now(here: Here, version_id: str) -> VersionView:
    async with here.begin() as tx:
        await rulebook_of(here).refresh(tx.connection)
        row = await versions.facts(tx.connection, version_id)
    assert row is not None
    return VersionView.of(row)
