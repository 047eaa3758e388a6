"""The doors of departments' own systems: webhooks for those that can be called, a feed for those that cannot."""

import re
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
from services.router.idempotency import once
from services.router.usecases import webhooks as usecases
from shared.cloudevents import DOMAIN
from shared.errors import FieldError, InvalidInput

routes = APIRouter(tags=["departments"])

EVENT_TYPES = frozenset((*(event.TYPE for event in ROUTER), CaseSupplemented.TYPE, CaseUrged.TYPE))
type DeliveryState = Literal["pending", "delivered", "dead", "suspended", "cancelled"]
_CURSOR = re.compile(r"([A-Z]{2}-[A-Z][0-9]{2})\.([0-9]{1,18})")


class NewWebhook(BaseModel):
    model_config = ConfigDict(extra="forbid")

    unit_code: Annotated[str, Field(pattern=r"^[A-Z]{2}-[A-Z][0-9]{2}$")]
    url: Annotated[str, Field(min_length=8, max_length=500)]
    event_types: list[Annotated[str, Field(max_length=64)]] = Field(default=[], max_length=40)
    """Types such as `order.dispatched.v1`, also as they stand in the message (`huying.order.dispatched.v1`); all when empty."""

    @field_validator("event_types")
    @classmethod
    def _known(cls, wanted: list[str]) -> list[str]:
        short = {name.removeprefix(DOMAIN) for name in wanted}
        if unknown := short - EVENT_TYPES:
            raise ValueError(f"unknown event type {', '.join(sorted(unknown))}")
        return sorted(short)


class WebhookView(BaseModel):
    webhook_id: UUID
    unit_code: str
    url: str
    event_types: list[str]
    created_at: datetime
    disabled_at: datetime | None
    disabled_because: str | None

    @classmethod
    def of(cls, row: RowMapping) -> "WebhookView":
        return cls(**{name: row[name] for name in cls.model_fields})


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
    """Everything made from then on; only what is dead or suspended when left out."""


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
    now, keyring = here.clock.now(), keyring_of(here)
    await targets.admit(body.url, private=here.settings.webhook_private_targets)
    async with here.begin() as tx:

        async def add() -> dict[str, str]:
            made = await usecases.register(
                tx,
                unit_code=body.unit_code,
                url=body.url,
                event_types=body.event_types,
                private=here.settings.webhook_private_targets,
                keyring=keyring,
                by=by,
                now=now,
            )
            return {"webhook_id": str(made.webhook["webhook_id"])}

        asked = f"webhook {body.model_dump_json()}"
        answer = await once(tx.connection, add, by=by, key=idempotency_key, request=asked, now=now)
        # The secret is read from its one place, so that the kept answers hold none.
        row = await usecases.one(tx, UUID(answer["webhook_id"]), by=by)
    return WebhookWithSecret(webhook=WebhookView.of(row), secret=keyring.open(row))


@routes.get("/webhooks")
async def read_webhooks(*, here: Here, by: Hooks) -> WebhookList:
    async with here.begin() as tx:
        return WebhookList(items=[WebhookView.of(row) for row in await usecases.mine(tx, by=by)])


@routes.delete("/webhooks/{webhook_id}", status_code=204)
async def remove_webhook(*, here: Here, by: Hooks, webhook_id: UUID) -> None:
    async with here.begin() as tx:
        await usecases.remove(tx, webhook_id, by=by, now=here.clock.now())


@routes.post("/webhooks/{webhook_id}/secret")
async def rotate_secret(*, here: Here, by: Hooks, webhook_id: UUID) -> WebhookWithSecret:
    overlap = timedelta(hours=here.settings.webhook_secret_overlap_hours)
    async with here.begin() as tx:
        made = await usecases.rotate(
            tx, webhook_id, overlap=overlap, keyring=keyring_of(here), by=by, now=here.clock.now()
        )
    return WebhookWithSecret(webhook=WebhookView.of(made.webhook), secret=made.secret)


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
    state: DeliveryState | None = None,
    after: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    limit: Limit = 50,
) -> DeliveryPage:
    async with here.begin() as tx:
        found = await usecases.sent(tx, webhook_id, state=state, after=after, limit=limit, by=by)
    items = [DeliveryView.of(row) for row in found]
    return DeliveryPage(items=items, next=items[-1].delivery_id if len(items) == limit else None)


@routes.post("/webhooks/{webhook_id}/replay", status_code=202)
async def replay_deliveries(*, here: Here, by: Hooks, webhook_id: UUID, body: Replay) -> Replayed:
    """Sends again, and switches a webhook on again whose endpoint had answered 410."""
    async with here.begin() as tx:
        count = await usecases.replay(tx, webhook_id, since=body.since, by=by, now=here.clock.now())
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
