"""The calendars the service ships with: working hours from `hours.yaml`, special days from the yearly notices."""

from dataclasses import replace
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files

import chinese_calendar
import yaml

from services.sla.calendar import CalendarData, CalendarNotUsable, SpecialDay, WorkingHours, hours_from_dict


def shipped_hours() -> tuple[WorkingHours, ...]:
    """Every entry of `hours.yaml`, in file order, old versions included."""
    text = files(__package__).joinpath("hours.yaml").read_text(encoding="utf-8")
    return tuple(hours_from_dict(entry) for entry in yaml.safe_load(text))


def working_hours(code: str) -> WorkingHours:
    """The newest shipped version of these hours; CalendarNotUsable if there are none of that code."""
    entries = [hours for hours in shipped_hours() if hours.code == code]
    if not entries:
        raise CalendarNotUsable.at("/hours/code", f"no working hours are shipped as {code!r}", "没有该代码的工作时段")
    return max(entries, key=lambda hours: int(hours.version))


@lru_cache(maxsize=8)
def shipped_calendar(hours_code: str = "office") -> CalendarData:
    """Mainland working days from 2004 to the last year `chinesecalendar` knows, with the shipped hours of that code.

    The version ends in a digest of what is counted: years were corrected after their notice (the Spring Festival of
    2020 was prolonged in January 2020), and such a correction must not hide behind an unchanged name.
    """
    hours = working_hours(hours_code)
    days = _special_days()
    first, last = days[0].day.year, days[-1].day.year
    data = CalendarData(
        version="unversioned",
        name=f"全国法定工作日历（截至{last}年）",
        source=f"chinesecalendar {version('chinesecalendar')}",
        zone="Asia/Shanghai",
        known_years=tuple(range(first, last + 1)),
        hours=hours,
        special_days=days,
    )
    return replace(data, version=f"cn-{last}.{hours.code}-{hours.version}.{data.digest()}")


def _special_days() -> tuple[SpecialDay, ...]:
    named = ((chinese_calendar.holidays, False), (chinese_calendar.workdays, True))
    days = (
        SpecialDay(day, working, chinese_calendar.Holiday(name).chinese)
        for table, working in named
        for day, name in table.items()
    )
    return tuple(sorted(days))
