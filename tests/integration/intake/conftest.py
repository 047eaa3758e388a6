"""Owns a running register for every test: its own database, bus names, photo folder and fake WeChat."""

import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI
from joserfc.jwk import KeySet, OKPKey
from PIL import Image
from sqlalchemy import text

from services.intake.app import MANIFEST
from services.intake.parts import Parts
from services.intake.settings import Settings
from services.intake.store import Tx
from services.intake.wechat import WeChatLogin
from services.intake.wechat_fake import DEMO_APPID, DEMO_SECRET, demo_server
from shared import apikeys
from shared.app import create_app
from shared.clock import FixedClock
from shared.context import Context
from shared.ids import new_id
from shared.main import migrate_and_seed
from shared.tokens import Actor, TokenIssuer

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SIGNING = OKPKey.generate_key("Ed25519")
SEALING = OKPKey.generate_key("X25519")
HOTLINE_KEY = "hyk_the-hotline-of-the-tests"


def key(letter: str) -> str:
    return base64.urlsafe_b64encode(letter.encode() * 32).decode()


def settings_for(database_url: str, nats_url: str, bus_prefix: str, photos: str, **more: Any) -> Settings:
    return Settings(
        **{
            "database_url": database_url,
            "nats_url": nats_url,
            "bus_prefix": bus_prefix,
            "token_keys": json.dumps(KeySet([SIGNING]).as_dict(private=False)),
            "signing_key": json.dumps(SIGNING.as_dict(private=True)),
            "vault_keys": f"a:{key('a')}",
            "vault_current": "a",
            "index_key": key("i"),
            "look_up_key": key("l"),
            "feedback_jwk": json.dumps(SEALING.as_dict(private=False)),
            "wechat_url": "https://wechat.test",
            "wechat_appid": DEMO_APPID,
            "wechat_secret": DEMO_SECRET,
            "photos_url": photos,
            "first_api_keys": json.dumps([{"key": HOTLINE_KEY, "name": "hotline", "roles": ["operator_system"]}]),
            **more,
        }
    )


@dataclass
class House:
    """One running register, as its callers and its database see it."""

    context: Context[Settings, Tx]
    http: httpx.AsyncClient
    clock: FixedClock
    app: FastAPI

    @property
    def parts(self) -> Parts:
        return Parts.of(self.context)

    def token(self, kind: str, name: str, *roles: str, units: tuple[str, ...] = (), days: float = 1) -> dict[str, str]:
        actor = Actor(name, kind, frozenset(roles), frozenset(units))
        issued = TokenIssuer(json.dumps(SIGNING.as_dict(private=True)))
        return bearer(issued.issue(actor, now=self.clock.now(), lifetime=timedelta(days=days)))

    async def citizen(self, name: str) -> dict[str, str]:
        answer = await self.http.post("/v1/sessions/wechat", json={"code": f"demo-{name}.{new_id()}"})
        assert answer.status_code == 201, answer.text
        return bearer(answer.json()["token"])

    async def rows(self, query: str, **values: Any) -> list[Any]:
        async with self.context.begin() as tx:
            return list((await tx.connection.execute(text(query), values)).all())

    async def events(self, kind: str = "%") -> list[dict[str, Any]]:
        query = "SELECT body FROM outbox WHERE subject LIKE :kind ORDER BY position"
        return [orjson.loads(row.body) for row in await self.rows(query, kind=kind)]

    async def counts(self) -> dict[str, int]:
        tables = ("cases", "raw_payloads", "persons", "idempotency_keys", "outbox", "attachments", "contact_reads")
        return {table: (await self.rows(f"SELECT count(*) AS n FROM {table}"))[0].n for table in tables}

    async def upload(self, headers: dict[str, str], data: bytes | None = None, **more: Any) -> httpx.Response:
        return await self.http.post(
            "/v1/attachments", files={"file": ("x.jpg", data or jpeg(), "image/jpeg")}, headers={**headers, **more}
        )


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


HOTLINE = bearer(HOTLINE_KEY)


def jpeg(color: str = "red", size: tuple[int, int] = (64, 48)) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, color).save(out, "JPEG")
    return out.getvalue()


def call(**more: Any) -> dict[str, Any]:
    return {"call_id": "C-1", "caller": {"phone": "13812345678", "name": "张三"}, "text": "小区门口井盖破损", **more}


@pytest.fixture
async def database(template_database, new_database, nats_url) -> str:
    async def migrate(url: str) -> None:
        await migrate_and_seed(MANIFEST, settings_for(url, nats_url, "", "memory://"))

    return await new_database(await template_database("intake", migrate))


type OpenHouse = Callable[..., Any]


@pytest.fixture
def open_house(database: str, nats_url: str, bus_prefix: str, tmp_path) -> OpenHouse:
    """`async with open_house(vault_current="b", …) as house` starts one more process of the same register."""

    @asynccontextmanager
    async def opened(**more: Any) -> AsyncIterator[House]:
        values = {"database_url": database, "nats_url": nats_url, "bus_prefix": bus_prefix, **more}
        settings = settings_for(photos=str(tmp_path / "photos"), **values)
        app = create_app(MANIFEST, settings)
        async with app.router.lifespan_context(app):
            context = app.state.context
            if values["nats_url"] == nats_url:
                await context.bus.ready()
            context.clock = clock = FixedClock(NOW)
            wechat = httpx.AsyncClient(transport=httpx.ASGITransport(demo_server()), base_url="https://wechat.test")
            login = WeChatLogin(wechat, appid=DEMO_APPID, secret=DEMO_SECRET)
            object.__setattr__(Parts.of(context), "wechat", login)
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with wechat, httpx.AsyncClient(transport=transport, base_url="http://register.test") as http:
                yield House(context, http, clock, app)

    return opened


@pytest.fixture
async def house(open_house: OpenHouse) -> AsyncIterator[House]:
    async with open_house() as opened:
        yield opened


@pytest.fixture
async def keys_of(house: House):
    """An operator's key can be made within a test."""

    async def make(name: str, *roles: str) -> dict[str, str]:
        async with house.context.begin() as tx:
            return bearer(await apikeys.create(tx.connection, name=name, roles=list(roles), units=[]))

    return make
