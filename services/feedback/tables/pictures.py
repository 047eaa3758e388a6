"""What is kept of a photo beside the picture: its original, its check, who looked; and uploads under way."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
)

from services.feedback.tables.metadata import metadata

photo_records = Table(
    "photo_records",
    metadata,
    Column("photo_id", Uuid, primary_key=True),
    Column("hash", Text),  # SHA-256 of the file as it was uploaded
    Column("original", Text),  # name of that file in the object store, where it lies encrypted
    Column("place", LargeBinary),  # encrypted
    Column("taken_by", Text, nullable=False),  # unit, grid
    Column("shown_sha256", Text),  # the blurred copy, when there is one
    Column("shown_thumb_sha256", Text),
    Column("state", Text, nullable=False),  # waiting, asked, passed, held, hidden
    Column("reason", Text, nullable=False, server_default=""),
    Column("trace_id", Text),  # the provider's number of the check under way
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("next_at", DateTime(timezone=True)),
    Column("decided_by", Text),
    Column("decided_at", DateTime(timezone=True)),
    Index("ix_photo_records_due", "next_at", postgresql_where="state IN ('waiting', 'asked')"),
    Index("ix_photo_records_held", "photo_id", postgresql_where="state = 'held'"),
    Index("ix_photo_records_trace", "trace_id", unique=True, postgresql_where="trace_id IS NOT NULL"),
)

photo_log = Table(
    "photo_log",  # append-only: a trigger refuses everything else
    metadata,
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    Column("photo_id", Uuid, nullable=False),
    Column("action", Text, nullable=False),  # original, record, blurred, passed, hidden
    Column("actor", Text, nullable=False),
    Column("purpose", Text, nullable=False, server_default=""),
    Column("details", JSON, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("ix_photo_log_photo", "photo_id", "position"),
)

loose_objects = Table(
    "loose_objects",  # put into the store, or about to be, while no photo has it yet
    metadata,
    Column("name", Text, primary_key=True),
    Column("put_at", DateTime(timezone=True), nullable=False),
    Index("ix_loose_objects_put", "put_at"),
)

photo_uploads = Table(
    "photo_uploads",
    metadata,
    Column("upload_id", Uuid, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("case_id", Uuid),
    Column("kind", Text, nullable=False),
    Column("place", LargeBinary),  # encrypted
    Column("size", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("received", Integer, nullable=False, server_default="0"),
    Column("answer", JSON),  # once it has become a photo
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("ix_photo_uploads_owner", "owner", postgresql_where="answer IS NULL"),
    Index("ix_photo_uploads_expires", "expires_at"),
)

photo_upload_parts = Table(
    "photo_upload_parts",
    metadata,
    Column("upload_id", Uuid, primary_key=True),
    Column("start", Integer, primary_key=True),
    Column("data", LargeBinary, nullable=False),  # encrypted: it still says where and by which device
)
