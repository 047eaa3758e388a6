"""The tests' own ground: a template is migrated once, copies do not meet, streams go with their test."""

import asyncio

import asyncpg
import nats
import pytest

from tests.support import databases
from tests.support.databases import NewDatabase, TemplateDatabase
from tests.support.servers import GIVEN, SOCKET, server_url


async def migrate(url: str) -> None:
    async with databases.connected(url) as connection:
        await connection.execute("CREATE TABLE ground (n int)")


async def test_a_template_is_migrated_once_however_many_ask(
    template_database: TemplateDatabase, new_database: NewDatabase
) -> None:
    runs: list[str] = []

    async def counted(url: str) -> None:
        runs.append(url)
        await migrate(url)

    names = await asyncio.gather(*(template_database("asked_by_many", counted) for _ in range(5)))
    assert len(set(names)) == 1
    assert len(runs) == 1
    async with databases.connected(await new_database(names[0])) as copy:
        assert await copy.fetchval("SELECT count(*) FROM ground") == 0


async def test_a_failed_migration_leaves_no_template(template_database: TemplateDatabase) -> None:
    async def broken(url: str) -> None:
        await migrate(url)
        raise LookupError(url)

    with pytest.raises(LookupError):
        await template_database("broken", broken)
    await template_database("broken", migrate)


async def test_copies_do_not_meet(template_database: TemplateDatabase, new_database: NewDatabase) -> None:
    template = await template_database("ground", migrate)
    async with (
        databases.connected(await new_database(template)) as one,
        databases.connected(await new_database(template)) as other,
    ):
        await one.execute("INSERT INTO ground VALUES (1)")
        assert await other.fetchval("SELECT count(*) FROM ground") == 0


async def test_a_dropped_database_is_gone_even_when_in_use(postgres_url: str) -> None:
    url = await databases.create_database(postgres_url)
    connection = await asyncpg.connect(url)
    await databases.drop_database(postgres_url, url)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await connection.fetchval("SELECT 1")
    connection.terminate()
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(url)


async def test_streams_of_a_test_carry_its_prefix(bus_prefix: str, nats_url: str) -> None:
    link = await nats.connect(nats_url)
    try:
        await link.jsm().add_stream(name=f"{bus_prefix}_INTAKE", subjects=[f"{bus_prefix}.case.>"])
        assert (await link.jetstream().publish(f"{bus_prefix}.case.submitted.v1", b"{}")).seq == 1
    finally:
        await link.close()


def test_a_missing_server_fails_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in GIVEN.values():
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(RuntimeError, match="did not start"):
        server_url_of_none()
    monkeypatch.setenv(SOCKET, "/nonexistent")
    with pytest.raises(OSError, match="No such file"):
        server_url("postgres")


def server_url_of_none() -> str:
    GIVEN["none"] = "TEST_NONE_URL"
    try:
        return server_url("none")
    finally:
        del GIVEN["none"]
