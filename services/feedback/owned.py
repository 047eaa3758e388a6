"""A case's facts that are this service's own, read from the tables that keep them."""

from uuid import UUID

from sqlalchemy import select

from services.feedback.domain.facts import Facts, Page, Stars, WorkPhoto
from services.feedback.domain.rating import DIMENSIONS
from services.feedback.store import Tx
from services.feedback.tables import notices, photos, public_pages, ratings

OWN = ("ratings", "photos", "page", "noticed")
"""Fields of `Facts` that no other service's event changes."""


async def own_facts(tx: Tx, case_id: UUID, facts: Facts) -> None:
    """Put what its citizen has marked, what was photographed and who was told to the facts."""
    connection = tx.connection
    found = await connection.execute(select(ratings).where(ratings.c.case_id == case_id).order_by(ratings.c.round))
    facts.ratings = [
        Stars(
            row.rated_at,
            row.round,
            solved=row.solved,
            satisfied=row.satisfied,
            level=row.level,
            **{name: getattr(row, name) for name in DIMENSIONS},
        )
        for row in found
    ]
    found = await connection.execute(select(photos).where(photos.c.case_id == case_id).order_by(photos.c.photo_id))
    facts.photos = [
        WorkPhoto(UUID(int=row.photo_id.int), UUID(int=row.order_id.int), row.kind, row.taken_at) for row in found
    ]
    found = await connection.execute(select(public_pages).where(public_pages.c.case_id == case_id))
    for row in found:
        facts.page = Page(UUID(int=row.page_id.int), row.state, row.citizen_consent_at is not None)
    told = select(notices.c.occurrence, notices.c.audience).where(notices.c.case_id == case_id)
    found = await connection.execute(told.order_by(notices.c.notice_id))
    facts.noticed = [f"{row.occurrence}/{row.audience}" for row in found]
