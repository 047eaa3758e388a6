"""What has come due: claimed in order of due time by any number of workers, and said once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text

from contracts.events.sla import SlaEvent
from services.sla.oversight.supervisions import Supervision
from services.sla.stopwatch import BREACH, Firing, Stopwatch, pauses_of, share
from services.sla.store import AlarmKind, SlaTx
from shared.bulk import arrays

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
             bool_or(percent = :breach) AS breached, bool_or(percent <> :breach) AS warned
      FROM fired GROUP BY case_id, clock_id
    )
    UPDATE clocks k SET
      breached_at = CASE WHEN by_clock.breached THEN :now ELSE k.breached_at END,
      warned_at = CASE WHEN by_clock.warned THEN :now ELSE k.warned_at END
    FROM by_clock
    WHERE k.case_id = by_clock.case_id AND k.clock_id = by_clock.clock_id AND k.stopped_at IS NULL
    RETURNING k.case_id, k.clock_id, k.kind, k.order_id, k.unit_code, k.due_at, k.started_at, k.unit, k.pauses,
              by_clock.percents, by_clock.dues
    """
)
_NEXT_DUE = text("SELECT least((SELECT min(due_at) FROM timers), (SELECT min(due_at) FROM alarms))")
_WAITING = text(
    """
    SELECT count(*) AS n, min(due_at) AS oldest
    FROM (SELECT due_at FROM timers WHERE due_at <= :now ORDER BY due_at LIMIT 100000) AS late
    """
)
_ALARMS = text(
    """
    WITH claimed AS (
      SELECT a.case_id, a.about_id, a.kind FROM alarms a JOIN cases c ON c.case_id = a.case_id
      WHERE a.due_at <= :now ORDER BY a.due_at LIMIT :most FOR UPDATE OF c SKIP LOCKED
    )
    DELETE FROM alarms a USING claimed
    WHERE a.case_id = claimed.case_id AND a.about_id = claimed.about_id AND a.kind = claimed.kind
    RETURNING a.case_id, a.about_id, a.kind, a.due_at
    """
)
_URGE = text(
    """
    UPDATE cases SET urged = urged + given.more
    FROM unnest(CAST(:case_ids AS uuid[]), CAST(:more AS integer[])) AS given (case_id, more)
    WHERE cases.case_id = given.case_id RETURNING cases.case_id, cases.urged
    """
)
_SUPERVISED = text("UPDATE cases SET supervised_at = coalesce(supervised_at, :now) WHERE case_id = :case_id")
_COUNT_UP = text(
    """
    UPDATE cases SET sequence = sequence + given.more
    FROM unnest(CAST(:case_ids AS uuid[]), CAST(:more AS integer[])) AS given (case_id, more)
    WHERE cases.case_id = given.case_id RETURNING cases.case_id, cases.sequence
    """
)


@dataclass(frozen=True, slots=True)
class Fired:
    """What one round found: how many timers it took, when each was due, and how many of them were said."""

    claimed: int
    late: Sequence[float]
    """Seconds each was behind its instant."""


class Alarm(NamedTuple):
    """An instant that belongs to no clock has come."""

    case_id: UUID
    about_id: UUID
    kind: AlarmKind
    due_at: datetime


async def fire(tx: SlaTx, now: datetime, most: int) -> Fired:
    """Claim what is due, earliest first, and say it."""
    claimed = (await tx.connection.execute(_CLAIM, {"now": now, "most": most})).all()
    if not claimed:
        return Fired(0, ())
    given = arrays(("case_id", "clock_id", "percent"), claimed)
    rows = await tx.connection.execute(_FIRE, {"now": now, "breach": BREACH, **given})
    firings = sorted(_firings(rows, await tx.stopwatch(), now), key=lambda firing: firing.fell_due_at)
    await _say(tx, firings, now)
    return Fired(len(claimed), [(now - firing.fell_due_at).total_seconds() for firing in firings])


async def _say(tx: SlaTx, firings: Sequence[Firing], now: datetime) -> None:
    urged = await _urged(tx, firings)
    said: list[tuple[UUID, SlaEvent]] = []
    for firing in firings:
        said += [(firing.case_id, event) for event in firing.said(urged.get(firing.case_id, 0))]
        if firing.rung is not None and firing.rung.urge:
            urged[firing.case_id] += 1
        if firing.rung is not None and firing.rung.supervise:
            said.append((firing.case_id, await _supervise(tx, firing, now)))
    more: dict[UUID, int] = {}
    for case_id, _ in said:
        more[case_id] = more.get(case_id, 0) + 1
    totals = await tx.connection.execute(_COUNT_UP, {"case_ids": list(more), "more": list(more.values())})
    sequences = {row.case_id: row.sequence - more[row.case_id] for row in totals}
    for case_id, event in said:
        sequences[case_id] += 1
        tx.say(case_id, sequences[case_id], event, now)


async def _urged(tx: SlaTx, firings: Sequence[Firing]) -> dict[UUID, int]:
    """How often the cases of this round that the ladder urges now were urged before; counted up by what it adds."""
    more: dict[UUID, int] = {}
    for firing in firings:
        if firing.rung is not None and firing.rung.urge:
            more[firing.case_id] = more.get(firing.case_id, 0) + 1
    if not more:
        return {}
    totals = await tx.connection.execute(_URGE, {"case_ids": list(more), "more": list(more.values())})
    return {row.case_id: row.urged - more[row.case_id] for row in totals}


async def _supervise(tx: SlaTx, firing: Firing, now: datetime) -> SlaEvent:
    stopwatch = await tx.stopwatch()
    assert firing.rung is not None
    assert firing.rung.supervise is not None
    level = firing.rung.supervise
    limit = stopwatch.oversight.at(now).supervision.levels[level].reply.limit
    ordered = Supervision.order(
        firing.case_id,
        "overdue",
        level,
        now,
        reply_due_at=stopwatch.calendar.due(now, limit).at,
        order_id=firing.order_id,
        unit_code=firing.unit_code,
        instruction=firing.rung.reason,
    )
    tx.keep(ordered)
    tx.alarm(firing.case_id, ordered.supervision_id, "reply_due", ordered.reply_due_at)
    await tx.connection.execute(_SUPERVISED, {"case_id": firing.case_id, "now": now})
    await tx.ledger.load(tx.connection, [firing.case_id])
    tx.ledger.note(firing.case_id, ordered.said())
    return ordered.said()


async def alarms(tx: SlaTx, now: datetime, most: int) -> Sequence[Alarm]:
    """Take what is due of these, earliest first; their cases are locked."""
    rows = await tx.connection.execute(_ALARMS, {"now": now, "most": most})
    found = [Alarm(_plain(row.case_id), _plain(row.about_id), row.kind, row.due_at) for row in rows]
    return sorted(found, key=lambda alarm: alarm.due_at)


async def next_due(tx: SlaTx) -> datetime | None:
    """The earliest instant at which anything is due."""
    found: datetime | None = (await tx.connection.execute(_NEXT_DUE)).scalar_one()
    return found


async def waiting(tx: SlaTx, now: datetime) -> tuple[int, datetime | None]:
    """How many timers are due and not said (counted to a hundred thousand), and the instant of the oldest."""
    row = (await tx.connection.execute(_WAITING, {"now": now})).one()
    return int(row.n), row.oldest


def _plain(given: UUID) -> UUID:
    """The driver's UUIDs are of a class of its own, which the envelope's JSON does not take."""
    return UUID(int=given.int)


def _firings(rows: Iterable[Any], stopwatch: Stopwatch, now: datetime) -> Iterable[Firing]:
    for row in rows:
        for percent, fell_due_at in zip(row.percents, row.dues, strict=True):
            rung = stopwatch.oversight.rung(percent) if percent > BREACH else None
            yield Firing(
                case_id=_plain(row.case_id),
                clock_id=row.clock_id,
                kind=row.kind,
                order_id=row.order_id,
                unit_code=row.unit_code,
                due_at=row.due_at,
                percent=percent,
                fell_due_at=fell_due_at,
                share_used=percent / 100 if rung is None else _share(stopwatch, row, fell_due_at),
                rung=rung,
                late_seconds=max(0, int((now - fell_due_at).total_seconds())),
            )


def _share(stopwatch: Stopwatch, row: Any, at: datetime) -> float:
    calendar = stopwatch.calendar_for(row.unit_code, row.started_at)
    return round(share(calendar, row.started_at, row.due_at, pauses_of(row.pauses), row.unit, at=at), 4)
