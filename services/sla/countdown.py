"""The working days until a clock is due, for whoever counts down to it without a calendar of their own."""

from datetime import datetime, timedelta

from contracts.events.sla import WorkingSpan
from contracts.numbers import SHENZHEN
from services.sla.workdays import Calendar, Unit


def working_span(calendar: Calendar, since: datetime, due_at: datetime, unit: Unit) -> WorkingSpan:
    """From the day of `since` to the one `due_at` ends; without days for a limit that runs through."""
    first = since.astimezone(SHENZHEN).date()
    if unit in ("urgent_hour", "calendar_day"):
        return WorkingSpan(first_day=first, days="", windows=())
    last = max(first, calendar.due_day(due_at))
    days = (first + timedelta(days=at) for at in range((last - first).days + 1))
    marks = "".join("1" if calendar.is_working_day(day) else "0" for day in days)
    return WorkingSpan(first_day=first, days=marks, windows=tuple(map(str, calendar.data.hours.windows)))
