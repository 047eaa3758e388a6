"""Time-ordered identifiers (UUIDv7, RFC 9562): new rows land at the end of every index."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    return uuid7()
