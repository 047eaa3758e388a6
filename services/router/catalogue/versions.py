"""Owns the versions of the catalogue that were uploaded: whole sets of tables in the database, each with its state."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import RowMapping, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.router.catalogue import files as documents
from services.router.catalogue.files import Files
from services.router.catalogue.reading import SHIPPED, read_all
from services.router.catalogue.whole import Catalogue
from services.router.tables import catalogue_versions as table

Status = Literal["draft", "published", "withdrawn"]
TAGS = "tags.yaml"
_FACTS = tuple(column for column in table.columns if column.name != "document")


@dataclass(frozen=True, slots=True)
class Document:
    """One uploaded version as it is stored."""

    id: str
    effective_from: date | None
    content: bytes
    checksum: str

    def files(self) -> dict[str, bytes]:
        """A set that was stored before there were tags has those that ship."""
        stored = documents.unpack(self.content, self.checksum)
        return stored if TAGS in stored else {**stored, TAGS: (SHIPPED / TAGS).read_bytes()}

    def catalogue(self) -> Catalogue:
        """Takes a second and no database: for a thread of its own. The day it begins on is the one it was published with."""
        found = read_all(self.files())[self.id]
        if self.effective_from is None:
            return found
        edition = found.edition.model_copy(update={"effective_from": self.effective_from})
        return replace(found, edition=edition)


async def listed(connection: AsyncConnection) -> Sequence[RowMapping]:
    """Everything but the tables themselves, newest first."""
    query = select(*_FACTS).order_by(table.c.uploaded_at.desc(), table.c.id)
    return (await connection.execute(query)).mappings().all()


async def facts(connection: AsyncConnection, version_id: str, *, lock: bool = False) -> RowMapping | None:
    query = select(*_FACTS).where(table.c.id == version_id)
    return (await connection.execute(query.with_for_update() if lock else query)).mappings().one_or_none()


async def published(connection: AsyncConnection) -> dict[str, date]:
    """Every version that is or will be in force, and from when."""
    query = select(table.c.id, table.c.effective_from).where(table.c.status == "published")
    return {row.id: row.effective_from for row in (await connection.execute(query)).all()}


async def fetched(connection: AsyncConnection, ids: Collection[str]) -> list[Document]:
    columns = (table.c.id, table.c.effective_from, table.c.document, table.c.checksum)
    query = select(*columns).where(table.c.id.in_(ids)).order_by(table.c.id)
    return [Document(*row) for row in (await connection.execute(query)).all()]


async def add(
    connection: AsyncConnection, *, version_id: str, title: str, based_on: str, files: Files, by: str, now: datetime
) -> None:
    values: dict[str, Any] = {
        "id": version_id,
        "title": title,
        "status": "draft",
        "based_on": based_on,
        "document": documents.pack(files),
        "checksum": documents.checksum(files),
        "uploaded_by": by,
        "uploaded_at": now,
    }
    await connection.execute(insert(table).values(values))


async def alone(connection: AsyncConnection) -> None:
    """Until the transaction ends nobody else publishes; who reads goes on."""
    await connection.execute(text("LOCK TABLE catalogue_versions IN SHARE ROW EXCLUSIVE MODE"))


async def publish(
    connection: AsyncConnection, version_id: str, *, effective_from: date, by: str, now: datetime
) -> None:
    values = {"status": "published", "effective_from": effective_from, "published_by": by, "published_at": now}
    await connection.execute(update(table).where(table.c.id == version_id).values(values))


async def withdraw(connection: AsyncConnection, version_id: str, *, by: str, now: datetime) -> None:
    values = {"status": "withdrawn", "withdrawn_by": by, "withdrawn_at": now}
    await connection.execute(update(table).where(table.c.id == version_id).values(values))
