"""What was published of working time and limits, whose hours a unit keeps, and what a case's limits depend on."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003_calendars"
down_revision = "0002_kpis"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unit_hours",
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("hours_code", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("unit_code", "valid_from"),
    )
    op.create_table(
        "publications",
        sa.Column("publication_id", sa.Uuid(), nullable=False),
        sa.Column("versions", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("published_by", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("moved", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("publication_id"),
    )
    op.create_index(
        "ix_publications_unfinished",
        "publications",
        ["published_at"],
        unique=False,
        postgresql_where="finished_at IS NULL",
    )
    op.create_table(
        "limit_editions",
        sa.Column("edition", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("published_by", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("edition"),
        sa.UniqueConstraint("valid_from"),
    )
    for name in ("channel_code", "category_code", "groups", "limits_edition"):
        op.add_column("cases", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("cases", sa.Column("standard_no", sa.SmallInteger(), nullable=True))


def downgrade() -> None:
    for name in ("channel_code", "category_code", "limits_edition", "standard_no", "groups"):
        op.drop_column("cases", name)
    op.drop_table("limit_editions")
    op.drop_table("publications")
    op.drop_table("unit_hours")
