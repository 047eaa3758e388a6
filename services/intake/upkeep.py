"""What the register drops when its time has come, and moves under a new key: loops of the worker."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Table, bindparam, delete, select, update

from services.intake import tables
from services.intake.parts import Parts
from services.intake.people import ENCRYPTED
from services.intake.settings import Settings
from services.intake.store import Tx
from shared.context import Context
from shared.vault import Cell

_keys, _rates = tables.idempotency_keys, tables.rate_windows
BATCH = 200


class Purge:
    """Removes expired idempotency keys, full rate windows and photos that no case came to use."""

    name = "intake:purge"
    idle = 60.0

    def __init__(self, context: Context[Settings, Tx]) -> None:
        self._here, self._parts = context, Parts.of(context)

    async def run_once(self) -> bool:
        now, settings = self._here.clock.now(), self._here.settings
        async with self._here.begin() as tx:
            expired = now - timedelta(hours=settings.idempotency_hours)
            await tx.connection.execute(delete(_keys).where(_keys.c.created_at < expired))
            await tx.connection.execute(delete(_rates).where(_rates.c.started_at < now - timedelta(days=1)))
        return await self._drop_photos(now - timedelta(hours=settings.loose_photo_hours))

    async def _drop_photos(self, before: datetime) -> bool:
        """The row goes first and the content only when no other row has it, both under the lock an upload takes."""
        async with self._here.begin() as tx:
            rows = await tx.loose_photos(before, limit=BATCH)
            await tx.lock_content(name for row in rows for name in (row.sha256, row.thumb_sha256))
            for row in rows:
                await tx.remove_photo(row.id)
            for name in {name for row in rows for name in (row.sha256, row.thumb_sha256)}:
                if not await tx.content_used(name):
                    await self._parts.photos.delete(name)
        return len(rows) == BATCH

    async def close(self) -> None:
        pass


class Rotation:
    """Once after every start of the worker, walks the vault and moves each value under the current key.

    Answers kept for repeated requests are left: they expire, so the old key stays in the ring for that long.
    """

    name = "intake:rotation"
    idle = 3600.0

    def __init__(self, context: Context[Settings, Tx]) -> None:
        self._here, self._vault = context, Parts.of(context).vault
        self._todo: list[tuple[Table, str, tuple[str, ...]]] = [
            (tables.persons, "id", ENCRYPTED),
            (tables.raw_payloads, "case_id", ("payload",)),
            (tables.additions, "addition_id", ("payload",)),
        ]
        self._after = UUID(int=0)

    async def run_once(self) -> bool:
        if not self._todo:
            return False
        table, key, columns = self._todo[0]
        async with self._here.begin() as tx:
            query = select(table).where(table.c[key] > self._after).order_by(table.c[key]).limit(BATCH)
            rows = (await tx.connection.execute(query)).mappings().all()
            changed = [values for row in rows if (values := self._rotated(table.name, key, columns, row))]
            if changed:
                change = update(table).where(table.c[key] == bindparam("the_key"))
                for values in changed:
                    await tx.connection.execute(
                        change.values({c: values[c] for c in columns}), {"the_key": values[key]}
                    )
        if rows:
            self._after = rows[-1][key]
        if len(rows) < BATCH:
            self._todo.pop(0)
            self._after = UUID(int=0)
        return bool(self._todo)

    def _rotated(self, table: str, key: str, columns: tuple[str, ...], row: Any) -> dict[str, Any] | None:
        values = {
            column: self._vault.rotate(bytes(row[column]), Cell(table, column, row[key])) if row[column] else None
            for column in columns
        }
        if all(values[column] == row[column] for column in columns):
            return None
        return {key: row[key], **values}

    async def close(self) -> None:
        pass
