"""Call-backs, praise and the public pages of cases."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from services.feedback.tables.metadata import metadata

callbacks = Table(
    "callbacks",
    metadata,
    Column("callback_id", Uuid, primary_key=True),
    Column("case_id", Uuid, nullable=False),
    Column("case_no", Text, nullable=False),
    Column("round", SmallInteger, nullable=False),
    Column("unit_code", Text),  # who handled it
    Column("unit_name", Text, nullable=False),
    Column("reason", Text, nullable=False),  # sample, all, low_mark
    Column("method", Text, nullable=False),  # phone, or a link by wechat or sms
    Column("state", Text, nullable=False),  # open, claimed, reached, unreached, dropped
    Column("attempts", SmallInteger, nullable=False),
    Column("claimed_by", Text),
    Column("claimed_at", DateTime(timezone=True)),
    Column("next_at", DateTime(timezone=True), nullable=False),
    Column("contacted_in_time", Boolean),
    Column("solved", Text),
    Column("satisfied", Text),
    Column("process_satisfied", Text),
    Column("note", Text, nullable=False),  # the clerk's, internal
    Column("rules_version", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("done_at", DateTime(timezone=True)),
    UniqueConstraint("case_id", "round"),
    Index("ix_callbacks_due", "next_at", postgresql_where="state = 'open'"),
    Index("ix_callbacks_claimed", "claimed_by", postgresql_where="state = 'claimed'"),
    Index("ix_callbacks_unit", "unit_code", "created_at"),
)

# Append-only: who was shown a telephone number for which call-back.
callback_reads = Table(
    "callback_reads",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("callback_id", Uuid, nullable=False),
    Column("case_id", Uuid, nullable=False),
    Column("actor", Text, nullable=False),
    Column("read_at", DateTime(timezone=True), nullable=False),
    Index("ix_callback_reads_case", "case_id"),
)

praises = Table(
    "praises",
    metadata,
    Column("praise_id", Uuid, primary_key=True),
    Column("case_id", Uuid, nullable=False),
    Column("round", SmallInteger, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("source", Text, nullable=False),  # rating, callback, request
    Column("given_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("case_id", "round", "unit_code"),
    Index("ix_praises_unit", "unit_code", "given_at"),
)

public_pages = Table(
    "public_pages",
    metadata,
    Column("page_id", Uuid, primary_key=True),
    Column("case_id", Uuid, nullable=False, unique=True),
    Column("case_no", Text, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("unit_name", Text, nullable=False),
    Column("category_name", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("request", Text, nullable=False),  # written anew, without anything of the person
    Column("answer", Text, nullable=False),
    Column("state", Text, nullable=False),  # proposed, published, withdrawn
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", DateTime(timezone=True), nullable=False),
    Column("unit_consent_by", Text),
    Column("unit_consent_at", DateTime(timezone=True)),
    Column("citizen_consent_at", DateTime(timezone=True)),
    Column("published_by", Text),
    Column("published_at", DateTime(timezone=True)),
    Column("withdrawn_by", Text),
    Column("withdrawn_at", DateTime(timezone=True)),
    Index("ix_public_pages_shown", "published_at", "page_id", postgresql_where="state = 'published'"),
)
