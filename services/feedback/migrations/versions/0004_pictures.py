"""Originals, checks, blurred copies and the log of looks; uploads that resume; objects no photo has."""

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "photo_records",
        sa.Column("photo_id", sa.Uuid(), primary_key=True),
        sa.Column("hash", sa.Text()),
        sa.Column("original", sa.Text()),
        sa.Column("place", sa.LargeBinary()),
        sa.Column("taken_by", sa.Text(), nullable=False),
        sa.Column("shown_sha256", sa.Text()),
        sa.Column("shown_thumb_sha256", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("trace_id", sa.Text()),
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("next_at", sa.DateTime(timezone=True)),
        sa.Column("decided_by", sa.Text()),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
    )
    op.create_index(
        "ix_photo_records_due", "photo_records", ["next_at"], postgresql_where="state IN ('waiting', 'asked')"
    )
    op.create_index("ix_photo_records_held", "photo_records", ["photo_id"], postgresql_where="state = 'held'")
    op.create_index(
        "ix_photo_records_trace",
        "photo_records",
        ["trace_id"],
        unique=True,
        postgresql_where="trace_id IS NOT NULL",
    )
    # What was there before had been seen by whoever reviewed its case.
    op.execute(
        "INSERT INTO photo_records (photo_id, taken_by, state, reason) SELECT photo_id, 'unit', 'passed', 'review'"
        " FROM photos"
    )
    op.create_table(
        "photo_log",
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("photo_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False, server_default=""),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_photo_log_photo", "photo_log", ["photo_id", "position"])
    op.execute("""
        CREATE FUNCTION photo_log_keeps_everything() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'photo_log is append-only'; END $$
    """)
    op.execute("""
        CREATE TRIGGER photo_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON photo_log
        FOR EACH STATEMENT EXECUTE FUNCTION photo_log_keeps_everything()
    """)
    op.create_table(
        "loose_objects",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("put_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_loose_objects_put", "loose_objects", ["put_at"])
    op.create_table(
        "photo_uploads",
        sa.Column("upload_id", sa.Uuid(), primary_key=True),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("place", sa.LargeBinary()),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("answer", sa.JSON()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_photo_uploads_owner", "photo_uploads", ["owner"], postgresql_where="answer IS NULL")
    op.create_index("ix_photo_uploads_expires", "photo_uploads", ["expires_at"])
    op.create_table(
        "photo_upload_parts",
        sa.Column("upload_id", sa.Uuid(), primary_key=True),
        sa.Column("start", sa.Integer(), primary_key=True),
        sa.Column("data", sa.LargeBinary(), nullable=False),
    )


def downgrade() -> None:
    raise CommandError("the log of who looked at originals is kept for ever; go back by restoring a backup")
