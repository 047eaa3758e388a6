"""When orders are due, as the stopwatch says: heard event by event, written for a whole batch at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.events.sla import (
    ClockExtended,
    ClockPaused,
    ClockRecomputed,
    ClockResumed,
    ClockStarted,
    MovedClock,
    StartedClock,
)
from shared.cloudevents import AnyEnvelope, Envelope

KIND = "handle"
"""The clock a unit's work list goes by (办理时限)."""
TYPES = frozenset(event.TYPE for event in (ClockStarted, ClockPaused, ClockExtended, ClockResumed, ClockRecomputed))

# The stopwatch's events may come in any order: what is older than what is known changes nothing. Another clock has not
# been paused yet.
_SET = text("""
UPDATE orders SET due_at = said.due_at, due_clock = said.clock_id, due_seq = said.seq,
  paused_until = CASE WHEN orders.due_clock = said.clock_id THEN orders.paused_until END,
  pause_seq = CASE WHEN orders.due_clock = said.clock_id THEN orders.pause_seq ELSE 0 END
FROM unnest(CAST(:cases AS uuid[]), CAST(:orders AS uuid[]), CAST(:clocks AS uuid[]), CAST(:seqs AS bigint[]),
  CAST(:dues AS timestamptz[])) AS said(case_id, order_id, clock_id, seq, due_at)
WHERE orders.case_id = said.case_id AND orders.order_id = said.order_id AND orders.due_seq < said.seq
""")
_PAUSE = text("""
UPDATE orders SET paused_until = said.until, pause_seq = said.seq
FROM unnest(CAST(:cases AS uuid[]), CAST(:clocks AS uuid[]), CAST(:seqs AS bigint[]), CAST(:untils AS timestamptz[]))
  AS said(case_id, clock_id, seq, until)
WHERE orders.case_id = said.case_id AND orders.due_clock = said.clock_id AND orders.pause_seq < said.seq
""")


@dataclass(frozen=True, slots=True)
class Due:
    case_id: UUID
    order_id: UUID
    clock_id: UUID
    seq: int
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Pause:
    case_id: UUID
    clock_id: UUID
    seq: int
    until: datetime | None
    """None when it goes on."""


def cases_of(events: Iterable[AnyEnvelope]) -> set[UUID]:
    """The cases whose orders such events change."""
    return {event.case_id for event in events if event.type in TYPES and _matters(event)}


def _matters(event: AnyEnvelope) -> bool:
    clocks: Any = getattr(event.data, "clocks", None)
    return clocks is None or any(clock.kind == KIND for clock in clocks)


class DueTimes:
    """What one transaction has heard: of each order and each clock the last word only."""

    def __init__(self) -> None:
        self._dues: dict[UUID, Due] = {}
        self._pauses: dict[UUID, Pause] = {}

    def set(self, envelope: Envelope[ClockStarted] | Envelope[ClockExtended] | Envelope[ClockRecomputed]) -> None:
        self._set(envelope, envelope.data.clocks)

    def paused(self, envelope: Envelope[ClockPaused]) -> None:
        for clock_id in envelope.data.clock_ids:
            self._pause(Pause(envelope.case_id, clock_id, envelope.sequence, envelope.data.promised_at))

    def resumed(self, envelope: Envelope[ClockResumed]) -> None:
        self._set(envelope, envelope.data.clocks)
        for clock in envelope.data.clocks:
            self._pause(Pause(envelope.case_id, clock.clock_id, envelope.sequence, None))

    def _set(self, envelope: AnyEnvelope, clocks: Iterable[StartedClock | MovedClock]) -> None:
        for clock in clocks:
            if clock.kind == KIND and clock.order_id is not None:
                known = self._dues.get(clock.order_id)
                if known is None or known.seq < envelope.sequence:
                    due = Due(envelope.case_id, clock.order_id, clock.clock_id, envelope.sequence, clock.due_at)
                    self._dues[clock.order_id] = due

    def _pause(self, pause: Pause) -> None:
        known = self._pauses.get(pause.clock_id)
        if known is None or known.seq < pause.seq:
            self._pauses[pause.clock_id] = pause

    async def write(self, connection: AsyncConnection) -> None:
        """One statement, and a second where something was paused or goes on; their cases are locked."""
        dues, pauses = list(self._dues.values()), list(self._pauses.values())
        self._dues, self._pauses = {}, {}
        if dues:
            said = {
                "cases": [due.case_id for due in dues],
                "orders": [due.order_id for due in dues],
                "clocks": [due.clock_id for due in dues],
                "seqs": [due.seq for due in dues],
                "dues": [due.due_at for due in dues],
            }
            await connection.execute(_SET, said)
        if pauses:
            said = {
                "cases": [pause.case_id for pause in pauses],
                "clocks": [pause.clock_id for pause in pauses],
                "seqs": [pause.seq for pause in pauses],
                "untils": [pause.until for pause in pauses],
            }
            await connection.execute(_PAUSE, said)
