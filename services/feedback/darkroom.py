"""From an upload to what is kept: the picture drawn anew, the file as it came encrypted, both in the object store.

Objects are named in `loose_objects` before they are put. Whoever makes a photo of them takes the names away in the same
transaction; what is left, because a process died or a commit failed, is swept.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert as upsert

from services.feedback.settings import Settings
from services.feedback.store import Tx
from services.feedback.tables import loose_objects
from shared.context import Context
from shared.images import Photo, PhotoLimits, make_safe
from shared.objects import PhotoStore
from shared.vault import Cell, Vault

type House = Context[Settings, Tx]


@dataclass(frozen=True, slots=True)
class Developed:
    """A photo whose pictures lie in the store; `hash` is of the file as it was uploaded."""

    photo_id: UUID
    photo: Photo
    thumb_sha256: str
    hash: str
    original: str | None
    """Name of the encrypted file, where originals are kept."""

    @property
    def objects(self) -> list[str]:
        return [name for name in (self.photo.sha256, self.thumb_sha256, self.original) if name]


async def develop(here: House, photo_id: UUID, upload: bytes) -> Developed:
    """Raises one of `shared.images`' errors, or `PhotosUnavailable`."""
    limits: PhotoLimits = here.parts["photo_limits"]
    vault: Vault = here.parts["photo_vault"]
    async with seat(here):
        photo = await asyncio.to_thread(make_safe, upload, limits)
        sealed = (
            await asyncio.to_thread(vault.encrypt_bytes, upload, original_cell(photo_id))
            if here.settings.photo_keep_originals
            else None
        )
    objects = pictures_of(photo)
    original = hashlib.sha256(sealed).hexdigest() if sealed is not None else None
    if sealed is not None and original is not None:
        objects[original] = sealed
    await put(here, objects)
    return Developed(photo_id, photo, _name(photo.thumb), _name(upload), original)


def seat(here: House) -> asyncio.Semaphore:
    """Pictures are worked on by a few at a time."""
    seats: asyncio.Semaphore = here.parts["photo_seats"]
    return seats


def original_cell(photo_id: UUID) -> Cell:
    return Cell("photo_records", "original", photo_id)


def pictures_of(photo: Photo) -> dict[str, bytes]:
    """What is put into the store, by its name."""
    return {photo.sha256: photo.data, _name(photo.thumb): photo.thumb}


def _name(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def put(here: House, objects: Mapping[str, bytes]) -> None:
    """Raises `PhotosUnavailable`."""
    store: PhotoStore = here.parts["photo_store"]
    async with here.begin() as tx:
        await loosen(tx, objects, now=here.clock.now())
    for name, data in objects.items():
        await store.put(name, data)


async def loosen(tx: Tx, names: Iterable[str], *, now: datetime) -> None:
    """These may be in the store without a photo that has them; in order, so that nobody waits for who waits."""
    rows = [{"name": name, "put_at": now} for name in sorted(set(names))]
    if rows:
        statement = upsert(loose_objects)
        again = statement.on_conflict_do_update(index_elements=["name"], set_={"put_at": statement.excluded.put_at})
        await tx.connection.execute(again, rows)


async def fasten(tx: Tx, names: Iterable[str]) -> None:
    """A photo has them now."""
    await tx.connection.execute(delete(loose_objects).where(loose_objects.c.name.in_(sorted(set(names)))))


async def fetched(here: House, name: str) -> bytes:
    """Raises `PhotoNotFound` or `PhotosUnavailable`."""
    store: PhotoStore = here.parts["photo_store"]
    return await store.get(name)


async def original_of(here: House, photo_id: UUID, name: str) -> bytes:
    """The file as it was uploaded. Raises `PhotoNotFound`, `PhotosUnavailable` or `UndecipherableValue`."""
    vault: Vault = here.parts["photo_vault"]
    sealed = await fetched(here, name)
    return await asyncio.to_thread(vault.decrypt_bytes, sealed, original_cell(photo_id))


def place_sealed(vault: Vault, place: tuple[float, float] | None, row: Any, table: str) -> bytes | None:
    """Latitude and longitude, WGS 84."""
    return None if place is None else vault.encrypt(f"{place[0]},{place[1]}", Cell(table, "place", row))


def place_opened(vault: Vault, stored: bytes | None, row: Any, table: str) -> tuple[float, float] | None:
    if stored is None:
        return None
    latitude, longitude = vault.decrypt(stored, Cell(table, "place", row)).split(",")
    return float(latitude), float(longitude)
