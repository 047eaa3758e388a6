"""The real desk on a real PostgreSQL and NATS, with a clock that stands still and the other services played."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from contracts import events
from services.router.app import MANIFEST
from services.router.settings import Settings
from services.router.store import Tx
from services.router.webhooks import Courier
from shared.app import create_app
from shared.clock import FixedClock, RealClock
from shared.context import Context
from shared.tokens import Actor, TokenIssuer
from tests.integration.router.desk import DEPARTMENT_KEY, KEY, START, House, Person, bearer, prepare, settings_for
from tests.integration.router.endpoints import Endpoint, listening


@pytest.fixture
async def database(template_database: Any, new_database: Any) -> str:
    url: str = await new_database(await template_database("router", prepare))
    return url


@pytest.fixture
async def app(database: str, nats_url: str, bus_prefix: str) -> AsyncIterator[FastAPI]:
    app = create_app(MANIFEST, settings_for(database, nats_url, bus_prefix))
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def house(app: FastAPI) -> House:
    context: Context[Settings, Tx] = app.state.context
    context.clock = clock = FixedClock(START)
    await context.bus.ready()
    await context.bus.ensure_streams(events.ALL)
    return House(context, clock)


@pytest.fixture
async def http(app: FastAPI, house: House) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk/v1") as client:
        yield client


type People = Callable[..., Person]


@pytest.fixture
def person(house: House, http: httpx.AsyncClient) -> People:
    issuer = TokenIssuer(json.dumps(KEY.as_dict(private=True)))

    def made(*roles: str, units: tuple[str, ...] = (), kind: Any = "staff") -> Person:
        actor = Actor(id="-".join(roles) or "nobody", kind=kind, roles=frozenset(roles), units=frozenset(units))
        return Person(http, bearer(issuer.issue(actor, now=house.clock.now(), lifetime=timedelta(days=90))))

    return made


@pytest.fixture
def dispatcher(person: People) -> Person:
    return person("dispatcher", units=("PS-C00",))


@pytest.fixture
def reviewer(person: People) -> Person:
    return person("reviewer", units=("PS-C00",))


@pytest.fixture
def unit(person: People) -> Person:
    """Manager and handler of 坪山街道办事处."""
    return person("unit_manager", "handler", units=("PS-S01",))


@pytest.fixture
def department(http: httpx.AsyncClient) -> Person:
    """The machine of 坪山街道 and 马峦街道."""
    return Person(http, bearer(DEPARTMENT_KEY))


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with listening() as made:
        yield made


@pytest.fixture
async def courier(house: House) -> AsyncIterator[Courier]:
    made = Courier(house.context, signed_at=RealClock().now, random=lambda: 0.5)
    yield made
    await made.close()
