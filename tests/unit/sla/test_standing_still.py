"""What a pause and an extension do to a clock, for every start, length and unit."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.sla.calendars import shipped_calendar
from services.sla.limits import Filing, shipped_limits
from services.sla.stopwatch import BREACH, Clock, Stopwatch
from services.sla.workdays import Calendar, epoch

STOPWATCH = Stopwatch(shipped_limits(), Calendar(shipped_calendar()))
CALENDAR = STOPWATCH.calendar
FIRST, LAST = datetime(2025, 1, 2, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)

instants = st.datetimes(FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None)).map(
    lambda at: at.replace(tzinfo=UTC, microsecond=0)
)
limits = st.sampled_from([(2, "urgent_hour"), (4, "work_hour"), (1, "work_day"), (7, "work_day"), (6, "calendar_day")])
spans = st.integers(0, 60 * 24 * 30).map(lambda minutes: timedelta(minutes=minutes))


def clock(at: datetime, limit: tuple[int, Any]) -> Clock:
    return STOPWATCH.clock(
        "handle", at, filing=Filing(at, "complaint", "B", *limit), order_id=UUID(int=2), unit_code="CG"
    )


@given(instants, limits, spans)
def test_a_clock_paused_and_resumed_at_once_is_due_when_it_was(at: datetime, limit: Any, later: timedelta) -> None:
    it = clock(at, limit)
    due_at = it.due_at
    STOPWATCH.pause(it, at + later)
    STOPWATCH.resume(it, at + later)
    assert (it.due_at, it.original_due_at) == (due_at, due_at)
    assert STOPWATCH.used(it, it.due_at) == CALENDAR.elapsed(at, due_at, it.unit)


@given(instants, limits, spans, spans)
def test_what_was_left_when_it_stood_still_is_left_when_it_goes_on(
    at: datetime, limit: Any, later: timedelta, still: timedelta
) -> None:
    it = clock(at, limit)
    since, until = at + later, at + later + still
    left = CALENDAR.remaining(since, it.due_at, it.unit)
    used = STOPWATCH.used(it, since)
    STOPWATCH.pause(it, since)
    assert STOPWATCH.used(it, since + still / 2) == used
    STOPWATCH.resume(it, until)
    assert STOPWATCH.used(it, until) == used
    if left > 0:
        assert CALENDAR.remaining(until, it.due_at, it.unit) == left
        assert it.due_at >= it.original_due_at
    else:
        assert it.due_at == it.original_due_at


@given(instants, limits, spans, spans, st.floats(0, 1))
def test_a_pause_in_two_parts_is_as_long_as_in_one(
    at: datetime, limit: Any, later: timedelta, still: timedelta, cut: float
) -> None:
    since, until = at + later, at + later + still
    middle = since + timedelta(seconds=int(still.total_seconds() * cut))
    whole, halves = clock(at, limit), clock(at, limit)
    for it, stops in ((whole, (since, until)), (halves, (since, middle, until))):
        for begins, ends in pairwise(stops):
            STOPWATCH.pause(it, begins)
            STOPWATCH.resume(it, ends)
    assert (whole.due_at, STOPWATCH.used(whole, until)) == (halves.due_at, STOPWATCH.used(halves, until))


@given(instants, limits, spans, spans)
def test_a_moved_clock_is_never_said_to_be_nearer_than_it_is(
    at: datetime, limit: Any, now: timedelta, longer: timedelta
) -> None:
    """INVARIANT: after a move only what lies ahead is armed, in order, and the breach a second after the due second."""
    it = clock(at, limit)
    due_at = it.due_at + longer
    STOPWATCH.move(it, due_at, at + now)
    assert it.original_due_at == clock(at, limit).due_at
    ahead = {timer.percent: timer.due_at for timer in it.timers}
    assert ahead[BREACH] == datetime.fromtimestamp(epoch(due_at) + 1, UTC)
    assert all(when > at + now for percent, when in ahead.items() if percent != BREACH)
    shares = [ahead[percent] for percent in (50, 80, BREACH) if percent in ahead]
    assert shares == sorted(shares)


def test_a_breach_that_was_said_is_not_armed_again_unless_the_clock_was_moved() -> None:
    it = clock(FIRST, (1, "work_day"))
    now = it.due_at + timedelta(days=1)
    it.breached_at = it.due_at + timedelta(seconds=1)
    assert BREACH not in {timer.percent for timer in STOPWATCH.timers_left(it, now)}
    STOPWATCH.move(it, now + timedelta(days=1), now)
    assert BREACH in {timer.percent for timer in it.timers}
    assert it.state == "normal"
