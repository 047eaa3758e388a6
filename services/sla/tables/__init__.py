"""The stopwatch's tables, by what they are about."""

from services.sla.tables.clocks import calendars, cases, clocks, timers
from services.sla.tables.metadata import metadata
from services.sla.tables.oversight import alarms, appeals, evidence_packs, extensions, supervisions, suspensions, urges

__all__ = [
    "alarms",
    "appeals",
    "calendars",
    "cases",
    "clocks",
    "evidence_packs",
    "extensions",
    "metadata",
    "supervisions",
    "suspensions",
    "timers",
    "urges",
]
