"""What staff do with photos: blur, decide what is shown, look at an original, and read who looked."""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from services.feedback import darkroom, pictures, usecases
from services.feedback.store import Tx
from services.feedback.usecases import PhotoHidden, StoredPhoto
from shared.actors import Here, Staff, requires
from shared.blurring import Rectangle, blurred
from shared.context import Context
from shared.images import recognise
from shared.tokens import Actor

routes = APIRouter(tags=["photos"])

Reviewer = Annotated[Actor, Depends(requires("reviewer", "supervisor", kind="staff"))]
Editor = Annotated[Actor, Depends(requires("reviewer", "kb_editor", "unit_manager", kind="staff"))]
Auditor = Annotated[Actor, Depends(requires("audit_admin", "discipline", kind="staff"))]
_NONE = UUID(int=0)
Pixels = Annotated[int, Field(ge=0, le=20_000)]


class Area(BaseModel):
    """In pixels of the photo as it is shown, from its upper left corner."""

    model_config = ConfigDict(extra="forbid")

    left: Pixels
    top: Pixels
    width: Annotated[int, Field(ge=1, le=20_000)]
    height: Annotated[int, Field(ge=1, le=20_000)]


class BlurForm(BaseModel):
    """All areas at once: they replace those of before."""

    model_config = ConfigDict(extra="forbid")

    areas: list[Area] = Field(min_length=1, max_length=50)


class DecisionForm(BaseModel):
    model_config = ConfigDict(extra="forbid")

    public: bool
    reason: str = Field("", max_length=200)


class LookForm(BaseModel):
    model_config = ConfigDict(extra="forbid")

    purpose: str = Field(min_length=2, max_length=200)
    """Why; it is written down with who looked."""


class PlaceView(BaseModel):
    latitude: float
    longitude: float


class RecordView(BaseModel):
    """What is kept inside of a photo."""

    photo_id: UUID
    case_id: UUID
    order_id: UUID
    kind: Literal["before", "after", "near", "far", "reference"]
    taken_at: datetime
    taken_by: Literal["unit", "grid"]
    added_by: str
    hash: str | None
    """SHA-256 of the file as it was uploaded."""
    place: PlaceView | None
    blurred: bool
    original_kept: bool
    check: Literal["waiting", "asked", "passed", "held", "hidden"]
    reason: str
    """Why it stands there: `review`, `person`, or what the content check said."""


class HeldView(BaseModel):
    photo_id: UUID
    case_id: UUID
    order_id: UUID
    kind: Literal["before", "after", "near", "far", "reference"]
    taken_at: datetime
    reason: str
    url: str


class HeldPage(BaseModel):
    items: list[HeldView]
    next: UUID | None


class LookView(BaseModel):
    position: int
    photo_id: UUID
    action: Literal["original", "record", "blurred", "passed", "hidden"]
    actor: str
    purpose: str
    details: dict[str, Any]
    at: datetime


class LookPage(BaseModel):
    items: list[LookView]
    next: int | None


@routes.get("/photos")
async def list_photos(
    here: Here,
    actor: Reviewer,  # noqa: ARG001  who may
    check: Literal["held", "hidden", "waiting", "asked"] = "held",
    after: UUID = _NONE,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> HeldPage:
    """Photos no citizen sees for now: `held` wait for a person."""
    async with here.begin() as tx:
        rows = await pictures.in_state(tx, check, after=after, limit=limit + 1)
    items = [
        HeldView.model_validate({**row._mapping, "url": f"/v1/photos/{row.photo_id}"})  # noqa: SLF001  public by its docs
        for row in rows[:limit]
    ]
    return HeldPage(items=items, next=items[-1].photo_id if len(rows) > limit else None)


@routes.get("/photos/log")
async def read_photo_log(
    here: Here,
    actor: Auditor,  # noqa: ARG001  who may
    photo_id: UUID | None = None,
    after: Annotated[int, Query(ge=0, lt=1 << 62)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> LookPage:
    """Who looked at originals, blurred, passed or hid, and why, in the order it happened."""
    async with here.begin() as tx:
        rows = await pictures.logged(tx, photo_id=photo_id, after=after, limit=limit + 1)
    items = [LookView.model_validate(row, from_attributes=True) for row in rows[:limit]]
    return LookPage(items=items, next=items[-1].position if len(rows) > limit else None)


async def _seen(tx: Tx, photo_id: UUID, actor: Actor) -> StoredPhoto:
    """Raises `PhotoHidden`, for what is not there and for what is another unit's alike."""
    photo = await usecases.photo_place(tx, photo_id)
    if not usecases.may_see(actor, photo) and not actor.has("audit_admin", "discipline"):
        raise PhotoHidden
    return photo


@routes.get("/photos/{photo_id}/record")
async def show_record(here: Here, actor: Staff, photo_id: UUID) -> RecordView:
    """Hash, place and check of a photo, for its unit and those who answer for all; the look is written down."""
    async with here.begin() as tx:
        await _seen(tx, photo_id, actor)
        row = await pictures.record_of(tx, photo_id)
        await pictures.log(tx, photo_id, "record", actor, now=here.clock.now())
    place = darkroom.place_opened(here.parts["photo_vault"], row.place, photo_id, "photo_records")
    return RecordView.model_validate(
        {
            **row._mapping,  # noqa: SLF001  public by its docs
            "place": {"latitude": place[0], "longitude": place[1]} if place else None,
            "blurred": row.shown_sha256 is not None,
            "original_kept": row.original is not None,
            "check": row.state,
        }
    )


_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {name: {} for name in ("image/jpeg", "image/png", "image/webp")},
        "description": "The file as it was uploaded",
    }
}


@routes.post("/photos/{photo_id}/original", response_class=Response, responses=_FILE)
async def see_original(here: Here, actor: Staff, photo_id: UUID, body: LookForm) -> Response:
    """The file as it was uploaded, with all it says of place and device; the cleaned, unblurred copy where none is kept.

    Whoever looks is written down before the file is handed out.
    """
    async with here.begin() as tx:
        photo = await _seen(tx, photo_id, actor)
        await pictures.log(tx, photo_id, "original", actor, now=here.clock.now(), purpose=body.purpose)
    if photo.original is not None:
        data = await darkroom.original_of(here, photo_id, photo.original)
    else:
        data = await darkroom.fetched(here, photo.clear_sha256)
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(data, media_type=f"image/{recognise(data)}", headers=headers)


@routes.put("/photos/{photo_id}/blur", status_code=204, response_class=Response)
async def blur_photo(here: Here, actor: Editor, photo_id: UUID, body: BlurForm) -> Response:
    """Faces and plates made unreadable in what everybody sees from now on; the original stays as it is."""
    async with here.begin() as tx:
        photo = await usecases.photo_place(tx, photo_id)
    if not actor.has("reviewer", "kb_editor") and photo.unit_code not in actor.units:
        raise PhotoHidden
    areas = [Rectangle(**area.model_dump()) for area in body.areas]
    await _blur(here, photo, areas, actor)
    return Response(status_code=204)


async def _blur(here: Context[Any, Tx], photo: StoredPhoto, areas: list[Rectangle], actor: Actor) -> None:
    clear = await darkroom.fetched(here, photo.clear_sha256)
    async with darkroom.seat(here):
        copy = await asyncio.to_thread(blurred, clear, areas, here.parts["photo_limits"])
    await darkroom.put(here, darkroom.pictures_of(copy))
    async with here.begin() as tx:
        await pictures.blur(tx, photo.photo_id, copy, areas, by=actor, now=here.clock.now())


@routes.put("/photos/{photo_id}/decision", status_code=204, response_class=Response)
async def decide_photo(here: Here, actor: Reviewer, photo_id: UUID, body: DecisionForm) -> Response:
    """A person's word: whether citizens may see it in an answer. It stands above any check and can be changed."""
    async with here.begin() as tx:
        await pictures.decide(tx, photo_id, public=body.public, reason=body.reason, by=actor, now=here.clock.now())
    return Response(status_code=204)
