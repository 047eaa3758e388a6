"""Endpoints of departments: registering, trying out, looking at deliveries, sending again, changing the secret."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import RowMapping, insert, or_, select, update

from services.router import targets
from services.router.domain.errors import UnitUnknown
from services.router.store import Tx
from services.router.tables import deliveries, webhooks
from services.router.webhooks import new_secret
from shared.errors import Forbidden, NotFound
from shared.ids import new_id
from shared.tokens import Actor

PING = "webhook.ping"


class WebhookUnknown(NotFound):
    """There is no such webhook, or it is not yours."""

    zh = "未找到该回调，或您无权管理"


class NotYourUnitsWebhook(Forbidden):
    """A department's system manages the webhooks of its own units only."""

    zh = "只能管理本单位的回调"


@dataclass(frozen=True, slots=True)
class Made:
    webhook: RowMapping
    secret: str


def _may(by: Actor, unit_code: str) -> bool:
    return by.has("admin") or (by.kind == "machine" and by.has("department") and unit_code in by.units)


async def register(
    tx: Tx, *, unit_code: str, url: str, event_types: Sequence[str], private: bool, by: Actor, now: datetime
) -> Made:
    """The secret is in the answer and is not shown again."""
    if unit_code not in tx.rulebook.in_force(now).rules.catalogue.units:
        raise UnitUnknown(unit_code)
    if not _may(by, unit_code):
        raise NotYourUnitsWebhook
    targets.check(url, private=private)
    secret = new_secret()
    values = {
        "webhook_id": new_id(),
        "unit_code": unit_code,
        "url": url,
        "event_types": sorted(set(event_types)),
        "secret": secret,
        "created_by": by.id,
        "created_at": now,
    }
    made = await tx.connection.execute(insert(webhooks).values(values).returning(webhooks))
    return Made(made.mappings().one(), secret)


async def mine(tx: Tx, *, by: Actor) -> Sequence[RowMapping]:
    query = select(webhooks).order_by(webhooks.c.webhook_id)
    if not by.has("admin"):
        query = query.where(webhooks.c.unit_code.in_(by.units))
    return (await tx.connection.execute(query)).mappings().all()


async def one(tx: Tx, webhook_id: UUID, *, by: Actor, lock: bool = False) -> RowMapping:
    query = select(webhooks).where(webhooks.c.webhook_id == webhook_id)
    rows = await tx.connection.execute(query.with_for_update() if lock else query)
    found: RowMapping | None = rows.mappings().one_or_none()
    if found is None or not _may(by, found["unit_code"]):
        raise WebhookUnknown
    return found


async def remove(tx: Tx, webhook_id: UUID, *, by: Actor, now: datetime) -> None:
    """Nothing more is sent; the record of what was stays."""
    await one(tx, webhook_id, by=by, lock=True)
    change = {"disabled_at": now, "disabled_because": "removed"}
    await tx.connection.execute(update(webhooks).where(webhooks.c.webhook_id == webhook_id).values(change))


async def rotate(tx: Tx, webhook_id: UUID, *, overlap: timedelta, by: Actor, now: datetime) -> Made:
    """A new secret; until the overlap ends messages are signed with both."""
    found = await one(tx, webhook_id, by=by, lock=True)
    secret = new_secret()
    change = {"secret": secret, "old_secret": found["secret"], "old_secret_until": now + overlap}
    changed = update(webhooks).where(webhooks.c.webhook_id == webhook_id).values(change).returning(webhooks)
    return Made((await tx.connection.execute(changed)).mappings().one(), secret)


async def ping(tx: Tx, webhook_id: UUID, *, by: Actor, now: datetime) -> RowMapping:
    """A message about nothing, to see whether the endpoint answers and its signature check works."""
    found = await one(tx, webhook_id, by=by)
    values = {
        "webhook_id": webhook_id,
        "message_id": new_id(),
        "event_type": PING,
        "unit_code": found["unit_code"],
        "state": "pending",
        "attempts": 0,
        "due_at": now,
        "created_at": now,
    }
    made: RowMapping = (
        (await tx.connection.execute(insert(deliveries).values(values).returning(deliveries))).mappings().one()
    )
    return made


async def sent(
    tx: Tx, webhook_id: UUID, *, state: str | None, after: int | None, limit: int, by: Actor
) -> Sequence[RowMapping]:
    """Newest first."""
    await one(tx, webhook_id, by=by)
    query = select(deliveries).where(deliveries.c.webhook_id == webhook_id)
    query = query.order_by(deliveries.c.delivery_id.desc()).limit(limit)
    if state is not None:
        query = query.where(deliveries.c.state == state)
    if after is not None:
        query = query.where(deliveries.c.delivery_id < after)
    return (await tx.connection.execute(query)).mappings().all()


async def replay(tx: Tx, webhook_id: UUID, *, since: datetime | None, by: Actor, now: datetime) -> int:
    """Send again: all that is dead, or (`since`) all made from then on, delivered or not. Answers how many.

    An endpoint that was switched off because it had gone is switched on again: its owner says that it is back.
    """
    found = await one(tx, webhook_id, by=by, lock=True)
    wanted = deliveries.c.state == "dead"
    if since is not None:
        wanted = or_(wanted, deliveries.c.state == "delivered") & (deliveries.c.created_at >= since)
    change = {"state": "pending", "attempts": 0, "due_at": now, "delivered_at": None}
    again = update(deliveries).where(deliveries.c.webhook_id == webhook_id, wanted).values(change)
    count: int = (await tx.connection.execute(again)).rowcount
    if found["disabled_at"] is not None and found["disabled_because"] != "removed":
        back = {"disabled_at": None, "disabled_because": None}
        await tx.connection.execute(update(webhooks).where(webhooks.c.webhook_id == webhook_id).values(back))
    return count
