"""Cases, photos, ratings, contact points and notices."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)

from services.feedback.tables.metadata import metadata

progress = Table(
    "progress",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("case_no", Text, unique=True),  # unknown until intake's own event has come
    Column("look_up_hash", Text, nullable=False),
    Column("citizen_id", Uuid),
    Column("version", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("closed", Boolean, nullable=False),
    Column("facts", LargeBinary, nullable=False),
    Column("view", LargeBinary),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Index("ix_progress_citizen", "citizen_id", "case_id", postgresql_where="citizen_id IS NOT NULL"),
    postgresql_with={"fillfactor": 70},
)

orders = Table(
    "orders",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("case_id", Uuid, nullable=False),
    Column("unit_code", Text, nullable=False),
    Index("ix_orders_case", "case_id"),
)

photos = Table(
    "photos",
    metadata,
    Column("photo_id", Uuid, primary_key=True),
    Column("case_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("thumb_sha256", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("taken_at", DateTime(timezone=True), nullable=False),
    Column("added_by", Text, nullable=False),
    Column("added_at", DateTime(timezone=True), nullable=False),
    Index("ix_photos_case", "case_id"),
    Index("ix_photos_order", "order_id"),
)

ratings = Table(
    "ratings",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("round", SmallInteger, primary_key=True),
    Column("speed", SmallInteger, nullable=False),
    Column("result", SmallInteger, nullable=False),
    Column("attitude", SmallInteger, nullable=False),
    Column("system", SmallInteger, nullable=False),
    Column("solved", Boolean, nullable=False),
    Column("satisfied", Boolean, nullable=False),
    Column("comment", Text, nullable=False),
    Column("rule_version", Text, nullable=False),
    Column("rated_at", DateTime(timezone=True), nullable=False),
)

contacts = Table(
    "contacts",
    metadata,
    Column("citizen_id", Uuid, primary_key=True),
    Column("data", LargeBinary),  # encrypted; empty once the citizen is erased, so that a late event revives nothing
    Column("updated_at", DateTime(timezone=True), nullable=False),
)

notices = Table(
    "notices",
    metadata,
    Column("notice_id", Uuid, primary_key=True),
    Column("case_id", Uuid, nullable=False),
    Column("occurrence", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("citizen_id", Uuid),
    Column("channels", JSON, nullable=False),
    Column("template", Text, nullable=False),
    Column("rules_version", Text, nullable=False),
    Column("named", JSON, nullable=False),
    Column("state", Text, nullable=False),  # pending, sent, failed, no_contact
    Column("channel", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", DateTime(timezone=True), nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("done_at", DateTime(timezone=True)),
    UniqueConstraint("case_id", "occurrence", "audience"),
    Index("ix_notices_due", "next_at", postgresql_where="state = 'pending'"),
    Index("ix_notices_citizen", "citizen_id"),
)

outbox_messages = Table(
    "outbox_messages",
    metadata,
    Column("notice_id", Uuid, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("recipient", Text, nullable=False),  # masked: the outbox is for looking at
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("fields", JSON, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

attempts = Table(
    "attempts",
    metadata,
    Column("key", LargeBinary, primary_key=True),  # a number, or the keyed hash of a network address
    Column("failures", Integer, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("blocked_until", DateTime(timezone=True)),
    Index("ix_attempts_since", "since"),
)
