"""The desk's tables: cases, orders, log, accounts, and what departments' systems are told."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Float,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.apikeys import api_key_table
from shared.inbox import mechanism_tables

metadata = MetaData()
mechanism_tables(metadata)
api_key_table(metadata)


def _instant(name: str, *, required: bool = False) -> "Column[object]":
    return Column(name, DateTime(timezone=True), nullable=not required)


cases = Table(
    "cases",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("case_no", Text, nullable=False),
    Column("state", Text, nullable=False),
    _instant("received_at", required=True),
    Column("channel_code", Text, nullable=False),
    Column("citizen_id", Uuid),
    Column("anonymous", Boolean, nullable=False),
    Column("confidential", Boolean, nullable=False),
    Column("reply_wanted", Boolean, nullable=False),
    Column("accused_unit_code", Text),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("place", JSONB, nullable=False),
    Column("said_type", Text),
    Column("said_category", Text),
    Column("edition", Text, nullable=False),
    Column("type_code", Text, nullable=False),
    Column("category_code", Text),
    Column("standard_no", Integer),
    Column("area_code", Text),
    Column("grade", Text),
    Column("process_code", Text),
    Column("photo_required", Boolean, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("candidates", JSONB, nullable=False),
    Column("reasons", JSONB, nullable=False),
    Column("round", Integer, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("log_seq", Integer, nullable=False),
    Column("log_hash", LargeBinary, nullable=False),
    _instant("filed_at"),
    _instant("replied_at"),
    _instant("closed_at"),
    Column("outcome", Text),
    Column("closing_reason_code", Text),
    _instant("erased_at"),
    Index("ix_cases_state", "state", "case_id"),
    Index("ix_cases_citizen", "citizen_id", "case_id", postgresql_where=text("citizen_id IS NOT NULL")),
)

orders = Table(
    "orders",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("order_id", Uuid, primary_key=True),
    Column("role", Text, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("round", Integer, nullable=False),
    _instant("dispatched_at", required=True),
    Column("replaces", Uuid),
    _instant("signed_at"),
    Column("signed_automatically", Boolean, nullable=False),
    _instant("contacted_at"),
    Column("contact_method", Text, nullable=False),
    Column("contact_note", Text, nullable=False),
    _instant("resolved_at"),
    Column("public_reply", Text, nullable=False),
    Column("handling_note", Text, nullable=False),
    Column("photo_ids", ARRAY(Uuid), nullable=False),
    Column("photos", JSONB, nullable=False),
    Column("notes", JSONB, nullable=False),
    Column("returned", JSONB),
    Column("review", JSONB),
    Index("ix_orders_order", "order_id", unique=True),
    Index("ix_orders_unit", "unit_code", "state", "order_id"),
    Index("ix_orders_returned", "order_id", postgresql_where=text("state = 'returned'")),
)

case_tags = Table(
    "case_tags",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("set_by", Text, nullable=False),
    Column("actor", Text, nullable=False),
    _instant("at", required=True),
    Column("reasons", JSONB, nullable=False),
    Column("removed", Boolean, nullable=False),
    Index("ix_case_tags_tag", "tag", "case_id", postgresql_where=text("NOT removed")),
)
"""What last happened to each tag of a case. One that was taken away stays, so that no rule sets it against a person."""

case_log = Table(
    "case_log",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("seq", Integer, primary_key=True),
    _instant("at", required=True),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("prev_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

erased_citizens = Table(
    "erased_citizens",
    metadata,
    Column("citizen_id", Uuid, primary_key=True),
    _instant("at", required=True),
)
"""Who was erased of late: a request of theirs that arrives only afterwards is treated like the others."""

login_failures = Table(
    "login_failures",
    metadata,
    Column("address", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    _instant("since", required=True),
    Index("ix_login_failures_since", "since"),
)
"""Failed logins of a network address, which is kept as a keyed hash only."""

accounts = Table(
    "accounts",
    metadata,
    Column("account_id", Uuid, primary_key=True),
    Column("login", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("units", ARRAY(Text), nullable=False),
    Column("failures", Integer, nullable=False, server_default="0"),
    _instant("locked_until"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

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
    _instant("at", required=True),
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
    _instant("old_secret_until"),
    Column("created_by", Text, nullable=False),
    _instant("created_at", required=True),
    _instant("disabled_at"),
    Column("disabled_because", Text),
    Index("ix_webhooks_unit", "unit_code"),
)
"""Secrets are encrypted (`signing.py`)."""

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
    _instant("due_at", required=True),
    _instant("created_at", required=True),
    _instant("delivered_at"),
    Column("last_status", Integer),
    Column("last_error", Text),
    Index("ix_deliveries_due", "due_at", postgresql_where=text("state = 'pending'")),
    Index("ix_deliveries_order", "webhook_id", "case_id", "delivery_id", postgresql_where=text("state = 'pending'")),
    Index("ix_deliveries_webhook", "webhook_id", "delivery_id"),
    Index("ix_deliveries_created", "created_at"),
)
"""`position` names the unit's feed entry that is delivered; none for a ping. A claimed delivery is due again later.

States: pending; delivered; dead (tried often enough); suspended (its endpoint said 410: waits for a replay); cancelled
(its webhook was removed).
"""

kept_answers = Table(
    "kept_answers",
    metadata,
    Column("actor_id", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("answer", JSONB),
    _instant("created_at", required=True),
    Index("ix_kept_answers_created", "created_at"),
)

judgements = Table(
    "judgements",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    _instant("judged_at", required=True),
    Column("version", Text, nullable=False),
    Column("edition", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("category_code", Text),
    Column("confidence", Double, nullable=False),
    Column("queued", Boolean, nullable=False),
    Column("decided_code", Text),
    Column("decided_by", Text),
    _instant("decided_at"),
    Index("ix_judgements_judged_at", "judged_at"),
)
"""What rules and model thought of a request when it came in, and the category a person gave it, where one did."""

models = Table(
    "models",
    metadata,
    Column("version", Text, primary_key=True),
    Column("edition", Text, nullable=False),
    _instant("trained_at", required=True),
    Column("metrics", JSONB, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("checksum", Text, nullable=False),
)
"""Trained models, whole; the one trained last is in use."""

catalogue_versions = Table(
    "catalogue_versions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("based_on", Text, nullable=False),
    Column("effective_from", Date),
    Column("document", LargeBinary, nullable=False),
    Column("checksum", Text, nullable=False),
    Column("uploaded_by", Text, nullable=False),
    _instant("uploaded_at", required=True),
    Column("published_by", Text),
    _instant("published_at"),
    Column("withdrawn_by", Text),
    _instant("withdrawn_at"),
)
"""The catalogue as it was uploaded, whole and compressed; none is ever changed or deleted, for cases refer to it.

States: draft; published (in force from its day on); withdrawn (given up before that day).
"""
