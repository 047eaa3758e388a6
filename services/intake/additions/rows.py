"""The statements behind additions: the case locked by its number, what was added before, what is added now."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.tables import additions, attachments, case_ends, cases

_SEQUENCE = update(cases).where(cases.c.case_id == bindparam("the_case")).values(sequence=bindparam("the_sequence"))
_end = upsert(case_ends)
_SAVE_END = _end.on_conflict_do_update(
    index_elements=["case_id"], set_={"outcome": _end.excluded.outcome, "ended_at": _end.excluded.ended_at}
)


async def case_by_number(connection: AsyncConnection, case_no: str) -> Any:
    """With its end, if it has come; locked until the commit."""
    query = (
        select(
            cases.c.case_id,
            cases.c.case_no,
            cases.c.citizen_id,
            cases.c.look_up_hash,
            cases.c.channel_code,
            cases.c.sequence,
            select(case_ends.c.outcome)
            .where(case_ends.c.case_id == cases.c.case_id)
            .scalar_subquery()
            .label("outcome"),
        )
        .where(cases.c.case_no == case_no)
        .with_for_update(of=cases)
    )
    return (await connection.execute(query)).one_or_none()


async def save_sequence(connection: AsyncConnection, case_id: UUID, sequence: int) -> None:
    await connection.execute(_SEQUENCE, {"the_case": case_id, "the_sequence": sequence})


async def counted(connection: AsyncConnection, case_id: UUID, kind: str, *, since: datetime | None = None) -> int:
    query = select(func.count()).where(additions.c.case_id == case_id, additions.c.kind == kind)
    if since is not None:
        query = query.where(additions.c.received_at >= since)
    return int(await connection.scalar(query) or 0)


async def add(connection: AsyncConnection, row: dict[str, object]) -> None:
    await connection.execute(insert(additions).values(row))


async def supplements_of(connection: AsyncConnection, case_id: UUID) -> Sequence[Any]:
    query = select(additions).where(additions.c.case_id == case_id, additions.c.kind == "supplement")
    return (await connection.execute(query.order_by(additions.c.addition_id))).all()


async def loose_photos(connection: AsyncConnection, ids: Sequence[UUID], owner: str) -> dict[UUID, Any]:
    """Photos of this sender that no case has used, locked until the commit."""
    query = select(attachments).where(
        attachments.c.id.in_(ids), attachments.c.case_id.is_(None), attachments.c.owner == owner
    )
    rows = await connection.execute(query.order_by(attachments.c.id).with_for_update())
    return {UUID(int=row.id.int): row for row in rows}


async def use_photos(connection: AsyncConnection, ids: Sequence[UUID], case_id: UUID) -> None:
    await connection.execute(update(attachments).where(attachments.c.id.in_(ids)).values(case_id=case_id))


async def save_ends(connection: AsyncConnection, ends: Iterable[tuple[UUID, str, datetime]]) -> None:
    rows = [{"case_id": case_id, "outcome": outcome, "ended_at": at} for case_id, outcome, at in ends]
    if rows:
        await connection.execute(_SAVE_END, rows)


async def drop_ends(connection: AsyncConnection, case_ids: Iterable[UUID]) -> None:
    """The cases are being handled again."""
    ids = list(case_ids)
    if ids:
        await connection.execute(delete(case_ends).where(case_ends.c.case_id.in_(ids)))
