"""The reply's tables, by what they are about."""

from services.feedback.tables.callbacks import callback_reads, callbacks, praises, public_pages
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
from services.feedback.tables.pictures import (
    loose_objects,
    photo_log,
    photo_records,
    photo_upload_parts,
    photo_uploads,
)
from services.feedback.tables.rebuilding import rebuilt

__all__ = [
    "attempts",
    "callback_reads",
    "callbacks",
    "chat_messages",
    "contacts",
    "loose_objects",
    "metadata",
    "notice_preferences",
    "notice_templates",
    "notices",
    "orders",
    "outbox_messages",
    "phone_tasks",
    "photo_log",
    "photo_records",
    "photo_upload_parts",
    "photo_uploads",
    "photos",
    "praises",
    "progress",
    "provider_tokens",
    "public_pages",
    "ratings",
    "rebuilt",
    "wechat_quota",
]
