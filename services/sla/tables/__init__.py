"""The stopwatch's tables, by what they are about; those of the KPIs stand with them (`kpi/tables.py`)."""

from services.sla.tables.clocks import calendars, cases, clocks, timers
from services.sla.tables.metadata import metadata
from services.sla.tables.oversight import alarms, appeals, evidence_packs, extensions, supervisions, suspensions, urges
from services.sla.tables.published import limit_editions, publications, unit_hours

__all__ = [
    "alarms",
    "appeals",
    "calendars",
    "cases",
    "clocks",
    "evidence_packs",
    "extensions",
    "limit_editions",
    "metadata",
    "publications",
    "supervisions",
    "suspensions",
    "timers",
    "unit_hours",
    "urges",
]
