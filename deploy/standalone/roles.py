"""Owns who may do what in the database: one role and one schema per service, and nothing across them."""

from collections.abc import Mapping

import asyncpg

from deploy.standalone.postgres import Postgres

DATABASE = "huying"


async def ensure_roles(server: Postgres, passwords: Mapping[str, str], *, database: str = DATABASE) -> dict[str, str]:
    """Makes the database, and a role with a schema of its own name for each service of `passwords`.

    Repeatable; sets the passwords again. Returns each service's URL.
    """
    admin = await asyncpg.connect(server.url())
    try:
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
            await _run(admin, "CREATE DATABASE %I", database)
        await _run(admin, "REVOKE ALL ON DATABASE %I FROM PUBLIC", database)
        await admin.execute("REVOKE ALL ON DATABASE postgres FROM PUBLIC")
        for service, password in passwords.items():
            await _ensure_role(admin, service, password, database)
    finally:
        await admin.close()
    inside = await asyncpg.connect(server.url(database))
    try:
        await inside.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        for service in passwords:
            await _run(inside, "CREATE SCHEMA IF NOT EXISTS %1$I AUTHORIZATION %1$I", service)
    finally:
        await inside.close()
    return {service: server.url(database, service, password) for service, password in passwords.items()}


async def _ensure_role(admin: "asyncpg.Connection[asyncpg.Record]", role: str, password: str, database: str) -> None:
    if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        await _run(admin, "CREATE ROLE %I NOINHERIT", role)
    await _run(admin, "ALTER ROLE %I LOGIN PASSWORD %L", role, password)
    await _run(admin, "ALTER ROLE %1$I IN DATABASE %2$I SET search_path = %1$I", role, database)
    await _run(admin, "GRANT CONNECT ON DATABASE %I TO %I", database, role)


async def _run(connection: "asyncpg.Connection[asyncpg.Record]", template: str, *names: str) -> None:
    """Runs a statement that takes names where SQL has no parameters; PostgreSQL's own `format` quotes them."""
    places = ", ".join(f"${number}::text" for number in range(2, len(names) + 2))
    await connection.execute(await connection.fetchval(f"SELECT format($1, {places})", template, *names))
