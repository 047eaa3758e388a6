"""Delivers what departments' systems asked to be told: signed per Standard Webhooks, again and again, in order."""

import asyncio
import secrets
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import orjson
from sqlalchemy import RowMapping, text, update
from standardwebhooks import Webhook

from services.router import feed, targets
from services.router.settings import Settings
from services.router.store import Tx
from services.router.tables import deliveries, webhooks
from shared.context import Context
from shared.errors import DomainError

BATCH = 20
GONE = 410

# A later message of the same case waits for the earlier one, whatever becomes of it: delivered, or dead.
_CLAIM = text("""
UPDATE deliveries SET attempts = attempts + 1, due_at = :lease
FROM webhooks
WHERE webhooks.webhook_id = deliveries.webhook_id AND deliveries.delivery_id IN (
  SELECT d.delivery_id FROM deliveries d JOIN webhooks w USING (webhook_id)
  WHERE d.state = 'pending' AND d.due_at <= :now AND w.disabled_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM deliveries e WHERE e.webhook_id = d.webhook_id AND e.case_id = d.case_id
    AND e.state = 'pending' AND e.delivery_id < d.delivery_id)
  ORDER BY d.due_at, d.delivery_id LIMIT :batch FOR UPDATE OF d SKIP LOCKED)
RETURNING deliveries.*, webhooks.url, webhooks.secret, webhooks.old_secret, webhooks.old_secret_until
""")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt."""

    status: int | None
    error: str

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004  HTTP's "success"


def new_secret() -> str:
    """As Standard Webhooks writes them: 24 to 64 random bytes, base64, `whsec_` before."""
    return "whsec_" + b64encode(secrets.token_bytes(32)).decode()


def headers(message_id: UUID, body: str, keys: Sequence[str], *, at: datetime) -> dict[str, str]:
    """One signature for every valid secret, so that a secret can be replaced without losing a message."""
    signatures = [Webhook(key).sign(str(message_id), at, body) for key in keys]
    return {
        "content-type": "application/json",
        "user-agent": "huying-webhooks/1",
        "webhook-id": str(message_id),
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


class Courier:
    """The loop: claims what is due, posts it, and writes down what became of it."""

    name = "webhooks"
    idle = 1.0

    def __init__(
        self,
        context: Context[Settings, Tx],
        *,
        signed_at: Callable[[], datetime],
        random: Callable[[], float],
    ) -> None:
        """`signed_at` is the real time, whatever clock the system runs by: receivers compare it with theirs.

        `random` answers between 0 and 1, for the jitter.
        """
        self._context, self._settings = context, context.settings
        self._signed_at, self._random = signed_at, random
        # No proxy from the environment: it would look the host up again and go where we did not look.
        self._http = httpx.AsyncClient(
            timeout=self._settings.webhook_timeout_seconds, follow_redirects=False, trust_env=False
        )

    async def run_once(self) -> bool:
        claimed, entries = await self._claim()
        if not claimed:
            return False
        outcomes = await asyncio.gather(*(self._post(row, entries) for row in claimed))
        async with self._context.begin() as tx:
            for row, outcome in zip(claimed, outcomes, strict=True):
                await self._record(tx, row, outcome)
        return True

    async def _claim(self) -> tuple[list[RowMapping], dict[tuple[str, int], dict[str, Any]]]:
        """Claimed rows are due again after the lease: should this process die, another one delivers them."""
        now = self._context.clock.now()
        lease = now + timedelta(seconds=self._settings.webhook_lease_seconds)
        async with self._context.begin() as tx:
            rows = await tx.connection.execute(_CLAIM, {"now": now, "lease": lease, "batch": BATCH})
            claimed = list(rows.mappings())
            places = [(row["unit_code"], row["position"]) for row in claimed if row["position"] is not None]
            entries = await feed.at(tx.connection, places) if places else {}
        return claimed, entries

    async def _post(self, row: RowMapping, entries: dict[tuple[str, int], dict[str, Any]]) -> Outcome:
        entry = entries.get((row["unit_code"], row["position"]))
        message = feed.message(entry) if entry else {"event": {"type": row["event_type"]}, "order": None}
        body = orjson.dumps(message).decode()
        keys = [row["secret"]]
        if row["old_secret"] and row["old_secret_until"] > self._context.clock.now():
            keys.append(row["old_secret"])
        try:
            async with asyncio.timeout(self._settings.webhook_timeout_seconds):
                status = await self._send(row, body, keys)
        except (httpx.HTTPError, TimeoutError) as error:
            return Outcome(None, type(error).__name__)
        except DomainError as refused:
            return Outcome(None, refused.detail)
        return Outcome(status, "")

    async def _send(self, row: RowMapping, body: str, keys: Sequence[str]) -> int:
        """To the address that was checked; the answer's body is not read, whatever its length."""
        target = await targets.resolve(row["url"], private=self._settings.webhook_private_targets)
        signed = headers(row["message_id"], body, keys, at=self._signed_at())
        async with self._http.stream(
            "POST",
            target.pinned,
            content=body,
            headers={**signed, "host": target.host_header},
            extensions={"sni_hostname": target.host},
        ) as answer:
            return answer.status_code

    async def _record(self, tx: Tx, row: RowMapping, outcome: Outcome) -> None:
        now = self._context.clock.now()
        change: dict[str, Any] = {"last_status": outcome.status, "last_error": outcome.error or None}
        waits = self._settings.webhook_retry_seconds
        if outcome.delivered:
            change |= {"state": "delivered", "delivered_at": now}
        elif outcome.status == GONE or row["attempts"] > len(waits):
            change["state"] = "dead"
        else:
            wait = waits[row["attempts"] - 1] * (1 + self._settings.webhook_jitter_share * self._random())
            change["due_at"] = now + timedelta(seconds=wait)
        await tx.connection.execute(
            update(deliveries).where(deliveries.c.delivery_id == row["delivery_id"]).values(change)
        )
        if outcome.status == GONE:
            gone = {"disabled_at": now, "disabled_because": "the endpoint answered 410 Gone"}
            await tx.connection.execute(update(webhooks).where(webhooks.c.webhook_id == row["webhook_id"]).values(gone))

    async def close(self) -> None:
        await self._http.aclose()
