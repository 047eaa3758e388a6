"""The clock door: a durable loop that says in order of due time what has come due."""

import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from nats.js.errors import NotFoundError
from prometheus_client import Histogram

from services.sla import firing, usecases
from services.sla.firing import Fired
from services.sla.store import SlaTx
from shared.bus import Bus
from shared.clock import Clock
from shared.db import Begin

log = logging.getLogger(__name__)

LATENESS = Histogram(
    "huying_timer_lateness_seconds",
    "From the instant something was due to be said until it was said, on the system's clock",
    buckets=(0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.25, 0.5, 1, 5, 60, 3600, 86_400),
)

type Ready = Callable[[], Awaitable[bool]]


async def at_once() -> bool:
    return True


class Timers:
    """`run_once` fires one batch in one transaction. Any number of workers may run it at the same time.

    It rests until the next timer is due, at most `poll` seconds: another process may start a clock that is due sooner.
    """

    name = "timers:sla"

    def __init__(
        self,
        begin: Begin[SlaTx],
        clock: Clock,
        *,
        batch: int = 500,
        poll: float = 0.2,
        ready: Ready = at_once,
        patience: float = 5.0,
    ) -> None:
        """`patience`: seconds of the clock a timer may be late before that is a backlog, which is told."""
        self._begin, self._clock, self._batch, self._poll, self._ready = begin, clock, batch, poll, ready
        self.idle = poll
        self._patience, self._behind = patience, 0

    async def run_once(self) -> bool:
        if not await self._ready():
            return False
        async with self._begin() as tx:
            fired = await usecases.fire_due(tx, now=self._clock.now(), most=self._batch)
            next_due = await firing.next_due(tx)
        self.idle = min(self._clock.seconds_until(next_due), self._poll) if next_due else self._poll
        self._measure(fired)
        return fired.claimed == self._batch

    def _measure(self, fired: Fired) -> None:
        """After the commit: how late it was, and a word at both ends of a backlog, as after a downtime."""
        for late in fired.late:
            LATENESS.observe(late)
        worst = max(fired.late, default=0.0)
        if worst > self._patience and not self._behind:
            log.warning("%s: behind by %.0f s; what is due is said in order, the oldest first", self.name, worst)
        self._behind += len(fired.late) if worst > self._patience or self._behind else 0
        if self._behind and worst <= self._patience:
            log.warning("%s: caught up after %d timers", self.name, self._behind)
            self._behind = 0

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
