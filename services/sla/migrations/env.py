"""Alembic's door into this schema."""

from services.sla.tables import metadata
from shared.migrate import run

run(metadata)
