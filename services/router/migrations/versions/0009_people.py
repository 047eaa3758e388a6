"""Grants, sessions and second factors of accounts, the record of it all, reads of confidential cases, duty, emergencies."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0010"
branch_labels = None
depends_on = None

HELD = sa.text("revoked_at IS NULL")
APPEND_ONLY = ("account_log", "case_reads")


def _instant(name: str, *, required: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not required)


def upgrade() -> None:
    _accounts()
    _grants()
    _sessions()
    _logs()
    _duty()
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting()"
        )


def _accounts() -> None:
    op.add_column("accounts", _instant("disabled_at"))
    op.add_column("accounts", _instant("password_changed_at"))
    op.add_column(
        "accounts", sa.Column("must_change_password", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column(
        "accounts", sa.Column("old_password_hashes", sa.ARRAY(sa.Text()), server_default="{}", nullable=False)
    )
    op.add_column("accounts", sa.Column("totp_secret", sa.LargeBinary(), nullable=True))
    op.add_column("accounts", _instant("totp_confirmed_at"))
    op.add_column("accounts", sa.Column("totp_used_step", sa.BigInteger(), nullable=True))
    op.add_column("accounts", sa.Column("recovery_codes", sa.ARRAY(sa.Text()), server_default="{}", nullable=False))


def _grants() -> None:
    op.create_table(
        "grants",
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("granted_by", sa.Text(), nullable=False),
        _instant("granted_at", required=True),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        _instant("revoked_at"),
        sa.PrimaryKeyConstraint("grant_id"),
    )
    op.create_index("ix_grants_held", "grants", ["account_id", "role", "unit_code"], unique=True, postgresql_where=HELD)
    op.create_index("ix_grants_unit", "grants", ["unit_code", "role"], postgresql_where=HELD)
    # What an account had before is every role for every unit of it.
    op.execute(
        "INSERT INTO grants (grant_id, account_id, role, unit_code, granted_by, granted_at) "
        "SELECT gen_random_uuid(), account_id, role, unit_code, 'system', created_at FROM accounts, "
        "unnest(roles) AS role, unnest(CASE WHEN units = '{}' THEN ARRAY[''] ELSE units END) AS unit_code"
    )


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        _instant("opened_at", required=True),
        _instant("expires_at", required=True),
        _instant("token_until", required=True),
        _instant("ended_at"),
        sa.Column("ended_because", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("session_id"),
    )
    op.create_index("ix_sessions_account", "sessions", ["account_id"], postgresql_where=sa.text("ended_at IS NULL"))
    op.create_index("ix_sessions_ended", "sessions", ["ended_at"], postgresql_where=sa.text("ended_at IS NOT NULL"))
    op.create_index("ix_sessions_token_until", "sessions", ["token_until"])


def _logs() -> None:
    op.create_table(
        "account_log",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        _instant("at", required=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("prev_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("ix_account_log_subject", "account_log", ["subject", "seq"])
    op.create_table(
        "case_reads",
        sa.Column("read_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("roles", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("units", sa.ARRAY(sa.Text()), nullable=False),
        _instant("read_at", required=True),
        sa.PrimaryKeyConstraint("read_id"),
    )
    op.create_index("ix_case_reads_case", "case_reads", ["case_id", "read_id"])


def _duty() -> None:
    op.create_table(
        "duties",
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("shift", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("put_by", sa.Text(), nullable=False),
        _instant("put_at", required=True),
        sa.PrimaryKeyConstraint("unit_code", "day", "shift", "account_id"),
    )
    op.create_index("ix_duties_day", "duties", ["day", "shift"])
    op.create_table(
        "emergencies",
        sa.Column("emergency_id", sa.Uuid(), nullable=False),
        sa.Column("theme_code", sa.Text(), nullable=False),
        sa.Column("area_codes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("category_codes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("declared_by", sa.Text(), nullable=False),
        _instant("declared_at", required=True),
        _instant("until", required=True),
        sa.Column("lifted_by", sa.Text(), nullable=True),
        _instant("lifted_at"),
        sa.Column("lift_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("emergency_id"),
    )
    op.create_index("ix_emergencies_open", "emergencies", ["until"], postgresql_where=sa.text("lifted_at IS NULL"))


def downgrade() -> None:
    for table in ("emergencies", "duties", "case_reads", "account_log", "sessions", "grants"):
        op.drop_table(table)
    for column in (
        *("recovery_codes", "totp_used_step", "totp_confirmed_at", "totp_secret", "old_password_hashes"),
        *("must_change_password", "password_changed_at", "disabled_at"),
    ):
        op.drop_column("accounts", column)
