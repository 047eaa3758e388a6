"""The outbox: an event is a row written in the transaction that made it true."""

from collections.abc import Sequence

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
    insert,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.cloudevents import AnyEnvelope

NAME = "outbox"


def outbox_table(metadata: MetaData) -> Table:
    """The table every publishing service has in its schema."""
    return Table(
        NAME,
        metadata,
        Column("position", BigInteger, Identity(always=True), primary_key=True),
        Column("event_id", Uuid, nullable=False),
        Column("stream", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("published_at", DateTime(timezone=True)),
        Column("stream_sequence", BigInteger),
        Index("ix_outbox_unpublished", "position", postgresql_where="published_at IS NULL"),
        Index("ix_outbox_published", "published_at", postgresql_where="published_at IS NOT NULL"),
    )


_rows = outbox_table(MetaData())
_insert = insert(_rows)


def row(event: AnyEnvelope) -> dict[str, object]:
    return {
        "event_id": event.id,
        "stream": event.data.stream(),
        "subject": event.type,
        "body": event.to_json(),
    }


async def append(connection: AsyncConnection, events: Sequence[AnyEnvelope]) -> None:
    await connection.execute(_insert, [row(event) for event in events])
