"""Delivers what departments' systems asked to be told: signed per Standard Webhooks, again and again, in order."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import orjson
from sqlalchemy import RowMapping, text, update

from services.router import feed, targets
from services.router.settings import Settings
from services.router.signing import Keyring, headers
from services.router.store import Tx
from services.router.tables import deliveries, webhooks
from shared.cloudevents import DOMAIN
from shared.context import Context
from shared.errors import DomainError
from shared.vault import UndecipherableValue

BATCH = 20
GONE = 410
PING = "webhook.ping.v1"

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
    final: bool = False
    """True when no later attempt can go better."""

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004  HTTP's "success"

    @property
    def gone(self) -> bool:
        return self.status == GONE


def ping_event(row: RowMapping) -> dict[str, Any]:
    """A CloudEvent about nothing but the webhook itself."""
    return {
        "specversion": "1.0",
        "id": str(row["message_id"]),
        "type": DOMAIN + PING,
        "source": "/router",
        "subject": str(row["webhook_id"]),
        "time": row["created_at"],
        "datacontenttype": "application/json",
        "data": {"webhook_id": str(row["webhook_id"]), "unit_code": row["unit_code"]},
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
        self._keyring: Keyring = context.parts["keyring"]
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
            # Webhooks before deliveries, as a replay locks them.
            await self._switch_off(tx, (row for row, outcome in zip(claimed, outcomes, strict=True) if outcome.gone))
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
        if row["position"] is not None and entry is None:
            return Outcome(None, "the event is no longer kept", final=True)
        body = orjson.dumps(feed.message(entry) if entry else {"event": ping_event(row), "order": None}).decode()
        try:
            async with asyncio.timeout(self._settings.webhook_timeout_seconds):
                status = await self._send(row, body)
        except (httpx.HTTPError, TimeoutError) as error:
            return Outcome(None, type(error).__name__)
        except DomainError as refused:
            return Outcome(None, refused.detail)
        except UndecipherableValue:
            return Outcome(None, "the secret cannot be read with the keys of ROUTER_VAULT_KEYS")
        return Outcome(status, "")

    async def _send(self, row: RowMapping, body: str) -> int:
        """To the address that was checked; the answer's body is not read, whatever its length."""
        keys = self._keyring.valid(row, now=self._context.clock.now())
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
        elif outcome.gone or outcome.final or row["attempts"] > len(waits):
            change["state"] = "dead"
        else:
            wait = waits[row["attempts"] - 1] * (1 + self._settings.webhook_jitter_share * self._random())
            change["due_at"] = now + timedelta(seconds=wait)
        here = update(deliveries).where(deliveries.c.delivery_id == row["delivery_id"])
        if not outcome.delivered:  # one that was cancelled or suspended meanwhile stays so
            here = here.where(deliveries.c.state == "pending")
        await tx.connection.execute(here.values(change))

    async def _switch_off(self, tx: Tx, gone: Iterable[RowMapping]) -> None:
        """Their endpoints said that they have gone; whatever waits for them waits for a replay."""
        messages = {row["webhook_id"]: row["delivery_id"] for row in gone}
        for webhook_id in sorted(messages):
            off = {"disabled_at": self._context.clock.now(), "disabled_because": "the endpoint answered 410 Gone"}
            here = update(webhooks).where(webhooks.c.webhook_id == webhook_id, webhooks.c.disabled_at.is_(None))
            if (await tx.connection.execute(here.values(off))).rowcount:
                waiting = update(deliveries).where(
                    deliveries.c.webhook_id == webhook_id,
                    deliveries.c.state == "pending",
                    deliveries.c.delivery_id != messages[webhook_id],
                )
                await tx.connection.execute(waiting.values(state="suspended"))

    async def close(self) -> None:
        await self._http.aclose()
