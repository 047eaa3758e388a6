"""Owns what was added to a case, as it lies in its table: written by COPY, read for whoever sees the case."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import orjson
from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.events.intake import CaseSupplemented
from services.router.domain.cases import Case
from services.router.tables import supplements

COLUMNS = tuple(column.name for column in supplements.columns)
MOST = 200
"""Of one view, the newest."""


def record(case_id: UUID, said: CaseSupplemented) -> tuple[object, ...]:
    attachments = orjson.dumps([one.model_dump(mode="json") for one in said.attachments]).decode()
    return (
        *(case_id, said.supplement_id, said.by, said.channel_code, said.text),
        *(attachments, said.received_at, None),
    )


def taken_over(master: Case, case: Case, received_at: datetime) -> tuple[object, ...]:
    """The words of a case that was merged into an earlier one of the same citizen."""
    words = f"{case.title}\n{case.text}".strip()
    return (master.case_id, case.case_id, "citizen", case.channel_code, words, "[]", received_at, case.case_no)


async def of(connection: AsyncConnection, case_ids: Collection[UUID]) -> list[RowMapping]:
    """Oldest first."""
    query = select(supplements).where(supplements.c.case_id.in_(case_ids))
    query = query.order_by(supplements.c.received_at.desc(), supplements.c.supplement_id).limit(MOST)
    return list((await connection.execute(query)).mappings())[::-1]
