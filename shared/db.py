"""PostgreSQL: the engine, and transactions that open and close in plain sight."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.cloudevents import AnyEnvelope
from shared.errors import Conflict, InvalidInput, Unavailable
from shared.outbox import append

type Begin[T] = Callable[[], AbstractAsyncContextManager[T]]


class DatabaseDown(Unavailable):
    """The database does not answer; nothing was changed."""

    zh = "系统暂时繁忙，本次没有提交成功，请稍后再试"


class Tx:
    """One open transaction: a connection, and the events it will have made true.

    A service's own `Tx` adds its repositories. `flush` runs once, just before the commit.
    """

    def __init__(self, connection: AsyncConnection, cause: AnyEnvelope | None = None) -> None:
        self.connection = connection
        self.cause = cause
        self.events: list[AnyEnvelope] = []
        self.after_commit: list[Callable[[], Awaitable[None]]] = []
        """Signals that may be lost (somebody looks again later): waking the relay, telling the watchers."""

    def emit(self, event: AnyEnvelope) -> None:
        self.events.append(event)

    async def flush(self) -> None:
        if self.events:
            await append(self.connection, self.events)


class Database:
    """One service's database, reached by its own URL and living in its own schema."""

    def __init__(self, url: str, *, schema: str, pool: int = 8) -> None:
        self.url, self.schema = url, schema
        self.on_events: Callable[[], Awaitable[None]] | None = None
        """Told after a commit that wrote events, so that the relay need not wait for its next look."""
        parts = urlsplit(url)
        self.engine: AsyncEngine = create_async_engine(
            parts._replace(scheme="postgresql+asyncpg").geturl(),
            pool_size=pool,
            max_overflow=0,
            pool_timeout=10,
            connect_args={"server_settings": server_settings(schema), "timeout": 5, "command_timeout": 60},
        )

    @asynccontextmanager
    async def begin[T: Tx](self, make: Callable[[AsyncConnection], T]) -> AsyncIterator[T]:
        """Commit when the block ends, roll back when it raises; what PostgreSQL says becomes a `DomainError`."""
        try:
            async with self.engine.connect() as connection, connection.begin():
                tx = make(connection)
                yield tx
                await tx.flush()
            if tx.events and self.on_events is not None:
                await self.on_events()
            for signal in tx.after_commit:
                await signal()
        except Exception as error:
            refused = domain_error(error)
            if refused is None:
                raise
            raise refused from error

    async def close(self) -> None:
        await self.engine.dispose()


def server_settings(schema: str) -> dict[str, str]:
    return {"search_path": schema, "application_name": f"huying-{schema}", "jit": "off", "timezone": "UTC"}


async def open_pool(url: str, *, schema: str, size: int) -> "asyncpg.Pool[Any]":
    """A plain asyncpg pool, for the few statements that are too hot for anything above the driver.

    It connects on first use, so a service starts while its database is still down.
    """
    pool = asyncpg.create_pool(
        url, min_size=0, max_size=size, server_settings=server_settings(schema), timeout=5, command_timeout=30
    )
    return await pool


# The driver's "internal" errors are what a connection says whose server died in the middle of an operation.
_SILENT = (exc.TimeoutError, OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)


def domain_error(error: Exception) -> Conflict | InvalidInput | Unavailable | None:
    """What a driver's error means to a caller; None when it is a bug of ours."""
    cause = error.orig if isinstance(error, exc.DBAPIError) else error
    state: str = getattr(cause, "sqlstate", None) or ""
    broken = isinstance(error, exc.DBAPIError) and (error.connection_invalidated or not state)
    silent = isinstance(error, _SILENT) or isinstance(cause, _SILENT)
    if silent or broken or state[:2] in {"08", "57", "53"}:
        return DatabaseDown(retry_after=2)
    if state[:2] == "40":
        return Conflict(retry_after=1)
    return InvalidInput() if state[:2] == "22" else None
