"""The migrated schema is the one the code describes, and the seeded calendar the one it ships."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from services.sla import almanac, usecases
from services.sla.app import seed
from services.sla.calendars import shipped_calendar
from services.sla.tables import metadata
from shared.db import Database
from tests.integration.sla.conftest import START, House


async def test_the_migrations_lead_to_the_tables_of_the_code(database: str) -> None:
    def compared(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, metadata))

    home = Database(database, schema="sla", pool=1)
    async with home.engine.connect() as connection:
        differences = await connection.run_sync(compared)
    await home.close()
    assert [d for d in differences if not (isinstance(d, tuple) and d[0] == "remove_table")] == []


async def test_seeding_again_changes_nothing(house: House) -> None:
    before = await house.rows("SELECT version, adopted_at FROM calendars ORDER BY version")
    await seed(house.context)
    assert await house.rows("SELECT version, adopted_at FROM calendars ORDER BY version") == before
    assert len(before) == 3


async def test_a_calendar_adopted_later_is_used_from_the_next_transaction_on(house: House) -> None:
    shipped = shipped_calendar()
    longer = shipped.with_hours(shipped.hours, version="cn-2026.office-1.corrected")
    async with house.context.begin() as tx:
        assert (await usecases.calendar(tx, hours_code="office", version=None)).version == shipped.version
        assert await almanac.adopt(tx.connection, longer, house.clock.now().replace(year=START.year + 1))
    async with house.context.begin() as tx:
        assert (await tx.stopwatch()).calendar.version == "cn-2026.office-1.corrected"
        assert [kept.in_use for kept in await usecases.calendars(tx)].count(True) == 3
