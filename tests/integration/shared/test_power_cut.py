"""A power cut takes what JetStream had not yet synced; PostgreSQL has it still, and everything is told again."""

import asyncio
import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nats
import pytest

from deploy.standalone.nats import Nats
from deploy.standalone.ports import free_port
from shared.bus import Bus, BusDown
from shared.db import Database
from shared.ids import new_id
from tests.integration.shared.conftest import Toys, migrate, until


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Nats]:
    running = Nats(tmp_path / "nats", free_port(), log=tmp_path / "nats.log")
    running.start()
    yield running
    running.stop()


async def test_what_a_power_cut_took_from_the_stream_is_published_again_and_applied_once(
    template_database: Any, new_database: Any, server: Nats, tmp_path: Path
) -> None:
    """INVARIANT: an acked event reaches every consumer although the server forgot it.

    Breaks when the relay trusts an ack to be an fsync, or a consumer's memory outlives its stream's.
    """
    url = await new_database(await template_database("shared", migrate))
    bus = Bus(server.url, name="test")
    bus.start()
    await bus.ready()
    toys = Toys(url, bus, Database(url, schema="intake", pool=2), Database(url, schema="sla", pool=2))
    relay, consumer = toys.relay(), toys.consumer()
    case = new_id()

    async def published() -> None:
        """Rounds of the relay until nothing waits; the connection needs a moment to notice a restart."""
        async with asyncio.timeout(30):
            while True:
                await bus.ready(within=30)
                with contextlib.suppress(BusDown, TimeoutError, nats.errors.Error):
                    await relay.run_once()
                if not await toys.rows("SELECT 1 FROM outbox WHERE published_at IS NULL"):
                    return
                await asyncio.sleep(0)

    async def applied(count: int) -> None:
        async def enough() -> bool:
            return len(await toys.applied()) == count

        await until(consumer, enough)

    try:
        await toys.say(case, 1, 2)
        await published()
        await applied(2)
        server.stop()
        shutil.copytree(server.store_dir, tmp_path / "before")
        server.start()
        await bus.ready()

        await toys.say(case, 3, 4, 5)
        await published()
        await applied(5)
        await toys.say(case, 6)
        await published()  # acked, and not yet applied by anybody

        server.kill()
        shutil.rmtree(server.store_dir)
        shutil.copytree(tmp_path / "before", server.store_dir)
        server.start()
        await toys.say(case, 7)
        await published()
        await published()
        await applied(7)
        assert await toys.stream_size() == 7
    finally:
        await relay.close()
        await consumer.close()
        await bus.close()
        await toys.talker.close()
        await toys.listener.close()
