"""NATS JetStream: one connection per process that keeps trying, and streams that are there when needed."""

import asyncio
import contextlib
import logging
from collections.abc import Iterable

import nats
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig, StreamInfo
from nats.js.errors import NotFoundError

from shared.cloudevents import Event
from shared.errors import Unavailable

log = logging.getLogger(__name__)

WORK_QUEUES = frozenset({"CONTACTS"})
"""Streams whose messages are gone once acked."""


class BusDown(Unavailable):
    """The event bus does not answer; what was accepted is kept and will be delivered."""

    zh = "消息通道暂时不可用，已受理的内容不会丢失"


class Bus:
    """A connection that is made in the background and made again whenever it breaks."""

    def __init__(self, url: str, *, name: str, prefix: str = "", replicas: int = 1, max_age_days: float = 30.0) -> None:
        self._servers = [part.strip() for part in url.split(",")]
        self._name, self.prefix = name, prefix
        self._replicas, self._max_age = replicas, max_age_days * 86400
        self._client: Client | None = None
        self._task: asyncio.Task[None] | None = None
        self.epoch = 0
        """Grows with every (re)connection: who cached something about the server looks again."""

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._connect(), name="bus")

    async def _connect(self) -> None:
        while True:
            try:
                self._client = await nats.connect(
                    self._servers,
                    name=self._name,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=0.25,
                    ping_interval=5,
                    max_outstanding_pings=2,
                    connect_timeout=2,
                    error_cb=self._on_error,
                    reconnected_cb=self._on_reconnect,
                )
            except (OSError, TimeoutError, nats.errors.Error):
                await asyncio.sleep(0.25)
                continue
            self.epoch += 1
            return

    async def _on_error(self, error: Exception) -> None:
        log.info("bus: %s", type(error).__name__)

    async def _on_reconnect(self) -> None:
        self.epoch += 1

    @property
    def connected(self) -> bool:
        return self._client is not None and self._client.is_connected

    async def ready(self, within: float = 10.0) -> None:
        """Wait until connected."""
        async with asyncio.timeout(within):
            while not self.connected:  # noqa: ASYNC110  the client has no event to wait for
                await asyncio.sleep(0.01)

    @property
    def client(self) -> Client:
        """The live connection, or `BusDown`."""
        if self._client is None or not self._client.is_connected:
            raise BusDown(retry_after=2)
        return self._client

    @property
    def jetstream(self) -> JetStreamContext:
        return self.client.jetstream(timeout=5)

    def name(self, stream_or_subject: str) -> str:
        return self.prefix + stream_or_subject

    async def signal(self, subject: str, payload: bytes = b"") -> None:
        """A message nobody must rely on: who misses it looks again by himself a little later."""
        if self.connected:
            with contextlib.suppress(nats.errors.Error):
                await self.client.publish(self.prefix + subject, payload)

    async def ensure_streams(self, events: Iterable[type[Event]]) -> dict[str, StreamInfo]:
        """Create or widen the streams these events are published on; the answer is keyed by the unprefixed name."""
        subjects: dict[str, list[str]] = {}
        for event in events:
            subjects.setdefault(event.stream(), []).append(self.name(event.TYPE))
        return {stream: await self._ensure(stream, sorted(names)) for stream, names in subjects.items()}

    async def _ensure(self, stream: str, subjects: list[str]) -> StreamInfo:
        config = StreamConfig(
            name=self.name(stream),
            subjects=subjects,
            storage=StorageType.FILE,
            num_replicas=self._replicas,
            retention=RetentionPolicy.WORK_QUEUE if stream in WORK_QUEUES else RetentionPolicy.LIMITS,
            max_age=self._max_age,
            discard=DiscardPolicy.OLD,
            duplicate_window=120,
        )
        try:
            info = await self.jetstream.stream_info(self.name(stream))
        except NotFoundError:
            return await self.jetstream.add_stream(config)
        if set(info.config.subjects or ()) != set(subjects) or info.config.num_replicas != self._replicas:
            return await self.jetstream.update_stream(config)
        return info

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        if self._client is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._client.close(), 2)
            self._client = None
