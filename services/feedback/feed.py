"""What feeds this process's watchers: one subscription for all, a comparison for what it missed, and heartbeats."""

import asyncio
import logging
import signal
import threading
from collections.abc import Mapping
from types import FrameType
from typing import Any

from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from services.feedback.domain.countdown import counted_down
from services.feedback.hub import Hub
from services.feedback.lookups import LookUps
from services.feedback.settings import Settings
from services.feedback.store import SIGNAL, Tx
from shared.context import Context

log = logging.getLogger(__name__)


class Feed:
    """Signals may be lost, so after every (re)connection and every few seconds versions are compared with the table."""

    name = "feedback:feed"
    idle = 0.5

    def __init__(self, here: Context[Settings, Tx], hub: Hub, look_ups: LookUps, *, words: Mapping[str, str]) -> None:
        """`words`: those of the countdown."""
        self._here, self._bus, self._every = here, here.bus, here.settings.catch_up_seconds
        self._hub, self._look_ups, self._words = hub, look_ups, words
        self._subscription: Subscription | None = None
        self._epoch = 0
        self._compared_at = 0.0

    async def run_once(self) -> bool:
        if self._subscription is None and self._bus.connected:
            self._subscription = await self._bus.client.subscribe(self._bus.name(SIGNAL), cb=self._told)
        now = asyncio.get_running_loop().time()
        if self._epoch != self._bus.epoch or now - self._compared_at >= self._every:
            epoch = self._bus.epoch
            await self.compare()
            self._epoch, self._compared_at = epoch, now
        return False

    async def compare(self) -> None:
        """Tell the watchers what the table has and they do not, in one query."""
        watched = self._hub.versions()
        if watched:
            for case_no, found in await self._look_ups.newer(watched, now=self._here.clock.now()):
                self._hub.tell(case_no, found.version, found.closed, found.view)

    async def _told(self, message: Msg) -> None:
        try:
            for line in message.data.split(b"\n"):
                version, closed, case_no, hashed, view = line.split(b" ", 4)
                number = case_no.decode()
                if self._hub.watches(number):
                    view = counted_down(view, self._here.clock.now(), self._words)
                    self._hub.tell(number, int(version), closed == b"1", view, hashed.decode())
        except ValueError:
            log.warning("a progress signal could not be read")

    async def close(self) -> None:
        if self._subscription is not None and self._bus.connected:
            await self._subscription.unsubscribe()
        self._subscription = None


class Heartbeat:
    """Keeps silent streams open through proxies."""

    name = "feedback:heartbeat"
    idle = 1.0

    def __init__(self, hub: Hub, *, silent_for: float) -> None:
        self._hub, self._silent_for = hub, silent_for

    async def run_once(self) -> bool:
        self._hub.beat(silent_for=self._silent_for)
        return False

    async def close(self) -> None:
        self._hub.close()


class Drain:
    """Ends all streams when the process is told to stop: the server waits for open answers, and these never end."""

    _SIGNALS = (signal.SIGTERM, signal.SIGINT)

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._before: dict[int, Any] = {}

    def install(self) -> None:
        """Put ourselves before the server's own handlers; signals reach the main thread only."""
        if threading.current_thread() is not threading.main_thread():
            return
        loop = asyncio.get_running_loop()
        for number in self._SIGNALS:
            before = signal.getsignal(number)
            if callable(before):
                self._before[number] = before
                signal.signal(number, self._handler(loop, before))

    def _handler(self, loop: asyncio.AbstractEventLoop, before: Any) -> Any:
        def handle(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self._hub.close)
            before(number, frame)

        return handle

    def restore(self) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        self._before.clear()
