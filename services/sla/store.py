"""The sla transaction: cases with their clocks loaded for a whole batch, and written back in a few statements."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.events.sla import SlaEvent
from services.sla import tables
from services.sla.almanac import hours_in_use
from services.sla.domain import CaseClocks
from services.sla.kpi.ledger import Ledger
from services.sla.limits import Filing
from services.sla.published_limits import book_of
from services.sla.stopwatch import BREACH, Clock, Firing, Stopwatch
from shared.bulk import arrays, bulk_update, copy_in
from shared.cloudevents import Envelope
from shared.db import Tx

_CASE = (
    "case_id", "sequence", "case_no", "submitted_at", "filed_at", "type_code", "grade", "standard_amount",
    "standard_unit", "category_code", "standard_no", "channel_code", "groups", "limits_edition", "answered_at", "replied_round", "rated_round", "rated_at", "supervised_at",
)  # fmt: skip
_CLOCK = (
    "clock_id", "kind", "order_id", "unit_code", "round", "amount", "unit", "count_from", "rule_code", "calendar",
    "provisional", "started_at", "due_at", "warned_at", "breached_at", "stopped_at", "used_seconds",
)  # fmt: skip
_STARTED = ("case_id", *_CLOCK)
_STOPPED = ("case_id", "clock_id", "stopped_at", "used_seconds")
_TIMER = ("case_id", "clock_id", "percent", "due_at")

_ids = bindparam("ids", type_=ARRAY(tables.cases.c.case_id.type, dimensions=1))
_LOCK_CASES = (
    select(*(tables.cases.c[name] for name in _CASE))
    .where(tables.cases.c.case_id == _ids.any_())
    .order_by(tables.cases.c.case_id)
    .with_for_update()
)
_CASES = select(*(tables.cases.c[name] for name in _CASE)).where(tables.cases.c.case_id == _ids.any_())
_CLOCKS = (
    select(tables.clocks.c.case_id, *(tables.clocks.c[name] for name in _CLOCK))
    .where(tables.clocks.c.case_id == _ids.any_())
    .order_by(tables.clocks.c.case_id, tables.clocks.c.clock_id)
)
_CHANGE_CASES = bulk_update(tables.cases, _CASE[:1], _CASE[1:])
_STOP_CLOCKS = bulk_update(tables.clocks, _STOPPED[:2], _STOPPED[2:])
_DROP_TIMERS = delete(tables.timers).where(
    tables.timers.c.case_id == _ids.any_(),
    tables.timers.c.clock_id == bindparam("clock_ids", type_=ARRAY(tables.timers.c.clock_id.type, dimensions=1)).any_(),
)

# Only cases nobody else holds: two workers share the work case by case, a case's timers fire in their order, and
# nobody ever waits here, so nobody can wait in a circle. What is skipped is due in the next round as well.
_CLAIM = text(
    """
    SELECT t.case_id, t.clock_id, t.percent FROM timers t JOIN cases c ON c.case_id = t.case_id
    WHERE t.due_at <= :now
    ORDER BY t.due_at LIMIT :most FOR UPDATE OF c SKIP LOCKED
    """
)
# The claim may have read a timer before another worker, done by now, fired it; this looks again under the lock.
_FIRE = text(
    """
    WITH fired AS (
      DELETE FROM timers t
      USING unnest(CAST(:all_case_id AS uuid[]), CAST(:all_clock_id AS uuid[]), CAST(:all_percent AS smallint[]))
            AS claimed (case_id, clock_id, percent)
      WHERE t.case_id = claimed.case_id AND t.clock_id = claimed.clock_id AND t.percent = claimed.percent
      RETURNING t.case_id, t.clock_id, t.percent, t.due_at
    ), by_clock AS (
      SELECT case_id, clock_id, array_agg(percent ORDER BY due_at) AS percents, array_agg(due_at ORDER BY due_at) AS dues,
             bool_or(percent >= :breach) AS breached, bool_or(percent < :breach) AS warned
      FROM fired GROUP BY case_id, clock_id
    )
    UPDATE clocks k SET
      breached_at = CASE WHEN by_clock.breached THEN :now ELSE k.breached_at END,
      warned_at = CASE WHEN by_clock.warned THEN :now ELSE k.warned_at END
    FROM by_clock
    WHERE k.case_id = by_clock.case_id AND k.clock_id = by_clock.clock_id AND k.stopped_at IS NULL
    RETURNING k.case_id, k.clock_id, k.kind, k.order_id, k.unit_code, k.due_at, by_clock.percents, by_clock.dues
    """
)
_NEXT_DUE = text("SELECT min(due_at) FROM timers")
_COUNT_UP = text(
    """
    UPDATE cases SET sequence = sequence + given.more
    FROM unnest(CAST(:case_ids AS uuid[]), CAST(:more AS integer[])) AS given (case_id, more)
    WHERE cases.case_id = given.case_id RETURNING cases.case_id, cases.sequence
    """
)


class SlaTx(Tx):
    """A transaction of this service. Handlers change the cases in memory; `flush` writes what changed."""

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(connection)
        self._stopwatch: Stopwatch | None = None
        self.ledger = Ledger()
        """What KPIs are counted from."""
        self._cases: dict[UUID, CaseClocks] = {}
        self._stored: set[UUID] = set()
        self._changed: dict[UUID, CaseClocks] = {}

    async def stopwatch(self) -> Stopwatch:
        """The limits, and the calendars in use."""
        if self._stopwatch is None:
            hours = await hours_in_use(self.connection)
            self._stopwatch = Stopwatch(await book_of(self.connection, hours.editions), hours.office, hours)
        return self._stopwatch

    async def load(self, case_ids: Iterable[UUID]) -> None:
        """Lock these cases and read them with their clocks; those never heard of begin empty."""
        missing = [case_id for case_id in dict.fromkeys(case_ids) if case_id not in self._cases]
        if missing:
            loaded = await self._read(_LOCK_CASES, missing)
            stopwatch = await self.stopwatch()
            self._stored |= loaded.keys()
            self._cases |= {case_id: CaseClocks(case_id, stopwatch) for case_id in missing} | loaded
            await self.ledger.load(self.connection, missing)

    async def case(self, case_id: UUID) -> CaseClocks:
        """For change; a handler finds it loaded already."""
        await self.load([case_id])
        return self._cases[case_id]

    async def find(self, case_id: UUID) -> CaseClocks | None:
        """For reading only."""
        return (await self._read(_CASES, [case_id])).get(case_id)

    async def _read(self, statement: Any, case_ids: list[UUID]) -> dict[UUID, CaseClocks]:
        stopwatch = await self.stopwatch()
        rows = await self.connection.execute(statement, {"ids": case_ids})
        cases = {row.case_id: _case(row, stopwatch) for row in rows}
        if cases:
            for row in await self.connection.execute(_CLOCKS, {"ids": list(cases)}):
                cases[row[0]].clocks.append(Clock(**dict(zip(_CLOCK, row[1:], strict=True))))
        return cases

    def save(self, case: CaseClocks, now: datetime) -> None:
        """Take the case's news into the outbox, and the case into what `flush` writes."""
        self._changed[case.case_id] = case
        self.ledger.take(case.case_id, case.clocks, case.stopwatch.calendar)
        for event in case.events:
            self.ledger.note(case.case_id, event)
            case.sequence += 1
            self._say(case.case_id, case.sequence, event, now)
        case.events.clear()

    def _say(self, case_id: UUID, sequence: int, event: SlaEvent, now: datetime) -> None:
        cause = self.cause.id if self.cause else None
        self.emit(Envelope.of(event, case_id=case_id, sequence=sequence, now=now, causation_id=cause))

    async def fire(self, now: datetime, most: int) -> int:
        """Claim what is due, earliest first, and say it; answers how many timers were claimed."""
        claimed = (await self.connection.execute(_CLAIM, {"now": now, "most": most})).all()
        if not claimed:
            return 0
        given = arrays(_TIMER[:3], claimed)
        rows = await self.connection.execute(_FIRE, {"now": now, "breach": BREACH, **given})
        firings = sorted(_firings(rows), key=lambda firing: firing.fell_due_at)
        more: dict[UUID, int] = {}
        for firing in firings:
            more[firing.case_id] = more.get(firing.case_id, 0) + 1
        counts = {"case_ids": list(more), "more": list(more.values())}
        totals = await self.connection.execute(_COUNT_UP, counts)
        sequences = {row.case_id: row.sequence - more[row.case_id] for row in totals}
        for firing in firings:
            sequences[firing.case_id] += 1
            self._say(firing.case_id, sequences[firing.case_id], firing.event(), now)
        return len(claimed)

    async def next_due(self) -> datetime | None:
        """The instant of the earliest timer there is."""
        found: datetime | None = (await self.connection.execute(_NEXT_DUE)).scalar_one()
        return found

    async def flush(self) -> None:
        changed = list(self._changed.values())
        await copy_in(self.connection, "cases", _CASE, [_case_row(c) for c in changed if c.case_id not in self._stored])
        await self._write(_CHANGE_CASES, _CASE, [_case_row(c) for c in changed if c.case_id in self._stored])
        started = [(case.case_id, clock) for case in changed for clock in case.started]
        fresh = {clock.clock_id for _, clock in started}
        stopped = [(c.case_id, clock) for c in changed for clock in c.stopped if clock.clock_id not in fresh]
        await self._write(_STOP_CLOCKS, _STOPPED, [_stopped_row(*pair) for pair in stopped])
        if stopped:
            given = {"ids": list({case_id for case_id, _ in stopped}), "clock_ids": [c.clock_id for _, c in stopped]}
            await self.connection.execute(_DROP_TIMERS, given)
        await copy_in(self.connection, "clocks", _STARTED, [_clock_row(*pair) for pair in started])
        timers = [(case_id, clock.clock_id, timer.percent, timer.due_at)
                  for case_id, clock in started if clock.running for timer in clock.timers]  # fmt: skip
        await copy_in(self.connection, "timers", _TIMER, timers)
        self._stored |= self._changed.keys()
        self._changed.clear()
        for case in changed:
            case.started.clear()
            case.stopped.clear()
        await self.ledger.flush(self.connection)
        await super().flush()

    async def _write(self, statement: Any, names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        if rows:
            await self.connection.execute(statement, arrays(names, rows))


def _case(row: Any, stopwatch: Stopwatch) -> CaseClocks:
    filing = None
    if row.filed_at is not None:
        filing = Filing(
            row.filed_at,
            row.type_code,
            row.grade,
            row.standard_amount,
            row.standard_unit,
            row.category_code or "",
            row.standard_no,
            row.channel_code or "",
            tuple((row.groups or "").split()),
            row.limits_edition,
        )
    return CaseClocks(
        case_id=_plain(row.case_id),
        stopwatch=stopwatch,
        sequence=row.sequence,
        case_no=row.case_no,
        submitted_at=row.submitted_at,
        channel_code=row.channel_code,
        filing=filing,
        answered_at=row.answered_at,
        replied_round=row.replied_round,
        rated_round=row.rated_round,
        rated_at=row.rated_at,
        supervised_at=row.supervised_at,
    )


def _case_row(case: CaseClocks) -> tuple[object, ...]:
    filing = case.filing
    filed: tuple[object, ...] = (None,) * 7 + (case.channel_code, None, None)
    if filing is not None:
        judged = (filing.category_code, filing.standard_no, case.channel_code, " ".join(filing.groups) or None)
        filed = (filing.filed_at, filing.type_code, filing.grade, filing.amount, filing.unit, *judged, filing.edition)
    rated = (case.replied_round, case.rated_round, case.rated_at, case.supervised_at)
    return (case.case_id, case.sequence, case.case_no, case.submitted_at, *filed, case.answered_at, *rated)


def _clock_row(case_id: UUID, clock: Clock) -> tuple[object, ...]:
    return (case_id, *(getattr(clock, name) for name in _CLOCK))


def _stopped_row(case_id: UUID, clock: Clock) -> tuple[object, ...]:
    return (case_id, clock.clock_id, clock.stopped_at, clock.used_seconds)


def _plain(given: UUID) -> UUID:
    """The driver's UUIDs are of a class of its own, which the envelope's JSON does not take."""
    return UUID(int=given.int)


def _firings(rows: Iterable[Any]) -> Iterable[Firing]:
    for case_id, clock_id, kind, order_id, unit_code, due_at, percents, dues in rows:
        for percent, fell_due_at in zip(percents, dues, strict=True):
            yield Firing(_plain(case_id), clock_id, kind, order_id, unit_code, due_at, percent, fell_due_at)
