"""The calendar against the two public libraries that know Chinese working days, each asked in its own words."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import chinese_calendar
import holidays
import pytest

from services.sla.calendars import shipped_calendar
from services.sla.workdays import Calendar, Limit

SHANGHAI = ZoneInfo("Asia/Shanghai")
DATA = shipped_calendar()
CALENDAR = Calendar(DATA)
FIRST, LAST = date(2018, 1, 1), date(2026, 12, 31)
ONE_DAY = timedelta(days=1)
CHINA = holidays.country_holidays("CN", years=range(2003, 2028))

# Where the two libraries contradict one another in the years we load. None of it is between 2018 and 2026.
DISAGREEMENTS = {
    # The notice for 2006 made this Saturday a working day in exchange for Tuesday 3 January. `holidays` has it,
    # `chinesecalendar` (our source) misses it. It lies twelve years before the first case, so we leave the source be.
    date(2005, 12, 31),
}


def each_day(first: date, last: date) -> list[date]:
    return [first + ONE_DAY * index for index in range((last - first).days + 1)]


def next_by_chinesecalendar(day: date) -> date:
    try:
        return chinese_calendar.find_workday(0, day + ONE_DAY)
    except NotImplementedError:  # its answer to a year without a notice
        return date.max


def next_by_holidays(day: date) -> date:
    return CHINA.get_nth_working_day(day, 1)


def nth_working_days(start: date, following: Callable[[date], date], known: dict[date, date]) -> list[date]:
    """The next fifteen working days up to LAST, each from the one before; `known` keeps what the library answered."""
    days: list[date] = []
    while len(days) < 15:
        if start not in known:
            known[start] = following(start)
        start = known[start]
        if start > LAST:
            break
        days.append(start)
    return days


@pytest.mark.parametrize("following", [next_by_chinesecalendar, next_by_holidays])
def test_one_to_fifteen_working_days_from_every_day_of_2018_to_2026_are_those_of_the_library(following):
    known: dict[date, date] = {}
    compared = 0
    for start in each_day(FIRST, LAST):
        late = datetime.combine(start, time(23, 59, 59), SHANGHAI)
        for number, day in enumerate(nth_working_days(start, following, known), start=1):
            due = CALENDAR.due(late, Limit(number, "work_day"))
            assert (due.at, due.provisional) == (datetime.combine(day, time(18), SHANGHAI), False), (start, number)
            compared += 1
    assert 15 * (3287 - 24) < compared < 15 * 3287  # what ends after the last notice is the next test's


def test_limits_that_reach_past_the_last_notice_agree_with_the_library_up_to_it_and_are_provisional_after_it():
    """Unpublished days cannot agree with anything: they are the Mondays to Fridays, and said to be provisional."""
    end = date(DATA.known_years[-1], 12, 31)
    for start in each_day(end - ONE_DAY * 24, end):
        day = start
        for number in range(1, 16):
            day += ONE_DAY
            while not (chinese_calendar.is_workday(day) if day <= end else day.weekday() < 5):
                day += ONE_DAY
            due = CALENDAR.due(datetime.combine(start, time(9), SHANGHAI), Limit(number, "work_day"))
            assert due.at == datetime.combine(day, time(18), SHANGHAI)
            assert due.unknown_year == (end.year + 1 if day > end else None)


def test_every_hour_of_arrival_within_a_day_gives_the_same_working_days():
    limit = Limit(5, "work_day")
    for start in each_day(date(2024, 1, 1), date(2024, 12, 31)):
        midnight = datetime.combine(start, time(), SHANGHAI)
        assert len({CALENDAR.due(midnight + timedelta(hours=hour), limit).at for hour in range(24)}) == 1


def test_every_day_of_every_known_year_is_worked_or_not_as_both_libraries_say():
    days = each_day(date(DATA.known_years[0], 1, 1), date(DATA.known_years[-1], 12, 31))
    assert [day for day in days if CALENDAR.is_working_day(day) != chinese_calendar.is_workday(day)] == []
    announced = [day for day in days if day <= LAST]
    assert {day for day in announced if CALENDAR.is_working_day(day) != CHINA.is_working_day(day)} == DISAGREEMENTS
