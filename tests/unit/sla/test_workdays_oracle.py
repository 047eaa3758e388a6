"""Properties of working time, against an oracle that walks the clock minute by minute and knows no tables."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.sla.calendar import CalendarData, SpecialDay, Window, WorkingHours
from services.sla.calendars import shipped_calendar
from services.sla.workdays import Calendar, Limit

SHANGHAI = ZoneInfo("Asia/Shanghai")
MINUTE = timedelta(minutes=1)
OFFICE = shipped_calendar()
CALENDAR = Calendar(OFFICE)


class Walker:
    """Walks from one full minute to the next, asking of each whether it is worked. Slow, and too simple to be wrong."""

    def __init__(self, data: CalendarData) -> None:
        self.special = {row.day: row.working for row in data.special_days}
        self.windows = [(window.opens // 60, window.closes // 60) for window in data.hours.windows]
        self.every_day = data.hours.every_day

    def works(self, local: datetime) -> bool:
        day, minute = local.date(), local.hour * 60 + local.minute
        if not any(opens <= minute < closes for opens, closes in self.windows):
            return False
        return self.every_day or self.special.get(day, day.isoweekday() <= 5)

    def after(self, start: datetime, seconds: int) -> datetime:
        local = start.astimezone(SHANGHAI).replace(tzinfo=None)
        while seconds > 0:
            step = MINUTE - timedelta(seconds=local.second)
            if self.works(local):
                step = min(step, timedelta(seconds=seconds))
                seconds -= int(step.total_seconds())
            local += step
        return local.replace(tzinfo=SHANGHAI)

    def between(self, start: datetime, end: datetime) -> int:
        local, stop = (at.astimezone(SHANGHAI).replace(tzinfo=None) for at in (start, end))
        seconds = 0
        while local < stop:
            step = min(MINUTE - timedelta(seconds=local.second), stop - local)
            seconds += int(step.total_seconds()) * self.works(local)
            local += step
        return seconds


@st.composite
def made_up_calendars(draw) -> CalendarData:
    """One known year with one to three windows at any minutes and some days turned round; a few work every day."""
    edges = sorted(draw(st.lists(st.integers(0, 1440), min_size=2, max_size=6, unique=True)))
    windows = tuple(Window(a * 60, b * 60) for a, b in zip(edges[::2], edges[1::2], strict=False))
    turned = draw(st.dictionaries(st.dates(date(2024, 1, 1), date(2024, 12, 31)), st.booleans(), max_size=40))
    return CalendarData(
        version="made-up",
        name="试算日历",
        source="test",
        zone="Asia/Shanghai",
        known_years=(2024,),
        hours=WorkingHours("made_up", "1", "试算时段", windows, draw(st.booleans())),
        special_days=tuple(SpecialDay(day, working, "试算") for day, working in turned.items()),
    )


def instants(first: date = date(2018, 1, 1), last: date = date(2026, 11, 30)):
    """Whole seconds of local time; every other example falls on a full or half hour, where the edges are."""
    seconds = st.integers(0, 86_399) | st.integers(0, 47).map(lambda half_hours: half_hours * 1800)
    return st.builds(
        lambda day, second: datetime.combine(day, time(), SHANGHAI) + timedelta(seconds=second),
        st.dates(first, last),
        seconds,
    )


seconds_of_work = st.integers(1, 60 * 3600)
within_2024 = instants(date(2024, 1, 1), date(2024, 11, 30))
spans = st.timedeltas(timedelta(), timedelta(days=21)).map(lambda span: timedelta(seconds=int(span.total_seconds())))
walked = settings(max_examples=40, deadline=None)
many = settings(max_examples=100, deadline=None)


@walked
@given(start=instants(), hours=st.integers(1, 40))
def test_work_hours_end_where_the_minute_walker_stops(start, hours):
    assert CALENDAR.due(start, Limit(hours, "work_hour")).at == Walker(OFFICE).after(start, hours * 3600)


@walked
@given(start=instants(), days=st.integers(1, 8))
def test_days_of_eight_hours_end_where_the_minute_walker_stops(start, days):
    assert CALENDAR.due(start, Limit(days, "work_day", "now")).at == Walker(OFFICE).after(start, days * 8 * 3600)


@walked
@given(start=instants(), days=st.integers(1, 8))
def test_whole_working_days_are_the_working_hours_walked_from_the_following_midnight(start, days):
    midnight = start.replace(hour=0, minute=0, second=0) + timedelta(days=1)
    assert CALENDAR.due(start, Limit(days, "work_day")).at == Walker(OFFICE).after(midnight, days * 8 * 3600)


@walked
@given(start=instants(), span=spans)
def test_elapsed_working_time_is_what_the_minute_walker_counts(start, span):
    assert CALENDAR.elapsed(start, start + span, "work_hour") == Walker(OFFICE).between(start, start + span)


@walked
@given(data=made_up_calendars(), start=within_2024, span=spans, share=st.floats(0.01, 1.5))
def test_any_windows_and_any_special_days_are_counted_as_the_minute_walker_counts(data, start, span, share):
    calendar, walker = Calendar(data), Walker(data)
    elapsed = calendar.elapsed(start, start + span, "work_day")
    assert elapsed == walker.between(start, start + span)
    wanted = max(1, min(int(elapsed * share), data.hours.seconds * 10))
    assert calendar.add_working_seconds(start, wanted) == walker.after(start, wanted)


@many
@given(data=made_up_calendars(), start=within_2024, seconds=st.integers(-30_000, 30_000))
def test_adding_working_time_and_measuring_it_are_inverse_in_both_directions(data, start, seconds):
    calendar = Calendar(data)
    assert calendar.elapsed(start, calendar.add_working_seconds(start, seconds), "work_hour") == seconds


@many
@given(start=instants(), seconds=seconds_of_work)
def test_no_earlier_instant_has_the_working_time_already_and_no_later_one_goes_back_as_far(start, seconds):
    due = CALENDAR.add_working_seconds(start, seconds)
    assert CALENDAR.elapsed(start, due - timedelta(seconds=1), "work_hour") == seconds - 1
    back = CALENDAR.add_working_seconds(start, -seconds)
    assert CALENDAR.elapsed(back + timedelta(seconds=1), start, "work_hour") == seconds - 1


@many
@given(start=instants(), one=seconds_of_work, other=seconds_of_work)
def test_working_time_added_in_two_steps_ends_where_one_step_ends(start, one, other):
    stopover = CALENDAR.add_working_seconds(start, one)
    assert CALENDAR.add_working_seconds(stopover, other) == CALENDAR.add_working_seconds(start, one + other)


@many
@given(a=instants(), b=instants(), c=instants())
def test_elapsed_time_adds_up_over_any_stopover_and_turns_its_sign_with_the_direction(a, b, c):
    for unit in ("work_hour", "calendar_day"):
        assert CALENDAR.elapsed(a, b, unit) + CALENDAR.elapsed(b, c, unit) == CALENDAR.elapsed(a, c, unit)
        assert CALENDAR.elapsed(a, b, unit) == -CALENDAR.elapsed(b, a, unit)


LIMITS = [
    Limit(3, "urgent_hour"),
    Limit(7, "work_hour"),
    Limit(7, "work_hour", "next_day"),
    Limit(5, "work_day"),
    Limit(5, "work_day", "now"),
    Limit(15, "calendar_day"),
    Limit(15, "calendar_day", "now"),
]


@pytest.mark.parametrize("limit", LIMITS, ids=str)
@many
@given(start=instants(), span=spans)
def test_who_starts_later_or_has_more_is_never_due_earlier(limit, start, span):
    due = CALENDAR.due(start, limit).at
    assert due > start
    assert CALENDAR.due(start + span, limit).at >= due
    assert CALENDAR.due(start, Limit(limit.amount + 1, limit.unit, limit.count_from)).at > due


@pytest.mark.parametrize("limit", LIMITS, ids=str)
@many
@given(start=instants(), zone=st.sampled_from(["UTC", "America/New_York", "Asia/Kathmandu"]))
def test_the_zone_a_start_is_written_in_and_the_epoch_road_make_no_difference(limit, start, zone):
    due = CALENDAR.due(start, limit).at
    assert due.tzinfo is UTC
    assert CALENDAR.due(start.astimezone(ZoneInfo(zone)), limit).at == due
    assert CALENDAR.due_epoch(int(start.timestamp()), limit.unit, limit.amount, limit.count_from) == due.timestamp()


@walked
@given(data=made_up_calendars())
def test_a_calendar_survives_being_kept_as_json(data):
    assert CalendarData.from_dict(data.to_dict()) == data
    assert CalendarData.from_dict(data.to_dict()).digest() == data.digest()
