"""The reply's tables, by what they are about."""

from services.feedback.tables.cases import attempts, orders, photos, progress, ratings
from services.feedback.tables.metadata import metadata
from services.feedback.tables.notices import (
    chat_messages,
    contacts,
    notice_preferences,
    notice_templates,
    notices,
    outbox_messages,
    phone_tasks,
    provider_tokens,
    wechat_quota,
)

__all__ = [
    "attempts",
    "chat_messages",
    "contacts",
    "metadata",
    "notice_preferences",
    "notice_templates",
    "notices",
    "orders",
    "outbox_messages",
    "phone_tasks",
    "photos",
    "progress",
    "provider_tokens",
    "ratings",
    "wechat_quota",
]
