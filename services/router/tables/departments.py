"""What departments' systems are told: feed, webhooks, deliveries."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)

from services.router.tables.metadata import instant, metadata

feed_heads = Table(
    "feed_heads",
    metadata,
    Column("unit_code", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
)
"""The last position of each unit's feed; locked until commit, so that positions become visible in their order."""

feed = Table(
    "feed",
    metadata,
    Column("unit_code", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("event_id", Uuid, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("case_id", Uuid, nullable=False),
    Column("order_id", Uuid),
    instant("at", required=True),
    Column("body", LargeBinary, nullable=False),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("webhook_id", Uuid, primary_key=True),
    Column("unit_code", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("event_types", ARRAY(Text), nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("old_secret", LargeBinary),
    instant("old_secret_until"),
    Column("created_by", Text, nullable=False),
    instant("created_at", required=True),
    instant("disabled_at"),
    Column("disabled_because", Text),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    instant("opened_at"),
    instant("open_until"),
    Column("openings", Integer, nullable=False, server_default=text("0")),
    Index("ix_webhooks_unit", "unit_code"),
)
"""Secrets are encrypted (`signing.py`). What its circuit knows (`circuit.py`): failures in a row; since when it is open,
until when, and how often it has opened since the last success.
"""

deliveries = Table(
    "deliveries",
    metadata,
    Column("delivery_id", BigInteger, Identity(always=True), primary_key=True),
    Column("webhook_id", Uuid, nullable=False),
    Column("message_id", Uuid, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("case_id", Uuid),
    Column("unit_code", Text, nullable=False),
    Column("position", BigInteger),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    instant("due_at", required=True),
    instant("created_at", required=True),
    instant("delivered_at"),
    Column("last_status", Integer),
    Column("last_error", Text),
    Index("ix_deliveries_due", "webhook_id", "due_at", "delivery_id", postgresql_where=text("state = 'pending'")),
    Index("ix_deliveries_order", "webhook_id", "case_id", "delivery_id", postgresql_where=text("state = 'pending'")),
    Index("ix_deliveries_webhook", "webhook_id", "delivery_id"),
    Index("ix_deliveries_created", "created_at"),
)
"""`position` names the unit's feed entry that is delivered; none for a ping. A claimed delivery is due again later.

States: pending; delivered; dead (tried often enough); suspended (its endpoint said 410: waits for a replay); cancelled
(its webhook was removed).
"""
