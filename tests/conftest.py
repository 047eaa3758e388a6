"""Owns what every test may ask for: a real PostgreSQL and NATS, a fresh database, and subjects of its own."""

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncIterator

import nats
import pytest
from hypothesis import HealthCheck, settings
from nats.js.errors import NotFoundError

from tests.support import databases
from tests.support.databases import NewDatabase, TemplateDatabase
from tests.support.servers import GIVEN, SOCKET, SharedServers, server_url

# A busy machine is no fault of the code: no example has a time limit, and slow drawing is no failure.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

# A developer's own settings must not reach the code under test.
for name in [n for n in os.environ if n.startswith(("INTAKE_", "ROUTER_", "SLA_", "FEEDBACK_", "HUYING_"))]:
    del os.environ[name]

SHARED = pytest.StashKey[SharedServers]()


def pytest_configure(config: pytest.Config) -> None:
    if SOCKET not in os.environ:  # the first process of the run; its workers inherit the environment
        os.environ[databases.RUN] = secrets.token_hex(4)
        config.stash[SHARED] = SharedServers()
        config.stash[SHARED].open()


def pytest_unconfigure(config: pytest.Config) -> None:
    if shared := config.stash.get(SHARED, None):
        shared.close()
        if given := os.environ.get(GIVEN["postgres"]):
            asyncio.run(databases.drop_all(given))


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """The superuser's URL of a running server; a server that does not start fails the test."""
    return server_url("postgres")


@pytest.fixture(scope="session")
def nats_url() -> str:
    """The URL of a running server with JetStream."""
    return server_url("nats")


@pytest.fixture(scope="session")
def template_database(postgres_url: str) -> TemplateDatabase:
    """`await template_database(name, migrate)` migrates once per run, over all workers; returns the template's name."""

    async def make(name: str, migrate: databases.Migrate) -> str:
        return await databases.template_database(postgres_url, name, migrate)

    return make


@pytest.fixture
async def new_database(postgres_url: str) -> AsyncIterator[NewDatabase]:
    """`await new_database(template)` returns the URL of a copy, dropped after the test."""
    made: list[str] = []

    async def make(template: str = "template1") -> str:
        made.append(await databases.create_database(postgres_url, template))
        return made[-1]

    yield make
    for url in made:
        await databases.drop_database(postgres_url, url)


@pytest.fixture
async def bus_prefix(nats_url: str) -> AsyncIterator[str]:
    """Begins the names of this test's streams and subjects, e.g. `t3f2a1c`; its streams are deleted after the test."""
    prefix = f"t{secrets.token_hex(4)}"
    yield prefix
    link = await nats.connect(nats_url)
    try:
        manager = link.jsm()
        for name in await _stream_names(link):
            if prefix in name.lower():  # also KV_<prefix>… and OBJ_<prefix>…
                with contextlib.suppress(NotFoundError):  # a relay of the same test may have been making it anew
                    await manager.delete_stream(name)
    finally:
        await link.close()


async def _stream_names(link: nats.NATS) -> list[str]:
    names: list[str] = []
    manager = link.jsm()
    while page := [info.config.name or "" for info in await manager.streams_info(offset=len(names))]:
        names += page
    return names
