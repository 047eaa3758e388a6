"""The sla transaction: cases with their clocks loaded for a whole batch, and written back in a few statements."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.events.sla import OrderUrged, SlaEvent
from services.sla import tables
from services.sla.almanac import hours_in_use
from services.sla.board import HANDLING, Urger
from services.sla.domain import CaseClocks
from services.sla.kpi.ledger import Ledger
from services.sla.limits import Filing
from services.sla.oversight import records
from services.sla.oversight.records import Record
from services.sla.published_limits import book_of
from services.sla.stopwatch import Clock, Stopwatch, pauses_of
from shared.bulk import arrays, bulk_update, copy_in
from shared.cloudevents import Envelope
from shared.db import Tx

_CASE = (
    "case_id", "sequence", "case_no", "submitted_at", "filed_at", "type_code", "grade", "standard_amount",
    "standard_unit", "category_code", "standard_no", "groups", "limits_edition",
    "channel_code", "answered_at", "replied_round", "rated_round", "rated_at", "supervised_at", "closed_at",
    "reachable", "told_at", "result_told_round", "result_told_at", "called_round", "called_at", "urged",
)  # fmt: skip
_CLOCK = (
    "clock_id", "kind", "order_id", "unit_code", "round", "amount", "unit", "count_from", "rule_code", "calendar",
    "provisional", "started_at", "due_at", "warned_at", "breached_at", "stopped_at", "used_seconds", "first_due_at",
    "pauses",
)  # fmt: skip
_STARTED = ("case_id", *_CLOCK[:-1])  # none has stood still when it starts
_SAME = (*_CASE[1:4], *_CASE[13:])
"""Columns named as the case's own fields are, in that order; between them stands the filing."""
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
# What has stopped changes nothing any more, but for the work on an order, which may begin again.
_CLOCKS_AT_WORK = _CLOCKS.where(or_(tables.clocks.c.stopped_at.is_(None), tables.clocks.c.kind.in_(HANDLING)))
_CHANGE_CASES = bulk_update(tables.cases, _CASE[:1], _CASE[1:])
_STOP_CLOCKS = bulk_update(tables.clocks, _STOPPED[:2], _STOPPED[2:])
_DROP_TIMERS = delete(tables.timers).where(
    tables.timers.c.case_id == _ids.any_(),
    tables.timers.c.clock_id == bindparam("clock_ids", type_=ARRAY(tables.timers.c.clock_id.type, dimensions=1)).any_(),
)
_MOVE_CLOCK = (
    update(tables.clocks)
    .where(tables.clocks.c.case_id == bindparam("case"), tables.clocks.c.clock_id == bindparam("clock"))
    .values(
        due_at=bindparam("due"),
        first_due_at=bindparam("first"),
        warned_at=bindparam("warned"),
        provisional=bindparam("unsure"),
        pauses=bindparam("still"),
    )
)
_DROP_ALARM = delete(tables.alarms).where(
    tables.alarms.c.case_id == bindparam("case"),
    tables.alarms.c.about_id == bindparam("about"),
    tables.alarms.c.kind == bindparam("which"),
)

type AlarmKind = Literal["reply_due", "contact_due", "promised_day"]


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
        self._kept: dict[int, Record] = {}
        self._urges: list[dict[str, object]] = []
        self._alarms: dict[tuple[UUID, UUID, AlarmKind], datetime | None] = {}

    async def stopwatch(self) -> Stopwatch:
        """The limits, and the calendars in use."""
        if self._stopwatch is None:
            hours = await hours_in_use(self.connection)
            self._stopwatch = Stopwatch(await book_of(self.connection, hours.editions), hours.office, hours)
        return self._stopwatch

    async def load(self, case_ids: Iterable[UUID]) -> None:
        """Lock these cases and read them with the clocks that still matter; those never heard of begin empty."""
        missing = [case_id for case_id in dict.fromkeys(case_ids) if case_id not in self._cases]
        if missing:
            loaded = await self._read(_LOCK_CASES, missing, _CLOCKS_AT_WORK)
            stopwatch = await self.stopwatch()
            self._stored |= loaded.keys()
            self._cases |= {case_id: CaseClocks(case_id, stopwatch) for case_id in missing} | loaded
            await self.ledger.load(self.connection, missing)

    async def case(self, case_id: UUID) -> CaseClocks:
        """For change; a handler finds it loaded already."""
        await self.load([case_id])
        return self._cases[case_id]

    async def find(self, case_id: UUID) -> CaseClocks | None:
        """For reading only, with all clocks there were."""
        return (await self._read(_CASES, [case_id])).get(case_id)

    async def glance(self, case_ids: Iterable[UUID]) -> dict[UUID, CaseClocks]:
        """Several, for reading only."""
        wanted = list(dict.fromkeys(case_ids))
        return await self._read(_CASES, wanted) if wanted else {}

    async def _read(self, statement: Any, case_ids: list[UUID], clocks: Any = _CLOCKS) -> dict[UUID, CaseClocks]:
        stopwatch = await self.stopwatch()
        rows = await self.connection.execute(statement, {"ids": case_ids})
        cases = {row.case_id: _case(row, stopwatch) for row in rows}
        if cases:
            for row in await self.connection.execute(clocks, {"ids": list(cases)}):
                cases[row[0]].clocks.append(_clock(row))
        return cases

    def save(self, case: CaseClocks, now: datetime) -> None:
        """Take the case's news into the outbox, and the case into what `flush` writes."""
        self._changed[case.case_id] = case
        self.ledger.take(case.case_id, case.clocks, case.stopwatch.calendar)
        self.ledger.told(case.case_id, case.told_at, case.result_told_at)
        for event in case.events:
            self.ledger.note(case.case_id, event)
            case.sequence += 1
            self.say(case.case_id, case.sequence, event, now)
        case.events.clear()
        for ordered in case.supervisions:
            self.keep(ordered)
            self.alarm(case.case_id, ordered.supervision_id, "reply_due", ordered.reply_due_at)
        case.supervisions.clear()

    def say(self, case_id: UUID, sequence: int, event: SlaEvent, now: datetime) -> None:
        cause = self.cause.id if self.cause else None
        self.emit(Envelope.of(event, case_id=case_id, sequence=sequence, now=now, causation_id=cause))

    def keep(self, *records: Record) -> None:
        """Write these with the rest."""
        self._kept.update({id(record): record for record in records})

    def alarm(self, case_id: UUID, about_id: UUID, kind: AlarmKind, at: datetime | None) -> None:
        """Look at it again then; None is never."""
        self._alarms[case_id, about_id, kind] = at

    def urged(
        self,
        case: CaseClocks,
        said: Sequence[OrderUrged],
        *,
        urge_id: UUID,
        by: Urger,
        at: datetime,
        by_id: str = "",
        note: str = "",
    ) -> None:
        """Keep who urged; `by_id` is empty for citizens and operators, whom the register knows."""
        first = said[0] if said else None
        row: dict[str, object] = {
            "case_id": case.case_id,
            "urge_id": urge_id,
            "order_id": first.order_id if first else None,
            "unit_code": first.unit_code if first else None,
            "by": by,
            "urged_by": by_id,
            "urged_at": at,
            "times": case.urged,
            "note": note,
        }
        self._urges.append(row)

    async def flush(self) -> None:
        changed = list(self._changed.values())
        await copy_in(self.connection, "cases", _CASE, [_case_row(c) for c in changed if c.case_id not in self._stored])
        await self._write(_CHANGE_CASES, _CASE, [_case_row(c) for c in changed if c.case_id in self._stored])
        started = [(case.case_id, clock) for case in changed for clock in case.started]
        fresh = {clock.clock_id for _, clock in started}
        stopped = [(c.case_id, clock) for c in changed for clock in c.stopped if clock.clock_id not in fresh]
        moved = {clock.clock_id: (case.case_id, clock) for case in changed for clock in case.moved}
        await self._write(_STOP_CLOCKS, _STOPPED, [_stopped_row(*pair) for pair in stopped])
        if silent := [*stopped, *moved.values()]:
            given = {"ids": list({case_id for case_id, _ in silent}), "clock_ids": [c.clock_id for _, c in silent]}
            await self.connection.execute(_DROP_TIMERS, given)
        await copy_in(self.connection, "clocks", _STARTED, [_clock_row(*pair) for pair in started])
        if moved:
            await self.connection.execute(_MOVE_CLOCK, [_moved_row(*pair) for pair in moved.values()])
        armed = [*started, *(pair for key, pair in moved.items() if key not in fresh)]
        timers = [(case_id, clock.clock_id, timer.percent, timer.due_at)
                  for case_id, clock in armed if clock.running for timer in clock.timers]  # fmt: skip
        await copy_in(self.connection, "timers", _TIMER, timers)
        self._stored |= self._changed.keys()
        self._changed.clear()
        for case in changed:
            case.started.clear()
            case.stopped.clear()
            case.moved.clear()
        await records.write(self.connection, self._kept.values())
        self._kept.clear()
        if self._urges:
            await self.connection.execute(insert(tables.urges), self._urges)
            self._urges.clear()
        await self._set_alarms()
        await self.ledger.flush(self.connection)
        await super().flush()

    async def _set_alarms(self) -> None:
        if self._alarms:
            given = [{"case": case, "about": about, "which": kind} for case, about, kind in self._alarms]
            await self.connection.execute(_DROP_ALARM, given)
            rows = [(*key, due_at) for key, due_at in self._alarms.items() if due_at is not None]
            await copy_in(self.connection, "alarms", ("case_id", "about_id", "kind", "due_at"), rows)
            self._alarms.clear()

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
    known = {name: getattr(row, name) for name in _SAME}
    return CaseClocks(case_id=_plain(row.case_id), stopwatch=stopwatch, filing=filing, **known)


def _case_row(case: CaseClocks) -> tuple[object, ...]:
    filing = case.filing
    filed: tuple[object, ...] = (None,) * 9
    if filing is not None:
        judged = (filing.category_code, filing.standard_no, " ".join(filing.groups) or None, filing.edition)
        filed = (filing.filed_at, filing.type_code, filing.grade, filing.amount, filing.unit, *judged)
    return (case.case_id, *(getattr(case, name) for name in _SAME[:3]), *filed, *(getattr(case, n) for n in _SAME[3:]))


def _clock(row: Any) -> Clock:
    given = dict(zip(_CLOCK, row[1:], strict=True))
    given["pauses"] = pauses_of(given["pauses"])
    return Clock(**given)


def _clock_row(case_id: UUID, clock: Clock) -> tuple[object, ...]:
    return (case_id, *(getattr(clock, name) for name in _CLOCK[:-1]))


def _moved_row(case_id: UUID, clock: Clock) -> dict[str, object]:
    still = [[since.isoformat(), until.isoformat() if until else None] for since, until in clock.pauses]
    return {
        "case": case_id,
        "clock": clock.clock_id,
        "due": clock.due_at,
        "first": clock.first_due_at,
        "warned": clock.warned_at,
        "unsure": clock.provisional,
        "still": still or None,
    }


def _stopped_row(case_id: UUID, clock: Clock) -> tuple[object, ...]:
    return (case_id, clock.clock_id, clock.stopped_at, clock.used_seconds)


def _plain(given: UUID) -> UUID:
    """The driver's UUIDs are of a class of its own, which the envelope's JSON does not take."""
    return UUID(int=given.int)
