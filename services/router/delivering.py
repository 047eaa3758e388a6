"""Deliveries in the database: which are next, and what is written down of an attempt."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.router.circuit import Circuit, Rests
from services.router.posting import Outcome
from services.router.settings import Settings
from services.router.tables import webhooks

type Attempts = Sequence[tuple[RowMapping, Outcome]]

# A later message of the same case waits for the earlier one, whatever becomes of it: delivered, or dead. Every endpoint
# has its own lane, so that the many messages of one do not stand before the few of another. One that is given a rest
# gets one message when the rest is over, from one worker.
_CLAIM = text("""
WITH probing AS (
  UPDATE webhooks SET open_until = :lease
  WHERE open_until <= :now AND disabled_at IS NULL AND webhook_id <> ALL(CAST(:busy AS uuid[])) AND EXISTS (
    SELECT 1 FROM deliveries d WHERE d.webhook_id = webhooks.webhook_id AND d.state = 'pending' AND d.due_at <= :now)
  RETURNING webhook_id),
lanes AS (
  SELECT webhook_id, CAST(:lane AS int) AS size FROM webhooks
  WHERE disabled_at IS NULL AND open_until IS NULL AND webhook_id <> ALL(CAST(:busy AS uuid[]))
  UNION ALL SELECT webhook_id, 1 FROM probing),
due AS MATERIALIZED (
  SELECT d.delivery_id FROM lanes CROSS JOIN LATERAL (
    SELECT delivery_id FROM deliveries f
    WHERE f.webhook_id = lanes.webhook_id AND f.state = 'pending' AND f.due_at <= :now AND NOT EXISTS (
      SELECT 1 FROM deliveries e WHERE e.webhook_id = f.webhook_id AND e.case_id = f.case_id
      AND e.state = 'pending' AND e.delivery_id < f.delivery_id)
    ORDER BY f.due_at, f.delivery_id LIMIT lanes.size FOR UPDATE OF f SKIP LOCKED) d)
UPDATE deliveries SET attempts = attempts + 1, due_at = :lease
FROM webhooks
WHERE webhooks.webhook_id = deliveries.webhook_id
  AND deliveries.delivery_id = ANY(ARRAY(SELECT delivery_id FROM due))
RETURNING deliveries.*, webhooks.url, webhooks.secret, webhooks.old_secret, webhooks.old_secret_until,
  webhooks.failures, webhooks.opened_at, webhooks.open_until, webhooks.openings
""")
# One that was cancelled or suspended meanwhile stays so, unless it arrived.
_RECORD = text("""
UPDATE deliveries SET state = said.state, due_at = coalesce(said.due_at, deliveries.due_at),
  delivered_at = CASE WHEN said.state = 'delivered' THEN CAST(:now AS timestamptz) ELSE deliveries.delivered_at END,
  last_status = said.status, last_error = said.error
FROM unnest(CAST(:ids AS bigint[]), CAST(:states AS text[]), CAST(:dues AS timestamptz[]), CAST(:statuses AS int[]),
  CAST(:errors AS text[])) AS said(delivery_id, state, due_at, status, error)
WHERE deliveries.delivery_id = said.delivery_id AND (said.state = 'delivered' OR deliveries.state = 'pending')
""")
# What waits behind a message that waits is not looked at before it.
_BEHIND = text("""
UPDATE deliveries SET due_at = said.due_at
FROM unnest(CAST(:ids AS bigint[]), CAST(:cases AS uuid[]), CAST(:dues AS timestamptz[])) AS said(head, case_id, due_at)
WHERE deliveries.webhook_id = :webhook AND deliveries.case_id = said.case_id AND deliveries.delivery_id > said.head
  AND deliveries.state = 'pending' AND deliveries.due_at < said.due_at
""")
_BROUGHT_FORWARD = text("""
UPDATE deliveries SET due_at = created_at WHERE webhook_id = :webhook AND state = 'pending' AND due_at > :now
""")
_SUSPENDED = text("UPDATE deliveries SET state = 'suspended' WHERE webhook_id = :webhook AND state = 'pending'")


async def claim(
    connection: AsyncConnection, settings: Settings, *, busy: Sequence[UUID], now: datetime
) -> list[RowMapping]:
    """What is next for every endpoint but those, each endpoint's together and in order."""
    asked = {
        "now": now,
        "lease": now + timedelta(seconds=settings.webhook_lease_seconds),
        "lane": settings.webhook_lane,
        "busy": busy,
    }
    found = (await connection.execute(_CLAIM, asked)).mappings().all()
    return sorted(found, key=lambda row: (row["webhook_id"], row["delivery_id"]))


async def record(
    connection: AsyncConnection,
    attempts: Attempts,
    *,
    settings: Settings,
    rests: Rests,
    random: Callable[[], float],
    now: datetime,
) -> None:
    """What became of one lane. Webhooks are locked before deliveries, as a replay locks them."""
    webhook_id = attempts[0][0]["webhook_id"]
    gone = any(outcome.gone for _, outcome in attempts)
    if gone:
        gone = await _switch_off(connection, webhook_id, now)
    closed = await _judge(connection, webhook_id, attempts, rests, now)
    changes = [_change(row, outcome, settings, random, now) for row, outcome in attempts]
    said = {name: [change[name] for change in changes] for name in ("ids", "states", "dues", "statuses", "errors")}
    await connection.execute(_RECORD, {"now": now, **said})
    waiting = [
        (row["delivery_id"], row["case_id"], change["dues"])
        for (row, _), change in zip(attempts, changes, strict=True)
        if change["dues"] is not None and row["case_id"] is not None
    ]
    if gone:
        await connection.execute(_SUSPENDED, {"webhook": webhook_id})
    elif closed:
        await connection.execute(_BROUGHT_FORWARD, {"webhook": webhook_id, "now": now})
    elif waiting:
        ids, cases, dues = (list(column) for column in zip(*waiting, strict=True))
        await connection.execute(_BEHIND, {"webhook": webhook_id, "ids": ids, "cases": cases, "dues": dues})


def _change(
    row: RowMapping, outcome: Outcome, settings: Settings, random: Callable[[], float], now: datetime
) -> dict[str, Any]:
    waits, due_at = settings.webhook_retry_seconds, None
    if outcome.delivered:
        state = "delivered"
    elif outcome.gone or outcome.final or row["attempts"] > len(waits):
        state = "dead"
    else:
        state = "pending"
        wait = waits[row["attempts"] - 1] * (1 + settings.webhook_jitter_share * random())
        due_at = now + timedelta(seconds=wait)
    return {
        "ids": row["delivery_id"],
        "states": state,
        "dues": due_at,
        "statuses": outcome.status,
        "errors": outcome.error or None,
    }


async def _judge(
    connection: AsyncConnection, webhook_id: UUID, attempts: Attempts, rests: Rests, now: datetime
) -> bool:
    """What the circuit makes of it; True when it has closed again. Costs nothing while all goes well."""
    delivered = sum(outcome.delivered for _, outcome in attempts)
    failed = sum(not (outcome.delivered or outcome.final) for _, outcome in attempts)
    claimed = Circuit.of(attempts[0][0])
    if claimed.untroubled and not failed:
        return False
    here = webhooks.c.webhook_id == webhook_id
    row = (await connection.execute(select(webhooks).where(here).with_for_update())).mappings().one()
    known = Circuit.of(row)
    probing = claimed.open_until is not None
    now_known = known.after(delivered=delivered, failed=failed, probing=probing, rests=rests, now=now)
    if now_known != known:
        await connection.execute(update(webhooks).where(here).values(now_known.values()))
    return known.open_until is not None and now_known.open_until is None


async def _switch_off(connection: AsyncConnection, webhook_id: UUID, now: datetime) -> bool:
    """Its endpoint said that it has gone; whatever waits for it waits for a replay. False when it was off already."""
    off = {"disabled_at": now, "disabled_because": "the endpoint answered 410 Gone"}
    here = update(webhooks).where(webhooks.c.webhook_id == webhook_id, webhooks.c.disabled_at.is_(None))
    return bool((await connection.execute(here.values(off))).rowcount)
