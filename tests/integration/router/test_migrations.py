"""The migrations make exactly the tables the code knows."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from services.router.tables import metadata
from tests.integration.router.desk import House


def _difference(connection: Connection) -> list[object]:
    ours = {"compare_type": True, "include_name": lambda name, kind, _: (kind, name) != ("table", "alembic_version")}
    return list(compare_metadata(MigrationContext.configure(connection, opts=ours), metadata))


async def test_the_newest_migration_leaves_nothing_to_change(house: House) -> None:
    async with house.context.begin() as tx:
        assert await tx.connection.run_sync(_difference) == []
