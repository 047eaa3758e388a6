"""The clock door: a durable loop that says in order of due time what has come due."""

import time
from collections.abc import Awaitable, Callable, Sequence

from nats.js.errors import NotFoundError

from services.sla import usecases
from services.sla.store import SlaTx
from shared.bus import Bus
from shared.clock import Clock
from shared.db import Begin

type Ready = Callable[[], Awaitable[bool]]


async def at_once() -> bool:
    return True


class Timers:
    """`run_once` fires one batch in one transaction. Any number of workers may run it at the same time.

    It rests until the next timer is due, at most `poll` seconds: another process may start a clock that is due sooner.
    """

    name = "timers:sla"

    def __init__(
        self, begin: Begin[SlaTx], clock: Clock, *, batch: int = 500, poll: float = 0.2, ready: Ready = at_once
    ) -> None:
        self._begin, self._clock, self._batch, self._poll, self._ready = begin, clock, batch, poll, ready
        self.idle = poll

    async def run_once(self) -> bool:
        if not await self._ready():
            return False
        async with self._begin() as tx:
            claimed = await usecases.fire_due(tx, now=self._clock.now(), most=self._batch)
            next_due = await tx.next_due()
        self.idle = min(self._clock.seconds_until(next_due), self._poll) if next_due else self._poll
        return claimed == self._batch

    async def close(self) -> None:
        """Holds nothing between two rounds."""


class CaughtUp:
    """Whether what happened before the present has been heard.

    After a downtime, ours or the bus's, work that was done in time is still waiting on the streams, and a timer that
    fired now would call it late. So after each new connection the timers wait until the consumers have come to the end
    of their streams and stayed there for `settle` seconds, at most `patience` seconds; and while the bus is down they
    wait for it, because nobody could hear them anyway.
    """

    def __init__(self, bus: Bus, streams: Sequence[str], *, service: str, patience: float, settle: float = 1.0) -> None:
        self._bus, self._streams, self._service = bus, tuple(streams), service
        self._patience, self._settle = patience, settle
        self._epoch = self._heard = -1
        self._connected_at = 0.0
        self._quiet_since: float | None = None

    async def __call__(self) -> bool:
        if not self._bus.connected:
            return False
        epoch, now = self._bus.epoch, time.monotonic()
        if epoch == self._heard:
            return True
        if epoch != self._epoch:
            self._epoch, self._connected_at, self._quiet_since = epoch, now, None
        if now - self._connected_at < self._patience:
            if await self._waiting():
                self._quiet_since = None
                return False
            self._quiet_since = now if self._quiet_since is None else self._quiet_since
            if now - self._quiet_since < self._settle:
                return False
        self._heard = epoch
        return True

    async def _waiting(self) -> int:
        """Events delivered but not applied, or not even delivered; a stream not consumed yet counts as one."""
        waiting = 0
        for stream in self._streams:
            try:
                info = await self._bus.jetstream.consumer_info(self._bus.name(stream), self._service)
            except NotFoundError:
                return 1
            waiting += (info.num_pending or 0) + (info.num_ack_pending or 0)
        return waiting
