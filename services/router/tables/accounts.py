"""Who works here, and the logins that failed."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    false,
    func,
)

from services.router.tables.metadata import instant, metadata

login_failures = Table(
    "login_failures",
    metadata,
    Column("address", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    instant("since", required=True),
    Index("ix_login_failures_since", "since"),
)
"""Failed logins of a network address, which is kept as a keyed hash only."""

accounts = Table(
    "accounts",
    metadata,
    Column("account_id", Uuid, primary_key=True),
    Column("login", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("units", ARRAY(Text), nullable=False),
    Column("failures", Integer, nullable=False, server_default="0"),
    instant("locked_until"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    instant("disabled_at"),
    instant("password_changed_at"),
    Column("must_change_password", Boolean, nullable=False, server_default=false()),
    Column("old_password_hashes", ARRAY(Text), nullable=False, server_default="{}"),
    Column("totp_secret", LargeBinary),
    instant("totp_confirmed_at"),
    Column("totp_used_step", BigInteger),
    Column("recovery_codes", ARRAY(Text), nullable=False, server_default="{}"),
)
"""The secret of the second factor is encrypted; recovery codes are hashes, each used once."""
