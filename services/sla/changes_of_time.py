"""Other working hours typed in: a new kind, other windows for a kind from a day on, or another kind for a unit."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import ClassVar

from services.sla.calendar import CalendarData, CalendarNotUsable, LaterHours, WorkingHours, hours_from_dict
from services.sla.hours import Hours, UnitHours
from services.sla.notices import renamed
from shared.errors import NotFound


class UnknownHours(NotFound):
    """There are no working hours of that code."""

    zh: ClassVar[str] = "没有该代码的工作时段"


def with_hours(
    hours: Hours,
    *,
    code: str,
    name: str,
    windows: Sequence[str],
    every_day: bool,
    valid_from: date | None,
) -> CalendarData:
    """The calendar of that kind of hours with these windows: for all days (a new kind), or from a day on."""
    known = hours.calendars.get(code)
    if known is None:
        made = _hours(code, "1", name, windows, every_day=every_day)
        return renamed(replace(hours.office.data, hours=made, later_hours=()))
    if valid_from is None:
        raise CalendarNotUsable.at(
            "/valid_from", "hours that are in use change on a day", "该工作时段已在使用，须填写生效日期"
        )
    data = known.data
    newest = data.later_hours[-1].hours if data.later_hours else data.hours
    made = _hours(code, str(int(newest.version) + 1), name, windows, every_day=every_day)
    earlier = tuple(each for each in data.later_hours if each.first < valid_from)
    return renamed(replace(data, later_hours=(*earlier, LaterHours(valid_from, made))))


def _hours(code: str, version: str, name: str, windows: Sequence[str], *, every_day: bool) -> WorkingHours:
    return hours_from_dict(
        {"code": code, "version": version, "name": name, "windows": list(windows), "every_day": every_day}
    )


def unit_keeps(hours: Hours, unit_code: str, hours_code: str, valid_from: date) -> UnitHours:
    """The unit keeps hours that have a calendar."""
    if hours_code not in hours.calendars:
        raise UnknownHours
    return UnitHours(unit_code=unit_code, hours=hours_code, valid_from=valid_from)
