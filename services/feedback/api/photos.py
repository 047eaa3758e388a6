"""Photos of the work: units add them, and once the case is answered its citizen sees those the answer shows."""

from typing import Annotated, Any, Self, get_args
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.datastructures import UploadFile

from contracts.events.feedback import PhotoKind
from services.feedback import darkroom, usecases
from services.feedback.api.views import PhotoView
from services.feedback.darkroom import Developed
from services.feedback.domain.facts import WorkPhoto
from services.feedback.lookups import LookUps
from services.feedback.store import Tx
from services.feedback.usecases import PhotoHidden, Placed, StoredPhoto
from shared.actors import Caller, Here, requires
from shared.context import Context
from shared.errors import FieldError, InvalidInput
from shared.ids import new_id
from shared.images import PhotoLimits
from shared.tokens import Actor

routes = APIRouter(tags=["photos"])

_LARGEST_UPLOAD = 32 * 1024 * 1024
"""Bytes of a request that are read at all; the limit for a photo itself is a setting."""
_ASK_AGAIN = "private, no-cache"
"""A photo may be blurred or hidden after it was seen, so whoever kept a copy asks whether it still holds."""

Uploader = Annotated[Actor, Depends(requires("handler", "unit_manager", "grid_officer", "department"))]
CaseNoHeader = Annotated[str | None, Header(alias="X-Case-No", max_length=64)]
CodeHeader = Annotated[str | None, Header(alias="X-Lookup-Code", max_length=64)]
_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["order_id", "kind", "file"],
                    "properties": {
                        "order_id": {"type": "string", "format": "uuid"},
                        "case_id": {"type": "string", "format": "uuid"},
                        "kind": {"type": "string", "enum": list(get_args(PhotoKind))},
                        "latitude": {"type": "number", "minimum": -90, "maximum": 90},
                        "longitude": {"type": "number", "minimum": -180, "maximum": 180},
                        "file": {"type": "string", "format": "binary"},
                    },
                }
            }
        },
    }
}


class PhotoForm(BaseModel):
    model_config = ConfigDict(extra="forbid")

    order_id: UUID
    """Of the order, or of the task a grid officer was given."""
    case_id: UUID | None = None
    kind: PhotoKind
    latitude: float | None = Field(None, ge=-90, le=90)
    longitude: float | None = Field(None, ge=-180, le=180)
    """Where it was taken, WGS 84; kept encrypted and never public."""

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude belong together")
        return self

    @property
    def place(self) -> tuple[float, float] | None:
        return None if self.latitude is None or self.longitude is None else (self.latitude, self.longitude)


@routes.post("/photos", status_code=201, openapi_extra=_FORM, max_body_size=_LARGEST_UPLOAD)
async def add_photo(request: Request, here: Here, actor: Uploader) -> PhotoView:
    """Add a photo to an order of one's own unit: JPEG, PNG or WebP; it is drawn anew, without position or camera."""
    limits: PhotoLimits = here.parts["photo_limits"]
    form, upload = await _read(request, limits)
    # The order is looked at before the picture is worked on, and again nothing is held open while it is stored.
    async with here.begin() as tx:
        placed = await usecases.order_for_photo(tx, form.order_id, form.case_id, actor)
    made = await darkroom.develop(here, new_id(), upload)
    async with here.begin() as tx:
        return await added(here, tx, placed, form.kind, made, place=form.place, actor=actor)


async def added(
    here: Context[Any, Tx],
    tx: Tx,
    placed: Placed,
    kind: str,
    made: Developed,
    *,
    place: tuple[float, float] | None,
    actor: Actor,
) -> PhotoView:
    """What every way of sending a photo ends in."""
    sealed = darkroom.place_sealed(here.parts["photo_vault"], place, made.photo_id, "photo_records")
    check, now = here.settings.photo_check, here.clock.now()
    work, state = await usecases.add_photo(tx, placed, kind, made, place=sealed, check=check, by=actor, now=now)
    return _view(work, placed.case_id, made, state)


async def _read(request: Request, limits: PhotoLimits) -> tuple[PhotoForm, bytes]:
    async with request.form(max_files=1, max_fields=5) as form:
        fields = {key: value for key, value in form.multi_items() if isinstance(value, str)}
        file = form.get("file")
        try:
            read = PhotoForm.model_validate(fields)
        except ValidationError as error:
            wrong = tuple(
                FieldError("/" + "/".join(map(str, each["loc"])), each["msg"], "填写有误") for each in error.errors()
            )
            raise InvalidInput(fields=wrong) from None
        if not isinstance(file, UploadFile):
            raise InvalidInput(fields=(FieldError("/file", "a file is required", "请选择照片"),))
        return read, await file.read(limits.max_bytes + 1)


def _view(work: WorkPhoto, case_id: UUID, made: Developed, state: str) -> PhotoView:
    photo = made.photo
    url = f"/v1/photos/{work.photo_id}"
    return PhotoView.model_validate(
        {
            "photo_id": work.photo_id,
            "order_id": work.order_id,
            "case_id": case_id,
            "kind": work.kind,
            "sha256": photo.sha256,
            "width": photo.width,
            "height": photo.height,
            "taken_at": work.taken_at,
            "taken_by": work.taken_by,
            "check": state,
            "url": url,
            "thumbnail_url": f"{url}/thumbnail",
        }
    )


async def _visible(request: Request, here: Context[Any, Tx], actor: Actor | None, photo_id: UUID) -> StoredPhoto:
    """Raises `PhotoHidden`, or `CaseNotFound` for a wrong number or code (which is counted)."""
    async with here.begin() as tx:
        photo = await usecases.photo_place(tx, photo_id)
    if actor is not None and usecases.may_see(actor, photo):
        return photo
    if actor is not None and actor.kind == "citizen":
        own = photo.citizen_id is not None and str(photo.citizen_id) == actor.id
    else:
        look_ups: LookUps = here.parts["look_ups"]
        asking = await look_ups.asking(request.scope, request.headers.get("x-case-no", ""))
        await look_ups.get(asking, now=here.clock.now())
        own = asking.hashed is not None and asking.case_no == photo.case_no
    if not own or not photo.public:
        raise PhotoHidden
    return photo


async def _picture(request: Request, here: Context[Any, Tx], sha256: str, media_type: str) -> Response:
    etag = f'"{sha256}"'
    headers = {"Cache-Control": _ASK_AGAIN, "ETag": etag, "X-Content-Type-Options": "nosniff"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(await darkroom.fetched(here, sha256), media_type=media_type, headers=headers)


_IMAGE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {}}, "description": "The photo"},
    304: {"description": "Still what `If-None-Match` names"},
}


@routes.get("/photos/{photo_id}", response_class=Response, responses=_IMAGE)
async def show_photo(
    *,
    request: Request,
    here: Here,
    actor: Caller,
    photo_id: UUID,
    x_case_no: CaseNoHeader = None,  # noqa: ARG001  declared for the documentation, read by the look-up
    code: CodeHeader = None,  # noqa: ARG001  likewise
) -> Response:
    """For the case's citizen (by token, or number and code) once it is answered; for the unit and the desk always."""
    photo = await _visible(request, here, actor, photo_id)
    return await _picture(request, here, photo.sha256, photo.media_type)


@routes.get("/photos/{photo_id}/thumbnail", response_class=Response, responses=_IMAGE)
async def show_thumbnail(
    *,
    request: Request,
    here: Here,
    actor: Caller,
    photo_id: UUID,
    x_case_no: CaseNoHeader = None,  # noqa: ARG001  declared for the documentation, read by the look-up
    code: CodeHeader = None,  # noqa: ARG001  likewise
) -> Response:
    """The same photo, small; the same rules."""
    photo = await _visible(request, here, actor, photo_id)
    return await _picture(request, here, photo.thumb_sha256, photo.media_type)


PUBLIC = frozenset({"show_photo", "show_thumbnail"})
"""They check number and code, or a token, themselves."""
