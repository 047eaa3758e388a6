"""Working time by example: famous weeks, window edges, other working hours, unknown years, and what is refused."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.sla.calendar import CalendarData, CalendarNotUsable, Window, WorkingHours
from services.sla.calendars import shipped_calendar, shipped_hours, working_hours
from services.sla.workdays import (
    Calendar,
    InstantWithoutZone,
    Limit,
    LimitNotUsable,
    OutsideCalendar,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
DATA = shipped_calendar()
CALENDAR = Calendar(DATA)
ROUND_THE_CLOCK = Calendar(shipped_calendar("centre_24h"))
LAST_KNOWN = DATA.known_years[-1]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def due(start: str, amount: int, unit: str, count_from: str | None = None, calendar: Calendar = CALENDAR) -> str:
    limit = Limit(amount, unit, count_from)
    return calendar.due(at(start), limit).at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


FAMOUS_WEEKS = [
    ("Sunday 11 Feb 2018 is worked for the Spring Festival", "2018-02-09 10:00", 1, "2018-02-11"),
    ("the Spring Festival of 2018 ends on 21 February", "2018-02-14 10:00", 1, "2018-02-22"),
    ("Saturday 29 Dec 2018 is worked by the notice for 2019", "2018-12-28 10:00", 1, "2018-12-29"),
    ("Labour Day 2019 became four days after its first notice", "2019-04-30 10:00", 1, "2019-05-05"),
    ("the Spring Festival of 2020 was prolonged to 2 February", "2020-01-23 10:00", 1, "2020-02-03"),
    ("after National Day 2021 come a Friday and a Saturday", "2021-09-30 10:00", 2, "2021-10-09"),
    ("Saturday 2 April 2022 is worked before Tomb-sweeping Day", "2022-04-01 10:00", 1, "2022-04-02"),
    ("both weekend days after the autumn holidays 2023 are worked", "2023-09-28 10:00", 2, "2023-10-08"),
    ("Lunar New Year's Eve 2024 was still a working day", "2024-02-08 10:00", 1, "2024-02-09"),
    ("Sunday 18 February 2024 follows the Spring Festival", "2024-02-09 10:00", 1, "2024-02-18"),
    ("Lunar New Year's Eve is a holiday since 2025", "2025-01-27 10:00", 1, "2025-02-05"),
    ("Saturday 8 February 2025 is worked", "2025-02-07 10:00", 1, "2025-02-08"),
    ("National Day and Mid-autumn 2025 make eight days", "2025-09-30 10:00", 3, "2025-10-11"),
    ("Sunday 4 January 2026 is worked", "2025-12-31 10:00", 1, "2026-01-04"),
    ("the Spring Festival of 2026 lasts nine days", "2026-02-14 10:00", 1, "2026-02-24"),
    ("Saturday 10 October 2026 is worked after National Day", "2026-09-30 10:00", 3, "2026-10-10"),
]


@pytest.mark.parametrize(
    ("start", "days", "last_day"), [row[1:] for row in FAMOUS_WEEKS], ids=[r[0] for r in FAMOUS_WEEKS]
)
def test_working_days_over_a_famous_week(start, days, last_day):
    assert due(start, days, "work_day") == f"{last_day} 18:00:00"


EDGES = [
    ("inside a window", "2026-03-04 09:00:00", "2026-03-04 11:00:00"),
    ("exactly filling the morning ends at noon, not at two", "2026-03-04 10:00:00", "2026-03-04 12:00:00"),
    ("one second more goes over the noon break", "2026-03-04 10:00:01", "2026-03-04 14:00:01"),
    ("at noon sharp the morning is over", "2026-03-04 12:00:00", "2026-03-04 16:00:00"),
    ("in the noon break", "2026-03-04 13:17:00", "2026-03-04 16:00:00"),
    ("at the opening", "2026-03-04 14:00:00", "2026-03-04 16:00:00"),
    ("exactly filling the day ends at six", "2026-03-04 16:00:00", "2026-03-04 18:00:00"),
    ("the last second of the day is kept", "2026-03-04 17:59:59", "2026-03-05 09:59:59"),
    ("at the closing", "2026-03-04 18:00:00", "2026-03-05 10:00:00"),
    ("before the office opens", "2026-03-04 06:30:00", "2026-03-04 10:00:00"),
    ("at midnight", "2026-03-04 00:00:00", "2026-03-04 10:00:00"),
    ("over a weekend", "2026-03-06 17:00:00", "2026-03-09 09:00:00"),
    ("on a Saturday", "2026-03-07 10:00:00", "2026-03-09 10:00:00"),
    ("on a make-up Saturday", "2026-02-14 17:00:00", "2026-02-24 09:00:00"),
    ("in the middle of the Spring Festival", "2026-02-17 09:00:00", "2026-02-24 10:00:00"),
]


@pytest.mark.parametrize(("start", "end"), [row[1:] for row in EDGES], ids=[row[0] for row in EDGES])
def test_two_working_hours_at_the_edges_of_working_time(start, end):
    assert due(start, 2, "work_hour") == end


def test_urgent_hours_run_through_nights_and_holidays():
    assert due("2026-02-16 23:30", 2, "urgent_hour") == "2026-02-17 01:30:00"


def test_a_working_day_is_the_next_whole_one_or_eight_hours_from_now_as_the_limit_says():
    assert due("2026-03-04 15:00", 1, "work_day") == "2026-03-05 18:00:00"
    assert due("2026-03-04 15:00", 1, "work_day", "now") == "2026-03-05 15:00:00"


def test_the_day_of_arrival_never_counts_as_the_first_not_even_a_make_up_day_at_midnight():
    assert due("2026-02-14 00:00:00", 1, "work_day") == "2026-02-24 18:00:00"
    assert due("2026-02-13 23:59:59", 1, "work_day") == "2026-02-14 18:00:00"


def test_working_hours_can_begin_on_the_next_day_too():
    assert due("2026-03-06 09:00", 1, "work_hour", "next_day") == "2026-03-09 09:00:00"


def test_calendar_days_end_at_24_00_of_the_last_one_which_is_still_that_day_for_the_citizen():
    assert due("2026-03-04 15:00", 2, "calendar_day") == "2026-03-07 00:00:00"
    assert CALENDAR.due_day(CALENDAR.due(at("2026-03-04 15:00"), Limit(2, "calendar_day")).at) == date(2026, 3, 6)
    assert CALENDAR.due_day(CALENDAR.due(at("2026-03-04 15:00"), Limit(1, "work_day")).at) == date(2026, 3, 5)
    assert due("2026-03-04 15:00", 2, "calendar_day", "now") == "2026-03-06 15:00:00"


def test_a_started_second_is_dropped():
    start = at("2026-03-04 09:00:00").replace(microsecond=999_999)
    for limit in (Limit(1, "urgent_hour"), Limit(1, "work_hour")):
        assert CALENDAR.due(start, limit).at == at("2026-03-04 10:00:00")
    assert CALENDAR.elapsed(start, at("2026-03-04 10:00"), "work_hour") == 3600


@pytest.mark.parametrize(
    ("text", "working"),
    [
        ("2026-03-04 07:59:59", False),
        ("2026-03-04 08:00:00", True),
        ("2026-03-04 11:59:59", True),
        ("2026-03-04 12:00:00", False),
        ("2026-03-04 18:00:00", False),
        ("2026-03-07 10:00:00", False),
        ("2026-02-14 10:00:00", True),
    ],
)
def test_a_window_holds_its_opening_second_but_not_its_closing_one(text, working):
    assert CALENDAR.is_working(at(text)) is working


def test_time_before_a_due_time_is_counted_back_to_the_latest_instant_that_leaves_as_much():
    assert CALENDAR.add_working_seconds(at("2026-03-04 14:30"), -1800) == at("2026-03-04 14:00")
    assert CALENDAR.add_working_seconds(at("2026-03-09 08:00"), -8 * 3600) == at("2026-03-06 08:00")
    assert CALENDAR.add_working_seconds(at("2026-03-07 10:00"), 0) == at("2026-03-07 10:00")


def test_what_remains_turns_negative_once_overdue_and_a_weekend_uses_none_of_it():
    end = at("2026-03-06 18:00")
    assert CALENDAR.remaining(at("2026-03-06 17:00"), end, "work_hour") == 3600
    assert CALENDAR.remaining(at("2026-03-08 12:00"), end, "work_hour") == 0
    assert CALENDAR.remaining(at("2026-03-09 09:00"), end, "work_hour") == -3600
    assert CALENDAR.remaining(at("2026-03-07 18:00"), end, "urgent_hour") == -86_400


def test_the_share_used_runs_from_nothing_over_one_to_overdue():
    start, end = at("2026-03-05 10:00"), at("2026-03-06 10:00")
    shares = [
        CALENDAR.share_used(start, end, at(f"2026-03-{now}"))
        for now in ("04 09:00", "05 16:00", "06 10:00", "06 18:00")
    ]
    assert shares == [0, 0.5, 1, 1.75]
    assert CALENDAR.share_used(start, end, at("2026-03-05 22:00"), "urgent_hour") == 0.5


def test_a_span_without_working_time_is_used_up_only_when_it_is_over():
    start, end = at("2026-03-07 10:00"), at("2026-03-07 12:00")
    assert CALENDAR.share_used(start, end, at("2026-03-07 11:59")) == 0
    assert CALENDAR.share_used(start, end, at("2026-03-07 12:00")) == 1


# Other working hours


def hours(*windows: str, every_day: bool = False) -> WorkingHours:
    return WorkingHours("other", "1", "另一套时段", tuple(Window.parse(text) for text in windows), every_day)


def test_one_long_window_has_no_noon_break_and_days_of_its_own_length():
    calendar = Calendar(DATA.with_hours(hours("09:00-17:30"), version="long"))
    assert calendar.day_seconds == 8 * 3600 + 1800
    assert due("2026-03-04 11:00", 2, "work_hour", calendar=calendar) == "2026-03-04 13:00:00"
    assert due("2026-03-04 11:00", 1, "work_day", "now", calendar) == "2026-03-05 11:00:00"
    assert due("2026-03-04 11:00", 1, "work_day", calendar=calendar) == "2026-03-05 17:30:00"


def test_a_centre_that_never_closes_works_through_weekends_and_needs_no_notice():
    assert due("2026-02-17 22:00", 4, "work_hour", calendar=ROUND_THE_CLOCK) == "2026-02-18 02:00:00"
    assert due("2026-03-06 22:00", 1, "work_day", calendar=ROUND_THE_CLOCK) == "2026-03-08 00:00:00"
    assert not ROUND_THE_CLOCK.due(at(f"{LAST_KNOWN + 2}-03-04 10:00"), Limit(5, "work_day")).provisional


def test_a_night_shift_is_two_windows_of_the_calendar_day_and_seconds_count():
    calendar = Calendar(DATA.with_hours(hours("00:00-06:00", "21:59:30-24:00"), version="night"))
    assert due("2026-03-04 21:00", 2, "work_hour", calendar=calendar) == "2026-03-04 23:59:30"
    assert due("2026-03-04 21:00", 3, "work_hour", calendar=calendar) == "2026-03-05 00:59:30"


def test_the_service_ships_named_hours_and_knows_no_others():
    assert [str(window) for window in working_hours("office").windows] == ["08:00-12:00", "14:00-18:00"]
    assert {shipped.code for shipped in shipped_hours()} == {"office", "service_hall", "centre_24h"}
    with pytest.raises(CalendarNotUsable):
        working_hours("moonlight")


# Years without a notice


def test_a_year_without_a_notice_is_counted_by_weekdays_and_said_to_be_provisional():
    provisional = CALENDAR.due(at(f"{LAST_KNOWN}-12-31 10:00"), Limit(1, "work_day"))
    assert (provisional.provisional, provisional.unknown_year) == (True, LAST_KNOWN + 1)
    assert provisional.calendar_version == DATA.version
    assert provisional.at.astimezone(SHANGHAI).weekday() < 5
    assert CALENDAR.due(at("2003-03-03 10:00"), Limit(1, "work_hour")).unknown_year == 2003


def test_the_last_closing_of_the_last_known_year_is_not_provisional_and_one_second_later_is():
    end = datetime(LAST_KNOWN + 1, 1, 1, tzinfo=SHANGHAI)
    always_open = Calendar(DATA.with_hours(hours("00:00-24:00"), version="open"))
    start = always_open.add_working_seconds(end, -3600)
    assert always_open.unknown_year(start, end, "work_hour") is None
    assert always_open.due(start, Limit(1, "work_hour")).unknown_year is None
    assert always_open.due(start + timedelta(seconds=1), Limit(1, "work_hour")).unknown_year == LAST_KNOWN + 1


def test_limits_that_need_no_working_days_are_never_provisional():
    start = at(f"{LAST_KNOWN + 1}-05-01 10:00")
    assert not CALENDAR.due(start, Limit(2, "urgent_hour")).provisional
    assert not CALENDAR.due(start, Limit(60, "calendar_day")).provisional
    assert CALENDAR.unknown_year(start, start, "work_hour") == LAST_KNOWN + 1


def test_a_gap_between_known_years_is_found():
    gap = Calendar(CalendarData.from_dict(DATA.to_dict() | {"known_years": [2018, 2019, 2021], "special_days": []}))
    assert gap.due(at("2019-06-03 10:00"), Limit(1, "work_day")).unknown_year is None
    assert gap.due(at("2019-12-31 10:00"), Limit(1, "work_day")).unknown_year == 2020
    assert gap.due(at("2021-06-03 10:00"), Limit(1, "work_day")).unknown_year is None


# Refusals


@pytest.mark.parametrize(
    "wrong",
    [
        (0, "work_day"),
        (-1, "work_day"),
        (1.5, "work_hour"),
        (True, "work_hour"),
        (1, "fortnight"),
        (1, "work_day", "yesterday"),
        (1, "urgent_hour", "next_day"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(LimitNotUsable):
        Limit(*wrong)


def test_an_instant_without_a_zone_is_refused_rather_than_read_in_the_zone_of_the_server():
    naive = datetime(2026, 3, 4, 10)  # noqa: DTZ001  # this is the mistake
    for ask in (lambda: CALENDAR.due(naive, Limit(1, "work_day")), lambda: CALENDAR.is_working(naive)):
        with pytest.raises(InstantWithoutZone):
            ask()


@pytest.mark.parametrize("unit", ["urgent_hour", "work_hour", "work_day", "calendar_day"])
@pytest.mark.parametrize(
    ("start", "amount"), [("1999-01-01 10:00", 1), ("2099-01-01 10:00", 1), ("2026-03-04 10:00", 10**9)]
)
def test_what_lies_beyond_the_calendar_is_refused(unit, start, amount):
    with pytest.raises(OutsideCalendar):
        due(start, amount, unit)


def test_counting_back_beyond_the_calendar_is_refused():
    with pytest.raises(OutsideCalendar):
        CALENDAR.add_working_seconds(at("2018-01-02 10:00"), -(10**9))
    with pytest.raises(OutsideCalendar):
        CALENDAR.is_working(datetime(1990, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "change",
    [
        {"zone": "Europe/Berlin"},
        {"zone": "Mars/Olympus"},
        {"known_years": []},
        {"known_years": [2020, 2019]},
        {"known_years": [2019]},
        {"special_days": [{"day": "2026-13-01", "working": True, "name": "元旦"}]},
        {"special_days": [{"day": "2026-01-01", "working": "no", "name": "元旦"}]},
        {"special_days": [{"day": "2026-01-01", "working": False, "name": "元旦"}] * 2},
        {"hours": {"code": "x", "version": "1", "name": "x", "windows": []}},
        {"hours": {"code": "x", "version": "1", "name": "x", "windows": ["12:00-08:00"]}},
        {"hours": {"code": "x", "version": "1", "name": "x", "windows": ["08:00-12:00", "11:00-18:00"]}},
        {"hours": {"code": "x", "version": "1", "name": "x", "windows": ["08:00-25:00"]}},
        {"hours": {"code": "x", "version": "1", "name": "x", "windows": ["08:00-24:01"]}},
        {"hours": {"code": "x", "version": "1", "name": "x", "windows": "08:00-12:00"}},
        {"hours": None},
        {"version": ""},
    ],
    ids=str,
)
def test_a_calendar_that_contradicts_itself_is_refused(change):
    with pytest.raises(CalendarNotUsable):
        CalendarData.from_dict(DATA.to_dict() | change)


def test_the_version_names_the_last_year_the_hours_and_a_digest_of_what_is_counted():
    assert DATA.version == f"cn-{LAST_KNOWN}.office-1.{DATA.digest()}"
    prolonged = DATA.to_dict()
    prolonged["special_days"] = prolonged["special_days"][:-1]
    assert CalendarData.from_dict(prolonged).digest() != DATA.digest()
    renamed = DATA.to_dict() | {"name": "另一个名称", "source": "another"}
    assert CalendarData.from_dict(renamed).digest() == DATA.digest()
