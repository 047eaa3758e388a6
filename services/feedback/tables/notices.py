"""Who is reached how, and who was told what: contact points, the ledger of notices, templates, quota, phone tasks."""

from sqlalchemy import (
    JSON,
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
    Column("state", Text, nullable=False),  # see services.feedback.domain.notice.State
    Column("channel", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", DateTime(timezone=True), nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("done_at", DateTime(timezone=True)),
    Column("provider_id", Text),  # the provider's own number for the message, by which its delivery report comes
    Column("reported", Text),  # delivered, undelivered: what the provider's delivery report said
    Column("segments", SmallInteger),  # of a text message, as it is charged
    Column("unit_code", Text),  # whose desk it is for, when the audience is a unit
    UniqueConstraint("case_id", "occurrence", "audience"),
    Index("ix_notices_due", "next_at", postgresql_where="state IN ('pending', 'sending')"),
    Index("ix_notices_citizen", "citizen_id"),
    # What is not simply done is counted all the time, and must not cost a look at everything that is.
    Index("ix_notices_state", "state", postgresql_where="state <> 'sent'"),
    Index("ix_notices_provider", "provider_id", postgresql_where="provider_id IS NOT NULL"),
    Index("ix_notices_unit", "unit_code", "notice_id", postgresql_where="unit_code IS NOT NULL"),
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

notice_templates = Table(
    "notice_templates",
    metadata,
    Column("channel", Text, primary_key=True),  # wechat, sms
    Column("template", Text, primary_key=True),  # as the catalogue names it
    Column("provider_template", Text, nullable=False, unique=True),  # the id the provider gave on approval
    Column("kind", Text, nullable=False),  # one_time, long_term; for a text message always long_term
    Column("approved", Boolean, nullable=False),
    Column("updated_by", Text, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)

notice_preferences = Table(
    "notice_preferences",
    metadata,
    Column("citizen_id", Uuid, primary_key=True),
    Column("channels", JSON, nullable=False),  # those they want, the dearest first; empty wants to be told nothing
    Column("quiet_begins", Text),  # HH:MM in Shenzhen
    Column("quiet_ends", Text),
    Column("consent_version", Text, nullable=False),  # of the privacy notice they agreed to
    Column("updated_at", DateTime(timezone=True), nullable=False),
)

wechat_quota = Table(
    "wechat_quota",
    metadata,
    Column("citizen_id", Uuid, primary_key=True),
    Column("template", Text, primary_key=True),
    Column("answer", Text, nullable=False),  # accept, reject, ban, filter: what they said last
    Column("remaining", Integer, nullable=False),  # one-time consents not yet used
    Column("standing", Boolean, nullable=False),  # a long-term consent, which no message uses up
    Column("updated_at", DateTime(timezone=True), nullable=False),
)

phone_tasks = Table(
    "phone_tasks",
    metadata,
    Column("task_id", Uuid, primary_key=True),  # the notice's id
    Column("case_id", Uuid, nullable=False),
    Column("citizen_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", Text, nullable=False),  # open, done, given_up
    Column("due_at", DateTime(timezone=True), nullable=False),  # not to be called before
    Column("claimed_by", Text),
    Column("claimed_until", DateTime(timezone=True)),
    Column("calls", JSON, nullable=False),  # who saw the number and called when, and whether somebody answered
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("done_at", DateTime(timezone=True)),
    Index("ix_phone_tasks_open", "due_at", postgresql_where="state = 'open'"),
    Index("ix_phone_tasks_citizen", "citizen_id"),
)

provider_tokens = Table(
    "provider_tokens",
    metadata,
    Column("name", Text, primary_key=True),
    Column("token", LargeBinary, nullable=False),  # encrypted
    Column("expires_at", DateTime(timezone=True), nullable=False),
)

chat_messages = Table(
    "chat_messages",
    metadata,
    Column("key", LargeBinary, primary_key=True),  # hash of what WeChat repeats: message id, or sender and time
    Column("answer", Text, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Index("ix_chat_messages_received", "received_at"),
)
