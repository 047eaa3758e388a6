"""Cases that follow others, what finds them, and what citizens add."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0009"
branch_labels = None
depends_on = None

FOLLOWING = sa.text("master_id IS NOT NULL")
IN_HAND = sa.text("state = 'handling'")


def upgrade() -> None:
    op.add_column("cases", sa.Column("master_id", sa.Uuid()))
    op.add_column("cases", sa.Column("merge_kind", sa.Text()))
    op.add_column("cases", sa.Column("answered_by", sa.Text()))
    op.add_column("cases", sa.Column("withdrawal_asked_at", sa.DateTime(timezone=True)))
    # With a default for the rows that are there, and for the old code while both run.
    op.add_column("cases", sa.Column("followed", sa.Boolean(), nullable=False, server_default=sa.false()))
    for name in ("supplements", "urges"):
        op.add_column("cases", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    op.create_index("ix_cases_master", "cases", ["master_id"], postgresql_where=FOLLOWING)
    op.create_index("ix_cases_matter", "cases", ["category_code", "area_code", "case_id"], postgresql_where=IN_HAND)
    op.create_table(
        "signatures",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("keys", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.PrimaryKeyConstraint("case_id"),
    )
    op.create_index("ix_signatures_keys", "signatures", ["keys"], postgresql_using="gin")
    op.create_table(
        "supplements",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("supplement_id", sa.Uuid(), nullable=False),
        sa.Column("said_by", sa.Text(), nullable=False),
        sa.Column("channel_code", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("attachments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("from_case_no", sa.Text()),
        sa.PrimaryKeyConstraint("case_id", "supplement_id"),
    )


def downgrade() -> None:
    op.drop_table("supplements")
    op.drop_index("ix_signatures_keys", table_name="signatures", postgresql_using="gin")
    op.drop_table("signatures")
    op.drop_index("ix_cases_matter", table_name="cases", postgresql_where=IN_HAND)
    op.drop_index("ix_cases_master", table_name="cases", postgresql_where=FOLLOWING)
    for name in ("urges", "supplements", "withdrawal_asked_at", "answered_by", "followed", "merge_kind", "master_id"):
        op.drop_column("cases", name)
