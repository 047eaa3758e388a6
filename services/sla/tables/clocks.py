"""What is timed: calendars, cases, their clocks, and the timers of these."""

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    false,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.sla.tables.metadata import instant, metadata

calendars = Table(
    "calendars",
    metadata,
    Column("version", Text, primary_key=True),
    Column("hours_code", Text, nullable=False),
    Column("data", JSONB, nullable=False),
    instant("adopted_at", required=True),
    Index("ix_calendars_newest", "hours_code", "adopted_at"),
)
"""Working calendars. A version is never changed; of each kind of hours the one adopted last is in use."""

cases = Table(
    "cases",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("sequence", Integer, nullable=False),
    Column("case_no", Text),
    instant("submitted_at"),
    instant("filed_at"),
    Column("type_code", Text),
    Column("grade", Text),
    Column("standard_amount", Integer),
    Column("standard_unit", Text),
    Column("standard_no", SmallInteger),
    Column("channel_code", Text),
    Column("category_code", Text),
    Column("groups", Text),
    Column("limits_edition", Text),
    instant("answered_at"),
    Column("replied_round", SmallInteger, nullable=False),
    Column("rated_round", SmallInteger, nullable=False),
    instant("rated_at"),
    instant("supervised_at"),
    instant("closed_at"),
    Column("reachable", Boolean, nullable=False, server_default=false()),
    instant("told_at"),
    Column("result_told_round", SmallInteger, nullable=False, server_default="0"),
    instant("result_told_at"),
    Column("called_round", SmallInteger, nullable=False, server_default="0"),
    instant("called_at"),
    Column("urged", SmallInteger, nullable=False, server_default="0"),
    Index("ix_cases_case_no", "case_no", unique=True),
    # Every event counts `sequence` up; with room in the page that touches no index.
    postgresql_with={"fillfactor": "70"},
)
"""The row is the lock for everything about the case: whoever changes clocks or timers holds it."""

clocks = Table(
    "clocks",
    metadata,
    Column("case_id", Uuid, nullable=False),
    Column("clock_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("order_id", Uuid),
    Column("unit_code", Text),
    Column("round", SmallInteger, nullable=False),
    Column("amount", Integer, nullable=False),
    Column("unit", Text, nullable=False),
    Column("count_from", Text, nullable=False),
    Column("rule_code", Text, nullable=False),
    Column("calendar", Text, nullable=False),
    Column("provisional", Boolean, nullable=False),
    instant("started_at", required=True),
    instant("due_at", required=True),
    instant("warned_at"),
    instant("breached_at"),
    instant("stopped_at"),
    Column("used_seconds", Integer),
    instant("first_due_at"),
    Column("pauses", JSONB(none_as_null=True)),
    PrimaryKeyConstraint("case_id", "clock_id"),
    Index("ix_clocks_running", "due_at", "clock_id", postgresql_where="stopped_at IS NULL"),
    Index("ix_clocks_running_unit", "unit_code", "due_at", "clock_id", postgresql_where="stopped_at IS NULL"),
    # Warnings and breaches change no indexed column, so with room in the page they touch no index.
    postgresql_with={"fillfactor": "85"},
)

timers = Table(
    "timers",
    metadata,
    Column("case_id", Uuid, nullable=False),
    Column("clock_id", Uuid, nullable=False),
    Column("percent", SmallInteger, nullable=False),
    instant("due_at", required=True),
    PrimaryKeyConstraint("case_id", "clock_id", "percent"),
    Index("ix_timers_due_at", "due_at"),
)
"""What is still to be said, and when: warnings below 100 percent of a clock's limit, the breach at 100, the rungs of the
ladder above (their number stands where the percent would). What has been said, or need not be any more because the clock has stopped, is gone; the clock itself keeps what was said of it."""
