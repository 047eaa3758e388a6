"""The reply's tables, by what they are about."""

from services.feedback.tables.callbacks import callback_reads, callbacks, praises, public_pages
from services.feedback.tables.cases import (
    attempts,
    contacts,
    notices,
    orders,
    outbox_messages,
    photos,
    progress,
    ratings,
)
from services.feedback.tables.metadata import metadata
from services.feedback.tables.rebuilding import rebuilt

__all__ = [
    "attempts",
    "callback_reads",
    "callbacks",
    "contacts",
    "metadata",
    "notices",
    "orders",
    "outbox_messages",
    "photos",
    "praises",
    "progress",
    "public_pages",
    "ratings",
    "rebuilt",
]
