"""Cases, their orders, tags and log."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.router.tables.metadata import instant, metadata

cases = Table(
    "cases",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("case_no", Text, nullable=False),
    Column("state", Text, nullable=False),
    instant("received_at", required=True),
    Column("channel_code", Text, nullable=False),
    Column("citizen_id", Uuid),
    Column("anonymous", Boolean, nullable=False),
    Column("confidential", Boolean, nullable=False),
    Column("reply_wanted", Boolean, nullable=False),
    Column("accused_unit_code", Text),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("place", JSONB, nullable=False),
    Column("said_type", Text),
    Column("said_category", Text),
    Column("edition", Text, nullable=False),
    Column("type_code", Text, nullable=False),
    Column("category_code", Text),
    Column("standard_no", Integer),
    Column("area_code", Text),
    Column("grade", Text),
    Column("process_code", Text),
    Column("photo_required", Boolean, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("candidates", JSONB, nullable=False),
    Column("reasons", JSONB, nullable=False),
    Column("round", Integer, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("log_seq", Integer, nullable=False),
    Column("log_hash", LargeBinary, nullable=False),
    instant("filed_at"),
    instant("replied_at"),
    instant("closed_at"),
    Column("outcome", Text),
    Column("closing_reason_code", Text),
    instant("erased_at"),
    Column("master_id", Uuid),
    Column("merge_kind", Text),
    Column("followed", Boolean, nullable=False),
    Column("answered_by", Text),
    Column("supplements", Integer, nullable=False),
    Column("urges", Integer, nullable=False),
    instant("withdrawal_asked_at"),
    Index("ix_cases_master", "master_id", postgresql_where=text("master_id IS NOT NULL")),
    Index("ix_cases_matter", "category_code", "area_code", "case_id", postgresql_where=text("state = 'handling'")),
    Index("ix_cases_state", "state", "case_id"),
    Index("ix_cases_citizen", "citizen_id", "case_id", postgresql_where=text("citizen_id IS NOT NULL")),
)

orders = Table(
    "orders",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("order_id", Uuid, primary_key=True),
    Column("role", Text, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("round", Integer, nullable=False),
    instant("dispatched_at", required=True),
    Column("replaces", Uuid),
    instant("signed_at"),
    Column("signed_automatically", Boolean, nullable=False),
    instant("contacted_at"),
    Column("contact_method", Text, nullable=False),
    Column("contact_note", Text, nullable=False),
    instant("resolved_at"),
    Column("public_reply", Text, nullable=False),
    Column("handling_note", Text, nullable=False),
    Column("photo_ids", ARRAY(Uuid), nullable=False),
    Column("photos", JSONB, nullable=False),
    Column("notes", JSONB, nullable=False),
    Column("returned", JSONB),
    Column("review", JSONB),
    Index("ix_orders_order", "order_id", unique=True),
    Column("open", Boolean, nullable=False, server_default=text("true")),
    Column("category_code", Text),
    Column("area_code", Text),
    Column("grade", Text),
    Column("due_at", DateTime(timezone=True), nullable=False, server_default=text("'9999-12-31 00:00:00+00'")),
    instant("paused_until"),
    Column("due_clock", Uuid),
    Column("due_seq", BigInteger, nullable=False, server_default=text("0")),
    Column("pause_seq", BigInteger, nullable=False, server_default=text("0")),
    Index("ix_orders_unit", "unit_code", "open", "due_at", "order_id"),
    Index("ix_orders_state", "state", "due_at", "order_id"),
    Index("ix_orders_due", "due_at", "order_id", postgresql_where=text("open")),
    Index("ix_orders_category", "category_code", "due_at", "order_id", postgresql_where=text("open")),
    Index("ix_orders_returned", "order_id", postgresql_where=text("state = 'returned'")),
)
"""Category, area and grade are the case's, copied so that a list can be filtered without looking at every case.

`open`: somebody still has to act. `due_at` is told by the stopwatch, and far away until then; only `duetimes.py` writes
it, `paused_until`, `due_clock` (the clock it is from), `due_seq` and `pause_seq` (the stopwatch's events that said so).
"""

case_tags = Table(
    "case_tags",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("set_by", Text, nullable=False),
    Column("actor", Text, nullable=False),
    instant("at", required=True),
    Column("reasons", JSONB, nullable=False),
    Column("removed", Boolean, nullable=False),
    Index("ix_case_tags_tag", "tag", "case_id", postgresql_where=text("NOT removed")),
)
"""What last happened to each tag of a case. One that was taken away stays, so that no rule sets it against a person."""

case_log = Table(
    "case_log",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("seq", Integer, primary_key=True),
    instant("at", required=True),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("prev_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

erased_citizens = Table(
    "erased_citizens",
    metadata,
    Column("citizen_id", Uuid, primary_key=True),
    instant("at", required=True),
)
"""Who was erased of late: a request of theirs that arrives only afterwards is treated like the others."""

kept_answers = Table(
    "kept_answers",
    metadata,
    Column("actor_id", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("answer", JSONB),
    instant("created_at", required=True),
    Index("ix_kept_answers_created", "created_at"),
)
