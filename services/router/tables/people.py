"""Who may do what: grants, sessions, the record of accounts, who read which confidential case, and who is on duty."""

from sqlalchemy import ARRAY, BigInteger, Column, Date, Identity, Index, LargeBinary, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from services.router.tables.metadata import instant, metadata

grants = Table(
    "grants",
    metadata,
    Column("grant_id", Uuid, primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("role", Text, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("granted_by", Text, nullable=False),
    instant("granted_at", required=True),
    Column("revoked_by", Text),
    instant("revoked_at"),
    Index(
        "ix_grants_held", "account_id", "role", "unit_code", unique=True, postgresql_where=text("revoked_at IS NULL")
    ),
    Index("ix_grants_unit", "unit_code", "role", postgresql_where=text("revoked_at IS NULL")),
)
"""A role held for a unit (empty: for the district). `accounts.roles` and `.units` are what the held ones add up to."""

sessions = Table(
    "sessions",
    metadata,
    Column("session_id", Uuid, primary_key=True),
    Column("account_id", Uuid, nullable=False),
    instant("opened_at", required=True),
    instant("expires_at", required=True),
    instant("token_until", required=True),
    instant("ended_at"),
    Column("ended_because", Text),
    Index("ix_sessions_account", "account_id", postgresql_where=text("ended_at IS NULL")),
    Index("ix_sessions_ended", "ended_at", postgresql_where=text("ended_at IS NOT NULL")),
    Index("ix_sessions_token_until", "token_until"),
)
"""`token_until`: when the last token given out for it ends by itself; nothing done by then is idleness."""

account_log = Table(
    "account_log",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    instant("at", required=True),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Uuid, nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("prev_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Index("ix_account_log_subject", "subject", "seq"),
)
"""One chain for everything that is done with accounts and emergencies; append-only by trigger."""

case_reads = Table(
    "case_reads",
    metadata,
    Column("read_id", BigInteger, Identity(always=True), primary_key=True),
    Column("case_id", Uuid, nullable=False),
    Column("actor", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("units", ARRAY(Text), nullable=False),
    instant("read_at", required=True),
    Index("ix_case_reads_case", "case_id", "read_id"),
)
"""Who was shown a confidential case; append-only by trigger."""

duties = Table(
    "duties",
    metadata,
    Column("unit_code", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("shift", Text, primary_key=True),
    Column("account_id", Uuid, primary_key=True),
    Column("put_by", Text, nullable=False),
    instant("put_at", required=True),
    Index("ix_duties_day", "day", "shift"),
)

emergencies = Table(
    "emergencies",
    metadata,
    Column("emergency_id", Uuid, primary_key=True),
    Column("theme_code", Text, nullable=False),
    Column("area_codes", ARRAY(Text), nullable=False),
    Column("category_codes", ARRAY(Text), nullable=False),
    Column("reason", Text, nullable=False),
    Column("declared_by", Text, nullable=False),
    instant("declared_at", required=True),
    instant("until", required=True),
    Column("lifted_by", Text),
    instant("lifted_at"),
    Column("lift_reason", Text),
    Index("ix_emergencies_open", "until", postgresql_where=text("lifted_at IS NULL")),
)
"""平战一体: declared with who, why, from and to; nothing is ever taken out."""
