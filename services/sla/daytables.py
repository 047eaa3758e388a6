"""What a calendar is turned into before it is counted: for each day its windows, and what was worked before it."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from services.sla.calendar import DAY, CalendarData, Window


class DueTime(NamedTuple):
    """When a limit ends, in UTC, by which calendar; `unknown_year` is the first it rests on that has no notice yet."""

    at: datetime
    unknown_year: int | None
    calendar_version: str

    @property
    def provisional(self) -> bool:
        """Whether a year was counted by its weekdays alone, so that its notice may still move this due time."""
        return self.unknown_year is not None


class Shape(NamedTuple):
    """A day's windows, prepared for both directions; without windows, a day that is not worked."""

    edges: tuple[int, ...] = ()  # open, close, open, close …
    passed: tuple[tuple[int, int], ...] = ((0, 0),)  # working seconds from edge to edge: a + b * second of day
    ends: tuple[int, ...] = ()  # working seconds of the day at each closing
    lags: tuple[int, ...] = ()  # second of day minus working second, per window
    seconds: int = 0


type Line = tuple[tuple[Shape, ...], tuple[int, ...], tuple[datetime, ...], int, tuple[int, ...], tuple[int, ...]]
"""Shapes and working seconds before each day; midnights of the working days; their seconds, ends and lags."""


def tables_of(data: CalendarData, assumed_years: int) -> dict[str, object]:
    first = date(data.known_years[0] - 1, 1, 1)
    last = date(data.known_years[-1] + 1 + assumed_years, 1, 1)
    first_s = data.midnight(first)
    first_at = datetime.fromtimestamp(first_s, UTC)
    works = data.working_days(first, last)
    known_from, known_until = (first, last) if data.hours.every_day else data.known_span()
    hours = [shape_of(each.windows) for each in data.hours_of_days(first, last)]
    worked = [day for day, working in enumerate(works) if working]
    ends = ((day, hours[day].ends[-1] + hours[day].lags[-1]) for day in worked)
    before = tuple(accumulate((each.seconds * w for each, w in zip(hours, works, strict=True)), initial=0))
    shapes = tuple(each if working else Shape() for each, working in zip(hours, works, strict=True))
    mornings = tuple(first_at + timedelta(day) for day in worked)
    same = hours[0] if all(each is hours[0] for each in hours) else None
    return {
        "version": data.version,
        "first_s": first_s,
        "last_s": data.midnight(last),
        "day_seconds": hours[-1].seconds,
        "_first_ordinal": first.toordinal(),
        "_first_at": first_at,
        "_known_from": (known_from - first).days,
        "_known_until": datetime.fromtimestamp(data.midnight(known_until), UTC),
        "_known_from_s": data.midnight(known_from),
        "_known_until_s": data.midnight(known_until),
        "_works": works,
        "_days_before": tuple(accumulate(works, initial=0)),
        "_before": before,
        "_shapes": shapes,
        "_day_seconds": tuple(each.seconds for each in hours),
        "_same": same,
        "_line": (shapes, before, mornings, same.seconds, same.ends, same.lags) if same else None,
        "_starts": tuple(accumulate((hours[day].seconds for day in worked), initial=0)),
        "_worked": tuple(hours[day] for day in worked),
        "_mornings": mornings,
        "_mornings_s": tuple(first_s + day * DAY for day in worked),
        "_closings": tuple(DueTime(first_at + timedelta(day, end), None, data.version) for day, end in ends),
        "_midnights": tuple(DueTime(first_at + timedelta(day), None, data.version) for day in range(len(works) + 1)),
    }


@lru_cache(maxsize=64)
def shape_of(windows: tuple[Window, ...]) -> Shape:
    lengths = [window.closes - window.opens for window in windows]
    ends = tuple(accumulate(lengths))
    passed = [(0, 0)]
    for window, length, end in zip(windows, lengths, ends, strict=True):
        passed += [(end - length - window.opens, 1), (end, 0)]
    return Shape(
        edges=tuple(edge for window in windows for edge in window),
        passed=tuple(passed),
        ends=ends,
        lags=tuple(window.closes - end for window, end in zip(windows, ends, strict=True)),
        seconds=ends[-1],
    )
