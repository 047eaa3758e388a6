"""What is cleared away: objects in the store that no photo has, and uploads nobody resumed."""

from datetime import timedelta
from typing import Any

from sqlalchemy import delete, or_, select

from services.feedback.store import Tx
from services.feedback.tables import loose_objects, photo_records, photo_upload_parts, photo_uploads, photos
from shared.context import Context
from shared.objects import PhotoStore

BATCH = 200
LOOSE_FOR = timedelta(hours=1)
"""Longer than any upload takes from its first object to its commit."""


class PhotoSweep:
    """`run_once` clears one batch of each. Several processes may run it."""

    name = "feedback:photos"
    idle = 300.0

    def __init__(self, context: Context[Any, Tx]) -> None:
        self._here = context

    async def run_once(self) -> bool:
        return await self._uploads() or await self._objects()

    async def _uploads(self) -> bool:
        async with self._here.begin() as tx:
            due = (
                select(photo_uploads.c.upload_id)
                .where(photo_uploads.c.expires_at < self._here.clock.now())
                .limit(BATCH)
                .with_for_update(skip_locked=True)
            )
            ids = (await tx.connection.execute(due)).scalars().all()
            for table in (photo_upload_parts, photo_uploads):
                await tx.connection.execute(delete(table).where(table.c.upload_id.in_(ids)))
        return len(ids) == BATCH

    async def _objects(self) -> bool:
        """Whoever is about to put the same content again waits for the row, and puts it after this has committed."""
        store: PhotoStore = self._here.parts["photo_store"]
        async with self._here.begin() as tx:
            due = (
                select(loose_objects.c.name)
                .where(loose_objects.c.put_at < self._here.clock.now() - LOOSE_FOR)
                .order_by(loose_objects.c.name)
                .limit(BATCH)
                .with_for_update(skip_locked=True)
            )
            names = (await tx.connection.execute(due)).scalars().all()
            used = await _used(tx, names) if names else set()
            for name in names:
                if name not in used:
                    await store.delete(name)
            await tx.connection.execute(delete(loose_objects).where(loose_objects.c.name.in_(names)))
        return len(names) == BATCH

    async def close(self) -> None:
        """Nothing is held."""


async def _used(tx: Tx, names: Any) -> set[str]:
    own = (photos.c.sha256, photos.c.thumb_sha256)
    beside = (photo_records.c.original, photo_records.c.shown_sha256, photo_records.c.shown_thumb_sha256)
    found: set[str] = set()
    for columns in (own, beside):
        rows = await tx.connection.execute(select(*columns).where(or_(*(column.in_(names) for column in columns))))
        found |= {name for row in rows for name in row if name}
    return found
