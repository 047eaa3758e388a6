"""Call-backs, praise, public pages, the five levels of a rating, and where a projection is rebuilt."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("ratings", sa.Column("level", sa.Text(), nullable=True))
    op.create_table(
        "rebuilt",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        sa.Column("heard", sa.JSON(), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("case_id"),
    )
    _callbacks()
    op.create_table(
        "praises",
        sa.Column("praise_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("round", sa.SmallInteger(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("given_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("praise_id"),
        sa.UniqueConstraint("case_id", "round", "unit_code"),
    )
    op.create_index("ix_praises_unit", "praises", ["unit_code", "given_at"])
    op.create_table(
        "public_pages",
        sa.Column("page_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("case_no", "unit_code", "unit_name", "category_name", "title", "request", "answer", "state")
        ),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", _TIME, nullable=False),
        sa.Column("unit_consent_by", sa.Text(), nullable=True),
        sa.Column("unit_consent_at", _TIME, nullable=True),
        sa.Column("citizen_consent_at", _TIME, nullable=True),
        sa.Column("published_by", sa.Text(), nullable=True),
        sa.Column("published_at", _TIME, nullable=True),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.Column("withdrawn_at", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("page_id"),
        sa.UniqueConstraint("case_id"),
    )
    op.create_index(
        "ix_public_pages_shown", "public_pages", ["published_at", "page_id"], postgresql_where="state = 'published'"
    )


def _callbacks() -> None:
    op.create_table(
        "callbacks",
        sa.Column("callback_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("case_no", sa.Text(), nullable=False),
        sa.Column("round", sa.SmallInteger(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=True),
        sa.Column("unit_name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("claimed_by", sa.Text(), nullable=True),
        sa.Column("claimed_at", _TIME, nullable=True),
        sa.Column("next_at", _TIME, nullable=False),
        sa.Column("contacted_in_time", sa.Boolean(), nullable=True),
        sa.Column("solved", sa.Text(), nullable=True),
        sa.Column("satisfied", sa.Text(), nullable=True),
        sa.Column("process_satisfied", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("rules_version", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("done_at", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("callback_id"),
        sa.UniqueConstraint("case_id", "round"),
    )
    op.create_index("ix_callbacks_due", "callbacks", ["next_at"], postgresql_where="state = 'open'")
    op.create_index("ix_callbacks_claimed", "callbacks", ["claimed_by"], postgresql_where="state = 'claimed'")
    op.create_index("ix_callbacks_unit", "callbacks", ["unit_code", "created_at"])
    op.create_table(
        "callback_reads",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("callback_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("read_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_callback_reads_case", "callback_reads", ["case_id"])


def downgrade() -> None:
    for table in ("public_pages", "praises", "callback_reads", "callbacks", "rebuilt"):
        op.drop_table(table)
    op.drop_column("ratings", "level")
