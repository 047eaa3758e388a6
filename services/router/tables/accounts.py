"""Who works here, and the logins that failed."""

from sqlalchemy import (
    ARRAY,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
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
)
