"""Migrations: Alembic, one schema and one version table per service."""

import asyncio
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, MetaData, text

from shared.db import Database


def config_for(url: str, schema: str, folder: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes.update(url=url, schema=schema)
    return config


async def upgrade(url: str, *, schema: str, folder: Path) -> None:
    """Bring the schema to the newest version; creates the schema when it is missing."""
    await asyncio.to_thread(command.upgrade, config_for(url, schema, folder), "head")


def run(metadata: MetaData) -> None:
    """Called by each service's `migrations/env.py`."""
    attributes = context.config.attributes
    asyncio.run(_run(attributes["url"], attributes["schema"], metadata))


async def _run(url: str, schema: str, metadata: MetaData) -> None:
    database = Database(url, schema=schema, pool=1)
    try:
        async with database.engine.begin() as connection:
            await connection.execute(text("SET LOCAL lock_timeout = '4s'"))
            # Asked first: a role that may not create schemas may still own the one it has.
            exists = text("SELECT 1 FROM pg_namespace WHERE nspname = :name")
            if await connection.scalar(exists, {"name": schema}) is None:
                await connection.execute(text(f'CREATE SCHEMA "{schema}"'))
            await connection.run_sync(_upgrade, metadata)
    finally:
        await database.close()


def _upgrade(connection: Connection, metadata: MetaData) -> None:
    context.configure(connection=connection, target_metadata=metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()
