"""Alembic's entry for the router's schema."""

from services.router.tables import metadata
from shared.migrate import run

run(metadata)
