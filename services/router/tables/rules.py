"""What cases are judged by: catalogue versions, models and their judgements."""

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Double,
    Index,
    LargeBinary,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.router.tables.metadata import instant, metadata

judgements = Table(
    "judgements",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    instant("judged_at", required=True),
    Column("version", Text, nullable=False),
    Column("edition", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("category_code", Text),
    Column("confidence", Double, nullable=False),
    Column("queued", Boolean, nullable=False),
    Column("decided_code", Text),
    Column("decided_by", Text),
    instant("decided_at"),
    Index("ix_judgements_judged_at", "judged_at"),
)
"""What rules and model thought of a request when it came in, and the category a person gave it, where one did."""

models = Table(
    "models",
    metadata,
    Column("version", Text, primary_key=True),
    Column("kind", Text, nullable=False, server_default="classifier"),
    Column("edition", Text, nullable=False),
    instant("trained_at", required=True),
    Column("metrics", JSONB, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("checksum", Text, nullable=False),
)
"""What was learned, whole; of each kind the one trained last is in use."""

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
    instant("uploaded_at", required=True),
    Column("published_by", Text),
    instant("published_at"),
    Column("withdrawn_by", Text),
    instant("withdrawn_at"),
)
"""The catalogue as it was uploaded, whole and compressed; none is ever changed or deleted, for cases refer to it.

States: draft; published (in force from its day on); withdrawn (given up before that day).
"""
