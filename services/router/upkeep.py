"""What the desk drops when its time has come: a loop of the worker, in small batches."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import TextClause, text

from services.router.settings import Settings
from services.router.store import Tx
from services.router.usecases import emergencies
from shared.context import Context

BATCH = 500
LATE = timedelta(days=31)
"""An event is delivered at the latest while its stream remembers it."""

# From the head of each unit's feed, where the oldest are: so many rows are looked at, however long it is.
_FEED = text("""
DELETE FROM feed USING feed_heads h CROSS JOIN LATERAL (
  SELECT position, at FROM feed WHERE unit_code = h.unit_code ORDER BY position LIMIT :batch) AS head
WHERE feed.unit_code = h.unit_code AND feed.position = head.position AND head.at < :before
""")
# What never left because its webhook was removed in that instant, or because the endpoint stayed away, goes with the feed.
_DELIVERIES = text("""
DELETE FROM deliveries WHERE delivery_id IN (
  SELECT delivery_id FROM deliveries
  WHERE created_at < greatest(CAST(:before AS timestamptz), CAST(:feed_before AS timestamptz))
  AND (created_at < :feed_before OR (created_at < :before AND state IN ('delivered', 'dead', 'cancelled')))
  LIMIT :batch)
""")
_ANSWERS = text("""
DELETE FROM kept_answers WHERE (actor_id, key) IN (
  SELECT actor_id, key FROM kept_answers WHERE created_at < :before LIMIT :batch)
""")
_FAILURES = text("""
DELETE FROM login_failures WHERE address IN (SELECT address FROM login_failures WHERE since < :before LIMIT :batch)
""")
_ERASED = text("""
DELETE FROM erased_citizens WHERE citizen_id IN (SELECT citizen_id FROM erased_citizens WHERE at < :before LIMIT :batch)
""")
# Who logged in when stays in the record of accounts.
_SESSIONS = text("""
DELETE FROM sessions WHERE session_id IN (
  SELECT session_id FROM sessions WHERE token_until < :before LIMIT :batch)
""")


class Upkeep:
    """Prunes feed, deliveries, kept answers, counted failures and old sessions, erases what came after its erasure was
    told, and lifts emergencies whose end has come.
    """

    name = "router:upkeep"
    idle = 60.0

    def __init__(self, context: Context[Settings, Tx]) -> None:
        self._context = context

    async def run_once(self) -> bool:
        """Deliveries go before the feed entries they point to. True when a batch was full."""
        now, settings = self._context.clock.now(), self._context.settings
        feed_before = now - timedelta(days=settings.feed_days)
        sent_before = now - timedelta(days=settings.deliveries_days)
        full = [
            await self._delete(_DELIVERIES, sent_before, feed_before=feed_before),
            await self._delete(_FEED, feed_before),
            await self._delete(_ANSWERS, now - timedelta(hours=settings.kept_answers_hours)),
            await self._delete(_FAILURES, now - timedelta(minutes=settings.lockout_minutes)),
            await self._delete(_ERASED, now - LATE),
            await self._delete(_SESSIONS, now - timedelta(days=1)),
        ]
        async with self._context.begin() as tx:
            await tx.erase_told_since(now - LATE)
            await emergencies.lift_over(tx, now=now)
        return any(full)

    async def _delete(self, statement: TextClause, before: datetime, **more: Any) -> bool:
        """Each in its own short transaction."""
        async with self._context.begin() as tx:
            done: Any = await tx.connection.execute(statement, {"before": before, "batch": BATCH, **more})
        return bool(done.rowcount >= BATCH)

    async def close(self) -> None:
        """Nothing is held."""
