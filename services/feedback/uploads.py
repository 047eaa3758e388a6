"""Uploads that survive a weak network: bytes kept as they arrive, until all are there and become a photo."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, text, update

from services.feedback.store import Tx
from services.feedback.tables import photo_upload_parts, photo_uploads
from shared.errors import Conflict, DomainError, NotFound, TooMany
from shared.ids import new_id
from shared.tokens import Actor
from shared.vault import Cell, Vault

_ONE_OWNER_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('photo uploads'), hashtext(:owner))")


class UploadGone(NotFound):
    """There is no such upload of yours, or it has expired; please begin anew."""

    zh = "上传任务不存在或已过期，请重新上传"


class WrongOffset(Conflict):
    """The bytes do not continue what has arrived; ask with HEAD where to go on."""

    zh = "上传位置不符，请查询已上传的位置后继续"


class BeyondTheSize(DomainError):
    """More bytes than the upload was said to have."""

    kind = "too_large"
    zh = "上传内容超出声明的大小"


class UploadDamaged(DomainError):
    """What arrived is not what was announced; the upload is given up, please begin anew."""

    zh = "上传的文件与声明不一致，请重新上传"


class TooManyUploads(TooMany):
    """Too many uploads of yours are under way; finish or give up some first."""

    zh = "未完成的上传过多，请先完成或放弃其中一些"


@dataclass(frozen=True, slots=True)
class Announced:
    """What is going to be uploaded."""

    order_id: UUID
    case_id: UUID | None
    kind: str
    size: int
    sha256: str


async def begin(
    tx: Tx, said: Announced, place: str | None, vault: Vault, *, by: Actor, hours: float, most: int, now: datetime
) -> Any:
    """The new upload's row. Raises `TooManyUploads`."""
    owner, upload_id = _owner(by), new_id()
    await tx.connection.execute(_ONE_OWNER_AT_A_TIME, {"owner": owner})
    mine = photo_uploads.c.owner == owner, photo_uploads.c.answer.is_(None), photo_uploads.c.expires_at > now
    if (await tx.connection.scalar(select(func.count()).where(*mine)) or 0) >= most:
        raise TooManyUploads(retry_after=60)
    row = {
        "upload_id": upload_id,
        "owner": owner,
        "order_id": said.order_id,
        "case_id": said.case_id,
        "kind": said.kind,
        "place": vault.encrypt(place, Cell("photo_uploads", "place", upload_id)) if place else None,
        "size": said.size,
        "sha256": said.sha256,
        "created_at": now,
        "expires_at": now + timedelta(hours=hours),
    }
    added = insert(photo_uploads).values(row).returning(photo_uploads)
    return (await tx.connection.execute(added)).one()


def _owner(by: Actor) -> str:
    return f"{by.kind}:{by.id}"


async def of(tx: Tx, upload_id: UUID, by: Actor, *, now: datetime, for_change: bool = False) -> Any:
    """Raises `UploadGone`, for another's as for one that never was."""
    found = select(photo_uploads).where(
        photo_uploads.c.upload_id == upload_id, photo_uploads.c.owner == _owner(by), photo_uploads.c.expires_at > now
    )
    row = (await tx.connection.execute(found.with_for_update() if for_change else found)).one_or_none()
    if row is None:
        raise UploadGone
    return row


async def append(tx: Tx, row: Any, offset: int, data: bytes, vault: Vault) -> int:
    """How much has arrived now; `row` is locked. Raises `WrongOffset` or `BeyondTheSize`."""
    if offset != row.received:
        raise WrongOffset(f"{row.received} bytes have arrived", offset=row.received)
    if offset + len(data) > row.size:
        raise BeyondTheSize(f"announced were {row.size} bytes", max_size=row.size)
    if data:
        cell = _cell(row.upload_id, offset)
        part = {"upload_id": row.upload_id, "start": offset, "data": vault.encrypt_bytes(data, cell)}
        await tx.connection.execute(insert(photo_upload_parts), part)
        arrived = update(photo_uploads).where(photo_uploads.c.upload_id == row.upload_id)
        await tx.connection.execute(arrived.values(received=offset + len(data)))
    return offset + len(data)


def _cell(upload_id: UUID, start: int) -> Cell:
    return Cell("photo_upload_parts", "data", f"{upload_id} {start}")


async def whole(tx: Tx, row: Any, vault: Vault) -> bytes:
    """All that was announced. Raises `UploadDamaged`."""
    parts = (
        select(photo_upload_parts.c.start, photo_upload_parts.c.data)
        .where(photo_upload_parts.c.upload_id == row.upload_id)
        .order_by(photo_upload_parts.c.start)
    )
    found = await tx.connection.execute(parts)
    data = b"".join(vault.decrypt_bytes(part.data, _cell(row.upload_id, part.start)) for part in found)
    if hashlib.sha256(data).hexdigest() != row.sha256:
        raise UploadDamaged
    return data


def place_of(row: Any, vault: Vault) -> tuple[float, float] | None:
    if row.place is None:
        return None
    latitude, longitude = vault.decrypt(row.place, Cell("photo_uploads", "place", row.upload_id)).split(",")
    return float(latitude), float(longitude)


async def done(tx: Tx, upload_id: UUID, answer: dict[str, Any]) -> None:
    """The bytes go; what it became is kept until it expires, for whoever did not hear the answer."""
    finished = update(photo_uploads).where(photo_uploads.c.upload_id == upload_id)
    await tx.connection.execute(finished.values(answer=answer))
    await tx.connection.execute(delete(photo_upload_parts).where(photo_upload_parts.c.upload_id == upload_id))


async def give_up(tx: Tx, upload_id: UUID) -> None:
    for table in (photo_upload_parts, photo_uploads):
        await tx.connection.execute(delete(table).where(table.c.upload_id == upload_id))
