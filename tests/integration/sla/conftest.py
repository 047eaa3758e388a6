"""The real stopwatch on a real PostgreSQL and NATS, with a clock that stands still and the other services played."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from joserfc.jwk import OKPKey
from pydantic import SecretStr
from sqlalchemy import text

from contracts import events
from contracts.events.intake import CaseSubmitted
from services.sla.app import MANIFEST, seed
from services.sla.settings import Settings
from services.sla.store import SlaTx
from services.sla.timers import Timers
from shared import migrate
from shared.app import create_app, open_context
from shared.clock import FixedClock
from shared.cloudevents import AnyEnvelope, Envelope, Event, EventReader
from shared.consumer import Consumer
from shared.context import Context
from shared.ids import new_id
from shared.tokens import Actor, TokenIssuer
from shared.worker import consumers_of, relay_of
from tests.integration.sla.said import submitted

KEY = OKPKey.generate_key("Ed25519", auto_kid=True)
START = datetime(2026, 9, 28, 2, 0, tzinfo=UTC)
"""Monday, 10:00 in Shenzhen; 1 to 7 October are holidays, 20 September and 10 October are worked."""


def settings_for(url: str, nats_url: str = "nats://127.0.0.1:9", prefix: str = "") -> Settings:
    return Settings(
        database_url=SecretStr(url),
        nats_url=nats_url,
        bus_prefix=prefix,
        token_keys=json.dumps({"keys": [KEY.as_dict(private=False)]}),
    )


async def prepare(url: str) -> None:
    await migrate.upgrade(url, schema="sla", folder=MANIFEST.migrations)
    async with open_context(MANIFEST, settings_for(url)) as context:
        await seed(context)


@dataclass
class House:
    """What a test needs of the stopwatch: say something as another service, hear it, move time, look."""

    context: Context[Settings, SlaTx]
    clock: FixedClock
    _said: Counter[tuple[UUID, str]] = field(default_factory=Counter)

    async def say(self, case_id: UUID, event: Event, *, at: datetime | None = None) -> AnyEnvelope:
        """As its publisher would have put it on its stream; heard only by `hear`."""
        self._said[case_id, event.PUBLISHER] += 1
        sequence, now = self._said[case_id, event.PUBLISHER], at or self.clock.now()
        if isinstance(event, CaseSubmitted) and event.received_at > now:
            event = event.model_copy(update={"received_at": now})
        said: AnyEnvelope = Envelope.of(event, case_id=case_id, sequence=sequence, now=now)
        await self.context.bus.jetstream.publish(self.context.bus.name(said.type), said.to_json())
        return said

    async def hear(self, *streams: str) -> None:
        """Run the real consumers until nothing waits on these streams (all of them when none is named)."""
        async with asyncio.timeout(20):
            for consumer in self.consumers():
                if not streams or consumer.stream in streams:
                    await consumer.run_once()
                    while await self._waiting(consumer.stream):
                        await consumer.run_once()
                    await consumer.close()

    def consumers(self) -> list[Consumer[SlaTx]]:
        return consumers_of(MANIFEST, self.context, patience=0.05)

    async def _waiting(self, stream: str) -> int:
        bus = self.context.bus
        info = await bus.jetstream.consumer_info(bus.name(stream), "sla")
        return (info.num_pending or 0) + (info.num_ack_pending or 0)

    async def told(self, case_id: UUID, *events_: Event) -> None:
        for event in events_:
            await self.say(case_id, event)
        await self.hear()

    def timers(self, batch: int = 500) -> Timers:
        return Timers(self.context.begin, self.context.clock, batch=batch)

    async def tick(self, **delta: float) -> list[AnyEnvelope]:
        """Let time pass and the timers fire; answers what they said."""
        before = len(await self.emitted())
        self.clock.advance(**delta)
        timers = self.timers()
        while await timers.run_once():
            pass
        return (await self.emitted())[before:]

    async def tick_to(self, at: datetime) -> list[AnyEnvelope]:
        return await self.tick(seconds=(at - self.clock.now()) / timedelta(seconds=1))

    async def emitted(self, kind: type[Event] | None = None) -> list[AnyEnvelope]:
        reader = EventReader(events.SLA)
        said = [reader.read(row.body) for row in await self.rows("SELECT body FROM outbox ORDER BY position")]
        return [event for event in said if kind is None or event.type == kind.TYPE]

    async def rows(self, query: str, **given: object) -> list[Any]:
        async with self.context.begin() as tx:
            return list((await tx.connection.execute(text(query), given)).all())

    async def clock_of(self, case_id: UUID, kind: str) -> Any:
        found = await self.rows("SELECT * FROM clocks WHERE case_id = :case AND kind = :kind", case=case_id, kind=kind)
        assert len(found) == 1, f"{len(found)} clocks {kind}"
        return found[0]

    async def publish(self) -> None:
        relay = relay_of(MANIFEST, self.context)
        while await relay.run_once():
            pass
        await relay.close()


@pytest.fixture
async def database(template_database: Any, new_database: Any) -> str:
    url: str = await new_database(await template_database("sla", prepare))
    return url


@pytest.fixture
async def app(database: str, nats_url: str, bus_prefix: str) -> AsyncIterator[FastAPI]:
    app = create_app(MANIFEST, settings_for(database, nats_url, bus_prefix))
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def house(app: FastAPI) -> House:
    context: Context[Settings, SlaTx] = app.state.context
    context.clock = clock = FixedClock(START)
    await context.bus.ready()
    await context.bus.ensure_streams(events.ALL)
    return House(context, clock)


@pytest.fixture
async def browser(app: FastAPI, house: House) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://sla/v1") as browser:
        yield browser


type Login = Callable[..., dict[str, str]]


@pytest.fixture
def login(house: House) -> Login:
    issuer = TokenIssuer(json.dumps(KEY.as_dict(private=True)))

    def headers(*roles: str, units: tuple[str, ...] = (), kind: Any = "staff") -> dict[str, str]:
        actor = Actor(id="someone", kind=kind, roles=frozenset(roles), units=frozenset(units))
        return {"Authorization": f"Bearer {issuer.issue(actor, now=house.clock.now(), lifetime=timedelta(days=60))}"}

    return headers


@pytest.fixture
async def case_id(house: House) -> UUID:
    """A case that has just come in."""
    case_id = new_id()
    await house.told(case_id, submitted(case_no="PS26092800000188"))
    return case_id
