"""A limit that runs with pauses and extensions: when it is due, and how much of it is used or left, to the second."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.sla.workdays import Calendar, CountFrom, Unit

type Pause = tuple[int, int | None]
"""Since when and until when it stood still, in epoch seconds; None while it does."""


@dataclass(frozen=True, slots=True)
class Span:
    """A limit from its start on. Time it stands still is not counted, and `granted` is what extensions added.

    It is due at the first instant at which all of it has passed outside the pauses, so a pause may be cut in two and
    a pause without working time may be left out: nothing changes.
    """

    start_s: int
    amount: int
    unit: Unit
    count_from: CountFrom
    pauses: tuple[Pause, ...] = ()
    granted: int = 0
    """Seconds as the unit counts them."""

    def due(self, calendar: Calendar) -> int:
        """In epoch seconds; while it stands still, as if it went on at the pause's beginning."""
        due_s = calendar.due_epoch(self.start_s, self.unit, self.amount, self.count_from)
        if not self.pauses and not self.granted:
            return due_s
        return _later(calendar, due_s, self.granted + stood(calendar, self.pauses, self.unit), self.unit)

    def elapsed(self, calendar: Calendar, at_s: int) -> int:
        """Seconds used by then, as the unit counts them."""
        before = ((since, min(until or at_s, at_s)) for since, until in self.pauses if since < at_s)
        return calendar.elapsed_epoch(self.start_s, at_s, self.unit) - stood(calendar, before, self.unit)

    def remaining(self, calendar: Calendar, at_s: int) -> int:
        """Seconds left, negative when it is overdue."""
        return self.elapsed(calendar, self.due(calendar)) - self.elapsed(calendar, at_s)

    def share_used(self, calendar: Calendar, at_s: int) -> float:
        """0 before the start, 1 when due, more when overdue."""
        due_s = self.due(calendar)
        whole = self.elapsed(calendar, due_s)
        return max(0, self.elapsed(calendar, at_s)) / whole if whole > 0 else float(at_s >= due_s)


def stood(calendar: Calendar, pauses: Iterable[Pause], unit: Unit) -> int:
    """Seconds of all pauses that are over, as the unit counts them."""
    return sum(calendar.elapsed_epoch(since, until, unit) for since, until in pauses if until is not None)


def moved(span: Span, due_s: int, first_due_s: int, was: Calendar, now: Calendar) -> int:
    """When a running clock that was due at `due_s` is due by another calendar.

    What it was given beyond its first due time is kept as time, not as a date: an extension of two working days is two
    working days in the new calendar as well.
    """
    if due_s == first_due_s:
        return now.due_epoch(span.start_s, span.unit, span.amount, span.count_from)
    granted = was.elapsed_epoch(first_due_s, due_s, span.unit) - stood(was, span.pauses, span.unit)
    return Span(span.start_s, span.amount, span.unit, span.count_from, span.pauses, granted).due(now)


def _later(calendar: Calendar, at_s: int, seconds: int, unit: Unit) -> int:
    return calendar.add_epoch(at_s, seconds) if unit in ("work_hour", "work_day") else at_s + seconds
