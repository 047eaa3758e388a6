"""The migrations make exactly the tables the code declares."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from services.feedback.tables import metadata
from shared.db import Database


def difference(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return [change for change in compare_metadata(context, metadata) if "alembic_version" not in str(change)]


async def test_the_schema_after_all_migrations_is_the_declared_one(database: str) -> None:
    db = Database(database, schema="feedback", pool=1)
    try:
        async with db.engine.connect() as connection:
            assert await connection.run_sync(difference) == []
    finally:
        await db.close()
