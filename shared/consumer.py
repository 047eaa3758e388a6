"""The NATS door: events come in batches, each batch is one transaction, and what cannot be applied is set aside."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

import nats
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from shared import inbox, metrics
from shared.bus import Bus, BusDown
from shared.clock import Clock
from shared.cloudevents import AnyEnvelope, Event, EventReader, Undecodable
from shared.db import Tx
from shared.errors import DomainError
from shared.loops import Pace

log = logging.getLogger(__name__)

type Handler[T] = Callable[[T, Any, datetime], Awaitable[None]]
"""`(tx, envelope, now)`; raises a `DomainError` of kind conflict or not_found when it may only be too early."""
type Handlers[T] = Mapping[type[Event], Handler[T]]
type Prefetch[T] = Callable[[T, Sequence[AnyEnvelope]], Awaitable[None]]
"""Loads in one go what the events of a batch will need."""

BATCH = 256
PATIENCE = 30
"""Deliveries after which an event that always fails is parked."""
PERMANENT = frozenset({"invalid", "unsupported", "too_large"})


class TooEarly(Exception):
    """An earlier event of the same case and publisher has not been applied yet."""


class Consumer[T: Tx]:
    """One service's durable consumer on one stream; several processes share it through a queue group."""

    idle = 0.0

    def __init__(
        self,
        bus: Bus,
        begin: Callable[[], AbstractAsyncContextManager[T]],
        clock: Clock,
        *,
        service: str,
        stream: str,
        handlers: Handlers[T],
        prefetch: Prefetch[T] | None = None,
        ack_wait: float = 10.0,
        ordered: bool = True,
        pace: float = 0.0,
        patience: float = 0.5,
    ) -> None:
        """`ordered`: the whole stream is read and each case's events are applied in their order; otherwise only the
        handled types are delivered, each once, in any order. `patience`: seconds `run_once` waits for a first message.
        """
        self.name = f"consumer:{service}:{stream}"
        self._bus, self._begin, self._clock = bus, begin, clock
        self._service, self.stream = service, stream
        self._handlers = {event.TYPE: handler for event, handler in handlers.items()}
        self._reader = EventReader(handlers)
        self._prefetch = prefetch
        self._ack_wait, self._patience, self._ordered, self._pace = ack_wait, patience, ordered, Pace(pace)
        self._subscription: JetStreamContext.PushSubscription | None = None
        self._arrived: deque[Msg] = deque()
        self._arrival = asyncio.Event()
        self._epoch = -1

    async def run_once(self) -> bool:
        messages = await self._receive()
        if not messages:
            return True
        metrics.consumer_lag.labels(self._service, self.stream).set(messages[-1].metadata.num_pending or 0)
        readable: list[tuple[Msg, AnyEnvelope]] = []
        for message in messages:
            try:
                readable.append((message, self._reader.read(message.data)))
            except Undecodable as reason:
                await self._park(message, f"undecodable: {reason}")
        if readable:
            await self._apply(readable)
        return True

    async def _receive(self) -> list[Msg]:
        if self._subscription is None or self._epoch != self._bus.epoch:
            await self._subscribe()
        if not self._arrived:
            self._arrival.clear()
            try:
                await asyncio.wait_for(self._arrival.wait(), self._patience)
            except TimeoutError:
                await self._check()
        if self._arrived:
            await self._pace.rest()
            self._pace.begin()
        return [self._arrived.popleft() for _ in range(min(len(self._arrived), BATCH))]

    async def _arrive(self, message: Msg) -> None:
        self._arrived.append(message)
        self._arrival.set()

    async def _subscribe(self) -> None:
        await self._unsubscribe()
        durable = f"{self._service}"
        config = ConsumerConfig(
            durable_name=durable,
            deliver_group=durable,
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=self._ack_wait,
            max_ack_pending=2 * BATCH,
            max_deliver=-1,
            filter_subjects=self._wanted() or None,
        )
        jetstream, stream = self._bus.jetstream, self._bus.name(self.stream)
        epoch = self._bus.epoch
        try:
            info = await jetstream.consumer_info(stream, durable)
        except NotFoundError:
            config.deliver_subject = self._bus.name(f"deliver.{self._service}.{self.stream}")
            try:
                info = await jetstream.add_consumer(stream, config)
            except NotFoundError:
                raise BusDown(f"nobody has published on {stream} yet") from None
        if info.config is not None and (info.config.filter_subjects or []) != self._wanted():
            info.config.filter_subjects = self._wanted()
            info = await jetstream.add_consumer(stream, info.config)
        self._arrived.clear()
        self._subscription = await jetstream.subscribe_bind(
            stream=stream, config=info.config or config, consumer=durable, cb=self._arrive, manual_ack=True
        )
        self._epoch = epoch

    def _wanted(self) -> list[str]:
        """The subjects to be delivered; none means all of the stream."""
        return [] if self._ordered else sorted(self._bus.name(kind) for kind in self._handlers)

    async def _check(self) -> None:
        """Silence: see whether the consumer is still there (a wiped server makes everybody start anew)."""
        if not self._bus.connected:
            raise BusDown
        try:
            info = await self._bus.jetstream.consumer_info(self._bus.name(self.stream), self._service)
        except NotFoundError:
            self._epoch = -1
            return
        metrics.consumer_lag.labels(self._service, self.stream).set(info.num_pending or 0)

    async def _apply(self, batch: Sequence[tuple[Msg, AnyEnvelope]]) -> None:
        """The whole batch in one transaction; where that fails, each event in its own."""
        try:
            early = await self._transact([event for _, event in batch])
        except Exception as error:
            if len(batch) == 1:
                await self._refuse(batch[0][0], error)
                return
            for pair in batch:
                await self._apply([pair])
            return
        for message, event in batch:
            if event.id in early:
                await self._refuse(message, TooEarly(f"{event.source} {event.sequence}"))
            else:
                await message.ack()

    async def _transact(self, events: Sequence[AnyEnvelope]) -> set[object]:
        """Apply what is next in order; answers the ids of events that came too early."""
        now = self._clock.now()
        early: set[object] = set()
        async with self._begin() as tx:
            ordered = [event for event in events if event.sequence and self._ordered]
            loose = [event for event in events if not (event.sequence and self._ordered)]
            fresh: list[AnyEnvelope] = []
            if loose:
                unseen = await inbox.claim(tx.connection, loose)
                fresh += [event for event in loose if event.id in unseen]
            if ordered:
                fresh += await self._next_in_order(tx, ordered, early)
            metrics.repeated.labels(self._service).inc(len(events) - len(fresh) - len(early))
            await self._handle(tx, fresh, now)
        for event in fresh:
            metrics.consumed.labels(self._service, event.type).inc()
        return early

    async def _next_in_order(self, tx: T, events: Sequence[AnyEnvelope], early: set[object]) -> list[AnyEnvelope]:
        """Of events on cases: those that come next, remembered as applied. Those with a gap before them go to `early`."""
        by_key: dict[inbox.Key, dict[int, AnyEnvelope]] = {}
        for event in events:
            by_key.setdefault((event.case_id, event.source), {}).setdefault(event.sequence, event)
        runs: inbox.Runs = {}
        for key, found in by_key.items():
            first = last = min(found)
            while last + 1 in found:
                last += 1
            runs[key] = (first, last)
        moved = await inbox.advance(tx.connection, runs)
        late = by_key.keys() - moved
        cursors = await inbox.known(tx.connection, {case for case, _ in late}) if late else {}
        corrected: inbox.Cursors = {}
        fresh: list[AnyEnvelope] = []
        for key, found in by_key.items():
            last = runs[key][0] - 1 if key in moved else cursors.get(key, 0)
            for sequence in sorted(found):
                if sequence == last + 1:
                    last = sequence
                    fresh.append(found[sequence])
                elif sequence > last:
                    early.add(found[sequence].id)
            if key not in moved and last > cursors.get(key, 0):
                corrected[key] = last
        await inbox.remember(tx.connection, corrected)
        return fresh

    async def _handle(self, tx: T, events: Iterable[AnyEnvelope], now: datetime) -> None:
        wanted = [event for event in events if event.type in self._handlers]
        if wanted and self._prefetch is not None:
            await self._prefetch(tx, wanted)
        for event in wanted:
            tx.cause = event
            await self._handlers[event.type](tx, event, now)
        tx.cause = None

    async def _refuse(self, message: Msg, error: Exception) -> None:
        """Park what is invalid for ever or has failed too often; ask for the rest again, later and later."""
        attempts = message.metadata.num_delivered or 1
        permanent = isinstance(error, DomainError) and error.kind in PERMANENT
        if permanent or attempts >= PATIENCE:
            await self._park(message, f"{type(error).__name__}: {error}")
            return
        expected = isinstance(error, TooEarly | DomainError | nats.errors.Error)
        log.log(
            logging.INFO if expected else logging.ERROR,
            "%s: %s not applied (delivery %d): %s",
            self.name,
            message.subject,
            attempts,
            type(error).__name__,
            exc_info=None if expected else error,
        )
        await message.nak(delay=min(0.05 * 2 ** min(attempts, 10), 30.0))

    async def _park(self, message: Msg, reason: str) -> None:
        sequence = message.metadata.sequence.stream if message.metadata.sequence else 0
        async with self._begin() as tx:
            await inbox.park(
                tx.connection, stream=self.stream, stream_sequence=sequence, body=message.data, reason=reason[:500]
            )
        metrics.parked.labels(self._service).inc()
        log.error("%s: %s parked: %s", self.name, message.subject, reason[:200])
        await message.term()

    async def replay(self, body: bytes) -> bool:
        """Apply a parked event again; True when it was applied or had been already."""
        event = self._reader.read(body)
        return not await self._transact([event])

    async def _unsubscribe(self) -> None:
        if self._subscription is not None:
            try:
                await self._subscription.unsubscribe()
            except nats.errors.Error as error:
                log.debug("unsubscribe: %s", error)
            self._subscription = None

    async def close(self) -> None:
        await self._unsubscribe()
