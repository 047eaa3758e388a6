"""What a test needs of the desk: its settings, a house that hears and says, and people with tokens."""

import asyncio
import json
from base64 import urlsafe_b64encode
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
from joserfc.jwk import OKPKey
from sqlalchemy import text

from contracts import events
from contracts.events.feedback import PhotoTaken
from contracts.events.intake import CaseSubmitted, Place
from services.router.app import MANIFEST
from services.router.settings import Settings
from services.router.store import Tx
from shared.clock import FixedClock
from shared.cloudevents import AnyEnvelope, Envelope, Event, EventReader
from shared.consumer import Consumer
from shared.context import Context
from shared.ids import new_id
from shared.main import migrate_and_seed
from shared.worker import consumers_of, relay_of

KEY = OKPKey.generate_key("Ed25519", auto_kid=True)
START = datetime(2026, 9, 14, 2, 0, tzinfo=UTC)
"""A Monday, 10:00 in Shenzhen."""
VAULT_KEY = urlsafe_b64encode(bytes(range(32))).decode()
PASSWORD = "correct horse battery"
DEPARTMENT_KEY = "hyk_department-of-housing-in-the-tests-01"
GARBAGE = "0101001"
"""Simple process, photo required; in 坪山街道 it goes to PS-S01."""


def settings_for(url: str, nats_url: str = "nats://127.0.0.1:9", prefix: str = "", **more: Any) -> Settings:
    account = {
        "login": "dispatcher",
        "password": PASSWORD,
        "name": "分拨员",
        "roles": ["dispatcher"],
        "units": ["PS-C00"],
    }
    key = {"key": DEPARTMENT_KEY, "name": "坪山街道业务系统", "roles": ["department"], "units": ["PS-S01", "PS-S02"]}
    values = {
        "database_url": url,
        "nats_url": nats_url,
        "bus_prefix": prefix,
        "token_keys": json.dumps({"keys": [KEY.as_dict(private=False)]}),
        "signing_key": json.dumps(KEY.as_dict(private=True)),
        "vault_keys": f"first:{VAULT_KEY}",
        "vault_current": "first",
        "first_accounts": json.dumps([account]),
        "first_api_keys": json.dumps([key]),
        "webhook_private_targets": True,
        "learn_at_start": False,
        "webhook_retry_seconds": (10, 60),
        **more,
    }
    return Settings(**values)


async def prepare(url: str) -> None:
    await migrate_and_seed(MANIFEST, settings_for(url))


def submitted(**more: Any) -> CaseSubmitted:
    values = {
        "case_no": "PS26091400000188",
        "look_up_hash": "ab" * 32,
        "channel_code": "wechat_pingshan",
        "origin_channel_code": "wechat_pingshan",
        "citizen_id": new_id(),
        "type_code": "complaint",
        "category_code": GARBAGE,
        "title": "垃圾没人清运",
        "text": "巷口的垃圾堆了三天没人拉，苍蝇乱飞",
        "place": Place(address="六联社区某巷口", area_code="440310001"),
        "received_at": START,
        **more,
    }
    return CaseSubmitted(**values)


@dataclass
class House:
    """What a test needs of the desk: say something as another service, hear it, act, look."""

    context: Context[Settings, Tx]
    clock: FixedClock
    _said: Counter[tuple[UUID, str]] = field(default_factory=Counter)

    async def say(self, case_id: UUID, event: Event, *, loose: bool = False) -> AnyEnvelope:
        """As its publisher would have put it on its stream; heard only by `hear`."""
        self._said[case_id, event.PUBLISHER] += 0 if loose else 1
        sequence = 0 if loose else self._said[case_id, event.PUBLISHER]
        said: AnyEnvelope = Envelope.of(event, case_id=case_id, sequence=sequence, now=self.clock.now())
        await self.context.bus.jetstream.publish(self.context.bus.name(said.type), said.to_json())
        return said

    async def hear(self) -> None:
        """Run the real consumers until nothing waits."""
        async with asyncio.timeout(20):
            for consumer in self.consumers():
                await consumer.run_once()
                while await self._waiting(consumer.stream):
                    await consumer.run_once()
                await consumer.close()

    def consumers(self) -> list[Consumer[Tx]]:
        return consumers_of(MANIFEST, self.context, patience=0.05)

    async def _waiting(self, stream: str) -> int:
        bus = self.context.bus
        info = await bus.jetstream.consumer_info(bus.name(stream), "router")
        return (info.num_pending or 0) + (info.num_ack_pending or 0)

    async def told(self, case_id: UUID, *said: Event) -> None:
        for event in said:
            await self.say(case_id, event)
        await self.hear()

    async def submit(self, **more: Any) -> UUID:
        case_id = new_id()
        await self.told(case_id, submitted(**more))
        return case_id

    async def photo(self, case_id: UUID, order_id: UUID | str) -> UUID:
        photo = PhotoTaken(
            photo_id=new_id(), order_id=UUID(str(order_id)), kind="after", sha256="cd" * 32, taken_at=self.clock.now()
        )
        await self.told(case_id, photo)
        return photo.photo_id

    async def emitted(self, case_id: UUID | None = None) -> list[AnyEnvelope]:
        reader = EventReader(events.ROUTER)
        said = [reader.read(row.body) for row in await self.rows("SELECT body FROM outbox ORDER BY position")]
        return [event for event in said if case_id in (None, event.case_id)]

    async def kinds(self, case_id: UUID) -> list[str]:
        return [event.type.removesuffix(".v1") for event in await self.emitted(case_id)]

    async def rows(self, query: str, **given: object) -> list[Any]:
        async with self.context.begin() as tx:
            return list((await tx.connection.execute(text(query), given)).all())

    async def orders(self, case_id: UUID) -> list[Any]:
        return await self.rows("SELECT * FROM orders WHERE case_id = :case ORDER BY order_id", case=case_id)

    async def lead(self, case_id: UUID) -> UUID:
        leads = [order for order in await self.orders(case_id) if order.role == "lead"]
        order_id: UUID = leads[-1].order_id
        return order_id

    async def publish(self) -> None:
        relay = relay_of(MANIFEST, self.context)
        while await relay.run_once():
            pass
        await relay.close()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@dataclass
class Person:
    """Somebody with a token and a browser."""

    http: httpx.AsyncClient
    headers: dict[str, str]

    async def get(self, path: str, **query: Any) -> httpx.Response:
        return await self.http.get(path, headers=self.headers, params=query)

    async def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return await self.http.post(path, json=body, headers={**self.headers, **headers})

    async def did(self, path: str, body: Any = None, **headers: str) -> Any:
        """Post, and what it answered, which must be good."""
        answer = await self.post(path, body, **headers)
        assert answer.is_success, answer.text
        return answer.json()
