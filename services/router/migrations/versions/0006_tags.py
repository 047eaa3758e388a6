"""Tags of cases, and the index that finds what a citizen brought up last."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KNOWN = sa.text("citizen_id IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "case_tags",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reasons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "tag"),
    )
    op.create_index("ix_case_tags_tag", "case_tags", ["tag", "case_id"], postgresql_where=sa.text("NOT removed"))
    op.drop_index("ix_cases_citizen", table_name="cases", postgresql_where=KNOWN)
    op.create_index("ix_cases_citizen", "cases", ["citizen_id", "case_id"], postgresql_where=KNOWN)


def downgrade() -> None:
    op.drop_index("ix_cases_citizen", table_name="cases", postgresql_where=KNOWN)
    op.create_index("ix_cases_citizen", "cases", ["citizen_id"], postgresql_where=KNOWN)
    op.drop_index("ix_case_tags_tag", table_name="case_tags", postgresql_where=sa.text("NOT removed"))
    op.drop_table("case_tags")
