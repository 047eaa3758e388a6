"""Clocks that move and stand still, and what is asked for and ordered about them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004_clocks"
down_revision = "0003_calendars"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cases", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("cases", sa.Column("reachable", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("cases", sa.Column("told_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("cases", sa.Column("result_told_round", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("cases", sa.Column("result_told_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("cases", sa.Column("called_round", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("cases", sa.Column("called_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("cases", sa.Column("urged", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("clocks", sa.Column("first_due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "clocks", sa.Column("pauses", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True)
    )
    op.create_table(
        "extensions",
        sa.Column("extension_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("public_reason", sa.Text(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decisions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("times", sa.SmallInteger(), nullable=False),
        sa.Column("from_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("extension_id"),
    )
    op.create_index("ix_extensions_case", "extensions", ["case_id", "order_id"], unique=False)
    op.create_index("ix_extensions_state", "extensions", ["state", "asked_at", "extension_id"], unique=False)
    op.create_index(
        "uq_extensions_pending", "extensions", ["order_id"], unique=True, postgresql_where="state = 'asked'"
    )
    op.create_table(
        "suspensions",
        sa.Column("suspension_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("public_reason", sa.Text(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("promised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("next_contact_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("contacts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("resumed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resumed_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("suspension_id"),
    )
    op.create_index("ix_suspensions_case", "suspensions", ["case_id"], unique=False)
    op.create_index("ix_suspensions_state", "suspensions", ["state", "promised_at", "suspension_id"], unique=False)
    op.create_index(
        "uq_suspensions_open", "suspensions", ["case_id"], unique=True, postgresql_where="state IN ('asked', 'running')"
    )
    op.create_table(
        "supervisions",
        sa.Column("supervision_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("unit_code", sa.Text(), nullable=True),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("ordered_by", sa.Text(), nullable=False),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("instruction", sa.Text(), nullable=False),
        sa.Column("reply_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("previous_id", sa.Uuid(), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("replied_by", sa.Text(), nullable=True),
        sa.Column("replied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("judged_by", sa.Text(), nullable=True),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("judgement", sa.Text(), nullable=True),
        sa.Column("public_title", sa.Text(), nullable=True),
        sa.Column("listed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("interviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("interview_note", sa.Text(), nullable=True),
        sa.Column("accountability", sa.Text(), nullable=True),
        sa.Column("accounted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("supervision_id"),
    )
    op.create_index("ix_supervisions_case", "supervisions", ["case_id"], unique=False)
    op.create_index(
        "ix_supervisions_listed", "supervisions", ["listed_at"], unique=False, postgresql_where="listed_at IS NOT NULL"
    )
    op.create_index("ix_supervisions_state", "supervisions", ["state", "reply_due_at", "supervision_id"], unique=False)
    op.create_table(
        "urges",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("urge_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("unit_code", sa.Text(), nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("urged_by", sa.Text(), nullable=False),
        sa.Column("urged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times", sa.SmallInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "urge_id"),
    )
    op.create_table(
        "appeals",
        sa.Column("appeal_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("ground_code", sa.Text(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviews", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("mark", sa.Text(), nullable=True),
        sa.Column("exempt", sa.Boolean(), nullable=False),
        sa.Column("exempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("appeal_id"),
    )
    op.create_index("ix_appeals_state", "appeals", ["state", "asked_at", "appeal_id"], unique=False)
    op.create_index("uq_appeals_case_unit", "appeals", ["case_id", "unit_code"], unique=True)
    op.create_table(
        "evidence_packs",
        sa.Column("pack_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
        sa.Column("facts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("pack_id"),
    )
    op.create_index("ix_evidence_packs_case", "evidence_packs", ["case_id"], unique=False)
    op.create_table(
        "alarms",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("about_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "about_id", "kind"),
    )
    op.create_index("ix_alarms_due_at", "alarms", ["due_at"], unique=False)


def downgrade() -> None:
    op.drop_table("alarms")
    op.drop_table("evidence_packs")
    op.drop_table("appeals")
    op.drop_table("urges")
    op.drop_table("supervisions")
    op.drop_table("suspensions")
    op.drop_table("extensions")
    op.drop_column("clocks", "first_due_at")
    op.drop_column("clocks", "pauses")
    op.drop_column("cases", "closed_at")
    op.drop_column("cases", "reachable")
    op.drop_column("cases", "told_at")
    op.drop_column("cases", "result_told_round")
    op.drop_column("cases", "result_told_at")
    op.drop_column("cases", "called_round")
    op.drop_column("cases", "called_at")
    op.drop_column("cases", "urged")
