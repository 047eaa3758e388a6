"""Photos: cleaned before they are kept, shown only to whom they concern."""

import asyncio
import hashlib
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from starlette.datastructures import UploadFile

from services.intake import usecases
from services.intake.api.doors import LETTER_OWNER, address_of
from services.intake.api.reading import Here, IdempotencyKey, PartsHere, counted, created, reader_of
from services.intake.api.views import AttachmentView
from services.intake.idempotency import Claim
from services.intake.parts import Parts
from services.intake.settings import Settings
from services.intake.store import Tx
from shared.actors import Caller, Someone
from shared.context import Context
from shared.errors import DomainError, FieldError, Forbidden, InvalidInput
from shared.ids import new_id
from shared.images import MEDIA_TYPE, Photo, make_safe
from shared.tokens import Actor

routes = APIRouter(tags=["attachments"])

_ENVELOPE_BYTES = 64 * 1024
"""What multipart adds around the file."""
_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}
_JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
}


class NotMultipart(DomainError):
    """A photo is sent as multipart/form-data, in a part named file."""

    kind = "unsupported"
    zh = "请以 multipart/form-data 格式上传照片，字段名为 file"


@routes.post("/attachments", status_code=201, response_model=AttachmentView, openapi_extra=_FORM)
async def upload_attachment(
    request: Request, actor: Caller, here: Here, parts: PartsHere, idempotency_key: IdempotencyKey = None
) -> Response:
    """A photo for a request to be sent soon. Without a login it can only go with a letter, and only so many an hour."""
    owner = _owner(actor)
    now = here.clock.now()
    if actor is None:
        async with here.begin() as tx:
            await parts.uploads.count(tx.connection, address_of(request), now=now)
    upload = await _file(request, parts)
    sender = f"attachments\0{owner}"
    claim = Claim.of(idempotency_key, sender=sender, body=hashlib.sha256(upload).digest(), secret=parts.claim_key)
    async with here.begin() as tx:
        repeated = await usecases.repeated_upload(tx, parts.vault, claim)
    if repeated is not None:
        return created(repeated)
    async with parts.photo_slots:
        photo = await asyncio.to_thread(make_safe, upload, parts.photo_limits)
    return created(await _keep(here, parts, photo, owner, claim))


async def _keep(here: Context[Settings, Tx], parts: Parts, photo: Photo, owner: str, claim: Claim | None) -> bytes:
    now, attachment_id = here.clock.now(), new_id()
    thumb_sha256 = hashlib.sha256(photo.thumb).hexdigest()
    answer = AttachmentView.of(attachment_id, photo).model_dump_json().encode()
    async with here.begin() as tx:
        # The claim goes first: a twin of this request waits here, and then finds the answer.
        if claim is not None and not await usecases.claim_upload(
            tx, parts.vault, claim, attachment_id, answer, now=now
        ):
            repeated = await usecases.repeated_upload(tx, parts.vault, claim)
            assert repeated is not None
            return repeated
        await tx.lock_content((photo.sha256, thumb_sha256))
        await parts.photos.put(photo.sha256, photo.data)
        await parts.photos.put(thumb_sha256, photo.thumb)
        await usecases.keep_photo(tx, photo, thumb_sha256, attachment_id=attachment_id, owner=owner, now=now)
    return answer


@routes.get("/attachments/{attachment_id}", response_class=Response, responses=_JPEG)
async def show_attachment(attachment_id: UUID, actor: Someone, here: Here, parts: PartsHere) -> Response:
    async with here.begin() as tx:
        row = await usecases.see_photo(tx, attachment_id, by=reader_of(actor))
    return _picture(await parts.photos.get(row.sha256))


@routes.get("/attachments/{attachment_id}/thumbnail", response_class=Response, responses=_JPEG)
async def show_thumbnail(attachment_id: UUID, actor: Someone, here: Here, parts: PartsHere) -> Response:
    async with here.begin() as tx:
        row = await usecases.see_photo(tx, attachment_id, by=reader_of(actor))
    return _picture(await parts.photos.get(row.thumb_sha256))


def _owner(actor: Actor | None) -> str:
    if actor is None:
        return LETTER_OWNER
    if actor.kind != "citizen" and not actor.has("operator", "operator_system"):
        raise Forbidden("photos of the work are uploaded elsewhere")
    return f"{actor.kind}:{actor.id}"


async def _file(request: Request, parts: Parts) -> bytes:
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise NotMultipart
    most = parts.photo_limits.max_bytes
    async with counted(request, most + _ENVELOPE_BYTES).form(max_files=1, max_fields=4) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise InvalidInput(fields=(FieldError("/file", "is missing", "请选择照片"),))
        return await file.read()


def _picture(data: bytes) -> Response:
    # Private: a shared cache must not show it to the next one who asks.
    headers = {"Cache-Control": "private, max-age=86400, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(data, media_type=MEDIA_TYPE, headers=headers)
