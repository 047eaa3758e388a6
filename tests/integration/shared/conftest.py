"""Two toy services, `intake` (which speaks) and `sla` (which listens), on a real PostgreSQL and a real NATS."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Column, MetaData, Table, Text, Uuid, insert, select, text

from contracts.events.intake import CitizenErased
from shared.bus import Bus
from shared.clock import FixedClock
from shared.cloudevents import AnyEnvelope, Envelope
from shared.consumer import Consumer
from shared.db import Database, Tx
from shared.ids import new_id
from shared.inbox import mechanism_tables
from shared.relay import Relay

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


metadata = MetaData()
mechanism_tables(metadata)
effects = Table("effects", metadata, Column("event_id", Uuid, primary_key=True), Column("what", Text))


async def migrate(url: str) -> None:
    for schema in ("intake", "sla"):
        database = Database(url, schema=schema, pool=1)
        async with database.engine.begin() as connection:
            await connection.execute(text(f"CREATE SCHEMA {schema}"))
            await connection.run_sync(metadata.create_all)
        await database.close()


@dataclass
class Toys:
    url: str
    bus: Bus
    talker: Database
    listener: Database
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))
    failing: Callable[[AnyEnvelope], Exception | None] = lambda _: None

    def begin(self) -> AbstractAsyncContextManager[Tx]:
        return self.listener.begin(Tx)

    async def say(self, case: UUID, *sequences: int) -> list[AnyEnvelope]:
        said = [
            Envelope.of(CitizenErased(citizen_id=case), case_id=case, sequence=sequence, now=NOW)
            for sequence in sequences
        ]
        async with self.talker.begin(Tx) as tx:
            for event in said:
                tx.emit(event)
        return said

    def relay(self) -> Relay:
        return Relay(self.bus, self.url, service="intake", publishes=[CitizenErased], retention=3600)

    def consumer(self) -> Consumer[Tx]:
        return Consumer(
            self.bus,
            self.begin,
            self.clock,
            service="sla",
            stream="INTAKE",
            handlers={CitizenErased: self.apply},
            ack_wait=1.0,
            patience=0.05,
        )

    async def apply(self, tx: Tx, event: Envelope[CitizenErased], now: datetime) -> None:
        error = self.failing(event)
        if error is not None:
            raise error
        await tx.connection.execute(insert(effects), {"event_id": event.id, "what": str(event.sequence)})

    async def applied(self) -> list[UUID]:
        async with self.listener.begin(Tx) as tx:
            return list((await tx.connection.execute(select(effects.c.event_id))).scalars())

    async def rows(self, query: str, *, of: str = "intake") -> list[Any]:
        database = self.talker if of == "intake" else self.listener
        async with database.begin(Tx) as tx:
            return list((await tx.connection.execute(text(query))).all())

    async def stream_size(self) -> int:
        info = await self.bus.jetstream.stream_info(self.bus.name("INTAKE"))
        return info.state.messages


async def until(consumer: Consumer[Tx], done: Callable[[], Awaitable[bool]]) -> None:
    """Rounds of the consumer until it is so; redeliveries need their delay, so rounds are bounded by time."""
    async with asyncio.timeout(20):
        while not await done():
            await consumer.run_once()


@pytest.fixture
async def toys(template_database: Any, new_database: Any, nats_url: str, bus_prefix: str) -> AsyncIterator[Toys]:
    url = await new_database(await template_database("shared", migrate))
    bus = Bus(nats_url, name="test", prefix=bus_prefix)
    bus.start()
    await bus.ready()
    toys = Toys(url, bus, Database(url, schema="intake", pool=4), Database(url, schema="sla", pool=4))
    yield toys
    await bus.close()
    await toys.talker.close()
    await toys.listener.close()


@pytest.fixture
def case_id() -> UUID:
    return new_id()
