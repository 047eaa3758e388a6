"""What is asked for and ordered about clocks. Most cases have no row in any of these."""

from sqlalchemy import Boolean, Column, Index, Integer, PrimaryKeyConstraint, SmallInteger, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from services.sla.tables.metadata import instant, metadata

extensions = Table(
    "extensions",
    metadata,
    Column("extension_id", Uuid, primary_key=True),
    Column("case_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("amount", Integer, nullable=False),
    Column("unit", Text, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("public_reason", Text, nullable=False),
    Column("evidence", JSONB, nullable=False),
    Column("asked_by", Text, nullable=False),
    instant("asked_at", required=True),
    Column("decisions", JSONB, nullable=False),
    Column("times", SmallInteger, nullable=False),
    instant("from_due_at", required=True),
    instant("due_at", required=True),
    Index("ix_extensions_case", "case_id", "order_id"),
    Index("ix_extensions_state", "state", "asked_at", "extension_id"),
    # One request at a time for one order.
    Index("uq_extensions_pending", "order_id", unique=True, postgresql_where="state = 'asked'"),
)
"""延期: what a unit asked for, who decided what, and the due time before and after."""

suspensions = Table(
    "suspensions",
    metadata,
    Column("suspension_id", Uuid, primary_key=True),
    Column("case_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("public_reason", Text, nullable=False),
    Column("evidence", JSONB, nullable=False),
    instant("promised_at", required=True),
    Column("asked_by", Text, nullable=False),
    instant("asked_at", required=True),
    Column("decided_by", Text),
    instant("decided_at"),
    Column("note", Text),
    instant("next_contact_at"),
    Column("contacts", JSONB, nullable=False),
    instant("resumed_at"),
    Column("resumed_by", Text),
    Index("ix_suspensions_case", "case_id"),
    Index("ix_suspensions_state", "state", "promised_at", "suspension_id"),
    Index("uq_suspensions_open", "case_id", unique=True, postgresql_where="state IN ('asked', 'running')"),
)
"""挂账: until when, who agreed, and when the citizen was spoken with meanwhile."""

supervisions = Table(
    "supervisions",
    metadata,
    Column("supervision_id", Uuid, primary_key=True),
    Column("case_id", Uuid, nullable=False),
    Column("order_id", Uuid),
    Column("unit_code", Text),
    Column("level", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("ordered_by", Text, nullable=False),
    instant("ordered_at", required=True),
    Column("instruction", Text, nullable=False),
    instant("reply_due_at", required=True),
    Column("previous_id", Uuid),
    Column("reply", Text),
    Column("replied_by", Text),
    instant("replied_at"),
    Column("judged_by", Text),
    instant("judged_at"),
    Column("judgement", Text),
    Column("public_title", Text),
    instant("listed_at"),
    instant("interviewed_at"),
    Column("interview_note", Text),
    Column("accountability", Text),
    instant("accounted_at"),
    Index("ix_supervisions_case", "case_id"),
    Index("ix_supervisions_state", "state", "reply_due_at", "supervision_id"),
    Index("ix_supervisions_listed", "listed_at", postgresql_where="listed_at IS NOT NULL"),
)
"""督办: one row for each level a matter was on."""

urges = Table(
    "urges",
    metadata,
    Column("case_id", Uuid, nullable=False),
    Column("urge_id", Uuid, nullable=False),
    Column("order_id", Uuid),
    Column("unit_code", Text),
    Column("by", Text, nullable=False),
    Column("urged_by", Text, nullable=False),
    instant("urged_at", required=True),
    Column("times", SmallInteger, nullable=False),
    Column("note", Text, nullable=False),
    PrimaryKeyConstraint("case_id", "urge_id"),
)
"""催办, by people: who, when, the how-manieth. Those of the ladder are in the stream only."""

appeals = Table(
    "appeals",
    metadata,
    Column("appeal_id", Uuid, primary_key=True),
    Column("case_id", Uuid, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("ground_code", Text, nullable=False),
    Column("statement", Text, nullable=False),
    Column("evidence", JSONB, nullable=False),
    Column("asked_by", Text, nullable=False),
    instant("asked_at", required=True),
    Column("reviews", JSONB, nullable=False),
    Column("mark", Text),
    Column("exempt", Boolean, nullable=False),
    instant("exempt_at"),
    # Once for each unit and case, whatever comes of it.
    Index("uq_appeals_case_unit", "case_id", "unit_code", unique=True),
    Index("ix_appeals_state", "state", "asked_at", "appeal_id"),
)
"""申诉: an exemption stands here, beside the clocks, which stay as they were."""

evidence_packs = Table(
    "evidence_packs",
    metadata,
    Column("pack_id", Uuid, primary_key=True),
    Column("case_id", Uuid, nullable=False),
    Column("made_by", Text, nullable=False),
    instant("made_at", required=True),
    Column("head", Text, nullable=False),
    Column("facts", Integer, nullable=False),
    Index("ix_evidence_packs_case", "case_id"),
)
"""Who took an evidence pack of which case, with the last hash of its chain."""

alarms = Table(
    "alarms",
    metadata,
    Column("case_id", Uuid, nullable=False),
    Column("about_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    instant("due_at", required=True),
    PrimaryKeyConstraint("case_id", "about_id", "kind"),
    Index("ix_alarms_due_at", "due_at"),
)
"""Instants that belong to no clock: a reply that is owed, a promised day, the next word with the citizen."""
