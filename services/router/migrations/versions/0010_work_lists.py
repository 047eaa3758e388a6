"""Work lists by due time, and the circuit of a webhook."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0011"
branch_labels = None
depends_on = None

PENDING = sa.text("state = 'pending'")
NEVER = sa.text("'9999-12-31 00:00:00+00'")


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.add_column("orders", sa.Column("open", sa.Boolean(), nullable=False, server_default=sa.text("true")))
    op.add_column("orders", sa.Column("category_code", sa.Text()))
    op.add_column("orders", sa.Column("area_code", sa.Text()))
    op.add_column("orders", sa.Column("grade", sa.Text()))
    op.add_column("orders", sa.Column("due_at", instant, nullable=False, server_default=NEVER))
    op.add_column("orders", sa.Column("paused_until", instant))
    op.add_column("orders", sa.Column("due_clock", sa.Uuid()))
    op.add_column("orders", sa.Column("due_seq", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    op.add_column("orders", sa.Column("pause_seq", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    op.execute(
        "UPDATE orders SET open = orders.state NOT IN ('closed', 'redispatched') AND cases.state <> 'closed', "
        "category_code = cases.category_code, area_code = cases.area_code, grade = cases.grade "
        "FROM cases WHERE cases.case_id = orders.case_id"
    )
    op.drop_index("ix_orders_unit", table_name="orders")
    op.create_index("ix_orders_unit", "orders", ["unit_code", "open", "due_at", "order_id"])
    op.create_index("ix_orders_state", "orders", ["state", "due_at", "order_id"])
    op.create_index("ix_orders_due", "orders", ["due_at", "order_id"], postgresql_where=sa.text("open"))
    op.create_index(
        "ix_orders_category", "orders", ["category_code", "due_at", "order_id"], postgresql_where=sa.text("open")
    )
    op.add_column("webhooks", sa.Column("failures", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.add_column("webhooks", sa.Column("opened_at", instant))
    op.add_column("webhooks", sa.Column("open_until", instant))
    op.add_column("webhooks", sa.Column("openings", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.drop_index("ix_deliveries_due", table_name="deliveries", postgresql_where=PENDING)
    op.create_index(
        "ix_deliveries_due", "deliveries", ["webhook_id", "due_at", "delivery_id"], postgresql_where=PENDING
    )


def downgrade() -> None:
    op.drop_index("ix_deliveries_due", table_name="deliveries", postgresql_where=PENDING)
    op.create_index("ix_deliveries_due", "deliveries", ["due_at"], postgresql_where=PENDING)
    for column in ("openings", "open_until", "opened_at", "failures"):
        op.drop_column("webhooks", column)
    for index in ("ix_orders_category", "ix_orders_due", "ix_orders_state", "ix_orders_unit"):
        op.drop_index(index, table_name="orders")
    op.create_index("ix_orders_unit", "orders", ["unit_code", "state", "order_id"])
    for column in ("pause_seq", "due_seq", "due_clock", "paused_until", "due_at"):
        op.drop_column("orders", column)
    for column in ("grade", "area_code", "category_code", "open"):
        op.drop_column("orders", column)
