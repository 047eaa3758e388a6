"""Working time: when a limit is due, how much of it is used, and whether an instant is working time at all.

The principles behind every edge case, so that none of them is an accident:

1. Instants are whole seconds; a started second is dropped, so no due time is later than the record shows.
2. A working window contains its opening second and not its closing one: 08:00:00 works, 12:00:00 does not.
3. A limit is due at the first instant at which all of it has passed. Four working hours from 08:00 are due at 12:00,
   not at 14:00, and what is done at the due second itself is done in time.
4. A start outside working time (night, noon break, weekend, holiday) counts from the next opening; a make-up working
   day is a working day like any other.
5. "From the next day" leaves out the day of the start altogether, whatever day it is and at whatever hour
   (Civil Code §201: the first day is not counted, hours run at once). The last working day ends when business does,
   the last calendar day at 24:00 (§203), which is 00:00 of the day after.
6. A year whose notice is not known is counted Monday to Friday and said to be provisional: never guessed silently.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import accumulate
from typing import ClassVar, Final, Literal, NamedTuple, get_args

from services.sla.calendar import DAY, CalendarData, Window
from shared.errors import DomainError

Unit = Literal["urgent_hour", "work_hour", "work_day", "calendar_day"]
CountFrom = Literal["now", "next_day"]

HOUR: Final = 3600
COUNTS_FROM: Final[dict[Unit, CountFrom]] = {
    "urgent_hour": "now",
    "work_hour": "now",
    "work_day": "next_day",
    "calendar_day": "next_day",
}


class LimitNotUsable(DomainError):
    """A time limit needs a positive whole amount, a known unit and a beginning that suits the unit."""

    zh: ClassVar[str] = "时限须为正整数，并使用已定义的单位和起算方式"


class InstantWithoutZone(DomainError):
    """An instant must say its time zone."""

    zh: ClassVar[str] = "时间必须带时区"


class OutsideCalendar(DomainError):
    """The working calendar does not reach that far."""

    zh: ClassVar[str] = "超出工作日历的范围"


@dataclass(frozen=True, slots=True)
class Limit:
    """How long something may take.

    * `urgent_hour` runs on through nights and holidays (紧急工作时); `work_hour` only inside working windows (工作时).
    * `work_day` from `next_day`: whole working days, to the end of the last window of day N. The law's and 12345's
      meaning (次日起N个工作日内), and the default. From `now`: N times the working hours of a day, the meaning of
      city management (数字城管, 8 工作时).
    * `calendar_day` from `next_day`: to 24:00 of natural day N, the default. From `now`: N times 24 hours.

    `count_from` left out is the unit's own habit, `COUNTS_FROM`. LimitNotUsable for anything else.
    """

    amount: int
    unit: Unit
    count_from: CountFrom | None = None

    def __post_init__(self) -> None:
        if isinstance(self.amount, bool) or not isinstance(self.amount, int) or self.amount < 1:
            raise LimitNotUsable(f"{self.amount!r} is not a positive whole amount")
        if self.unit not in COUNTS_FROM:
            raise LimitNotUsable(f"{self.unit!r} is not one of {', '.join(COUNTS_FROM)}")
        if self.count_from is None:
            object.__setattr__(self, "count_from", COUNTS_FROM[self.unit])
        elif self.count_from not in get_args(CountFrom):
            raise LimitNotUsable(f"{self.count_from!r} is not one of {', '.join(get_args(CountFrom))}")
        if self.unit == "urgent_hour" and self.count_from != "now":
            raise LimitNotUsable("urgent hours run at once")


class DueTime(NamedTuple):
    """When a limit ends, in UTC, by which calendar; `unknown_year` is the first it rests on that has no notice yet."""

    at: datetime
    unknown_year: int | None
    calendar_version: str

    @property
    def provisional(self) -> bool:
        """Whether a year was counted by its weekdays alone, so that its notice may still move this due time."""
        return self.unknown_year is not None


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """Working time of one calendar version, ready to be counted: immutable, shared freely between tasks.

    Working days are numbered once, so an instant is a position on the line of all working seconds, and every question
    is one addition or subtraction on that line: no day is ever walked. `assumed_years` are counted beyond the known
    ones (provisionally), so that the clocks of a district that forgot to load a notice go on.
    Each day of a calendar has the same windows; new office hours are a new version.
    """

    data: CalendarData
    assumed_years: int = 10
    first_s: int = field(init=False)  # the first local midnight that can be counted, in epoch seconds
    last_s: int = field(init=False)  # the first instant that cannot
    day_seconds: int = field(init=False)
    version: str = field(init=False)
    _first_ordinal: int = field(init=False, repr=False)
    _first_at: datetime = field(init=False, repr=False)
    _known_from: int = field(init=False, repr=False)  # day of the table
    _known_until_s: int = field(init=False, repr=False)
    _works: tuple[bool, ...] = field(init=False, repr=False)  # by day of the table
    _before: tuple[int, ...] = field(init=False, repr=False)  # working seconds before that day
    _midnights: tuple[int, ...] = field(init=False, repr=False)  # of the n-th working day, in epoch seconds
    _edges: tuple[int, ...] = field(init=False, repr=False)  # of the windows: open, close, open, close …
    _passed: tuple[tuple[int, int], ...] = field(init=False, repr=False)  # from edge to edge: a + b * second of day
    _ends: tuple[int, ...] = field(init=False, repr=False)  # working seconds of the day at each closing
    _lags: tuple[int, ...] = field(init=False, repr=False)  # second of day minus working second, per window

    def __post_init__(self) -> None:
        tables = _day_tables(self.data, self.assumed_years) | _window_tables(self.data.hours.windows)
        for name, value in tables.items():
            object.__setattr__(self, name, value)

    def due(self, start: datetime, limit: Limit) -> DueTime:
        """The end of a limit that begins at `start`, by the principles above.

        InstantWithoutZone for a naive start; OutsideCalendar for what lies beyond the calendar.
        """
        unit = limit.unit
        try:
            since = start - self._first_at
        except TypeError:
            raise InstantWithoutZone from None
        at_s = self._due(since.days, since.seconds, unit, limit.amount, limit.count_from)
        unknown = None
        if since.days < self._known_from or at_s > self._known_until_s:
            unknown = self._unknown_year(epoch(start), at_s, unit)
        return DueTime(datetime.fromtimestamp(at_s, UTC), unknown, self.version)

    def due_epoch(self, start_s: int, unit: Unit, amount: int, count_from: CountFrom | None = None) -> int:
        """`due` in epoch seconds, for great numbers; whether it is provisional is `unknown_year`'s to say.

        Nothing is checked here beyond an unknown unit (KeyError): that is `Limit`'s work.
        """
        day, second = divmod(start_s - self.first_s, DAY)
        return self._due(day, second, unit, amount, count_from or COUNTS_FROM[unit])

    def _due(self, day: int, second: int, unit: Unit, amount: int, count_from: CountFrom | None) -> int:
        if count_from == "next_day":
            day, second = day + 1, 0
        if unit == "work_day":
            seconds = amount * self.day_seconds
        elif unit == "work_hour":
            seconds = amount * HOUR
        else:
            at_s = self.first_s + day * DAY + second + amount * (HOUR if unit == "urgent_hour" else DAY)
            if day < 0 or at_s >= self.last_s:
                raise OutsideCalendar
            return at_s
        return self._closing(self._position(day, second) + seconds)

    def add_epoch(self, start_s: int, seconds: int) -> int:
        """The instant `seconds` of working time after `start_s`, or before it if negative.

        Forward it is the first such instant (a closing), backward the last (an opening): each is the one nearest to
        the start, so that `elapsed` between the two is always exactly `seconds`.
        """
        at = self._position_s(start_s) + seconds
        if seconds > 0:
            return self._closing(at)
        if seconds < 0:
            return self._opening(at)
        return start_s

    def add_working_seconds(self, start: datetime, seconds: int) -> datetime:
        """`add_epoch` for instants: when a warning so much working time before a due time is to be given, say."""
        return datetime.fromtimestamp(self.add_epoch(epoch(start), seconds), UTC)

    def elapsed_epoch(self, start_s: int, end_s: int, unit: Unit) -> int:
        """Seconds from start to end as the unit counts them; negative if the end comes first."""
        if unit in ("work_hour", "work_day"):
            return self._position_s(end_s) - self._position_s(start_s)
        return end_s - start_s

    def elapsed(self, start: datetime, end: datetime, unit: Unit) -> int:
        """Seconds from start to end as the unit counts them: working time for `work_hour` and `work_day`, all time
        for the others; negative if the end comes first. A working day has `day_seconds` of them.
        """
        return self.elapsed_epoch(epoch(start), epoch(end), unit)

    def remaining(self, now: datetime, due: datetime, unit: Unit) -> int:
        """Seconds left until `due` as the unit counts them; negative is how long it is overdue."""
        return self.elapsed(now, due, unit)

    def share_used(self, start: datetime, due: datetime, now: datetime, unit: Unit = "work_hour") -> float:
        """How much of the time from start to due is used: 0 before the start, 1 when due, above 1 when overdue.

        A span without any time of this unit is used up as soon as it is over, and not at all before.
        """
        whole = self.elapsed(start, due, unit)
        if whole <= 0:
            return float(now >= due)
        return max(0, self.elapsed(start, now, unit)) / whole

    def is_working(self, at: datetime) -> bool:
        """Whether the instant lies in a working window of a working day."""
        day, second = divmod(epoch(at) - self.first_s, DAY)
        return self.is_working_day(self._day(day)) and bisect_right(self._edges, second) % 2 == 1

    def is_working_day(self, day: date) -> bool:
        """Whether this local day is worked; by the weekday alone in a year that is not known."""
        index = day.toordinal() - self._first_ordinal
        if not 0 <= index < len(self._works):
            raise OutsideCalendar
        return self._works[index]

    def due_day(self, due: datetime) -> date:
        """The local day to tell a citizen: the one that ends at, or holds, the due time (24:00 is not yet the next)."""
        return self._day((epoch(due) - 1 - self.first_s) // DAY)

    def unknown_year(self, start: datetime, end: datetime, unit: Unit) -> int | None:
        """The first year from start to end whose notice is not known, if this unit depends on working days."""
        return self._unknown_year(epoch(start), epoch(end), unit)

    def _unknown_year(self, start_s: int, end_s: int, unit: Unit) -> int | None:
        if self.data.hours.every_day or unit in ("urgent_hour", "calendar_day"):
            return None
        first, last = ((at_s - self.first_s) // DAY for at_s in (start_s, max(start_s, end_s - 1)))
        years = range(self._day(first).year, self._day(last).year + 1)
        return next((year for year in years if year not in self.data.known_years), None)

    def _day(self, index: int) -> date:
        return date.fromordinal(self._first_ordinal + index)

    def _position_s(self, at_s: int) -> int:
        day, second = divmod(at_s - self.first_s, DAY)
        return self._position(day, second)

    def _position(self, day: int, second: int) -> int:
        """Working seconds between the beginning of the table and this second of its day number `day`."""
        try:
            if day < 0:
                raise IndexError
            if self._works[day]:
                passed, running = self._passed[bisect_right(self._edges, second)]
                return self._before[day] + passed + running * second
            return self._before[day]
        except IndexError:
            raise OutsideCalendar from None

    def _closing(self, position: int) -> int:
        """The first instant at which so much working time, at least a second, has passed."""
        day, passed = divmod(position - 1, self.day_seconds)
        try:
            return self._midnights[day] + passed + 1 + self._lags[bisect_right(self._ends, passed)]
        except IndexError:
            raise OutsideCalendar from None

    def _opening(self, position: int) -> int:
        """The last instant at which no more working time than this has passed."""
        day, passed = divmod(position, self.day_seconds)
        if day < 0:
            raise OutsideCalendar
        return self._midnights[day] + passed + self._lags[bisect_right(self._ends, passed)]


def epoch(at: datetime) -> int:
    """Whole seconds since 1970; InstantWithoutZone for a naive datetime, which would be read in the server's zone."""
    if at.tzinfo is None:
        raise InstantWithoutZone
    return int(at.timestamp())


def _day_tables(data: CalendarData, assumed_years: int) -> dict[str, object]:
    first = date(data.known_years[0] - 1, 1, 1)
    last = date(data.known_years[-1] + 1 + assumed_years, 1, 1)
    first_s = data.midnight(first)
    works = data.working_days(first, last)
    known_from, known_until = (first, last) if data.hours.every_day else data.known_span()
    return {
        "first_s": first_s,
        "last_s": data.midnight(last),
        "_first_ordinal": first.toordinal(),
        "version": data.version,
        "_first_at": datetime.fromtimestamp(first_s, UTC),
        "_known_from": (known_from - first).days,
        "_known_until_s": data.midnight(known_until),
        "_works": works,
        "_before": tuple(accumulate((data.hours.seconds * working for working in works), initial=0)),
        "_midnights": tuple(first_s + index * DAY for index, working in enumerate(works) if working),
    }


def _window_tables(windows: Sequence[Window]) -> dict[str, object]:
    lengths = [window.closes - window.opens for window in windows]
    ends = tuple(accumulate(lengths))
    passed = [(0, 0)]
    for window, length, end in zip(windows, lengths, ends, strict=True):
        passed += [(end - length - window.opens, 1), (end, 0)]
    return {
        "day_seconds": ends[-1],
        "_edges": tuple(edge for window in windows for edge in window),
        "_passed": tuple(passed),
        "_ends": ends,
        "_lags": tuple(window.closes - end for window, end in zip(windows, ends, strict=True)),
    }
