"""Background loops: one bounded piece of work at a time, told apart from how often it runs."""

import asyncio
import contextlib
import logging
from typing import Protocol

from shared import metrics
from shared.errors import Unavailable

log = logging.getLogger(__name__)


class Loop(Protocol):
    """Work that repeats: relay, consumer, timer, webhook, push."""

    name: str
    idle: float
    """Seconds to rest when there was nothing to do, unless woken."""

    async def run_once(self) -> bool:
        """Do one bounded batch; True when there may be more at once."""

    async def close(self) -> None:
        """Give back what it holds; called once after the last `run_once`."""


class Pace:
    """No two rounds begin closer together than so many seconds: what comes alone is taken at once, what comes in a
    stream shares a round, and its transaction.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._free_at = 0.0

    async def rest(self) -> None:
        """Wait until the next round may begin."""
        if (early := self._free_at - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(early)

    def begin(self) -> None:
        """A round with work begins now."""
        self._free_at = asyncio.get_running_loop().time() + self._seconds


class Runner:
    """Runs one loop until stopped; starting and stopping twice is harmless, and stopping lets a batch finish."""

    def __init__(self, loop: Loop, *, wake: asyncio.Event | None = None) -> None:
        self.loop = loop
        self.wake = wake or asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._task is None:
            self._stopping = False
            self._task = asyncio.create_task(self._run(), name=self.loop.name)

    async def stop(self) -> None:
        self._stopping = True
        self.wake.set()
        if self._task is not None:
            await self._task
            self._task = None

    async def _run(self) -> None:
        failures = 0
        while not self._stopping:
            self.wake.clear()
            try:
                more = await self.loop.run_once()
                failures = 0
            except Exception as error:
                failures += 1
                metrics.loop_failures.labels(self.loop.name).inc()
                # A bug is told with its trace, an outage without, and the longer a row gets the less often.
                if failures & (failures - 1) == 0:
                    bug = failures == 1 and not isinstance(error, Unavailable)
                    log.warning("loop %s failed: %s", self.loop.name, type(error).__name__, exc_info=bug)
                more = False
            if more:
                continue
            rest = min(0.2 * 2 ** min(failures, 5), 5.0) if failures else self.loop.idle
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.wake.wait(), rest)
        await self.loop.close()
