"""Sessions that ended before their tokens did: who verifies tokens hears of them on the bus and refuses them."""

import json
import logging
from collections.abc import Callable
from datetime import datetime

from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig, DeliverPolicy
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError

from shared.bus import Bus

log = logging.getLogger(__name__)

STREAM, SUBJECT = "ROUTER", "session.ended.v1"
"""Where the one service that logs staff in says so (`contracts.events.router.SessionEnded`)."""


class EndedSessions:
    """Forgets each when its last token has ended by itself."""

    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}

    def add(self, session: str, until: datetime) -> None:
        self._until[session] = until

    def __contains__(self, session: object) -> bool:
        return session in self._until

    def forget(self, now: datetime) -> None:
        for session in [session for session, until in self._until.items() if until <= now]:
            del self._until[session]


class EndedFeed:
    """Reads what the stream remembers of it at every (re)connection, with a consumer nobody else sees."""

    name = "ended-sessions"
    idle = 1.0

    def __init__(self, bus: Bus, ended: EndedSessions, now: Callable[[], datetime]) -> None:
        self._bus, self._ended, self._now = bus, ended, now
        self._subscription: JetStreamContext.PushSubscription | None = None
        self._epoch = 0

    async def run_once(self) -> bool:
        self._ended.forget(self._now())
        if self._bus.connected and self._epoch != self._bus.epoch:
            epoch = self._bus.epoch
            await self._drop()
            try:
                await self._subscribe()
            except NotFoundError:
                return False  # nobody has published anything yet
            self._epoch = epoch
        return False

    async def _subscribe(self) -> None:
        start = ConsumerConfig(deliver_policy=DeliverPolicy.ALL)
        self._subscription = await self._bus.jetstream.subscribe(
            self._bus.name(SUBJECT), stream=self._bus.name(STREAM), ordered_consumer=True, config=start, cb=self._told
        )

    async def _told(self, message: Msg) -> None:
        try:
            said = json.loads(message.data)["data"]
            until = datetime.fromisoformat(said["token_until"])
            if until > self._now():
                self._ended.add(str(said["session_id"]), until)
        except (ValueError, KeyError, TypeError):
            log.warning("the end of a session could not be read")

    async def _drop(self) -> None:
        if self._subscription is not None:
            try:
                await self._subscription.unsubscribe()
            except Exception as error:
                log.debug("unsubscribe: %s", error)
            self._subscription = None

    async def close(self) -> None:
        await self._drop()
