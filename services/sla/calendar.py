"""A working calendar as versioned rows: known years, holidays, make-up working days and the day's working windows."""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import pairwise
from typing import Any, ClassVar, Final, NamedTuple
from zoneinfo import ZoneInfo

from shared.errors import DomainError, FieldError

DAY: Final = 86_400
SATURDAY: Final = 5


class CalendarNotUsable(DomainError):
    """The working calendar cannot be used as it is given."""

    zh: ClassVar[str] = "工作日历数据有误，不能启用"

    @classmethod
    def at(cls, pointer: str, detail: str, zh: str) -> "CalendarNotUsable":
        return cls(detail, fields=(FieldError(pointer, detail, zh),))


class Window(NamedTuple):
    """Working time from `opens` up to, not including, `closes`; both in seconds since local midnight."""

    opens: int
    closes: int

    @classmethod
    def parse(cls, text: str) -> "Window":
        """`08:00-12:00`, `14:00:30-18:00` or `00:00-24:00`; anything else is a ValueError."""
        opens, closes = text.split("-")
        return cls(_clock_seconds(opens), _clock_seconds(closes))

    def __str__(self) -> str:
        return f"{_clock_text(self.opens)}-{_clock_text(self.closes)}"


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """The windows of one working day. `every_day`: weekends and holidays are worked too, as at a 24-hour centre.

    A shift over midnight is two windows of the calendar day, `00:00-06:00` and `22:00-24:00`.
    """

    code: str
    version: str
    name: str
    windows: tuple[Window, ...]
    every_day: bool = False

    def __post_init__(self) -> None:
        edges = [edge for window in self.windows for edge in window]
        if not edges or edges[0] < 0 or edges[-1] > DAY or any(a >= b for a, b in pairwise(edges)):
            raise CalendarNotUsable.at(
                "/hours/windows",
                "windows must be in order, apart from one another and within 00:00-24:00",
                "工作时段须按先后排列、互不相接，且在 00:00 至 24:00 之间",
            )

    @property
    def seconds(self) -> int:
        """Working seconds in a working day."""
        return sum(window.closes - window.opens for window in self.windows)


class LaterHours(NamedTuple):
    """Other working hours from a day on, as for the summer."""

    first: date
    hours: WorkingHours


class SpecialDay(NamedTuple):
    """A day the yearly notice names: a holiday (放假), or a weekend day worked instead (调休上班)."""

    day: date
    working: bool
    name: str


@dataclass(frozen=True, slots=True)
class CalendarData:
    """All a calendar is made of; kept as JSON and never changed: what differs is another version.

    `known_years` are those whose notice (国务院办公厅 sets 调休 each autumn for the year ahead) is in `special_days`.
    A notice may also turn the last weekend of the year before into working days (29 December 2018 was one), so a new
    year is a new version, after which open clocks are counted anew.
    """

    version: str
    name: str
    source: str
    zone: str
    known_years: tuple[int, ...]
    hours: WorkingHours
    special_days: tuple[SpecialDay, ...]
    later_hours: tuple[LaterHours, ...] = ()
    """Hours that took the place of `hours`, rising by their first day; what was worked before them stays as it was."""

    def __post_init__(self) -> None:
        if not self.known_years or any(a >= b for a, b in pairwise(self.known_years)):
            raise CalendarNotUsable.at(
                "/known_years", "known years must be given, rising", "已知年份须逐年递增，不能为空"
            )
        _require_one_offset(self.zone, range(self.known_years[0], self.known_years[-1] + 1))
        known, seen = set(self.known_years), set[date]()
        for at, special in enumerate(self.special_days):
            if special.day.year not in known or special.day in seen:
                raise CalendarNotUsable.at(
                    f"/special_days/{at}/day",
                    f"{special.day} is given twice, or its year is not among the known ones",
                    "日期重复，或所在年份不在已知年份之内",
                )
            seen.add(special.day)
        for at, (earlier, later) in enumerate(pairwise((date.min, *(each.first for each in self.later_hours)))):
            if earlier >= later or self.later_hours[at].hours.every_day != self.hours.every_day:
                raise CalendarNotUsable.at(
                    f"/later_hours/{at}",
                    "later hours must rise by their first day, and work on the same days",
                    "后续工作时段须按生效日期递增，且不改变是否全年值守",
                )

    def working_days(self, first: date, last: date) -> tuple[bool, ...]:
        """For each day from first to before last whether it is worked: as the notice says, else Monday to Friday."""
        special = {row.day: row.working for row in self.special_days}
        days = (date.fromordinal(ordinal) for ordinal in range(first.toordinal(), last.toordinal()))
        return tuple(self.hours.every_day or special.get(day, day.weekday() < SATURDAY) for day in days)

    def hours_of_days(self, first: date, last: date) -> tuple[WorkingHours, ...]:
        """For each day from first to before last the hours in force on it, worked or not."""
        begins = [each.first.toordinal() for each in self.later_hours]
        all_hours = (self.hours, *(each.hours for each in self.later_hours))
        return tuple(all_hours[bisect_right(begins, day)] for day in range(first.toordinal(), last.toordinal()))

    def known_span(self) -> tuple[date, date]:
        """From the first to before the second day every year is known, up to the last one known at all."""
        first = last = self.known_years[-1]
        while first - 1 in self.known_years:
            first -= 1
        return date(first, 1, 1), date(last + 1, 1, 1)

    def midnight(self, day: date) -> int:
        """The local beginning of the day in epoch seconds."""
        return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.zone)).timestamp())

    def digest(self) -> str:
        """Twelve hex digits that change whenever what is counted changes; names, source and version do not matter."""
        counted = {
            "zone": self.zone,
            "known_years": self.known_years,
            "windows": [*map(str, self.hours.windows)],
            "every_day": self.hours.every_day,
            "special_days": sorted((special.day.isoformat(), special.working) for special in self.special_days),
        }
        if self.later_hours:
            counted["later_hours"] = [
                (each.first.isoformat(), [*map(str, each.hours.windows)]) for each in self.later_hours
            ]
        return hashlib.sha256(json.dumps(counted, sort_keys=True).encode()).hexdigest()[:12]

    def with_hours(self, hours: WorkingHours, *, version: str) -> "CalendarData":
        """The same days with other working hours, for instance those of a 24-hour centre."""
        return replace(self, hours=hours, version=version)

    def to_dict(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "name": self.name,
            "source": self.source,
            "zone": self.zone,
            "known_years": list(self.known_years),
            "hours": hours_to_dict(self.hours),
            "special_days": [
                {"day": special.day.isoformat(), "working": special.working, "name": special.name}
                for special in self.special_days
            ],
            "later_hours": [
                {"first": each.first.isoformat(), "hours": hours_to_dict(each.hours)} for each in self.later_hours
            ],
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> "CalendarData":
        """The inverse of `to_dict`; CalendarNotUsable if a field is missing, of the wrong kind or contradictory."""
        try:
            return cls(
                **{key: _text(raw[key]) for key in ("version", "name", "source", "zone")},
                known_years=tuple(int(year) for year in raw["known_years"]),
                hours=hours_from_dict(raw["hours"]),
                special_days=tuple(_special_day(row) for row in raw["special_days"]),
                later_hours=tuple(
                    LaterHours(date.fromisoformat(row["first"]), hours_from_dict(row["hours"]))
                    for row in raw.get("later_hours", ())
                ),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CalendarNotUsable(f"a field is missing or of the wrong kind: {error}") from error


def hours_to_dict(hours: WorkingHours) -> dict[str, Any]:
    return {
        "code": hours.code,
        "version": hours.version,
        "name": hours.name,
        "every_day": hours.every_day,
        "windows": [str(window) for window in hours.windows],
    }


def hours_from_dict(raw: Mapping[str, Any]) -> WorkingHours:
    """The inverse of `hours_to_dict`; CalendarNotUsable if a field is missing, of the wrong kind or contradictory."""
    try:
        windows: Sequence[str] = raw["windows"]
        return WorkingHours(
            code=_text(raw["code"]),
            version=_text(raw["version"]),
            name=_text(raw["name"]),
            every_day=_flag(raw.get("every_day", False)),
            windows=tuple(Window.parse(window) for window in windows),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CalendarNotUsable.at(
            "/hours", f"a field is missing or of the wrong kind: {error}", "工作时段缺少内容或格式有误"
        ) from error


def _require_one_offset(zone: str, years: range) -> None:
    """Summer time would make days of 23 and 25 hours; the law's calendar has none, and neither has China since 1992."""
    try:
        info = ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise CalendarNotUsable.at("/zone", f"unknown time zone {zone!r}", "时区名称不存在") from error
    if len({datetime(year, month, 1, tzinfo=info).utcoffset() for year in years for month in (1, 7)}) > 1:
        raise CalendarNotUsable.at("/zone", f"{zone} has changed its clocks", "该时区调整过时钟，不能用于工作日历")


def _special_day(row: Mapping[str, Any]) -> SpecialDay:
    return SpecialDay(date.fromisoformat(row["day"]), _flag(row["working"]), _text(row["name"]))


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} is not a text")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")  # noqa: TRY004  # one kind of error for the caller
    return value


def _clock_seconds(text: str) -> int:
    hours, minutes, seconds = (*(int(part) for part in text.split(":")), 0)[:3]
    if not (0 <= minutes < 60 and 0 <= seconds < 60 and 0 <= hours <= 24):  # noqa: PLR2004  # parts of a clock
        raise ValueError(f"{text!r} is not a time of day")
    return hours * 3600 + minutes * 60 + seconds


def _clock_text(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours:02d}:{minutes:02d}:{left:02d}" if left else f"{hours:02d}:{minutes:02d}"
