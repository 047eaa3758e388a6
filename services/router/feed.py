"""What the units' systems are told: one gapless feed a unit, from which webhooks are delivered and departments pull."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.events.router import RouterEvent
from services.router import tables
from services.router.domain.cases import Case
from shared.bulk import copy_in
from shared.cloudevents import AnyEnvelope

# The rows of the heads are locked in the order of the codes, by everybody, and last of all locks: nobody waits in a
# circle, and because they are held until commit a reader never sees position 8 before position 7.
_HEADS = text(
    "INSERT INTO feed_heads (unit_code, position) "
    "SELECT u, n FROM unnest(CAST(:units AS text[]), CAST(:counts AS bigint[])) AS made(u, n) ORDER BY u "
    "ON CONFLICT (unit_code) DO UPDATE SET position = feed_heads.position + excluded.position "
    "RETURNING unit_code, position"
)
_FEED = ("unit_code", "position", "event_id", "event_type", "case_id", "order_id", "at", "body")
_DELIVERIES = (
    *("webhook_id", "message_id", "event_type", "case_id", "unit_code", "position"),
    *("state", "attempts", "due_at", "created_at"),
)
REMOVED = "removed"
"""Why a webhook is disabled for good; for any other reason it may come back."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event for one unit, about one of its orders."""

    unit_code: str
    order_id: UUID | None
    envelope: AnyEnvelope


def order_for(case: Case, event: RouterEvent, unit_code: str) -> UUID | None:
    """The order of this unit an event is about; of several the newest."""
    named = getattr(event, "order_id", None)
    held = [order for order in case.orders if order.unit_code == unit_code]
    if any(order.order_id == named for order in held):
        return named if isinstance(named, UUID) else None
    return held[-1].order_id if held else None


async def append(connection: AsyncConnection, told: Sequence[Told]) -> None:
    """Write the feeds, and a delivery for every webhook that asked for it, in the transaction of the events."""
    counts = Counter(one.unit_code for one in told)
    units = sorted(counts)
    heads = await connection.execute(_HEADS, {"units": units, "counts": [counts[unit] for unit in units]})
    position = {row.unit_code: row.position - counts[row.unit_code] for row in heads}
    entries: dict[str, list[tuple[int, AnyEnvelope]]] = {unit: [] for unit in units}
    records: list[tuple[object, ...]] = []
    for one in told:
        place = position[one.unit_code] = position[one.unit_code] + 1
        said = one.envelope
        entries[one.unit_code].append((place, said))
        records.append(
            (one.unit_code, place, said.id, said.type, said.case_id, one.order_id, said.time, said.to_json())
        )
    await copy_in(connection, "feed", _FEED, records)
    await _deliver(connection, entries)


async def _deliver(connection: AsyncConnection, entries: Mapping[str, Sequence[tuple[int, AnyEnvelope]]]) -> None:
    """What an endpoint is not asked for now, because it said 410, waits for its owner's replay."""
    made = [
        (
            *(hook.webhook_id, said.id, said.type, said.case_id, hook.unit_code, place),
            *("pending" if hook.disabled_at is None else "suspended", 0, said.time, said.time),
        )
        for hook in await _hooks(connection, list(entries))
        for place, said in entries[hook.unit_code]
        if not hook.event_types or said.type in hook.event_types
    ]
    await copy_in(connection, "deliveries", _DELIVERIES, made)


async def _hooks(connection: AsyncConnection, units: Sequence[str]) -> Sequence[Any]:
    """The webhooks of these units that are not removed; none of the disabled ones is switched on before we commit."""
    hooks = tables.webhooks
    kept = hooks.c.disabled_because.is_distinct_from(REMOVED)
    query = select(hooks.c.webhook_id, hooks.c.unit_code, hooks.c.event_types, hooks.c.disabled_at)
    query = query.where(hooks.c.unit_code.in_(units), kept).order_by(hooks.c.webhook_id)
    found = (await connection.execute(query)).all()
    if any(hook.disabled_at is not None for hook in found):
        return (await connection.execute(query.with_for_update(read=True))).all()
    return found


_FACTS = (
    select(
        tables.feed.c.unit_code,
        tables.feed.c.position,
        tables.feed.c.event_id,
        tables.feed.c.event_type,
        tables.feed.c.body,
        tables.orders.c.order_id,
        tables.orders.c.role,
        tables.orders.c.state,
        tables.orders.c.round,
        tables.orders.c.review,
        tables.cases.c.case_no,
        tables.cases.c.title,
        tables.cases.c.text,
        tables.cases.c.place,
        tables.cases.c.type_code,
        tables.cases.c.category_code,
        tables.cases.c.area_code,
        tables.cases.c.grade,
        tables.cases.c.photo_required,
    )
    .join(tables.cases, tables.cases.c.case_id == tables.feed.c.case_id)
    .outerjoin(
        tables.orders,
        (tables.orders.c.case_id == tables.feed.c.case_id) & (tables.orders.c.order_id == tables.feed.c.order_id),
    )
)


def _review(made: dict[str, Any] | None) -> dict[str, Any] | None:
    """Of the last review what it said and why, not who."""
    return None if made is None else {name: made[name] for name in ("outcome", "note", "at")}


async def after(connection: AsyncConnection, unit_code: str, position: int, limit: int) -> list[dict[str, Any]]:
    """The next entries of a unit's feed, each as its system reads it."""
    query = (
        _FACTS.where(tables.feed.c.unit_code == unit_code, tables.feed.c.position > position)
        .order_by(tables.feed.c.position)
        .limit(limit)
    )
    return [dict(row) for row in (await connection.execute(query)).mappings()]


async def at(connection: AsyncConnection, places: Sequence[tuple[str, int]]) -> dict[tuple[str, int], dict[str, Any]]:
    """Entries by unit and position."""
    query = _FACTS.where(
        text(
            "(feed.unit_code, feed.position) IN (SELECT * FROM unnest(CAST(:units AS text[]), CAST(:places AS bigint[])))"
        )
    )
    values = {"units": [unit for unit, _ in places], "places": [position for _, position in places]}
    found = (await connection.execute(query, values)).mappings()
    return {(row["unit_code"], row["position"]): dict(row) for row in found}


def message(entry: dict[str, Any]) -> dict[str, Any]:
    """The event, and of the order what a department needs to act: never who asked, and nothing once it was taken away."""
    order: dict[str, Any] | None = None
    if entry["order_id"] is not None:
        names = ("case_no", "role", "state", "round")
        order = {"order_id": str(entry["order_id"])} | {name: entry[name] for name in names}
        if entry["state"] not in ("redispatched", "cancelled"):
            place = {name: value for name, value in entry["place"].items() if value is not None}
            more = ("title", "text", "type_code", "category_code", "area_code", "grade", "photo_required")
            order |= {name: entry[name] for name in more} | {"place": place, "review": _review(entry["review"])}
    return {"event": orjson.loads(entry["body"]), "order": order}
