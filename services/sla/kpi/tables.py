"""Owns the tables the KPIs are counted from: one row a case, one row an order, and the units there are."""

from sqlalchemy import (
    Boolean,
    Column,
    Computed,
    DateTime,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from services.sla.tables import metadata


def _instants(*names: str) -> list["Column[object]"]:
    return [Column(name, DateTime(timezone=True)) for name in names]


def _texts(*names: str) -> list["Column[object]"]:
    return [Column(name, Text) for name in names]


def _marks(*names: str) -> list["Column[object]"]:
    return [Column(name, Boolean, nullable=False) for name in names]


def _counts(*names: str) -> list["Column[object]"]:
    return [Column(name, SmallInteger, nullable=False) for name in names]


def _by_time(table: str, *names: str) -> list[Index]:
    """Rows lie in the order of their coming, so block ranges find a month; and they let a row be changed in place."""
    with_ = {"pages_per_range": "32", "autosummarize": "on"}
    return [Index(f"ix_{table}_{name}", name, postgresql_using="brin", postgresql_with=with_) for name in names]


CASE_DATES = (
    "submitted_at", "filed_at", "settles_at", "answered_at", "closed_at", "called_at", "rated_at", "inform_due_at", "result_due_at",
)  # fmt: skip

case_facts = Table(
    "case_facts",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    *_texts("case_no", "channel_code", "area_code", "type_code", "category_code", "unit_code"),
    *_instants("submitted_at", "filed_at", "due_at", "first_due_at", "answered_at", "closed_at"),
    Column("settles_at", DateTime(timezone=True), Computed("LEAST(due_at, closed_at)", persisted=True)),
    *_texts("outcome"),
    Column("worked_seconds", Integer),
    *_counts("round", "orders", "returned", "misdispatched", "extended", "urged"),
    *_marks("suspended", "exempt", "supervised", "repeated", "merged"),
    *_instants("inform_due_at", "informed_at", "result_due_at", "result_told_at", "rated_at"),
    Column("rated_solved", Boolean),
    Column("rated_satisfied", Boolean),
    *(Column(f"stars_{name}", SmallInteger) for name in ("speed", "result", "attitude", "system")),
    *_instants("called_at"),
    Column("reached", Boolean),
    Column("contacted_in_time", Boolean),
    *_texts("solved", "satisfied", "process_satisfied"),
    *_by_time("case_facts", *CASE_DATES),
    postgresql_with={"fillfactor": "70"},
)
"""`settles_at` is the day a case counts as one that should be closed (应结案): when it is due, or closed before that."""

order_facts = Table(
    "order_facts",
    metadata,
    Column("case_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("round", SmallInteger, nullable=False),
    Column("dispatched_at", DateTime(timezone=True), nullable=False),
    *_instants(
        "sign_due_at", "signed_at", "contact_due_at", "contacted_at", "handle_due_at", "resolved_at", "ended_at"
    ),
    *_marks("signed_automatically", "returned", "return_rejected", "misdispatched"),
    PrimaryKeyConstraint("case_id", "order_id"),
    *_by_time("order_facts", "dispatched_at"),
    postgresql_with={"fillfactor": "70"},
)

unit_names = Table(
    "unit_names", metadata, Column("unit_code", Text, primary_key=True), Column("name", Text, nullable=False)
)
"""Every unit that ever had an order, so that those without any in a period can be named apart."""
