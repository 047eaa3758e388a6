"""Owns who was shown confidential cases, and the mark their views carry."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.router.domain.cases import Case
from services.router.domain.rules import SHENZHEN
from services.router.tables import case_reads
from shared.tokens import Actor


def mark(case: Case, by: Actor, now: datetime) -> str:
    """What is laid over the view: who looked, and when. A photograph of the screen says whose it was.

    The id stands in the record of reads too, so that no name needs to be looked up, or shown.
    """
    if not case.confidential:
        return ""
    moment = now.astimezone(SHENZHEN).strftime("%Y-%m-%d %H:%M:%S")
    return " ".join((by.id, *sorted(by.units)[:1], moment, "保密件，严禁外传"))


async def note(connection: AsyncConnection, case: Case, by: Actor, *, now: datetime) -> None:
    """One row for each time a confidential case is shown to anybody; others cost nothing."""
    if case.confidential:
        row = {
            "case_id": case.case_id,
            "actor": f"{by.kind}:{by.id}",
            "roles": sorted(by.roles),
            "units": sorted(by.units),
            "read_at": now,
        }
        await connection.execute(insert(case_reads).values(row))


async def listed(
    connection: AsyncConnection, *, case_id: UUID | None, before: int | None, limit: int
) -> Sequence[RowMapping]:
    """Newest first."""
    query = select(case_reads).order_by(case_reads.c.read_id.desc()).limit(limit)
    if case_id is not None:
        query = query.where(case_reads.c.case_id == case_id)
    if before is not None:
        query = query.where(case_reads.c.read_id < before)
    return (await connection.execute(query)).mappings().all()
