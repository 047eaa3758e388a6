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
)
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.bulk import copy_in
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


_COLUMNS = ("event_id", "stream", "subject", "body")


def row(event: AnyEnvelope) -> tuple[object, ...]:
    """What `_COLUMNS` hold for an event."""
    return event.id, event.data.stream(), event.type, event.to_json()


async def append(connection: AsyncConnection, events: Sequence[AnyEnvelope]) -> None:
    await copy_in(connection, NAME, _COLUMNS, [row(event) for event in events])
