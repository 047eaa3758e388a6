"""A photo after it was taken: blurred by an editor, passed or hidden by a person, and every look at its original."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import insert, select, update

from services.feedback import darkroom
from services.feedback.store import Tx
from services.feedback.tables import photo_log, photo_records, photos
from services.feedback.usecases import PhotoHidden
from shared.blurring import Rectangle
from shared.images import Photo
from shared.tokens import Actor

type Act = Literal["original", "record", "blurred", "passed", "hidden"]


async def log(tx: Tx, photo_id: UUID, act: Act, by: Actor, *, now: datetime, purpose: str = "", **details: Any) -> None:
    """Append-only: who did or saw what, and why."""
    row = {
        "photo_id": photo_id,
        "action": act,
        "actor": by.id,
        "purpose": purpose,
        "details": details,
        "at": now,
    }
    await tx.connection.execute(insert(photo_log), row)


async def record_of(tx: Tx, photo_id: UUID, *, for_change: bool = False) -> Any:
    """What is kept beside the picture. Raises `PhotoHidden`."""
    found = (
        select(photo_records, photos.c.case_id, photos.c.order_id, photos.c.kind, photos.c.taken_at, photos.c.added_by)
        .join(photos, photos.c.photo_id == photo_records.c.photo_id)
        .where(photo_records.c.photo_id == photo_id)
    )
    if for_change:
        found = found.with_for_update(of=photo_records)
    row = (await tx.connection.execute(found)).one_or_none()
    if row is None:
        raise PhotoHidden
    return row


async def blur(
    tx: Tx, photo_id: UUID, copy: Photo, rectangles: Sequence[Rectangle], *, by: Actor, now: datetime
) -> None:
    """The copy, which is stored already, is what everybody sees from now on. Raises `PhotoHidden`."""
    row = await record_of(tx, photo_id, for_change=True)
    sha256, thumb_sha256 = darkroom.pictures_of(copy)
    old = {name for name in (row.shown_sha256, row.shown_thumb_sha256) if name}
    await tx.connection.execute(
        update(photo_records)
        .where(photo_records.c.photo_id == photo_id)
        .values(shown_sha256=sha256, shown_thumb_sha256=thumb_sha256)
    )
    await darkroom.loosen(tx, old - {sha256, thumb_sha256}, now=now)
    await darkroom.fasten(tx, (sha256, thumb_sha256))
    areas = [[each.left, each.top, each.width, each.height] for each in rectangles]
    await log(tx, photo_id, "blurred", by, now=now, rectangles=areas)


async def decide(tx: Tx, photo_id: UUID, *, public: bool, reason: str, by: Actor, now: datetime) -> None:
    """A person's word, above that of any check. Raises `PhotoHidden`."""
    await settle(tx, photo_id, "passed" if public else "hidden", reason="person", by=by.id, now=now)
    await log(tx, photo_id, "passed" if public else "hidden", by, now=now, purpose=reason)


async def settle(
    tx: Tx,
    photo_id: UUID,
    state: Literal["passed", "held", "hidden"],
    *,
    reason: str,
    now: datetime,
    by: str | None = None,
) -> None:
    """What the check has come to; the case's view follows. Raises `PhotoHidden`."""
    # The case first, as everybody locks it.
    place = select(photos.c.case_id).where(photos.c.photo_id == photo_id)
    case_id = (await tx.connection.execute(place)).scalar_one_or_none()
    if case_id is None:
        raise PhotoHidden
    case = await tx.case(UUID(bytes=case_id.bytes))
    values: dict[str, Any] = {"state": state, "reason": reason, "next_at": None, "trace_id": None}
    if by is not None:
        values |= {"decided_by": by, "decided_at": now}
    await tx.connection.execute(update(photo_records).where(photo_records.c.photo_id == photo_id).values(values))
    case.show_photo(photo_id, shown=state == "passed")
    tx.touch(case, now)


async def in_state(tx: Tx, state: str, *, after: UUID, limit: int) -> Sequence[Any]:
    """Oldest first: these wait for a person, or were hidden by one."""
    found = (
        select(photo_records, photos.c.case_id, photos.c.order_id, photos.c.kind, photos.c.taken_at, photos.c.added_by)
        .join(photos, photos.c.photo_id == photo_records.c.photo_id)
        .where(photo_records.c.state == state, photo_records.c.photo_id > after)
        .order_by(photo_records.c.photo_id)
        .limit(limit)
    )
    return (await tx.connection.execute(found)).all()


async def logged(tx: Tx, *, photo_id: UUID | None, after: int, limit: int) -> Sequence[Any]:
    """The log in the order it was written."""
    found = select(photo_log).where(photo_log.c.position > after).order_by(photo_log.c.position).limit(limit)
    if photo_id is not None:
        found = found.where(photo_log.c.photo_id == photo_id)
    return (await tx.connection.execute(found)).all()
