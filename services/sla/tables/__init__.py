"""The stopwatch's tables, by what they are about."""

from services.sla.tables.clocks import calendars, cases, clocks, timers
from services.sla.tables.metadata import metadata
from services.sla.tables.published import limit_editions, publications, unit_hours

__all__ = [
    "calendars",
    "cases",
    "clocks",
    "limit_editions",
    "metadata",
    "publications",
    "timers",
    "unit_hours",
]
