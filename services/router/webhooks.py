"""Delivers what departments' systems asked to be told, in a lane of its own for every endpoint, so that none waits for
another: signed per Standard Webhooks, again and again, in the order of each case.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import RowMapping

from services.router import delivering, feed
from services.router.circuit import Rests
from services.router.posting import Message, Outcome, Poster
from services.router.settings import Settings
from services.router.signing import Keyring
from services.router.store import Tx
from services.router.targets import Policy
from shared.cloudevents import DOMAIN
from shared.context import Context
from shared.vault import UndecipherableValue

PING = "webhook.ping.v1"

type Entries = Mapping[tuple[str, int], dict[str, Any]]


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


def policy_of(settings: Settings) -> Policy:
    return Policy.of(
        private=settings.webhook_private_targets,
        networks=settings.webhook_private_networks,
        refused=settings.webhook_refused_networks,
    )


class Courier:
    """The loop: gives every endpoint that has something due a lane, and waits for none of them."""

    name = "webhooks"
    idle = 1.0

    def __init__(
        self,
        context: Context[Settings, Tx],
        *,
        signed_at: Callable[[], datetime],
        random: Callable[[], float],
    ) -> None:
        """`signed_at` is the real time, whatever clock the system runs by; `random` is between 0 and 1, for the jitter."""
        self._context, self._settings = context, context.settings
        self._keyring: Keyring = context.parts["keyring"]
        self._random = random
        self._rests = Rests(self._settings.webhook_circuit_failures, self._settings.webhook_circuit_seconds)
        self._poster = Poster(
            timeout=self._settings.webhook_timeout_seconds, policy=policy_of(self._settings), signed_at=signed_at
        )
        self._lanes: dict[UUID, asyncio.Task[None]] = {}
        """Endpoints that are being served."""

    async def run_once(self) -> bool:
        """Start lanes, and wait until one of them is free again, or for as long as the loop would rest."""
        await self._start_lanes()
        if not self._lanes:
            return False
        done, _ = await asyncio.wait(self._lanes.values(), timeout=self.idle, return_when=asyncio.FIRST_COMPLETED)
        self._lanes = {webhook: lane for webhook, lane in self._lanes.items() if lane not in done}
        for lane in done:
            lane.result()  # what could not be written down is due again after the lease
        return True

    async def _start_lanes(self) -> None:
        claimed, entries = await self._claim()
        for webhook_id, rows in groupby(claimed, itemgetter("webhook_id")):
            self._lanes[webhook_id] = asyncio.create_task(self._serve(list(rows), entries))

    async def _claim(self) -> tuple[list[RowMapping], Entries]:
        """Of every endpoint that is not being served; due again after the lease, should this process die."""
        async with self._context.begin() as tx:
            claimed = await delivering.claim(
                tx.connection, self._settings, busy=list(self._lanes), now=self._context.clock.now()
            )
            places = [(row["unit_code"], row["position"]) for row in claimed if row["position"] is not None]
            entries = await feed.at(tx.connection, places) if places else {}
        return claimed, entries

    async def _serve(self, rows: Sequence[RowMapping], entries: Entries) -> None:
        outcomes = await self._attempt(rows, entries)
        async with self._context.begin() as tx:
            await delivering.record(
                tx.connection,
                list(zip(rows, outcomes, strict=True)),
                settings=self._settings,
                rests=self._rests,
                random=self._random,
                now=self._context.clock.now(),
            )

    async def _attempt(self, rows: Sequence[RowMapping], entries: Entries) -> list[Outcome]:
        """Messages of one endpoint, each of another case."""
        bodies = {row["delivery_id"]: _body(row, entries) for row in rows}
        messages = [Message(row["message_id"], body) for row in rows if (body := bodies[row["delivery_id"]])]
        try:
            keys = self._keyring.valid(rows[0], now=self._context.clock.now())
        except UndecipherableValue:
            return [Outcome(None, "the secret cannot be read with the keys of ROUTER_VAULT_KEYS")] * len(rows)
        posted = iter(await self._poster.post(rows[0]["url"], messages, keys) if messages else ())
        kept_no_more = Outcome(None, "the event is no longer kept", final=True)
        return [next(posted) if bodies[row["delivery_id"]] else kept_no_more for row in rows]

    async def close(self) -> None:
        """What is under way is brought to its end, which comes within twice the timeout."""
        await asyncio.gather(*self._lanes.values(), return_exceptions=True)
        self._lanes = {}
        await self._poster.close()


def _body(row: RowMapping, entries: Entries) -> str | None:
    """None when the unit's feed no longer holds the event."""
    if row["position"] is None:
        return orjson.dumps({"event": ping_event(row), "order": None}).decode()
    entry = entries.get((row["unit_code"], row["position"]))
    return orjson.dumps(feed.message(entry)).decode() if entry else None
