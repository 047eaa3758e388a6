"""The migrations make exactly the tables the code knows."""

import asyncio
from typing import Any

import asyncpg
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from services.router.app import MANIFEST
from services.router.tables import metadata
from shared.db import server_settings
from shared.migrate import config_for
from tests.integration.router.desk import House, prepare


def _difference(connection: Connection) -> list[object]:
    ours = {"compare_type": True, "include_name": lambda name, kind, _: (kind, name) != ("table", "alembic_version")}
    return list(compare_metadata(MigrationContext.configure(connection, opts=ours), metadata))


async def test_the_newest_migration_leaves_nothing_to_change(house: House) -> None:
    async with house.context.begin() as tx:
        assert await tx.connection.run_sync(_difference) == []


async def test_a_webhook_from_before_there_were_keys_comes_through_encrypted_and_back_to_where_it_was(
    new_database: Any,
) -> None:
    url = await new_database()
    config = config_for(url, "router", MANIFEST.migrations)
    await asyncio.to_thread(command.upgrade, config, "0001")
    connection = await asyncpg.connect(url, server_settings=server_settings("router"))
    await connection.execute(
        "INSERT INTO webhooks (webhook_id, unit_code, url, event_types, secret, created_by, created_at) "
        "VALUES (gen_random_uuid(), 'PS-S01', 'https://department.example/', '{}', 'whsec_AAAA', 'a', now())"
    )
    await prepare(url)
    stored: bytes = await connection.fetchval("SELECT secret FROM webhooks")
    assert stored[:7] == b"\x01\x05first"
    await asyncio.to_thread(command.downgrade, config, "0001")
    assert await connection.fetchval("SELECT count(*) FROM webhooks") == 0
    await asyncio.to_thread(command.upgrade, config, "head")
    await connection.close()
