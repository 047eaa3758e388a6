"""Endpoints of departments: registering, trying out, looking at deliveries, sending again, changing the secret."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, Select, and_, insert, select, update

from services.router import targets
from services.router.circuit import Circuit
from services.router.domain.errors import UnitUnknown
from services.router.feed import REMOVED
from services.router.signing import Keyring, new_secret
from services.router.store import Tx
from services.router.tables import deliveries, webhooks
from services.router.targets import Policy
from services.router.webhooks import PING
from shared.errors import Conflict, Forbidden, NotFound
from shared.ids import new_id
from shared.tokens import Actor


class WebhookUnknown(NotFound):
    """There is no such webhook, or it is not yours."""

    zh = "未找到该回调，或您无权管理"


class WebhookSwitchedOff(Conflict):
    """This webhook is switched off since its endpoint answered 410; a replay switches it on again."""

    zh = "该回调因接收端返回410已停用，重发一次即重新启用"


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
    tx: Tx,
    *,
    unit_code: str,
    url: str,
    event_types: Sequence[str],
    policy: Policy,
    keyring: Keyring,
    by: Actor,
    now: datetime,
) -> Made:
    """The secret is in the answer and is not shown again."""
    if unit_code not in tx.rulebook.in_force(now).rules.catalogue.units:
        raise UnitUnknown(unit_code)
    if not _may(by, unit_code):
        raise NotYourUnitsWebhook
    targets.check(url, policy=policy)
    secret, webhook_id = new_secret(), new_id()
    values = {
        "webhook_id": webhook_id,
        "unit_code": unit_code,
        "url": url,
        "event_types": sorted(set(event_types)),
        "secret": keyring.seal(secret, webhook_id),
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


async def one(tx: Tx, webhook_id: UUID, *, by: Actor) -> RowMapping:
    """Removed ones too: what was sent to them stays to be seen."""
    return await _one(tx, select(webhooks).where(webhooks.c.webhook_id == webhook_id), by)


async def _live(tx: Tx, webhook_id: UUID, *, by: Actor) -> RowMapping:
    """One that is not removed, locked until the transaction ends."""
    found = await _one(tx, select(webhooks).where(webhooks.c.webhook_id == webhook_id).with_for_update(), by)
    if found["disabled_because"] == REMOVED:
        raise WebhookUnknown
    return found


async def _one(tx: Tx, query: Select[Any], by: Actor) -> RowMapping:
    found: RowMapping | None = (await tx.connection.execute(query)).mappings().one_or_none()
    if found is None or not _may(by, found["unit_code"]):
        raise WebhookUnknown
    return found


async def remove(tx: Tx, webhook_id: UUID, *, by: Actor, now: datetime) -> None:
    """Nothing more is sent, and what waited is cancelled; the record of what was sent stays."""
    await _live(tx, webhook_id, by=by)
    change = {"disabled_at": now, "disabled_because": REMOVED}
    await tx.connection.execute(update(webhooks).where(webhooks.c.webhook_id == webhook_id).values(change))
    waiting = deliveries.c.state.in_(("pending", "suspended")) & (deliveries.c.webhook_id == webhook_id)
    await tx.connection.execute(update(deliveries).where(waiting).values(state="cancelled"))


async def rotate(tx: Tx, webhook_id: UUID, *, overlap: timedelta, keyring: Keyring, by: Actor, now: datetime) -> Made:
    """A new secret; until the overlap ends messages are signed with both."""
    found = await _live(tx, webhook_id, by=by)
    secret = new_secret()
    change = {
        "secret": keyring.seal(secret, webhook_id),
        "old_secret": keyring.seal(keyring.open(found), webhook_id, "old_secret"),
        "old_secret_until": now + overlap,
    }
    changed = update(webhooks).where(webhooks.c.webhook_id == webhook_id).values(change).returning(webhooks)
    return Made((await tx.connection.execute(changed)).mappings().one(), secret)


async def ping(tx: Tx, webhook_id: UUID, *, by: Actor, now: datetime) -> RowMapping:
    """A message about nothing, to see whether the endpoint answers and its signature check works."""
    found = await _live(tx, webhook_id, by=by)
    if found["disabled_at"] is not None:
        raise WebhookSwitchedOff(found["disabled_because"])
    await _put(tx, found, Circuit.of(found).tried_now(now))
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


async def change(
    tx: Tx, webhook_id: UUID, *, url: str | None, event_types: Sequence[str] | None, policy: Policy, by: Actor
) -> RowMapping:
    """Another address, or other types from now on; the secret and what waits stay. A new address starts untroubled."""
    found = await _live(tx, webhook_id, by=by)
    values: dict[str, Any] = {}
    if url is not None:
        targets.check(url, policy=policy)
        values |= {"url": url, **Circuit().values()}
    if event_types is not None:
        values["event_types"] = sorted(set(event_types))
    if not values:
        return found
    changed = update(webhooks).where(webhooks.c.webhook_id == webhook_id).values(values).returning(webhooks)
    made: RowMapping = (await tx.connection.execute(changed)).mappings().one()
    return made


async def _put(tx: Tx, found: RowMapping, circuit: Circuit) -> None:
    if circuit != Circuit.of(found):
        here = webhooks.c.webhook_id == found["webhook_id"]
        await tx.connection.execute(update(webhooks).where(here).values(circuit.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which deliveries; what is empty or None does not restrict."""

    states: Sequence[str] = ()
    event_types: Sequence[str] = ()
    case_id: UUID | None = None
    delivery_ids: Sequence[int] = ()
    since: datetime | None = None
    until: datetime | None = None
    """Made before this instant."""

    def clauses(self) -> list[ColumnElement[bool]]:
        wanted: list[ColumnElement[bool]] = []
        if self.states:
            wanted.append(deliveries.c.state.in_(self.states))
        if self.event_types:
            wanted.append(deliveries.c.event_type.in_(self.event_types))
        if self.case_id is not None:
            wanted.append(deliveries.c.case_id == self.case_id)
        if self.delivery_ids:
            wanted.append(deliveries.c.delivery_id.in_(self.delivery_ids))
        if self.since is not None:
            wanted.append(deliveries.c.created_at >= self.since)
        if self.until is not None:
            wanted.append(deliveries.c.created_at < self.until)
        return wanted


async def sent(
    tx: Tx, webhook_id: UUID, sought: Sought, *, after: int | None, limit: int, by: Actor
) -> Sequence[RowMapping]:
    """Newest first."""
    await one(tx, webhook_id, by=by)
    query = select(deliveries).where(deliveries.c.webhook_id == webhook_id, *sought.clauses())
    query = query.order_by(deliveries.c.delivery_id.desc()).limit(limit)
    if after is not None:
        query = query.where(deliveries.c.delivery_id < after)
    return (await tx.connection.execute(query)).mappings().all()


async def replay(tx: Tx, webhook_id: UUID, sought: Sought, *, by: Actor, now: datetime) -> int:
    """Send again what is sought; of any state but those asked for, what is dead, and where a time or single ones are
    named also what was delivered. Answers how many.

    An endpoint that was switched off because it had gone is switched on again: its owner says that it is back. What
    happened meanwhile, and waited, is sent in any case, and its circuit closes.
    """
    found = await _live(tx, webhook_id, by=by)
    named = bool(sought.delivery_ids) or sought.since is not None or sought.until is not None
    if not sought.states:
        sought = replace(sought, states=("dead", "delivered") if named else ("dead",))
    wanted = and_(deliveries.c.state != "cancelled", *sought.clauses()) | (deliveries.c.state == "suspended")
    change = {"state": "pending", "attempts": 0, "due_at": now, "delivered_at": None}
    again = update(deliveries).where(deliveries.c.webhook_id == webhook_id, wanted).values(change)
    count: int = (await tx.connection.execute(again)).rowcount
    if found["disabled_at"] is not None:
        back = {"disabled_at": None, "disabled_because": None}
        await tx.connection.execute(update(webhooks).where(webhooks.c.webhook_id == webhook_id).values(back))
    await _put(tx, found, Circuit())
    return count
