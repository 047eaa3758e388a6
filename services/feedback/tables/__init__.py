"""The reply's tables, by what they are about."""

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
from services.feedback.tables.pictures import (
    loose_objects,
    photo_log,
    photo_records,
    photo_upload_parts,
    photo_uploads,
)

__all__ = [
    "attempts",
    "contacts",
    "loose_objects",
    "metadata",
    "notices",
    "orders",
    "outbox_messages",
    "photo_log",
    "photo_records",
    "photo_upload_parts",
    "photo_uploads",
    "photos",
    "progress",
    "ratings",
]
