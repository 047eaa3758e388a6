"""What waits to be erased, what the review said, secrets that are no text, and what the pruning needs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cases", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("orders", sa.Column("review", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.create_table(
        "erased_citizens",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("citizen_id"),
    )
    op.create_table(
        "login_failures",
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("address"),
    )
    op.create_index("ix_login_failures_since", "login_failures", ["since"], unique=False)
    op.create_index("ix_deliveries_created", "deliveries", ["created_at"], unique=False)
    # Here the keys are not known: the seeding that follows every migration encrypts what is still plain.
    for column in ("secret", "old_secret"):
        op.execute(f"ALTER TABLE webhooks ALTER COLUMN {column} TYPE bytea USING convert_to({column}, 'UTF8')")


def downgrade() -> None:
    """Secrets come back as text only if they are not encrypted yet; the webhooks of others must be registered again."""
    op.execute("DELETE FROM webhooks WHERE substring(secret FROM 1 FOR 6) <> 'whsec_'::bytea")
    op.execute("UPDATE webhooks SET old_secret = NULL, old_secret_until = NULL")
    for column in ("secret", "old_secret"):
        op.execute(f"ALTER TABLE webhooks ALTER COLUMN {column} TYPE text USING convert_from({column}, 'UTF8')")
    op.drop_index("ix_deliveries_created", table_name="deliveries")
    op.drop_index("ix_login_failures_since", table_name="login_failures")
    op.drop_table("login_failures")
    op.drop_table("erased_citizens")
    op.drop_column("orders", "review")
    op.drop_column("cases", "erased_at")
