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
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import ClassVar, Final, Literal, get_args

from services.sla.calendar import DAY, CalendarData
from services.sla.daytables import DueTime, Line, Shape, tables_of
from shared.errors import DomainError

Unit = Literal["urgent_hour", "work_hour", "work_day", "calendar_day"]
CountFrom = Literal["now", "next_day"]

HOUR: Final = 3600
MOST_HOURS: Final = 24 * 36_525
"""A century: no calendar is that long, and a `timedelta` could not be much longer."""
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
    working: int = field(init=False, repr=False, compare=False)
    """The amount, if it is working time that begins at once; else 0."""
    span: timedelta = field(init=False, repr=False, compare=False)
    """Of a limit that runs through nights and holidays; without meaning for the others."""

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
        at_once = self.count_from == "now" and self.unit in ("work_hour", "work_day")
        object.__setattr__(self, "working", self.amount if at_once else 0)
        hours = self.amount * (1 if self.unit == "urgent_hour" else 24)
        object.__setattr__(self, "span", timedelta(hours=min(hours, MOST_HOURS)))

    @property
    def nominal_hours(self) -> float:
        """In office hours, for comparing limits of different units: a day of any kind is eight, three hours on end one."""
        return self.amount * {"urgent_hour": 1 / 3, "work_hour": 1.0, "work_day": 8.0, "calendar_day": 8.0}[self.unit]


_due = partial(tuple.__new__, DueTime)
"""A DueTime without the detour over its constructor, which costs as much as finding it."""
_SECOND: Final = tuple(timedelta(seconds=second) for second in range(DAY + 1))
"""Every second of a day as the difference it makes: looked up in a third of the time it takes to be made."""


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """Working time of one calendar version, ready to be counted: immutable, shared freely between tasks.

    Each day knows the working seconds before it, so an instant is a position on the line of all working seconds, and
    every question is one addition or subtraction on that line and a search among the windows of one day: no day is
    ever walked. `assumed_years` are counted beyond the known ones (provisionally), so that the clocks of a district
    that forgot to load a notice go on.
    """

    data: CalendarData
    assumed_years: int = 10
    first_s: int = field(init=False)  # the first local midnight that can be counted, in epoch seconds
    last_s: int = field(init=False)  # the first instant that cannot
    day_seconds: int = field(init=False)  # of a working day under the newest hours
    version: str = field(init=False)
    _first_ordinal: int = field(init=False, repr=False)
    _first_at: datetime = field(init=False, repr=False)
    _known_from: int = field(init=False, repr=False)  # day of the table
    _known_until: datetime = field(init=False, repr=False)
    _known_from_s: int = field(init=False, repr=False)
    _known_until_s: int = field(init=False, repr=False)
    _works: tuple[bool, ...] = field(init=False, repr=False)  # by day of the table
    _days_before: tuple[int, ...] = field(init=False, repr=False)  # working days before that day
    _before: tuple[int, ...] = field(init=False, repr=False)  # working seconds before that day
    _shapes: tuple[Shape, ...] = field(init=False, repr=False)  # of that day
    _day_seconds: tuple[int, ...] = field(init=False, repr=False)  # of that day, if it were worked
    _same: Shape | None = field(init=False, repr=False)  # of every working day, when they are all alike
    _line: Line | None = field(
        init=False, repr=False
    )  # what `due` needs of a calendar whose working days are all alike
    _starts: tuple[int, ...] = field(
        init=False, repr=False
    )  # working seconds before the n-th working day, and after all
    _worked: tuple[Shape, ...] = field(init=False, repr=False)  # of the n-th working day
    _mornings: tuple[datetime, ...] = field(init=False, repr=False)  # midnight of the n-th working day
    _mornings_s: tuple[int, ...] = field(init=False, repr=False)
    _closings: tuple[DueTime, ...] = field(init=False, repr=False)  # the end of the n-th working day
    _midnights: tuple[DueTime, ...] = field(init=False, repr=False)  # the beginning of each day of the table

    def __post_init__(self) -> None:
        for name, value in tables_of(self.data, self.assumed_years).items():
            object.__setattr__(self, name, value)

    def due(self, start: datetime, limit: Limit) -> DueTime:
        """The end of a limit that begins at `start`, by the principles above.

        InstantWithoutZone for a naive start; OutsideCalendar for what lies beyond the calendar.
        """
        try:
            since = start - self._first_at
        except TypeError:
            raise InstantWithoutZone from None
        day, working, line = since.days, limit.working, self._line
        try:
            if working and line is not None and day >= 0:
                # What `_beginning_now` does, without the calls that would cost as much again.
                shapes, before, mornings, size, ends, lags = line
                edges, passed, _, _, _ = shapes[day]
                second = since.seconds
                already, running = passed[bisect_right(edges, second)]
                rest = before[day] + already + running * second - 1
                rest += working * HOUR if limit.unit == "work_hour" else working * size
                n = rest // size
                rest -= n * size
                due = _due((mornings[n] + _SECOND[rest + 1 + lags[bisect_right(ends, rest)]], None, self.version))
            elif limit.count_from == "next_day":
                due = self._after_midnight(day + 1, limit.amount, limit.unit)
            else:
                due = self._beginning_now(start, since, limit)
        except IndexError:
            raise OutsideCalendar from None
        if day < self._known_from or due[0] > self._known_until:
            return self._provisional(start, due, limit.unit)
        return due

    def _provisional(self, start: datetime, due: DueTime, unit: Unit) -> DueTime:
        if due.at >= self._midnights[-1].at:
            raise OutsideCalendar
        return due._replace(unknown_year=self._unknown_year(epoch(start), epoch(due.at), unit))

    def _beginning_now(self, start: datetime, since: timedelta, limit: Limit) -> DueTime:
        day, second = since.days, since.seconds
        if day < 0:
            raise IndexError
        if limit.working:
            seconds = limit.amount * (HOUR if limit.unit == "work_hour" else self._day_seconds[day])
            return _due((self._closing(self._position(day, second) + seconds), None, self.version))
        if start.tzinfo is not UTC or start.microsecond:
            start = self._first_at + timedelta(day, second)
        return _due((start + limit.span, None, self.version))

    def _after_midnight(self, day: int, amount: int, unit: Unit) -> DueTime:
        """The end of a limit that begins with this day of the table."""
        if day < 0:
            raise IndexError
        if unit == "work_day":
            return self._closings[self._days_before[day] + amount - 1]
        if unit == "calendar_day":
            return self._midnights[day + amount]
        return _due((self._closing(self._before[day] + amount * HOUR), None, self.version))

    def _closing(self, position: int) -> datetime:
        """The first instant at which so much working time, at least a second, has passed."""
        day, rest, shape = self._locate(position - 1)
        return self._mornings[day] + _SECOND[rest + 1 + shape.lags[bisect_right(shape.ends, rest)]]

    def _locate(self, position: int) -> tuple[int, int, Shape]:
        """Which working day that position of the line is in, and how far."""
        shape = self._same
        if shape is not None:
            day = position // shape.seconds
            return day, position - day * shape.seconds, shape
        day = bisect_right(self._starts, position) - 1
        return day, position - self._starts[day], self._worked[day]

    def due_epoch(self, start_s: int, unit: Unit, amount: int, count_from: CountFrom | None = None) -> int:
        """`due` in epoch seconds, for great numbers; whether it is provisional is `unknown_year`'s to say.

        Nothing is checked here beyond an unknown unit (KeyError): that is `Limit`'s work.
        """
        day, second = divmod(start_s - self.first_s, DAY)
        return self._due(day, second, unit, amount, count_from or COUNTS_FROM[unit])

    def _due(self, day: int, second: int, unit: Unit, amount: int, count_from: CountFrom | None) -> int:
        if count_from == "next_day":
            day, second = day + 1, 0
        if unit in ("urgent_hour", "calendar_day"):
            at_s = self.first_s + day * DAY + second + amount * (HOUR if unit == "urgent_hour" else DAY)
            if day < 0 or at_s >= self.last_s:
                raise OutsideCalendar
            return at_s
        position = self._position(day, second)
        return self._closing_s(position + amount * (HOUR if unit == "work_hour" else self._day_seconds[day]))

    def add_epoch(self, start_s: int, seconds: int) -> int:
        """The instant `seconds` of working time after `start_s`, or before it if negative.

        Forward it is the first such instant (a closing), backward the last (an opening): each is the one nearest to
        the start, so that `elapsed` between the two is always exactly `seconds`.
        """
        at = self._position_s(start_s) + seconds
        if seconds > 0:
            return self._closing_s(at)
        if seconds < 0:
            return self._opening_s(at)
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
        return self.is_working_day(self._day(day)) and bisect_right(self._shapes[day].edges, second) % 2 == 1

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

    def provisional_epoch(self, start_s: int, due_s: int, unit: Unit) -> bool:
        """Whether `unknown_year` would name one; the common answer costs two comparisons."""
        if self._known_from_s <= start_s and due_s <= self._known_until_s:
            return False
        return self._unknown_year(start_s, due_s, unit) is not None

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
            shape = self._shapes[day]
            passed, running = shape.passed[bisect_right(shape.edges, second)]
            return self._before[day] + passed + running * second
        except IndexError:
            raise OutsideCalendar from None

    def _closing_s(self, position: int) -> int:
        """`_closing` in epoch seconds."""
        try:
            day, rest, shape = self._locate(position - 1)
            return self._mornings_s[day] + rest + 1 + shape.lags[bisect_right(shape.ends, rest)]
        except IndexError:
            raise OutsideCalendar from None

    def _opening_s(self, position: int) -> int:
        """The last instant at which no more working time than this has passed."""
        try:
            day, rest, shape = self._locate(position)
            if day < 0:
                raise IndexError
            return self._mornings_s[day] + rest + shape.lags[bisect_right(shape.ends, rest)]
        except IndexError:
            raise OutsideCalendar from None


def epoch(at: datetime) -> int:
    """Whole seconds since 1970; InstantWithoutZone for a naive datetime, which would be read in the server's zone."""
    if at.tzinfo is None:
        raise InstantWithoutZone
    return int(at.timestamp())
