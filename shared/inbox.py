"""The inbox: what has been applied is written in the transaction of its effect, so a second sight does nothing.

Events on a case carry their place in the order (`sequence`, without a gap per publisher), so one row per case and
publisher remembers all of them and tells a repeated event from one that came too early. Events outside any case are
remembered by id.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    bindparam,
    func,
    insert,
    text,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.cloudevents import AnyEnvelope
from shared.outbox import outbox_table

type Cursors = dict[tuple[UUID, str], int]


def mechanism_tables(metadata: MetaData) -> None:
    """The tables of the house that every service carries in its schema: outbox, inbox, parking."""
    outbox_table(metadata)
    Table(
        "stream_marks",
        metadata,
        Column("stream", Text, primary_key=True),
        Column("incarnation", Text, nullable=False),
        Column("last_sequence", BigInteger, nullable=False),
    )
    Table(
        "inbox_cursors",
        metadata,
        Column("case_id", Uuid, primary_key=True),
        Column("publisher", Text, primary_key=True),
        Column("sequence", BigInteger, nullable=False),
    )
    Table(
        "inbox",
        metadata,
        Column("event_id", Uuid, primary_key=True),
        Column("applied_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    )
    Table(
        "parked",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("stream", Text, nullable=False),
        Column("stream_sequence", BigInteger, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("reason", Text, nullable=False),
        Column("parked_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("replayed_at", DateTime(timezone=True)),
    )


_here = MetaData()
mechanism_tables(_here)
_cursors, _inbox, _parked = _here.tables["inbox_cursors"], _here.tables["inbox"], _here.tables["parked"]

_LOCK = text("SELECT pg_advisory_xact_lock(k) FROM unnest(CAST(:keys AS bigint[])) k")
_SEEN = text("SELECT case_id, publisher, sequence FROM inbox_cursors WHERE case_id = ANY(CAST(:ids AS uuid[]))")
_save = upsert(_cursors)
_SAVE = _save.on_conflict_do_update(
    index_elements=["case_id", "publisher"], set_={"sequence": _save.excluded.sequence}
).values(case_id=bindparam("c"), publisher=bindparam("p"), sequence=bindparam("s"))
_CLAIM = text(
    "INSERT INTO inbox (event_id) SELECT unnest(CAST(:ids AS uuid[])) ON CONFLICT DO NOTHING RETURNING event_id"
)
_PARK = insert(_parked)


async def lock_cases(connection: AsyncConnection, cases: Iterable[UUID]) -> None:
    """No two workers apply the same case at once; the order of locking keeps them from waiting for each other."""
    keys = sorted({case.int & ((1 << 63) - 1) for case in cases})
    await connection.execute(_LOCK, {"keys": keys})


async def known(connection: AsyncConnection, cases: Iterable[UUID]) -> Cursors:
    rows = await connection.execute(_SEEN, {"ids": list(set(cases))})
    return {(row.case_id, row.publisher): row.sequence for row in rows}


async def remember(connection: AsyncConnection, cursors: Cursors) -> None:
    if cursors:
        values = [{"c": case, "p": publisher, "s": sequence} for (case, publisher), sequence in cursors.items()]
        await connection.execute(_SAVE, values)


async def claim(connection: AsyncConnection, events: Sequence[AnyEnvelope]) -> set[UUID]:
    """Of events that belong to no case: those never seen before."""
    rows = await connection.execute(_CLAIM, {"ids": [event.id for event in events]})
    return set(rows.scalars())


async def park(connection: AsyncConnection, *, stream: str, stream_sequence: int, body: bytes, reason: str) -> None:
    await connection.execute(
        _PARK, {"stream": stream, "stream_sequence": stream_sequence, "body": body, "reason": reason}
    )
