"""Owns what was learned, in the database: kept whole, never changed; of each kind the one trained last is in use."""

import hashlib
import io
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import RowMapping, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.router.learning import folder
from services.router.learning.experience import Experience
from services.router.learning.folder import DamagedModel
from services.router.learning.model import Model
from services.router.tables import models as table

_FACTS = tuple(column for column in table.columns if column.name != "document")


Kind = Literal["classifier", "experience"]


@dataclass(frozen=True, slots=True)
class Document:
    """A model as it is stored."""

    version: str
    content: bytes
    checksum: str

    def experience(self) -> Experience:
        """For a thread of its own. Raises `DamagedModel`."""
        self._must_be_whole()
        return Experience.unpacked(self.version, self.content)

    def model(self) -> Model:
        """For a thread of its own. Raises `DamagedModel`."""
        self._must_be_whole()
        with tempfile.TemporaryDirectory(prefix="huying-model-") as place:
            try:
                with zipfile.ZipFile(io.BytesIO(self.content)) as archive:
                    for name in archive.namelist():
                        (Path(place) / Path(name).name).write_bytes(archive.read(name))
            except zipfile.BadZipFile:
                raise DamagedModel(f"model {self.version} is no model") from None
            return folder.load(Path(place))

    def _must_be_whole(self) -> None:
        if hashlib.sha256(self.content).hexdigest() != self.checksum:
            raise DamagedModel(f"model {self.version} is not what was stored")


def packed(place: Path) -> bytes:
    """A model's folder as one document; the arrays do not compress."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(place.iterdir()):
            archive.write(file, file.name)
    return content.getvalue()


async def keep(
    connection: AsyncConnection,
    version: str,
    content: bytes,
    *,
    edition: str,
    metrics: Mapping[str, Any],
    now: datetime,
    kind: Kind = "classifier",
) -> None:
    """The same samples make the same version: trained again it is only newer."""
    values = {
        "version": version,
        "kind": kind,
        "edition": edition,
        "trained_at": now,
        "metrics": dict(metrics),
        "document": content,
        "checksum": hashlib.sha256(content).hexdigest(),
    }
    statement = insert(table).values(values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["version"], set_={"trained_at": now}))


async def newest(connection: AsyncConnection) -> dict[str, str]:
    """The versions in use, by kind; a kind of which there is none is missing."""
    query = select(table.c.kind, table.c.version).ext(distinct_on(table.c.kind))
    query = query.order_by(table.c.kind, table.c.trained_at.desc(), table.c.version)
    return {row.kind: row.version for row in (await connection.execute(query)).all()}


async def fetched(connection: AsyncConnection, version: str) -> Document:
    query = select(table.c.version, table.c.document, table.c.checksum).where(table.c.version == version)
    return Document(*(await connection.execute(query)).one())


async def listed(connection: AsyncConnection) -> Sequence[RowMapping]:
    """Everything but the models themselves, newest first."""
    return (await connection.execute(select(*_FACTS).order_by(table.c.trained_at.desc()))).mappings().all()
