"""The loop by which a running process takes over what others have published: catalogue versions, logins that ended."""

from datetime import datetime, timedelta

from services.router.people import sessions
from services.router.rulebook import Rulebook
from services.router.settings import Settings
from services.router.store import Tx
from shared.context import Context

OVERLAP = timedelta(minutes=1)
"""A transaction that began before the last look may have ended after it."""


class Takeover:
    """Asks every few seconds what is published; the day a version begins on then decides by itself."""

    name = "router:catalogue"
    idle = 3.0

    def __init__(self, context: Context[Settings, Tx], rulebook: Rulebook) -> None:
        self._context, self._rulebook = context, rulebook
        self._looked: datetime | None = None

    async def run_once(self) -> bool:
        async with self._context.begin() as tx:
            now = self._context.clock.now()
            for session, until in await sessions.ended(tx, since=self._looked and self._looked - OVERLAP, now=now):
                self._context.ended.add(session, until)
        self._looked = now
        # Apart: a version that cannot be read must keep nobody logged in.
        async with self._context.begin() as tx:
            await self._rulebook.refresh(tx.connection)
        return False

    async def close(self) -> None:
        """Nothing is held."""
