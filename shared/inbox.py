"""The inbox: what has been applied is written in the transaction of its effect, so a second sight does nothing.

Events on a case carry their place in the order (`sequence`, without a gap per publisher), so one row per case and
publisher remembers all of them and tells a repeated event from one that came too early. Events outside any case, and
those of streams a service reads without regard to order, are remembered by id.
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
    func,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.bulk import driver_of
from shared.cloudevents import AnyEnvelope
from shared.outbox import outbox_table

type Key = tuple[UUID, str]
"""A case and a publisher."""
type Cursors = dict[Key, int]
type Runs = dict[Key, tuple[int, int]]
"""First and last sequence of events that follow one another."""


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


_ADVANCE = """
WITH locked AS MATERIALIZED (SELECT count(pg_advisory_xact_lock(k)) FROM unnest($1::bigint[]) k)
INSERT INTO inbox_cursors AS c (case_id, publisher, sequence)
SELECT run.case_id, run.publisher, run.last
FROM locked, unnest($2::uuid[], $3::text[], $4::bigint[], $5::bigint[]) AS run(case_id, publisher, first, last)
WHERE run.first = 1
   OR EXISTS (SELECT 1 FROM inbox_cursors k WHERE k.case_id = run.case_id AND k.publisher = run.publisher)
ON CONFLICT (case_id, publisher) DO UPDATE SET sequence = excluded.sequence
WHERE c.sequence = (SELECT first FROM unnest($2::uuid[], $3::text[], $4::bigint[]) AS r(case_id, publisher, first)
                    WHERE r.case_id = c.case_id AND r.publisher = c.publisher) - 1
RETURNING case_id, publisher
"""
_SEEN = "SELECT case_id, publisher, sequence FROM inbox_cursors WHERE case_id = ANY($1::uuid[])"
_SAVE = """
INSERT INTO inbox_cursors (case_id, publisher, sequence) SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[])
ON CONFLICT (case_id, publisher) DO UPDATE SET sequence = excluded.sequence
"""
_CLAIM = "INSERT INTO inbox (event_id) SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING RETURNING event_id"
_PARK = "INSERT INTO parked (stream, stream_sequence, body, reason) VALUES ($1, $2, $3, $4)"


async def advance(connection: AsyncConnection, runs: Runs) -> set[Key]:
    """Lock the cases, and move those cursors that stand just before their run; answers which have moved.

    No two workers apply the same case at once; the order of locking keeps them from waiting for each other. Locks and
    cursors go in one statement because the cursor's own row decides, whatever the statement saw when it began; what is
    read of the cases must be read by a later one.
    """
    keys = sorted({case.int & ((1 << 63) - 1) for case, _ in runs})
    cases, publishers = [case for case, _ in runs], [publisher for _, publisher in runs]
    firsts, lasts = [first for first, _ in runs.values()], [last for _, last in runs.values()]
    # Through SQLAlchemy, which begins the transaction with it; mostly this is the first statement.
    rows = await connection.exec_driver_sql(_ADVANCE, (keys, cases, publishers, firsts, lasts))
    return {(UUID(int=row.case_id.int), row.publisher) for row in rows}


async def known(connection: AsyncConnection, cases: Iterable[UUID]) -> Cursors:
    """Read after `advance` has locked the cases."""
    driver = await driver_of(connection)
    rows = await driver.fetch(_SEEN, list(set(cases)))
    return {(row["case_id"], row["publisher"]): row["sequence"] for row in rows}


async def remember(connection: AsyncConnection, cursors: Cursors) -> None:
    if cursors:
        driver = await driver_of(connection)
        cases, publishers = [case for case, _ in cursors], [publisher for _, publisher in cursors]
        await driver.execute(_SAVE, cases, publishers, list(cursors.values()))


async def claim(connection: AsyncConnection, events: Sequence[AnyEnvelope]) -> set[UUID]:
    """Of events whose order does not matter: those never seen before."""
    driver = await driver_of(connection)
    return {row["event_id"] for row in await driver.fetch(_CLAIM, [event.id for event in events])}


async def park(connection: AsyncConnection, *, stream: str, stream_sequence: int, body: bytes, reason: str) -> None:
    driver = await driver_of(connection)
    await driver.execute(_PARK, stream, stream_sequence, body, reason)
