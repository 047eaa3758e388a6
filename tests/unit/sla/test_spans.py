"""Limits with pauses and extensions: against a minute-walker, and by what must change nothing or only one way."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.sla.calendar import LaterHours, SpecialDay, Window, WorkingHours
from services.sla.calendars import shipped_calendar
from services.sla.spans import Span, moved
from services.sla.workdays import DAY, HOUR, Calendar, CountFrom, Unit, epoch

SHANGHAI = ZoneInfo("Asia/Shanghai")
WHOLE = shipped_calendar()
YEARS = (2023, 2024, 2025)
OFFICE = replace(
    WHOLE, known_years=YEARS, special_days=tuple(row for row in WHOLE.special_days if row.day.year in YEARS)
)
CALENDAR = Calendar(OFFICE, 1)
SUMMER = WorkingHours("office", "2", "夏令", (Window(8 * HOUR, 12 * HOUR), Window(14 * HOUR + 1800, 18 * HOUR + 1800)))
CHANGES = (LaterHours(date(2024, 6, 1), SUMMER), LaterHours(date(2024, 10, 1), OFFICE.hours))
SEASONS = Calendar(replace(OFFICE, later_hours=CHANGES), 1)
UNITS: list[tuple[Unit, CountFrom]] = [
    ("urgent_hour", "now"),
    ("work_hour", "now"),
    ("work_hour", "next_day"),
    ("work_day", "next_day"),
    ("work_day", "now"),
    ("calendar_day", "next_day"),
    ("calendar_day", "now"),
]
NAMES = [f"{unit}-{since}" for unit, since in UNITS]
FIRST = int(datetime(2024, 1, 2, tzinfo=SHANGHAI).timestamp())
starts = st.integers(0, 300 * 24 * 60).map(lambda minutes: FIRST + minutes * 60)
few = settings(max_examples=12, deadline=None)
many = settings(max_examples=40, deadline=None)


@st.composite
def spans(draw: Any, unit: Unit, count_from: CountFrom) -> Span:
    """Up to three pauses after the start, at any minutes; extensions of up to two days."""
    start = draw(starts)
    edges = sorted(draw(st.lists(st.integers(1, 5 * 24 * 60), max_size=6, unique=True)))
    pauses = tuple((start + a * 60, start + b * 60) for a, b in zip(edges[::2], edges[1::2], strict=False))
    granted = draw(st.integers(0, 16 * 60)) * 60
    return Span(start, draw(st.integers(1, 6)), unit, count_from, pauses, granted)


@cache
def windows_of(calendar: Calendar, day: date) -> tuple[Window, ...]:
    """By the data alone: no table of the calendar is asked."""
    special = {row.day: row.working for row in calendar.data.special_days}
    hours = calendar.data.hours
    for later in calendar.data.later_hours:
        hours = later.hours if later.first <= day else hours
    return hours.windows if special.get(day, day.isoweekday() < 6) else ()


def works(calendar: Calendar, unit: Unit, minute: int) -> bool:
    if unit in ("urgent_hour", "calendar_day"):
        return True
    day, second = divmod(minute - FIRST, DAY)
    return any(w.opens <= second < w.closes for w in windows_of(calendar, date(2024, 1, 2) + timedelta(day)))


def walk(calendar: Calendar, span: Span) -> int:
    """Minute by minute, from the first that counts, leaving out those it stands still; extensions come on top."""
    at = span.start_s
    if span.count_from == "next_day":
        midnight = datetime.fromtimestamp(at, SHANGHAI).replace(hour=0, minute=0) + timedelta(days=1)
        at = int(midnight.timestamp())
    left = span.granted + span.amount * {"urgent_hour": HOUR, "work_hour": HOUR, "calendar_day": DAY}.get(span.unit, 0)
    if span.unit == "work_day":
        left += span.amount * 8 * HOUR
    # A pause before the count begins is time the citizen waits all the same: it is given back like any other.
    left += sum(
        60
        for since, until in span.pauses
        for minute in range(since, min(until or since, at), 60)
        if works(calendar, span.unit, minute)
    )
    while left > 0:
        if works(calendar, span.unit, at) and not any(since <= at < (until or at) for since, until in span.pauses):
            left -= 60
        at += 60
    return at


@pytest.mark.parametrize(("unit", "count_from"), UNITS, ids=NAMES)
@few
@given(data=st.data())
def test_a_limit_with_pauses_and_extensions_is_due_where_the_minute_walker_stops(
    unit: Unit, count_from: CountFrom, data: Any
) -> None:
    span = data.draw(spans(unit, count_from))
    due = span.due(CALENDAR)
    # Pauses that begin when it is over already are no part of it.
    span = Span(span.start_s, span.amount, unit, count_from, tuple(p for p in span.pauses if p[0] < due), span.granted)
    late = [pause for pause in span.pauses if pause[0] >= walk(CALENDAR, span)]
    if not late:
        assert span.due(CALENDAR) == walk(CALENDAR, span)


@few
@given(data=st.data())
def test_hours_that_change_with_the_season_are_walked_alike(data: Any) -> None:
    span = data.draw(spans("work_hour", "now"))
    span = Span(span.start_s, span.amount * 9, "work_hour", "now")
    assert span.due(SEASONS) == walk(SEASONS, span)
    start = datetime.fromtimestamp(span.start_s, SHANGHAI)
    back = SEASONS.add_epoch(span.due(SEASONS), -span.amount * HOUR)
    assert SEASONS.elapsed_epoch(back, span.due(SEASONS), "work_hour") == span.amount * HOUR
    assert SEASONS.elapsed_epoch(epoch(start), span.due(SEASONS), "work_hour") == span.amount * HOUR


@pytest.mark.parametrize(("unit", "count_from"), UNITS, ids=NAMES)
@many
@given(data=st.data())
def test_splitting_a_pause_or_resuming_at_once_changes_nothing(unit: Unit, count_from: CountFrom, data: Any) -> None:
    span = data.draw(spans(unit, count_from))
    at = data.draw(st.integers(0, 9 * DAY)) + span.start_s
    split: list[tuple[int, int | None]] = []
    for since, until in span.pauses:
        middle = data.draw(st.integers(since, until))
        split += [(since, middle), (middle, until)]
    for other in (tuple(split), (*span.pauses, (at, at))):
        changed = Span(span.start_s, span.amount, unit, count_from, other, span.granted)
        assert changed.due(CALENDAR) == span.due(CALENDAR)
        assert changed.elapsed(CALENDAR, at) == span.elapsed(CALENDAR, at)
        assert changed.share_used(CALENDAR, at) == span.share_used(CALENDAR, at)


@pytest.mark.parametrize(("unit", "count_from"), UNITS, ids=NAMES)
@settings(max_examples=20, deadline=None)
@given(data=st.data(), day=st.dates(date(2024, 1, 2), date(2024, 11, 30)))
def test_adding_a_holiday_never_makes_a_due_date_earlier(
    unit: Unit, count_from: CountFrom, data: Any, day: date
) -> None:
    span = data.draw(spans(unit, count_from))
    kept = tuple(row for row in OFFICE.special_days if row.day != day)
    days = (*kept, SpecialDay(day, working=False, name="加放"))
    more = Calendar(replace(OFFICE, special_days=days), 1)
    assert span.due(more) >= span.due(CALENDAR)
    due = span.due(CALENDAR)
    first = Span(span.start_s, span.amount, unit, count_from).due(CALENDAR)
    assert moved(span, due, first, CALENDAR, more) == span.due(more)
    assert moved(span, due, first, CALENDAR, CALENDAR) == due


@pytest.mark.parametrize(("unit", "count_from"), UNITS, ids=NAMES)
@many
@given(data=st.data())
def test_what_is_used_and_what_is_left_make_the_whole_and_the_share_is_one_when_due(
    unit: Unit, count_from: CountFrom, data: Any
) -> None:
    span = data.draw(spans(unit, count_from))
    due = span.due(CALENDAR)
    ats = (span.start_s, due, data.draw(st.integers(span.start_s, due + DAY)))
    whole = span.elapsed(CALENDAR, due)
    for at in ats:
        assert span.elapsed(CALENDAR, at) + span.remaining(CALENDAR, at) == whole
    assert span.share_used(CALENDAR, due) == 1.0
    assert span.share_used(CALENDAR, cast("int", span.start_s)) == 0.0 or whole <= 0
