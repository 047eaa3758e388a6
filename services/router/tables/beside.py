"""What stands beside a case's orders: rulings and tasks."""

from sqlalchemy import ARRAY, Boolean, Column, Index, Integer, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from services.router.tables.metadata import instant, metadata

rulings = Table(
    "rulings",
    metadata,
    Column("ruling_id", Uuid, primary_key=True),
    Column("case_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("cause", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("temporary_unit_code", Text, nullable=False),
    Column("category_code", Text, nullable=False),
    Column("subdistrict_code", Text),
    Column("argument", Text, nullable=False),
    instant("opened_at", required=True),
    Column("opened_by", Text, nullable=False),
    Column("lead_unit_code", Text),
    Column("co_unit_codes", ARRAY(Text), nullable=False),
    Column("grounds", Text, nullable=False),
    Column("legal_basis", Text, nullable=False),
    Column("words", ARRAY(Text), nullable=False),
    Column("precedent", Boolean, nullable=False),
    Column("proposed", JSONB),
    instant("made_at"),
    Column("made_by", Text),
    Index("ix_rulings_case", "case_id"),
    Index("ix_rulings_open", "ruling_id", postgresql_where=text("state = 'open'")),
    Index("ix_rulings_precedent", "category_code", postgresql_where=text("precedent")),
)

tasks = Table(
    "tasks",
    metadata,
    Column("task_id", Uuid, primary_key=True),
    Column("case_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("order_id", Uuid),
    Column("instruction", Text, nullable=False),
    instant("assigned_at", required=True),
    Column("assigned_by", Text, nullable=False),
    instant("due_at"),
    Column("outcome", Text),
    Column("note", Text, nullable=False),
    Column("photo_ids", ARRAY(Uuid), nullable=False),
    Column("photos", ARRAY(Uuid), nullable=False),
    instant("done_at"),
    Column("done_by", Text),
    Index("ix_tasks_case", "case_id"),
    Index("ix_tasks_unit", "unit_code", "task_id", postgresql_where=text("state = 'open'")),
)
