"""A bus of three nodes, R3 streams, one node after another killed under load: nothing lost, nothing doubled."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from deploy.standalone.nats import Nats, NatsCluster
from shared.bus import Bus
from shared.cloudevents import AnyEnvelope
from shared.db import Database
from shared.ids import new_id
from shared.loops import Runner
from tests.conftest import NewDatabase, TemplateDatabase
from tests.integration.shared.conftest import Toys, migrate, until
from tests.support import databases

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CASES = 25
AT_ONCE = 4
"""Events of one case in one transaction."""
IN_FLIGHT = 400
"""The load is steady: no more than this many events are said and not yet heard."""
PHASE = 1_500
"""Events heard before, while and after a node is down."""


class Load:
    """Somebody who keeps committing events, a relay and a consumer that run as a worker runs them, and a count."""

    def __init__(self, toys: Toys) -> None:
        self.toys = toys
        self.said: list[AnyEnvelope] = []
        self._heard = 0
        self._news = asyncio.Condition()
        self._stopped = False
        self._runners = [Runner(toys.relay()), Runner(toys.consumer())]
        self._speaking: asyncio.Task[None] | None = None
        toys.failing = self._hear

    def start(self) -> None:
        for runner in self._runners:
            runner.start()
        self._speaking = asyncio.create_task(self._speak())

    async def stop(self) -> None:
        self._stopped = True
        async with self._news:
            self._news.notify_all()
        if self._speaking is not None:
            await self._speaking
        for runner in self._runners:
            await runner.stop()

    async def heard(self, more: int) -> None:
        """Until that many more events have come through relay, bus and consumer."""
        goal = self._heard + more
        async with asyncio.timeout(90), self._news:
            await self._news.wait_for(lambda: self._heard >= goal)

    async def _speak(self) -> None:
        cases = [new_id() for _ in range(CASES)]
        for start in itertools.count(1, AT_ONCE):
            for case in cases:
                async with self._news:
                    await self._news.wait_for(lambda: self._stopped or len(self.said) - self._heard < IN_FLIGHT)
                if self._stopped:
                    return
                self.said += await self.toys.say(case, *range(start, start + AT_ONCE))

    def _hear(self, _: AnyEnvelope) -> Exception | None:
        """Called for every event that is being applied; the count paces, the database is what is believed."""
        self._heard += 1
        self._told = asyncio.get_running_loop().create_task(self._tell())
        return None

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[NatsCluster]:
    with Nats.cluster(tmp_path) as nodes:
        yield nodes


async def migrate_without_a_net(url: str) -> None:
    """With its key, the table of effects would refuse a second one, and the test would not see it."""
    await migrate(url)
    async with databases.connected(url) as connection:
        await connection.execute("ALTER TABLE sla.effects DROP CONSTRAINT effects_pkey")


@pytest.fixture
async def toys(
    cluster: NatsCluster, template_database: TemplateDatabase, new_database: NewDatabase
) -> AsyncIterator[Toys]:
    url = await new_database(await template_database("cluster", migrate_without_a_net))
    bus = Bus(cluster.url, name="test", replicas=len(cluster.nodes))
    bus.start()
    await bus.ready()
    toys = Toys(url, bus, Database(url, schema="intake", pool=4), Database(url, schema="sla", pool=4))
    yield toys
    await bus.close()
    await toys.talker.close()
    await toys.listener.close()


async def leader(toys: Toys, cluster: NatsCluster) -> Nats:
    """The node that leads the stream: the one that hurts most."""
    info = await toys.bus.jetstream.stream_info(toys.bus.name("INTAKE"))
    assert info.cluster is not None
    return next(node for node in cluster.nodes if node.store_dir.name == info.cluster.leader)


async def published_since(toys: Toys, moment: Any) -> int:
    [row] = await toys.rows(f"SELECT count(*) FROM outbox WHERE published_at > '{moment}'")
    return int(row[0])


async def all_applied(toys: Toys, said: Sequence[UUID]) -> None:
    """What the load left on its way when it stopped, carried to the end in rounds."""
    relay, consumer = toys.relay(), toys.consumer()

    async def nothing_missing() -> bool:
        await relay.run_once()
        return set(said) <= set(await toys.applied())

    await until(consumer, nothing_missing)
    await relay.close()
    await consumer.close()


async def restarted(node: Nats) -> None:
    """Launched from this thread, which lives as long as the test: the node dies with the thread that made it."""
    node.launch()
    await asyncio.to_thread(node.wait)


async def test_every_event_is_applied_once_though_the_leading_node_is_killed_again_and_again(
    toys: Toys, cluster: NatsCluster
) -> None:
    """INVARIANT: nothing committed is lost or doubled by a dying node, and publishing goes on without it.

    Breaks when streams have one replica, when a failed ack counts as published, or when the consumer trusts JetStream's
    deduplication instead of its own cursors.
    """
    load = Load(toys)
    load.start()
    await load.heard(PHASE)
    for _ in cluster.nodes:
        victim = await leader(toys, cluster)
        victim.kill()
        [died_at] = (await toys.rows("SELECT clock_timestamp()"))[0]
        await load.heard(PHASE)
        assert await published_since(toys, died_at) > 0
        assert not victim.running
        await restarted(victim)
        await load.heard(PHASE)
    await load.stop()
    said = [event.id for event in load.said]
    await all_applied(toys, said)

    applied: list[UUID] = await toys.applied()
    assert len(said) >= PHASE * (1 + 2 * len(cluster.nodes))
    assert len(applied) == len(said)
    assert set(applied) == set(said)
    assert await toys.rows("SELECT 1 FROM parked", of="sla") == []
    assert await toys.rows("SELECT 1 FROM outbox WHERE published_at IS NULL") == []
    # Once per id on the stream too, although acks were lost with their leader.
    assert await toys.stream_size() == len(said)


async def test_the_streams_have_a_copy_on_every_node(toys: Toys, cluster: NatsCluster) -> None:
    await toys.say(new_id(), 1)
    relay = toys.relay()
    await relay.run_once()
    await relay.close()
    info = await toys.bus.jetstream.stream_info(toys.bus.name("INTAKE"))
    assert info.config.num_replicas == len(cluster.nodes)
    assert info.cluster is not None
    assert len(info.cluster.replicas or []) == len(cluster.nodes) - 1
