"""The doors of departments' own systems: webhooks for those that can be called, a feed for those that cannot."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import RowMapping

from contracts.events import ROUTER
from contracts.events.intake import CaseSupplemented, CaseUrged
from services.router import feed, targets
from services.router.api.doors import Department, Here, Hooks, IdempotencyKey, Limit, keyring_of
from services.router.circuit import Circuit, CircuitState
from services.router.idempotency import once
from services.router.usecases import webhooks as usecases
from services.router.webhooks import policy_of
from shared.cloudevents import DOMAIN
from shared.errors import FieldError, InvalidInput

routes = APIRouter(tags=["departments"])

EVENT_TYPES = frozenset((*(event.TYPE for event in ROUTER), CaseSupplemented.TYPE, CaseUrged.TYPE))
type DeliveryState = Literal["pending", "delivered", "dead", "suspended", "cancelled"]
_CURSOR = re.compile(r"([A-Z]{2}-[A-Z][0-9]{2})\.([0-9]{1,18})")


def known_types(wanted: Sequence[str]) -> list[str]:
    """In their short spelling. Raises `ValueError`."""
    short = {name.removeprefix(DOMAIN) for name in wanted}
    if unknown := short - EVENT_TYPES:
        raise ValueError(f"unknown event type {', '.join(sorted(unknown))}")
    return sorted(short)


class NewWebhook(BaseModel):
    model_config = ConfigDict(extra="forbid")

    unit_code: Annotated[str, Field(pattern=r"^[A-Z]{2}-[A-Z][0-9]{2}$")]
    url: Annotated[str, Field(min_length=8, max_length=500)]
    event_types: list[Annotated[str, Field(max_length=64)]] = Field(default=[], max_length=40)
    """Types such as `order.dispatched.v1`, also as they stand in the message (`huying.order.dispatched.v1`); all when empty."""

    @field_validator("event_types")
    @classmethod
    def _known(cls, wanted: list[str]) -> list[str]:
        return known_types(wanted)


class WebhookChange(BaseModel):
    """What is left out stays."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(min_length=8, max_length=500)] | None = None
    event_types: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=40)] | None = None

    @field_validator("event_types")
    @classmethod
    def _known(cls, wanted: list[str] | None) -> list[str] | None:
        return None if wanted is None else known_types(wanted)


class WebhookView(BaseModel):
    webhook_id: UUID
    unit_code: str
    url: str
    event_types: list[str]
    created_at: datetime
    disabled_at: datetime | None
    disabled_because: str | None
    circuit: CircuitState
    """`open`: it failed too often in a row, is given a rest, and everything waits; `half_open`: one message is tried."""
    failures: int
    """In a row."""
    opened_at: datetime | None
    open_until: datetime | None

    @classmethod
    def of(cls, row: RowMapping, now: datetime) -> "WebhookView":
        plain = {name: row[name] for name in cls.model_fields if name != "circuit"}
        return cls(**plain, circuit=Circuit.of(row).state(now))


class WebhookWithSecret(BaseModel):
    webhook: WebhookView
    secret: str
    """Signs every message (Standard Webhooks); shown this once."""


class WebhookList(BaseModel):
    items: list[WebhookView]


class DeliveryView(BaseModel):
    delivery_id: int
    message_id: UUID
    event_type: str
    case_id: UUID | None
    state: str
    attempts: int
    due_at: datetime
    created_at: datetime
    delivered_at: datetime | None
    last_status: int | None
    last_error: str | None

    @classmethod
    def of(cls, row: RowMapping) -> "DeliveryView":
        return cls(**{name: row[name] for name in cls.model_fields})


class DeliveryPage(BaseModel):
    items: list[DeliveryView]
    next: int | None


class Replay(BaseModel):
    model_config = ConfigDict(extra="forbid")

    since: AwareDatetime | None = None
    """What was made from then on."""
    until: AwareDatetime | None = None
    """What was made before."""
    states: list[Literal["dead", "delivered", "pending", "suspended"]] = Field(default=[], max_length=4)
    """When empty: what is dead, and what was delivered where a time or single deliveries are named."""
    event_types: list[Annotated[str, Field(max_length=64)]] = Field(default=[], max_length=40)
    case_id: UUID | None = None
    delivery_ids: list[Annotated[int, Field(ge=1, le=2**63 - 1)]] = Field(default=[], max_length=200)

    @field_validator("event_types")
    @classmethod
    def _known(cls, wanted: list[str]) -> list[str]:
        return sorted({name.removeprefix(DOMAIN) for name in wanted})

    def sought(self) -> usecases.Sought:
        return usecases.Sought(**dict(self))


class Replayed(BaseModel):
    count: int


class FeedItem(BaseModel):
    """The same body a webhook would have brought."""

    unit_code: str
    event: dict[str, Any]
    order: dict[str, Any] | None


class FeedPage(BaseModel):
    items: list[FeedItem]
    next: str
    """Give it as `after` next time, also when there is nothing now."""


@routes.post("/webhooks", status_code=201)
async def register_webhook(
    *, here: Here, by: Hooks, body: NewWebhook, idempotency_key: IdempotencyKey = None
) -> WebhookWithSecret:
    now, keyring, policy = here.clock.now(), keyring_of(here), policy_of(here.settings)
    await targets.admit(body.url, policy=policy)
    async with here.begin() as tx:

        async def add() -> dict[str, str]:
            made = await usecases.register(
                tx,
                unit_code=body.unit_code,
                url=body.url,
                event_types=body.event_types,
                policy=policy,
                keyring=keyring,
                by=by,
                now=now,
            )
            return {"webhook_id": str(made.webhook["webhook_id"])}

        asked = f"webhook {body.model_dump_json()}"
        answer = await once(tx.connection, add, by=by, key=idempotency_key, request=asked, now=now)
        # The secret is read from its one place, so that the kept answers hold none.
        row = await usecases.one(tx, UUID(answer["webhook_id"]), by=by)
    return WebhookWithSecret(webhook=WebhookView.of(row, now), secret=keyring.open(row))


@routes.get("/webhooks")
async def read_webhooks(*, here: Here, by: Hooks) -> WebhookList:
    now = here.clock.now()
    async with here.begin() as tx:
        return WebhookList(items=[WebhookView.of(row, now) for row in await usecases.mine(tx, by=by)])


@routes.patch("/webhooks/{webhook_id}")
async def change_webhook(*, here: Here, by: Hooks, webhook_id: UUID, body: WebhookChange) -> WebhookView:
    """Another address or other event types; the secret stays, and what waits is sent to the new address."""
    policy = policy_of(here.settings)
    if body.url is not None:
        await targets.admit(body.url, policy=policy)
    async with here.begin() as tx:
        row = await usecases.change(tx, webhook_id, url=body.url, event_types=body.event_types, policy=policy, by=by)
    return WebhookView.of(row, here.clock.now())


@routes.delete("/webhooks/{webhook_id}", status_code=204)
async def remove_webhook(*, here: Here, by: Hooks, webhook_id: UUID) -> None:
    async with here.begin() as tx:
        await usecases.remove(tx, webhook_id, by=by, now=here.clock.now())


@routes.post("/webhooks/{webhook_id}/secret")
async def rotate_secret(*, here: Here, by: Hooks, webhook_id: UUID) -> WebhookWithSecret:
    overlap = timedelta(hours=here.settings.webhook_secret_overlap_hours)
    now = here.clock.now()
    async with here.begin() as tx:
        made = await usecases.rotate(tx, webhook_id, overlap=overlap, keyring=keyring_of(here), by=by, now=now)
    return WebhookWithSecret(webhook=WebhookView.of(made.webhook, now), secret=made.secret)


@routes.post("/webhooks/{webhook_id}/ping", status_code=202)
async def ping_webhook(*, here: Here, by: Hooks, webhook_id: UUID) -> DeliveryView:
    """Sends `huying.webhook.ping.v1`, signed like every message; 409 while the webhook is switched off."""
    async with here.begin() as tx:
        return DeliveryView.of(await usecases.ping(tx, webhook_id, by=by, now=here.clock.now()))


@routes.get("/webhooks/{webhook_id}/deliveries")
async def read_deliveries(
    *,
    here: Here,
    by: Hooks,
    webhook_id: UUID,
    state: Annotated[list[DeliveryState], Query(max_length=5)] = [],  # noqa: B006
    event_type: Annotated[list[Annotated[str, Field(max_length=64)]], Query(max_length=40)] = [],  # noqa: B006
    case_id: UUID | None = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    after: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    limit: Limit = 50,
) -> DeliveryPage:
    """Newest first; `since` and `until` are about when the event happened."""
    types = [name.removeprefix(DOMAIN) for name in event_type]
    sought = usecases.Sought(states=state, event_types=types, case_id=case_id, since=since, until=until)
    async with here.begin() as tx:
        found = await usecases.sent(tx, webhook_id, sought, after=after, limit=limit, by=by)
    items = [DeliveryView.of(row) for row in found]
    return DeliveryPage(items=items, next=items[-1].delivery_id if len(items) == limit else None)


@routes.post("/webhooks/{webhook_id}/replay", status_code=202)
async def replay_deliveries(*, here: Here, by: Hooks, webhook_id: UUID, body: Replay) -> Replayed:
    """Sends again, in the order of each case; switches a webhook on again whose endpoint had answered 410."""
    async with here.begin() as tx:
        count = await usecases.replay(tx, webhook_id, body.sought(), by=by, now=here.clock.now())
    return Replayed(count=count)


@routes.get("/feed")
async def read_feed(
    *, here: Here, by: Department, after: Annotated[str, Query(max_length=2000)] = "", limit: Limit = 50
) -> FeedPage:
    """The events of the units this key acts for, each unit's in their order; nothing is lost or repeated between pages."""
    places = _places(after)
    found: list[dict[str, Any]] = []
    async with here.begin() as tx:
        for unit in sorted(by.units):
            if len(found) >= limit:
                break
            entries = await feed.after(tx.connection, unit, places.get(unit, 0), limit - len(found))
            if entries:
                places[unit] = entries[-1]["position"]
            found += entries
    items = [FeedItem(unit_code=entry["unit_code"], **feed.message(entry)) for entry in found]
    return FeedPage(items=items, next="~".join(f"{unit}.{place}" for unit, place in sorted(places.items())))


def _places(after: str) -> dict[str, int]:
    places: dict[str, int] = {}
    for part in after.split("~") if after else []:
        match = _CURSOR.fullmatch(part)
        if match is None:
            raise InvalidInput(fields=(FieldError("query/after", "is not a cursor of ours", "游标格式不正确"),))
        places[match[1]] = int(match[2])
    return places
