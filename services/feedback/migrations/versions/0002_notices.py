"""Notices through real providers: templates, consents, preferences, phone tasks, tokens and what the chat was told."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("notices", sa.Column("provider_id", sa.Text(), nullable=True))
    op.add_column("notices", sa.Column("reported", sa.Text(), nullable=True))
    op.add_column("notices", sa.Column("segments", sa.SmallInteger(), nullable=True))
    op.add_column("notices", sa.Column("unit_code", sa.Text(), nullable=True))
    op.drop_index("ix_notices_due", table_name="notices")
    op.create_index("ix_notices_due", "notices", ["next_at"], postgresql_where="state IN ('pending', 'sending')")
    op.create_index("ix_notices_state", "notices", ["state"], postgresql_where="state <> 'sent'")
    op.create_index("ix_notices_provider", "notices", ["provider_id"], postgresql_where="provider_id IS NOT NULL")
    op.create_index("ix_notices_unit", "notices", ["unit_code", "notice_id"], postgresql_where="unit_code IS NOT NULL")
    op.create_table(
        "notice_templates",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("provider_template", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("approved", sa.Boolean(), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("channel", "template"),
        sa.UniqueConstraint("provider_template"),
    )
    op.create_table(
        "notice_preferences",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("channels", sa.JSON(), nullable=False),
        sa.Column("quiet_begins", sa.Text(), nullable=True),
        sa.Column("quiet_ends", sa.Text(), nullable=True),
        sa.Column("consent_version", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("citizen_id"),
    )
    op.create_table(
        "wechat_quota",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("remaining", sa.Integer(), nullable=False),
        sa.Column("standing", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("citizen_id", "template"),
    )
    op.create_table(
        "phone_tasks",
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_by", sa.Text(), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("calls", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("task_id"),
    )
    op.create_index("ix_phone_tasks_open", "phone_tasks", ["due_at"], postgresql_where="state = 'open'")
    op.create_index("ix_phone_tasks_citizen", "phone_tasks", ["citizen_id"])
    op.create_table(
        "provider_tokens",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "chat_messages",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_chat_messages_received", "chat_messages", ["received_at"])


def downgrade() -> None:
    for table in (
        *("chat_messages", "provider_tokens", "phone_tasks"),
        *("wechat_quota", "notice_preferences", "notice_templates"),
    ):
        op.drop_table(table)
    for index in ("ix_notices_unit", "ix_notices_provider", "ix_notices_state", "ix_notices_due"):
        op.drop_index(index, table_name="notices")
    op.create_index("ix_notices_due", "notices", ["next_at"], postgresql_where="state = 'pending'")
    for column in ("unit_code", "segments", "reported", "provider_id"):
        op.drop_column("notices", column)
