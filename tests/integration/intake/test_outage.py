"""While the bus is down requests are taken; while the database is down they are refused, and taken again after."""

import asyncio

import pytest

from deploy.standalone.ports import free_port
from deploy.standalone.postgres import Postgres
from services.intake.app import MANIFEST
from shared.main import migrate_and_seed
from tests.integration.intake.conftest import HOTLINE, call, settings_for


async def test_without_the_bus_requests_are_taken_and_their_events_wait(open_house):
    async with open_house(nats_url=f"nats://127.0.0.1:{free_port()}") as house:
        answer = await house.http.post("/v1/calls", json=call(), headers=HOTLINE)
        assert answer.status_code == 201
        waiting = await house.rows("SELECT subject FROM outbox WHERE published_at IS NULL ORDER BY position")
        assert [row.subject for row in waiting] == ["contact.changed.v1", "case.submitted.v1"]


@pytest.fixture
def own_postgres(tmp_path):
    server = Postgres(tmp_path / "pg", free_port(), password="test", log=tmp_path / "pg.log")
    server.start()
    yield server
    server.kill()


async def test_without_the_database_requests_are_refused_until_it_is_back(own_postgres, open_house, nats_url):
    await migrate_and_seed(MANIFEST, settings_for(own_postgres.url(), nats_url, "", "memory://"))
    async with open_house(database_url=own_postgres.url()) as house:
        key = {"Idempotency-Key": "through-the-outage"}
        first = await house.http.post("/v1/calls", json=call(), headers=HOTLINE | key)
        assert first.status_code == 201
        own_postgres.kill()
        refused = await asyncio.gather(
            *(house.http.post("/v1/calls", json=call(call_id=f"C-{n}"), headers=HOTLINE) for n in range(8)),
            house.http.post("/v1/letters", json={"text": "路灯不亮"}),
            house.http.get("/v1/cases", headers=house.token("citizen", "0192f3a0-7f3e-7cc0-8000-000000000001")),
        )
        for answer in refused:
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["retry-after"]) > 0
            assert answer.json()["title_zh"]
        own_postgres.start()
        for _ in range(3):  # a broken connection may cost each lane one refusal
            again = await house.http.post("/v1/calls", json=call(), headers=HOTLINE | key)
            if again.status_code == 201:
                break
        assert again.content == first.content
        assert (await house.counts())["cases"] == 1
