"""Models are of a kind: those that classify, and those that know who handled such cases before."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("models", sa.Column("kind", sa.Text(), nullable=False, server_default="classifier"))


def downgrade() -> None:
    op.execute("DELETE FROM models WHERE kind <> 'classifier'")
    op.drop_column("models", "kind")
