"""Lists of requests and orders, read page by page along an index, with the cases they are about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from services.sla import tables
from services.sla.oversight.records import Record, made, table_of
from services.sla.oversight.supervisions import Supervision
from services.sla.oversight.views import ListedMatter

CURSOR = r"^[0-9]{1,17}\.[0-9a-f]{32}$"
_ORDER = {
    "extensions": "asked_at",
    "suspensions": "promised_at",
    "supervisions": "reply_due_at",
    "appeals": "asked_at",
}
_LISTED_MOST = 200


@dataclass(frozen=True, slots=True)
class Asked:
    states: Sequence[str]
    unit_codes: Sequence[str] | None
    """None is all."""
    case_id: UUID | None
    after: str | None
    limit: int


async def page[R: Record](connection: AsyncConnection, kind: type[R], asked: Asked) -> tuple[list[R], str | None]:
    """The earliest first; the second is `after` of the next page."""
    table = table_of(kind)
    [key] = table.primary_key.columns
    instant = table.c[_ORDER[table.name]]
    query = select(table).where(table.c.state.in_(asked.states)).order_by(instant, key).limit(asked.limit + 1)
    if asked.unit_codes is not None:
        query = query.where(table.c.unit_code.in_(asked.unit_codes))
    if asked.case_id is not None:
        query = query.where(table.c.case_id == asked.case_id)
    if asked.after is not None:
        micros, _, last = asked.after.partition(".")
        query = query.where(tuple_(instant, key) > tuple_(_from_micros(int(micros)), UUID(hex=last)))
    rows = list((await connection.execute(query)).all())
    found = [made(kind, row) for row in rows[: asked.limit]]
    if len(rows) <= asked.limit:
        return found, None
    last_row = rows[asked.limit - 1]
    return found, f"{_micros(getattr(last_row, instant.name))}.{getattr(last_row, key.name).hex}"


def _micros(at: datetime) -> int:
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _from_micros(micros: int) -> datetime:
    seconds, rest = divmod(micros, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


async def listed(connection: AsyncConnection) -> list[ListedMatter]:
    """The public list: the newest first."""
    table = tables.supervisions
    rows = await connection.execute(
        select(table).where(table.c.listed_at.is_not(None)).order_by(table.c.listed_at.desc()).limit(_LISTED_MOST)
    )
    return [
        ListedMatter(
            public_title=matter.public_title or "",
            unit_code=matter.unit_code,
            listed_at=matter.listed_at or matter.ordered_at,
            reply_due_at=matter.reply_due_at,
            state=matter.state,
        )
        for matter in (made(Supervision, row) for row in rows)
    ]
