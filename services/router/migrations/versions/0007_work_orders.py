"""What a work order can do: parents, co-orders that need not be waited for, rulings, tasks, terminations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0008"
branch_labels = None
depends_on = None

ENDING, OPEN = sa.text("state = 'ending'"), sa.text("state = 'open'")
ORDERS = ("parent_order_id", "mandatory", "temporary", "designated", "urgent", "moved_because", "ending")


def instant(name: str, *, nullable: bool = True) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.add_column("cases", sa.Column("urgent", sa.Boolean(), nullable=False, server_default="false"))
    op.add_column("cases", sa.Column("beside", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("orders", sa.Column("parent_order_id", sa.Uuid(), nullable=True))
    for name, default in (("mandatory", "true"), ("temporary", "false"), ("designated", "false"), ("urgent", "false")):
        op.add_column("orders", sa.Column(name, sa.Boolean(), nullable=False, server_default=default))
    op.add_column("orders", sa.Column("moved_because", sa.Text(), nullable=True))
    op.add_column("orders", sa.Column("ending", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.create_index("ix_orders_ending", "orders", ["order_id"], postgresql_where=ENDING)
    op.create_index("ix_orders_dispatched", "orders", ["dispatched_at"], postgresql_using="brin")
    op.create_table(
        "rulings",
        sa.Column("ruling_id", sa.Uuid(), primary_key=True),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("cause", "state", "temporary_unit_code")),
        sa.Column("category_code", sa.Text(), nullable=False),
        sa.Column("subdistrict_code", sa.Text(), nullable=True),
        sa.Column("argument", sa.Text(), nullable=False),
        instant("opened_at", nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("lead_unit_code", sa.Text(), nullable=True),
        sa.Column("co_unit_codes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("grounds", sa.Text(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("words", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("precedent", sa.Boolean(), nullable=False),
        sa.Column("proposed", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        instant("made_at"),
        sa.Column("made_by", sa.Text(), nullable=True),
    )
    op.create_index("ix_rulings_case", "rulings", ["case_id"])
    op.create_index("ix_rulings_open", "rulings", ["ruling_id"], postgresql_where=OPEN)
    op.create_index("ix_rulings_precedent", "rulings", ["category_code"], postgresql_where=sa.text("precedent"))
    op.create_table(
        "tasks",
        sa.Column("task_id", sa.Uuid(), primary_key=True),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("kind", "unit_code", "state")),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("instruction", sa.Text(), nullable=False),
        instant("assigned_at", nullable=False),
        sa.Column("assigned_by", sa.Text(), nullable=False),
        instant("due_at"),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("photo_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("photos", sa.ARRAY(sa.Uuid()), nullable=False),
        instant("done_at"),
        sa.Column("done_by", sa.Text(), nullable=True),
    )
    op.create_index("ix_tasks_case", "tasks", ["case_id"])
    op.create_index("ix_tasks_unit", "tasks", ["unit_code", "task_id"], postgresql_where=OPEN)


def downgrade() -> None:
    op.drop_table("tasks")
    op.drop_table("rulings")
    op.drop_index("ix_orders_dispatched", table_name="orders", postgresql_using="brin")
    op.drop_index("ix_orders_ending", table_name="orders", postgresql_where=ENDING)
    for name in reversed(ORDERS):
        op.drop_column("orders", name)
    op.drop_column("cases", "beside")
    op.drop_column("cases", "urgent")
