"""The real reply on a real PostgreSQL and NATS, with a clock that stands still and the other services played."""

import base64
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from fastapi import FastAPI
from joserfc.jwk import KeySet, OKPKey
from PIL import Image
from sqlalchemy import text

from contracts import events
from contracts.events.intake import ContactChanged
from services.feedback.app import MANIFEST
from services.feedback.settings import Settings
from services.feedback.store import Tx
from shared import migrate
from shared.app import create_app
from shared.clock import FixedClock
from shared.cloudevents import AnyEnvelope, Envelope, Event, EventReader
from shared.consumer import Consumer
from shared.context import Context
from shared.ids import new_id
from shared.tokens import Actor, TokenIssuer
from shared.vault import sealed
from shared.worker import consumers_of
from tests.unit.feedback.said import CODE, LEAD, dispatched, filed, number, promised, replied, submitted

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
SIGNING = OKPKey.generate_key("Ed25519")
SEALING = OKPKey.generate_key("X25519")


def key(letter: str) -> str:
    return base64.urlsafe_b64encode(letter.encode() * 32).decode()


def settings_for(database_url: str, nats_url: str = "nats://127.0.0.1:9", **more: Any) -> Settings:
    return Settings(
        **{
            "database_url": database_url,
            "nats_url": nats_url,
            "token_keys": json.dumps(KeySet([SIGNING]).as_dict(private=False)),
            "look_up_key": key("l"),
            "seal_key": json.dumps(SEALING.as_dict(private=True)),
            "vault_keys": f"a:{key('a')}",
            "vault_current": "a",
            "photos_url": "memory://",
            "hold_seconds": 0.3,
            "look_up_hold_seconds": 0.05,
            "catch_up_seconds": 0.5,
            **more,
        }
    )


async def prepare(url: str) -> None:
    await migrate.upgrade(url, schema="feedback", folder=MANIFEST.migrations)


@dataclass
class House:
    """Say something as another service, have it heard, look at what came of it."""

    context: Context[Settings, Tx]
    http: httpx.AsyncClient
    clock: FixedClock
    app: FastAPI
    _said: Counter[tuple[UUID, str]] = field(default_factory=Counter)

    async def say(self, case_id: UUID, *said: Event) -> list[AnyEnvelope]:
        """As their publishers would have put them on their streams; heard only by `hear`."""
        envelopes = []
        for event in said:
            loose = event.TYPE in ("contact.changed.v1", "citizen.erased.v1")
            self._said[case_id, event.PUBLISHER] += not loose
            sequence = 0 if loose else self._said[case_id, event.PUBLISHER]
            envelopes.append(Envelope.of(event, case_id=case_id, sequence=sequence, now=self.clock.now()))
            await self.publish(envelopes[-1])
        return envelopes

    async def publish(self, envelope: AnyEnvelope) -> None:
        await self.context.bus.jetstream.publish(self.context.bus.name(envelope.type), envelope.to_json())

    def consumers(self) -> list[Consumer[Tx]]:
        return consumers_of(MANIFEST, self.context, patience=0.05)

    async def hear(self, *streams: str) -> None:
        """Run the real consumers until nothing waits on these streams (all of them when none is named)."""
        for consumer in self.consumers():
            if not streams or consumer.stream in streams:
                await consumer.run_once()
                while await self._waiting(consumer.stream):
                    await consumer.run_once()
                await consumer.close()

    async def _waiting(self, stream: str) -> int:
        bus = self.context.bus
        info = await bus.jetstream.consumer_info(bus.name(stream), "feedback")
        return (info.num_pending or 0) + (info.num_ack_pending or 0)

    async def told(self, case_id: UUID, *said: Event) -> None:
        await self.say(case_id, *said)
        await self.hear()

    async def contact(self, citizen_id: UUID, **points: str | None) -> None:
        contact = {"phone": None, "openid": None, "mail": None, **points}
        token = sealed(contact, SEALING.as_dict(private=False))
        await self.told(citizen_id, ContactChanged(citizen_id=citizen_id, sealed=token))

    async def rows(self, query: str, **given: object) -> list[Any]:
        async with self.context.begin() as tx:
            return list((await tx.connection.execute(text(query), given)).all())

    async def emitted(self) -> list[AnyEnvelope]:
        reader = EventReader(events.FEEDBACK)
        return [reader.read(row.body) for row in await self.rows("SELECT body FROM outbox ORDER BY position")]

    def token(self, kind: Any, who: object, *roles: str, units: tuple[str, ...] = ()) -> dict[str, str]:
        actor = Actor(str(who), kind, frozenset(roles), frozenset(units))
        issuer = TokenIssuer(json.dumps(SIGNING.as_dict(private=True)))
        return {"Authorization": f"Bearer {issuer.issue(actor, now=self.clock.now(), lifetime=timedelta(days=9))}"}

    async def view(self, case: "Case", **headers: str) -> dict[str, Any]:
        answer = await self.http.get(f"/v1/progress/{case.case_no}", headers=headers or case.code)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = orjson.loads(answer.content)
        return body


@dataclass(frozen=True)
class Case:
    """A case somebody has submitted, and the order its lead unit was given."""

    case_id: UUID
    case_no: str
    citizen_id: UUID
    order_id: UUID

    @property
    def code(self) -> dict[str, str]:
        return {"X-Lookup-Code": CODE}


def jpeg(color: str = "red", size: tuple[int, int] = (64, 48)) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, color).save(out, "JPEG")
    return out.getvalue()


@pytest.fixture
async def database(template_database: Any, new_database: Any) -> str:
    url: str = await new_database(await template_database("feedback", prepare))
    return url


type OpenHouse = Callable[..., Any]


@pytest.fixture
def open_house(database: str, nats_url: str, bus_prefix: str) -> OpenHouse:
    """`async with open_house(hold_seconds=…) as house` starts one more process of the same service."""

    @asynccontextmanager
    async def opened(**more: Any) -> AsyncIterator[House]:
        app = create_app(MANIFEST, settings_for(database, nats_url, bus_prefix=bus_prefix, **more))
        async with app.router.lifespan_context(app):
            context = app.state.context
            context.clock = clock = FixedClock(NOW)
            await context.bus.ready()
            await context.bus.ensure_streams(events.ALL)
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://reply.test") as http:
                yield House(context, http, clock, app)

    return opened


@pytest.fixture
async def house(open_house: OpenHouse) -> AsyncIterator[House]:
    async with open_house() as opened:
        yield opened


@pytest.fixture
async def case(house: House) -> Case:
    """Submitted, filed with a promised time, and dispatched to its lead unit."""
    return await begun(house)


async def begun(house: House, serial: int = 1, citizen_id: UUID | None = None) -> Case:
    case = Case(new_id(), number(serial), citizen_id or new_id(), new_id())
    key_bytes = base64.urlsafe_b64decode(key("l"))
    await house.say(case.case_id, submitted(serial, citizen_id=case.citizen_id, key=key_bytes))
    await house.say(case.case_id, filed(), dispatched(case.order_id), promised())
    await house.hear()
    return case


async def answered(house: House, case: Case, *photo_ids: UUID, turn: int = 1) -> None:
    await house.told(case.case_id, replied(case.order_id, *photo_ids, turn=turn))


UNIT_HANDLER = {"roles": ("handler",), "units": (LEAD[0],)}
