"""The stopwatch alone on a database of its own, under a clock the tour moves: facts in, doors, timers, and what it said."""

import json
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any
from uuid import UUID

import httpx
from joserfc.jwk import OKPKey
from pydantic import SecretStr
from sqlalchemy import text

from contracts import events
from deploy.standalone.ports import free_port
from deploy.standalone.postgres import Postgres
from deploy.tour.people import Refused
from services.sla.app import MANIFEST, seed
from services.sla.consumers import CONSUMES
from services.sla.settings import Settings
from services.sla.store import SlaTx
from services.sla.timers import Timers
from shared import migrate
from shared.app import create_app
from shared.clock import FixedClock
from shared.cloudevents import AnyEnvelope, Envelope, Event, EventReader
from shared.context import Context
from shared.tokens import Actor, TokenIssuer

NOWHERE = "nats://127.0.0.1:9"
"""Nothing listens there: the tour hands the facts to the handlers itself, in the order it tells them."""
LONG = timedelta(days=400)


@dataclass
class Stopwatch:
    """The service, its door, its timers and its clock."""

    context: Context[Settings, SlaTx]
    browser: httpx.AsyncClient
    issuer: TokenIssuer
    clock: FixedClock
    _said: Counter[tuple[UUID, str]] = field(default_factory=Counter)

    async def hear(self, case_id: UUID, *facts: Event) -> None:
        """What other services say now, each in a transaction of its own."""
        for fact in facts:
            self._said[case_id, fact.PUBLISHER] += 1
            now, sequence = self.clock.now(), self._said[case_id, fact.PUBLISHER]
            handler = CONSUMES.get(type(fact))
            if handler is None:
                continue  # a return, for one, is none of the stopwatch's business
            said: AnyEnvelope = Envelope.of(fact, case_id=case_id, sequence=sequence, now=now)
            async with self.context.begin() as tx:
                tx.cause = said
                await handler(tx, said, now)

    async def until(self, at: datetime) -> None:
        """Let time pass: every timer fires at its own instant."""
        timers = Timers(self.context.begin, self.clock)
        while True:
            [row] = await self.rows(
                "SELECT least((SELECT min(due_at) FROM timers), (SELECT min(due_at) FROM alarms)) AS at"
            )
            if row.at is None or row.at > at:
                break
            self.clock.at = max(self.clock.at, row.at)
            while await timers.run_once():
                pass
        self.clock.at = max(self.clock.at, at)

    async def asleep_until(self, at: datetime) -> None:
        """A downtime: time passes and nobody looks; then the backlog is met."""
        self.clock.at = at
        timers = Timers(self.context.begin, self.clock)
        while await timers.run_once():
            pass

    async def do(self, who: Actor, method: str, path: str, body: object = None) -> httpx.Response:
        token = self.issuer.issue(who, now=self.clock.now(), lifetime=LONG)
        return await self.browser.request(method, path, json=body, headers={"Authorization": f"Bearer {token}"})

    async def done(self, who: Actor, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Refused when the answer is a no."""
        answer = await self.do(who, method, path, body)
        if not answer.is_success:
            raise Refused(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return dict(answer.json())

    async def told(self, case_id: UUID | None = None) -> list[AnyEnvelope]:
        reader = EventReader(events.SLA)
        said = [reader.read(row.body) for row in await self.rows("SELECT body FROM outbox ORDER BY position")]
        return [event for event in said if case_id in (None, event.case_id)]

    async def rows(self, query: str, **given: object) -> list[Any]:
        async with self.context.begin() as tx:
            return list((await tx.connection.execute(text(query), given)).all())


@asynccontextmanager
async def stopwatch(at: datetime) -> AsyncIterator[Stopwatch]:
    """Made for the tour and gone afterwards."""
    key = OKPKey.generate_key("Ed25519", auto_kid=True)
    with tempfile.TemporaryDirectory(prefix="huying-tour-") as folder:
        place = Path(folder)
        server = Postgres(place / "postgres", free_port(), password=token_hex(8), log=place / "postgres.log")
        server.start()
        try:
            await migrate.upgrade(server.url(), schema="sla", folder=MANIFEST.migrations)
            settings = Settings(
                database_url=SecretStr(server.url()),
                nats_url=NOWHERE,
                token_keys=json.dumps({"keys": [key.as_dict(private=False)]}),
            )
            app = create_app(MANIFEST, settings)
            transport = httpx.ASGITransport(app=app)
            async with (
                app.router.lifespan_context(app),
                httpx.AsyncClient(transport=transport, base_url="http://sla/v1") as browser,
            ):
                context: Context[Settings, SlaTx] = app.state.context
                context.clock = clock = FixedClock(at)
                await seed(context)
                yield Stopwatch(context, browser, TokenIssuer(json.dumps(key.as_dict(private=True))), clock)
        finally:
            server.kill()
