"""Counting open clocks again when what they are counted by has changed: first what it would do, then doing it."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from contracts.events.sla import ClockRecomputed, MovedClock
from services.sla import tables
from services.sla.hours import SHENZHEN, Hours
from services.sla.kpi.tables import case_facts, order_facts
from services.sla.stopwatch import Stopwatch
from services.sla.store import SlaTx
from services.sla.workdays import Limit
from shared.bulk import arrays, bulk_update, driver_of
from shared.cloudevents import Envelope

READ, EXAMPLES = 20_000, 20

# A breach is a fact that has been told: such a clock keeps the due time it was late for. So does one whose date somebody
# decided and the citizen was told: an extension, a suspension.
_OPEN = """
SELECT case_id, clock_id, kind, order_id, unit_code, amount, unit, count_from, provisional, rule_code,
       extract(epoch FROM started_at)::bigint AS start_s, extract(epoch FROM due_at)::bigint AS due_s
FROM clocks WHERE stopped_at IS NULL AND breached_at IS NULL AND first_due_at IS NULL AND pauses IS NULL
"""
_OPEN_OF = text(f"{_OPEN} AND case_id = ANY(:ids) ORDER BY case_id, clock_id")
_LOCK = text(
    "SELECT case_id, sequence, filed_at FROM cases WHERE case_id = ANY(:ids) ORDER BY case_id FOR NO KEY UPDATE"
)
_CLOCK = ("case_id", "clock_id", "due_at", "provisional", "calendar")
_TIMER = ("case_id", "clock_id", "percent", "due_at")
_CASE = ("case_id", "sequence")
_MOVE_CLOCKS = bulk_update(tables.clocks, _CLOCK[:2], _CLOCK[2:])
_MOVE_TIMERS = bulk_update(tables.timers, _TIMER[:3], _TIMER[3:])
_MOVE_CASE_FACTS = bulk_update(case_facts, ("case_id",), ("due_at",))
_MOVE_ORDER_FACTS = {
    kind: bulk_update(order_facts, ("case_id", "order_id"), (f"{kind}_due_at",))
    for kind in ("sign", "contact", "handle")
}
_COUNT_UP = bulk_update(tables.cases, _CASE[:1], _CASE[1:])


@dataclass(frozen=True, slots=True)
class Change:
    """A clock that is due at another time now, or whose due time has become certain, or no longer is."""

    row: Any
    due_s: int
    provisional: bool
    hours_code: str
    calendar: str

    @property
    def was_due_at(self) -> datetime:
        return _instant(self.row["due_s"])

    @property
    def due_at(self) -> datetime:
        return _instant(self.due_s)


@dataclass(slots=True)
class Preview:
    """What counting again would do."""

    looked: int = 0
    moved: Counter[str] = field(default_factory=Counter)
    """Clocks whose due time differs, by kind of hours."""
    later: int = 0
    earlier: int = 0
    confirmed: int = 0
    """No longer provisional."""
    unconfirmed: int = 0
    cases: set[UUID] = field(default_factory=set)
    days: Counter[int] = field(default_factory=Counter)
    """Moved clocks by calendar days."""
    examples: list[Change] = field(default_factory=list)

    def add(self, change: Change) -> None:
        row = change.row
        self.cases.add(row["case_id"])
        self.confirmed += row["provisional"] and not change.provisional
        self.unconfirmed += change.provisional and not row["provisional"]
        if change.due_s == row["due_s"]:
            return
        self.moved[change.hours_code] += 1
        self.later += change.due_s > row["due_s"]
        self.earlier += change.due_s < row["due_s"]
        self.days[(_local(change.due_s) - _local(row["due_s"])).days] += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(change)


def changes(rows: Sequence[Any], hours: Hours) -> Iterator[Change]:
    """Those of these open clocks that would come out differently."""
    units, calendars, office = hours.units, hours.calendars, hours.office
    for row in rows:
        code, calendar = "office", office
        if row["unit_code"] in units:
            code = hours.code_of(row["unit_code"], datetime.fromtimestamp(row["start_s"], UTC))
            calendar = calendars.get(code, office)
        start_s, unit = row["start_s"], row["unit"]
        due_s = calendar.due_epoch(start_s, unit, row["amount"], row["count_from"])
        provisional = calendar.provisional_epoch(start_s, due_s, unit)
        if due_s != row["due_s"] or provisional != row["provisional"]:
            yield Change(row, due_s, provisional, code, calendar.version)


async def preview(tx: SlaTx, hours: Hours) -> Preview:
    """What counting all open clocks by these calendars would change; nothing is written or locked."""
    found = Preview()
    async for rows in open_clocks(tx):
        found.looked += len(rows)
        for change in changes(rows, hours):
            found.add(change)
    return found


async def open_clocks(tx: SlaTx) -> AsyncIterator[list[Any]]:
    cursor = await (await driver_of(tx.connection)).cursor(_OPEN)
    while rows := await cursor.fetch(READ):
        yield rows


async def recount(tx: SlaTx, case_ids: Sequence[UUID], *, reason: str, now: datetime) -> Counter[str]:
    """Count the open clocks of these cases again, and say so case by case; answers how many moved, by hours."""
    stopwatch = await tx.stopwatch()
    assert stopwatch.hours is not None
    cases = {row.case_id: row for row in await tx.connection.execute(_LOCK, {"ids": list(case_ids)})}
    rows = (await tx.connection.execute(_OPEN_OF, {"ids": list(cases)})).mappings().all()
    by_case: dict[UUID, list[Change]] = {}
    for change in changes(rows, stopwatch.hours):
        by_case.setdefault(change.row["case_id"], []).append(change)
    every = [change for found in by_case.values() for change in found]
    if not every:
        return Counter()
    await tx.connection.execute(_MOVE_CLOCKS, arrays(_CLOCK, [_clock_row(change) for change in every]))
    timers = [row for change in every for row in _timer_rows(change, stopwatch, cases[change.row["case_id"]].filed_at)]
    if timers:
        await tx.connection.execute(_MOVE_TIMERS, arrays(_TIMER, timers))
    await _keep_facts(tx, every)
    counted = [(case_id, cases[case_id].sequence + 1) for case_id in by_case]
    await tx.connection.execute(_COUNT_UP, arrays(_CASE, counted))
    for case_id, sequence in counted:
        said = _said(by_case[case_id], reason)
        tx.emit(Envelope.of(said, case_id=UUID(int=case_id.int), sequence=sequence, now=now))
    return Counter(change.hours_code for change in every if change.due_s != change.row["due_s"])


async def _keep_facts(tx: SlaTx, moved: Sequence[Change]) -> None:
    """By when things should have happened is also what KPIs are counted from."""
    total = [(each.row["case_id"], each.due_at) for each in moved if each.row["kind"] == "total"]
    if total:
        await tx.connection.execute(_MOVE_CASE_FACTS, arrays(("case_id", "due_at"), total))
    for kind, statement in _MOVE_ORDER_FACTS.items():
        orders = [
            (each.row["case_id"], each.row["order_id"], each.due_at) for each in moved if each.row["kind"] == kind
        ]
        if orders:
            await tx.connection.execute(statement, arrays(("case_id", "order_id", f"{kind}_due_at"), orders))


def _said(found: Sequence[Change], reason: str) -> ClockRecomputed:
    moved = tuple(
        MovedClock(
            clock_id=change.row["clock_id"],
            kind=change.row["kind"],
            order_id=change.row["order_id"],
            from_due_at=_instant(change.row["due_s"]),
            due_at=_instant(change.due_s),
            provisional=change.provisional,
        )
        for change in found
    )
    return ClockRecomputed(clocks=moved, calendar=found[0].calendar, reason=reason)


def _clock_row(change: Change) -> tuple[object, ...]:
    row = change.row
    return (row["case_id"], row["clock_id"], _instant(change.due_s), change.provisional, change.calendar)


def _timer_rows(change: Change, stopwatch: Stopwatch, filed_at: datetime | None) -> Iterator[tuple[object, ...]]:
    """For every timer the clock would have; those that have been said already are no rows any more."""
    row = change.row
    if change.due_s != row["due_s"]:
        limit = Limit(row["amount"], row["unit"], row["count_from"])
        span = row["start_s"], change.due_s
        timers = stopwatch.timers_again(row["kind"], limit, row["unit_code"], span, filed_at)
        for timer in timers:
            yield row["case_id"], row["clock_id"], timer.percent, timer.due_at


def _instant(at_s: int) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)


def _local(at_s: int) -> Any:
    """The day that ends at, or holds, this due second."""
    return datetime.fromtimestamp(at_s - 1, SHENZHEN).date()
