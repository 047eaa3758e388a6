"""Resumable uploads, after the fashion of tus: announce, send from an offset, ask for the offset, go on."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import ClientDisconnect

from services.feedback import darkroom, uploads, usecases
from services.feedback.api.photos import PhotoForm, Uploader, added
from services.feedback.api.views import PhotoView
from services.feedback.store import Tx
from services.feedback.uploads import Announced, BeyondTheSize
from shared.actors import Here
from shared.context import Context
from shared.errors import DomainError
from shared.ids import new_id
from shared.images import PhotoLimits, PhotoTooLarge
from shared.tokens import Actor

routes = APIRouter(tags=["photos"])

_HOPELESS = ("invalid", "unsupported", "too_large")
_TYPES = ("application/octet-stream", "application/offset+octet-stream")
"""tus says the second; clients that are not tus know the first."""
Offset = Annotated[int, Header(alias="Upload-Offset", ge=0, le=1 << 40)]


class NotAPiece(DomainError):
    """A piece of an upload comes as application/octet-stream or application/offset+octet-stream."""

    kind = "unsupported"
    zh = "分片须以 application/octet-stream 格式上传"


class UploadForm(PhotoForm):
    model_config = ConfigDict(extra="forbid")

    size: int = Field(ge=1, le=1 << 40)
    """Bytes of the whole file."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Of the whole file."""


class UploadView(BaseModel):
    upload_id: UUID
    offset: int
    size: int
    expires_at: datetime
    url: str


def _headers(row: Any, received: int) -> dict[str, str]:
    return {
        "Upload-Offset": str(received),
        "Upload-Length": str(row.size),
        "Upload-Expires": row.expires_at.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        "Cache-Control": "no-store",
    }


@routes.post("/photos/uploads", status_code=201)
async def begin_upload(here: Here, actor: Uploader, body: UploadForm, response: Response) -> UploadView:
    """Announce a photo for an order or task of one's own unit; its bytes follow in as many pieces as the network needs."""
    limits: PhotoLimits = here.parts["photo_limits"]
    if body.size > limits.max_bytes:
        raise PhotoTooLarge(f"at most {limits.max_bytes} bytes", max_size=limits.max_bytes)
    settings = here.settings
    said = Announced(body.order_id, body.case_id, body.kind, body.size, body.sha256)
    place = f"{body.latitude},{body.longitude}" if body.place else None
    async with here.begin() as tx:
        await usecases.order_for_photo(tx, body.order_id, body.case_id, actor)
        row = await uploads.begin(
            tx,
            said,
            place,
            here.parts["photo_vault"],
            by=actor,
            hours=settings.photo_upload_hours,
            most=settings.photo_uploads_open,
            now=here.clock.now(),
        )
    url = f"/v1/photos/uploads/{row.upload_id}"
    response.headers.update({"Location": url, **_headers(row, 0)})
    return UploadView(upload_id=row.upload_id, offset=0, size=row.size, expires_at=row.expires_at, url=url)


@routes.head("/photos/uploads/{upload_id}", response_class=Response)
async def ask_upload(here: Here, actor: Uploader, upload_id: UUID) -> Response:
    """`Upload-Offset` says from which byte to go on."""
    async with here.begin() as tx:
        row = await uploads.of(tx, upload_id, actor, now=here.clock.now())
    return Response(headers=_headers(row, row.received))


_PIECE: dict[str, Any] = {
    "requestBody": {"required": True, "content": {_TYPES[0]: {"schema": {"type": "string", "format": "binary"}}}}
}


@routes.patch(
    "/photos/uploads/{upload_id}",
    status_code=204,
    response_class=Response,
    openapi_extra=_PIECE,
    responses={201: {"model": PhotoView, "description": "All bytes are there, and it is a photo now"}},
)
async def go_on_with_upload(
    request: Request, here: Here, actor: Uploader, upload_id: UUID, upload_offset: Offset
) -> Response:
    """The next bytes. What arrived of a piece that was broken off is kept. The last piece answers like `POST /photos`;
    should that answer be lost, or be a 503, an empty piece at the end asks for it again."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() not in _TYPES:
        raise NotAPiece
    async with here.begin() as tx:
        row = await uploads.of(tx, upload_id, actor, now=here.clock.now())
    if row.answer is not None and upload_offset == row.size:
        return JSONResponse(row.answer, status_code=201, headers=_headers(row, row.size))
    data = await _arrived(request, most=row.size - upload_offset)
    async with here.begin() as tx:
        row = await uploads.of(tx, upload_id, actor, now=here.clock.now(), for_change=True)
        received = await uploads.append(tx, row, upload_offset, data, here.parts["photo_vault"])
    if received < row.size:
        return Response(status_code=204, headers=_headers(row, received))
    answer = await _completed(here, upload_id, actor)
    return JSONResponse(answer, status_code=201, headers=_headers(row, received))


async def _arrived(request: Request, *, most: int) -> bytes:
    """The piece, or as much of it as came before the connection broke. Raises `BeyondTheSize`."""
    data = bytearray()
    try:
        async for chunk in request.stream():
            data += chunk
            if len(data) > most:
                raise BeyondTheSize
    except ClientDisconnect:
        pass
    return bytes(data)


async def _completed(here: Context[Any, Tx], upload_id: UUID, actor: Actor) -> dict[str, Any]:
    """The photo it became; one, however often it is asked for. What cannot become one is given up."""
    vault = here.parts["photo_vault"]
    try:
        async with here.begin() as tx:
            row = await uploads.of(tx, upload_id, actor, now=here.clock.now(), for_change=True)
            if row.answer is not None:
                return dict(row.answer)
            placed = await usecases.order_for_photo(tx, row.order_id, row.case_id, actor)
            data = await uploads.whole(tx, row, vault)
        made = await darkroom.develop(here, new_id(), data)
    except DomainError as error:
        if error.kind in _HOPELESS:
            async with here.begin() as tx:
                await uploads.give_up(tx, upload_id)
        raise
    async with here.begin() as tx:
        row = await uploads.of(tx, upload_id, actor, now=here.clock.now(), for_change=True)
        if row.answer is not None:
            # Another last piece was quicker; what was stored for this one is swept.
            return dict(row.answer)
        view = await added(here, tx, placed, row.kind, made, place=uploads.place_of(row, vault), actor=actor)
        answer = view.model_dump(mode="json")
        await uploads.done(tx, upload_id, answer)
        return answer


@routes.delete("/photos/uploads/{upload_id}", status_code=204, response_class=Response)
async def give_up_upload(here: Here, actor: Uploader, upload_id: UUID) -> Response:
    async with here.begin() as tx:
        row = await uploads.of(tx, upload_id, actor, now=here.clock.now(), for_change=True)
        await uploads.give_up(tx, row.upload_id)
    return Response(status_code=204)
