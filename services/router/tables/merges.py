"""What finds cases alike, and what citizens have added to theirs."""

from sqlalchemy import ARRAY, BigInteger, Column, Index, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from services.router.tables.metadata import instant, metadata

signatures = Table(
    "signatures",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("keys", ARRAY(BigInteger), nullable=False),
    Index("ix_signatures_keys", "keys", postgresql_using="gin"),
)
"""Two cases that share a key were worded alike at about the same time (`services/router/alike.py`)."""

supplements = Table(
    "supplements",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("supplement_id", Uuid, primary_key=True),
    Column("said_by", Text, nullable=False),
    Column("channel_code", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("attachments", JSONB, nullable=False),
    instant("received_at", required=True),
    Column("from_case_no", Text),
)
"""补充: what was said later, or in another case of the same citizen about the same matter."""
