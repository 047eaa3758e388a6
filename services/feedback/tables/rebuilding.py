"""Where a projection that is being rebuilt is kept until it replaces the one that is served."""

from sqlalchemy import JSON, Boolean, Column, LargeBinary, Table, Uuid

from services.feedback.tables.metadata import metadata

rebuilt = Table(
    "rebuilt",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("facts", LargeBinary, nullable=False),
    Column("heard", JSON, nullable=False),  # the last sequence folded, by publisher
    Column("whole", Boolean, nullable=False),  # false once an event was missing: the stream does not reach so far back
    Column("settled", Boolean, nullable=False),
)
