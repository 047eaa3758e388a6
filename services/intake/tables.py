"""The register's tables: cases, the vault of persons, kept payloads, photos, and who looked at whom."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Sequence,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from shared.apikeys import api_key_table
from shared.inbox import mechanism_tables

metadata = MetaData()
mechanism_tables(metadata)
api_key_table(metadata)

SERIAL_BLOCK = 100
"""Serials a process takes at a time; what is left of a block when it stops is never used."""
case_serial_blocks = Sequence("case_serial_blocks", start=1, increment=SERIAL_BLOCK, metadata=metadata)

# There are no foreign keys between the tables written for every case: each would be looked up again per row, and all
# of them are written by one statement.
cases = Table(
    "cases",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("case_no", Text, nullable=False, unique=True),
    Column("citizen_id", Uuid),  # none when anonymous or forgotten
    Column("channel_code", Text, nullable=False),
    Column("origin_channel_code", Text, nullable=False),
    Column("confidential", Boolean, nullable=False),
    Column("anonymous", Boolean, nullable=False),
    Column("reply_wanted", Boolean, nullable=False),
    Column("type_code", Text),
    Column("category_code", Text),
    Column("title", Text, nullable=False),  # title and text with numbers masked; the original is in raw_payloads
    Column("text", Text, nullable=False),
    Column("place", JSONB, nullable=False),
    Column("accused_unit_code", Text),
    Column("external_no", Text),
    Column("occurred_at", DateTime(timezone=True)),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("submitted_at", DateTime(timezone=True), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("look_up_hash", LargeBinary),  # keyed; none of cases from before the register took additions
    Index("ix_cases_citizen", "citizen_id", "case_id", postgresql_where="citizen_id IS NOT NULL"),
)

raw_payloads = Table(
    "raw_payloads",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("payload", LargeBinary, nullable=False),  # encrypted
)

persons = Table(
    "persons",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", LargeBinary),  # these four are encrypted
    Column("phone", LargeBinary),
    Column("mail", LargeBinary),
    Column("openid", LargeBinary),
    Column("phone_index", LargeBinary, unique=True),  # of a phone they called from
    Column("openid_index", LargeBinary, unique=True),
    Column("letter_index", LargeBinary, unique=True),  # of the contact a letter claims, which nobody has checked
    Column("notice_version", Text),  # the privacy notice they were shown (个人信息保护法 §17)
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("scope", LargeBinary, primary_key=True),  # keyed hash of door, actor and key
    Column("body_hash", LargeBinary, nullable=False),
    Column("resource_id", Uuid, nullable=False),
    Column("answer", LargeBinary, nullable=False),  # encrypted: it holds the look-up code
    Column("created_at", DateTime(timezone=True), nullable=False),
    Index("ix_idempotency_created", "created_at"),
)

attachments = Table(
    "attachments",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("owner", Text, nullable=False),  # `citizen:<id>`, `machine:<name>`, `staff:<id>`, `letter`, or empty
    Column("case_id", Uuid),
    Column("sha256", Text, nullable=False),
    Column("thumb_sha256", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("taken_at", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Index("ix_attachments_case", "case_id"),
    Index("ix_attachments_owner", "owner"),
    Index("ix_attachments_loose", "created_at", postgresql_where="case_id IS NULL"),
    Index("ix_attachments_sha256", "sha256"),
    Index("ix_attachments_thumb", "thumb_sha256"),
)

# What citizens add to a case: urges, supplements, withdrawals.
additions = Table(
    "additions",
    metadata,
    Column("addition_id", Uuid, primary_key=True),
    Column("case_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),  # urge, supplement, withdrawal
    Column("said_by", Text, nullable=False),  # citizen, operator
    Column("actor", Text, nullable=False),  # as attachments name their owner
    Column("channel_code", Text, nullable=False),
    Column("reason_code", Text),
    Column("text", Text, nullable=False),  # with numbers masked
    Column("payload", LargeBinary),  # the words as they came, encrypted
    Column("received_at", DateTime(timezone=True), nullable=False),
    Index("ix_additions_case", "case_id", "kind"),
)

# How a case ended, as the desk has said; no row while it is being handled.
case_ends = Table(
    "case_ends",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("outcome", Text, nullable=False),
    Column("ended_at", DateTime(timezone=True), nullable=False),
)

holdings = Table(
    "holdings",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("case_id", Uuid, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("released_at", DateTime(timezone=True)),
    Index("ix_holdings_case", "case_id"),
)

# Append-only: a trigger of the first migration refuses UPDATE and DELETE.
contact_reads = Table(
    "contact_reads",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("case_id", Uuid, nullable=False),
    Column("citizen_id", Uuid, nullable=False),
    Column("actor", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("unit_code", Text),
    Column("reason", Text, nullable=False),
    Column("read_at", DateTime(timezone=True), nullable=False),
    Index("ix_contact_reads_case", "case_id"),
    Index("ix_contact_reads_citizen", "citizen_id"),
)

rate_windows = Table(
    "rate_windows",
    metadata,
    Column("bucket", LargeBinary, primary_key=True),  # keyed hash of what is limited and the address
    Column("started_at", DateTime(timezone=True), primary_key=True),
    Column("count", Integer, nullable=False),
    Index("ix_rate_windows_started", "started_at"),
)
