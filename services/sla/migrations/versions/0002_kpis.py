"""What KPIs are counted from: the facts of cases and orders, and the names of units."""

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

revision = "0002_kpis"
down_revision = "0001"
branch_labels = None
depends_on = None

CASE_DATES = (
    "submitted_at", "filed_at", "settles_at", "answered_at", "closed_at", "called_at", "rated_at", "inform_due_at", "result_due_at",
)  # fmt: skip


def _instants(*names: str) -> Iterable["sa.Column[object]"]:
    return (sa.Column(name, sa.DateTime(timezone=True), nullable=True) for name in names)


def _texts(*names: str) -> Iterable["sa.Column[object]"]:
    return (sa.Column(name, sa.Text(), nullable=True) for name in names)


def _marks(*names: str) -> Iterable["sa.Column[object]"]:
    return (sa.Column(name, sa.Boolean(), nullable=False) for name in names)


def _counts(*names: str, null: bool = False) -> Iterable["sa.Column[object]"]:
    return (sa.Column(name, sa.SmallInteger(), nullable=null) for name in names)


def upgrade() -> None:
    op.create_table(
        "case_facts",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        *_texts("case_no", "channel_code", "area_code", "type_code", "category_code", "unit_code"),
        *_instants("submitted_at", "filed_at", "due_at", "first_due_at", "answered_at", "closed_at"),
        sa.Column(
            "settles_at",
            sa.DateTime(timezone=True),
            sa.Computed("LEAST(due_at, closed_at)", persisted=True),
            nullable=True,
        ),
        *_texts("outcome"),
        sa.Column("worked_seconds", sa.Integer(), nullable=True),
        *_counts("round", "orders", "returned", "misdispatched", "extended", "urged"),
        *_marks("suspended", "exempt", "supervised", "repeated", "merged"),
        *_instants("inform_due_at", "informed_at", "result_due_at", "result_told_at", "rated_at"),
        sa.Column("rated_solved", sa.Boolean(), nullable=True),
        sa.Column("rated_satisfied", sa.Boolean(), nullable=True),
        *_counts("stars_speed", "stars_result", "stars_attitude", "stars_system", null=True),
        *_instants("called_at"),
        sa.Column("reached", sa.Boolean(), nullable=True),
        sa.Column("contacted_in_time", sa.Boolean(), nullable=True),
        *_texts("solved", "satisfied", "process_satisfied"),
        sa.PrimaryKeyConstraint("case_id"),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_table(
        "order_facts",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        *_counts("round"),
        sa.Column("dispatched_at", sa.DateTime(timezone=True), nullable=False),
        *_instants("sign_due_at", "signed_at", "contact_due_at", "contacted_at"),
        *_instants("handle_due_at", "resolved_at", "ended_at"),
        *_marks("signed_automatically", "returned", "return_rejected", "misdispatched"),
        sa.PrimaryKeyConstraint("case_id", "order_id"),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_table(
        "unit_names",
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("unit_code"),
    )
    by_time = {"postgresql_using": "brin", "postgresql_with": {"pages_per_range": "32", "autosummarize": "on"}}
    for name in CASE_DATES:
        op.create_index(f"ix_case_facts_{name}", "case_facts", [name], **by_time)
    op.create_index("ix_order_facts_dispatched_at", "order_facts", ["dispatched_at"], **by_time)


def downgrade() -> None:
    op.drop_table("unit_names")
    op.drop_table("order_facts")
    op.drop_table("case_facts")
