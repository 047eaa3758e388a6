"""API keys for machines (telephone systems, departments): shown once, kept only as a hash."""

import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Column, DateTime, MetaData, Table, Text, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.errors import Unauthenticated
from shared.tokens import Actor

PREFIX = "hyk_"
REMEMBER_SECONDS = 30.0
"""How long a revoked key may still be accepted by a process that has just checked it."""


def api_key_table(metadata: MetaData) -> Table:
    return Table(
        "api_keys",
        metadata,
        Column("hash", Text, primary_key=True),
        Column("name", Text, nullable=False),
        Column("roles", ARRAY(Text), nullable=False),
        Column("units", ARRAY(Text), nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("revoked_at", DateTime(timezone=True)),
    )


_keys = api_key_table(MetaData())


def fingerprint(key: str) -> str:
    """Keys carry 256 random bits, so a plain hash is enough; nothing to guess, nothing to slow down."""
    return hashlib.sha256(key.encode()).hexdigest()


async def create(connection: AsyncConnection, *, name: str, roles: list[str], units: list[str]) -> str:
    """Make a key and answer it; it cannot be read again."""
    key = PREFIX + secrets.token_urlsafe(32)
    await connection.execute(insert(_keys), {"hash": fingerprint(key), "name": name, "roles": roles, "units": units})
    return key


async def admit(connection: AsyncConnection, key: str, *, name: str, roles: list[str], units: list[str]) -> None:
    """Accept a key made elsewhere (at first start, by the operator of the system); harmless when repeated."""
    found = await connection.scalar(select(_keys.c.name).where(_keys.c.hash == fingerprint(key)))
    if found is None:
        await connection.execute(
            insert(_keys), {"hash": fingerprint(key), "name": name, "roles": roles, "units": units}
        )


async def revoke(connection: AsyncConnection, *, name: str, now: datetime) -> int:
    done = await connection.execute(
        update(_keys).where(_keys.c.name == name, _keys.c.revoked_at.is_(None)).values(revoked_at=now)
    )
    return done.rowcount


async def look_up(connection: AsyncConnection, hashed: str) -> Actor | None:
    row: Any = (
        await connection.execute(select(_keys).where(_keys.c.hash == hashed, _keys.c.revoked_at.is_(None)))
    ).one_or_none()
    if row is None:
        return None
    return Actor(id=row.name, kind="machine", roles=frozenset(row.roles), units=frozenset(row.units))


class KeyVerifier:
    """Checks keys against the table and remembers good ones for half a minute."""

    def __init__(self, find: Callable[[str], Awaitable[Actor | None]]) -> None:
        self._find = find
        self._seen: dict[str, tuple[Actor, float]] = {}

    async def verify(self, key: str) -> Actor:
        hashed = fingerprint(key)
        hit = self._seen.get(hashed)
        if hit is not None and time.monotonic() - hit[1] < REMEMBER_SECONDS:
            return hit[0]
        actor = await self._find(hashed)
        if actor is None:
            self._seen.pop(hashed, None)
            raise Unauthenticated("the API key is unknown or revoked")
        self._seen[hashed] = (actor, time.monotonic())
        return actor
