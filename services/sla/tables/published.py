"""What was published of working time and limits, by whom and why, and whose hours a unit keeps."""

from sqlalchemy import Column, Date, Index, PrimaryKeyConstraint, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.sla.tables.metadata import instant, metadata

unit_hours = Table(
    "unit_hours",
    metadata,
    Column("unit_code", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("hours_code", Text, nullable=False),
    PrimaryKeyConstraint("unit_code", "valid_from"),
)
"""Whose hours a unit's clocks are counted in, from a day on; a unit that is not here keeps office hours."""

publications = Table(
    "publications",
    metadata,
    Column("publication_id", Uuid, primary_key=True),
    Column("versions", ARRAY(Text), nullable=False),
    Column("reason", Text, nullable=False),
    Column("published_by", Text, nullable=False),
    instant("published_at", required=True),
    Column("moved", JSONB, nullable=False),
    instant("finished_at"),
    Index("ix_publications_unfinished", "published_at", postgresql_where="finished_at IS NULL"),
)
"""Every change of what open clocks are counted by: who, when, why, and how many it moved, by kind of hours. While
`finished_at` is empty, a worker still has clocks to count again."""

limit_editions = Table(
    "limit_editions",
    metadata,
    Column("edition", Text, primary_key=True),
    Column("valid_from", Date, nullable=False, unique=True),
    Column("data", JSONB, nullable=False),
    Column("reason", Text, nullable=False),
    Column("published_by", Text, nullable=False),
    instant("published_at", required=True),
)
"""Never changed once published: a case names the edition it is judged by."""
