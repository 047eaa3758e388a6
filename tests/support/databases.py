"""Owns the databases of a test run: one migrated template per name, and a fresh copy of it for every test."""

import os
import secrets
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg

RUN = "TEST_RUN"  # in the environment: set once per run, so that a server given from outside holds no stale template

type Connection = "asyncpg.Connection[asyncpg.Record]"
type Migrate = Callable[[str], Awaitable[object]]
type TemplateDatabase = Callable[[str, Migrate], Awaitable[str]]
type NewDatabase = Callable[..., Awaitable[str]]


def dsn(server: str, database: str) -> str:
    """The server's URL with another database."""
    return urlunsplit(urlsplit(server)._replace(path=f"/{database}"))


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def template_database(server: str, name: str, migrate: Migrate) -> str:
    """Makes the template called `name`, once per run over all workers: `migrate` gets its URL. Returns its real name."""
    template = f"{_run_prefix()}_{name}"
    async with connected(server) as admin:
        # Held until the connection closes; the others wait here while the first one migrates.
        await admin.execute("SELECT pg_advisory_lock($1)", zlib.crc32(template.encode()))
        if await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", template):
            return template
        building = f"{template}_building"
        await admin.execute(f'DROP DATABASE IF EXISTS "{building}" WITH (FORCE)')
        await admin.execute(f'CREATE DATABASE "{building}"')
        await migrate(dsn(server, building))
        await admin.execute(f'ALTER DATABASE "{building}" RENAME TO "{template}"')
    return template


async def create_database(server: str, template: str = "template1") -> str:
    """A fresh copy of a template; returns its URL."""
    name = f"{_run_prefix()}_{secrets.token_hex(6)}"
    async with connected(server) as admin:
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
    return dsn(server, name)


async def drop_database(server: str, url: str) -> None:
    name = urlsplit(url).path.lstrip("/")
    async with connected(server) as admin:
        await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


async def drop_all(server: str) -> None:
    """What the run left on a server that outlives it: its templates."""
    async with connected(server) as admin:
        left = await admin.fetch("SELECT datname FROM pg_database WHERE starts_with(datname, $1)", f"{_run_prefix()}_")
        for row in left:
            await admin.execute(f'DROP DATABASE "{row["datname"]}" WITH (FORCE)')


def _run_prefix() -> str:
    return f"test_{os.environ[RUN]}"
