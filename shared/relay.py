"""The relay: one per service, it carries what the outbox holds to the bus, in order, and notices a bus that forgot."""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any

import asyncpg
from nats.js.api import DeliverPolicy

from shared import metrics
from shared.bus import Bus
from shared.cloudevents import Event
from shared.db import server_settings
from shared.loops import Pace

log = logging.getLogger(__name__)

BATCH = 500

_UNPUBLISHED = """
SELECT position, event_id, stream, subject, body, extract(epoch FROM now() - created_at) AS age
FROM outbox WHERE published_at IS NULL ORDER BY position LIMIT $1
"""
_MARK = """
UPDATE outbox SET published_at = now(), stream_sequence = acked.sequence
FROM unnest($1::bigint[], $2::bigint[]) AS acked(position, sequence)
WHERE outbox.position = acked.position
"""
# What was published since the last comparison stands in the rows themselves, which are kept long enough.
_LAST = """
SELECT m.incarnation, greatest(m.last_sequence, (SELECT max(stream_sequence) FROM outbox WHERE stream = $1)) AS last
FROM stream_marks m WHERE m.stream = $1
"""
_REMEMBER = """
INSERT INTO stream_marks (stream, incarnation, last_sequence) VALUES ($1, $2, $3)
ON CONFLICT (stream) DO UPDATE SET incarnation = excluded.incarnation, last_sequence = excluded.last_sequence
"""
_FORGET = """
UPDATE outbox SET published_at = NULL, stream_sequence = NULL
WHERE stream = $1 AND published_at IS NOT NULL AND coalesce(stream_sequence, 0) > $2
"""
_PRUNE = """
DELETE FROM outbox WHERE position IN (
  SELECT position FROM outbox WHERE published_at < now() - make_interval(secs => $1) LIMIT 5000)
"""


class Relay:
    """`run_once` publishes one batch. Only the process that holds the service's advisory lock does anything.

    A JetStream ack is not an fsync. Published rows are therefore kept (`retention` seconds) longer than the server's
    sync interval, and whenever the connection is new, or an ack carries a sequence that was there before, the relay
    compares what it remembers with what the stream holds and publishes the difference again.
    """

    idle = 0.2

    def __init__(
        self,
        bus: Bus,
        url: str,
        *,
        service: str,
        publishes: Sequence[type[Event]],
        retention: float,
        pace: float = 0.0,
    ) -> None:
        self.name = f"relay:{service}"
        self._bus, self._url, self._service = bus, url, service
        self._publishes, self._retention, self._pace = publishes, retention, Pace(pace)
        self._connection: asyncpg.Connection[Any] | None = None
        self._epoch = -1
        self._incarnations: dict[str, str] = {}
        self._highest: dict[str, int] = {}
        self._pruned_at = 0.0

    async def run_once(self) -> bool:
        connection = await self._lead()
        if connection is None:
            return False
        if self._epoch != self._bus.epoch:
            epoch = self._bus.epoch
            await self._compare(connection)
            self._epoch = epoch
        await self._prune(connection)
        await self._pace.rest()
        rows = await connection.fetch(_UNPUBLISHED, BATCH)
        metrics.outbox_age.labels(self._service).set(float(rows[0]["age"]) if rows else 0.0)
        if not rows:
            return False
        self._pace.begin()
        await self._publish(connection, rows)
        return len(rows) == BATCH

    async def _lead(self) -> "asyncpg.Connection[Any] | None":
        """The connection that holds the lock; None while another process leads."""
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        # What the relay writes may be lost in a crash: then it publishes again, and everybody knows the ids.
        relaxed = {**server_settings(self._service), "synchronous_commit": "off"}
        connection = await asyncpg.connect(self._url, server_settings=relaxed, timeout=5, command_timeout=30)
        if await connection.fetchval("SELECT pg_try_advisory_lock(hashtext($1))", self.name):
            self._connection = connection
            self._epoch = -1
            return connection
        await connection.close()
        return None

    async def _publish(self, connection: "asyncpg.Connection[Any]", rows: Sequence[asyncpg.Record]) -> None:
        jetstream = self._bus.jetstream
        acks = [
            await jetstream.publish_async(
                self._bus.name(row["subject"]),
                row["body"],
                stream=self._bus.name(row["stream"]),
                headers={"Nats-Msg-Id": str(row["event_id"])},
            )
            for row in rows
        ]
        answers = await asyncio.wait_for(asyncio.gather(*acks, return_exceptions=True), 10)
        done = [(row, ack) for row, ack in zip(rows, answers, strict=True) if not isinstance(ack, BaseException)]
        await connection.execute(_MARK, [row["position"] for row, _ in done], [ack.seq for _, ack in done])
        metrics.published.labels(self._service).inc(len(done))
        for stream in {row["stream"] for row, _ in done}:
            fresh = [ack.seq for row, ack in done if row["stream"] == stream and not ack.duplicate]
            if fresh and min(fresh) <= self._highest.get(stream, 0):
                await self._republish(connection, stream, above=min(fresh) - 1)
            if fresh:
                self._highest[stream] = max(fresh)
        failed = next((ack for ack in answers if isinstance(ack, BaseException)), None)
        if failed is not None:
            self._epoch = -1
            raise failed

    async def _compare(self, connection: "asyncpg.Connection[Any]") -> None:
        streams = await self._bus.ensure_streams(self._publishes)
        for stream, info in streams.items():
            incarnation = str(info.created)
            mark = await connection.fetchrow(_LAST, stream)
            last = info.state.last_seq
            if mark is not None and mark["incarnation"] != incarnation:
                await self._republish(connection, stream, above=0)
            elif mark is not None and last < max(mark["last"], self._highest.get(stream, 0)):
                await self._republish(connection, stream, above=last)
            self._incarnations[stream] = incarnation
            self._highest[stream] = last
            await connection.execute(_REMEMBER, stream, incarnation, last)

    async def _republish(self, connection: "asyncpg.Connection[Any]", stream: str, *, above: int) -> None:
        """The stream went back to `above`: publish again what it lost, and let its consumers see the numbers anew."""
        await self._rewind_consumers(stream, above)
        status = await connection.execute(_FORGET, stream, above)
        count = int(status.split()[-1])
        metrics.republished.labels(self._service).inc(count)
        log.warning("stream %s went back to %d; publishing %d events again", stream, above, count)

    async def _rewind_consumers(self, stream: str, last: int) -> None:
        """A consumer that remembers more than the stream would skip as many new messages; make it anew."""
        jetstream, name = self._bus.jetstream, self._bus.name(stream)
        for consumer in await jetstream.consumers_info(name):
            config = consumer.config
            delivered = consumer.delivered.stream_seq if consumer.delivered else 0
            if config is None or not config.durable_name or delivered <= last:
                continue
            floor = consumer.ack_floor.stream_seq if consumer.ack_floor else 0
            await jetstream.delete_consumer(name, config.durable_name)
            config.deliver_policy = DeliverPolicy.BY_START_SEQUENCE
            config.opt_start_seq = min(floor, last) + 1
            await jetstream.add_consumer(name, config)

    async def _prune(self, connection: "asyncpg.Connection[Any]") -> None:
        if time.monotonic() - self._pruned_at > 30:  # noqa: PLR2004  seconds
            for stream, highest in self._highest.items():
                await connection.execute(_REMEMBER, stream, self._incarnations[stream], highest)
            await connection.execute(_PRUNE, self._retention)
            self._pruned_at = time.monotonic()

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None
