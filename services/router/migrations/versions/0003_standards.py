"""Which standard of its category a case was filed under."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cases", sa.Column("standard_no", sa.Integer(), nullable=True))
    # Until now every category had one standard, the first.
    op.execute("UPDATE cases SET standard_no = 1 WHERE category_code IS NOT NULL")


def downgrade() -> None:
    op.drop_column("cases", "standard_no")
