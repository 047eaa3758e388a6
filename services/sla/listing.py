"""Lists of running clocks, read page by page along an index."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import and_, not_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from services.sla.stopwatch import Clock, pauses_of
from services.sla.tables import cases, clocks
from services.sla.workdays import epoch

CURSOR = r"^[0-9]{1,11}\.[0-9a-f]{32}$"


class Cursor(NamedTuple):
    """Where a page ended; travels as `<due, epoch seconds>.<clock id, hex>`."""

    due_at: datetime
    clock_id: UUID

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        seconds, _, clock_id = text.partition(".")
        return cls(datetime.fromtimestamp(int(seconds), UTC), UUID(hex=clock_id))

    def __str__(self) -> str:
        return f"{epoch(self.due_at)}.{self.clock_id.hex}"


@dataclass(frozen=True, slots=True)
class Wanted:
    state: Literal["normal", "warned", "breached", "paused"]
    unit_code: str | None
    after: Cursor | None
    limit: int


@dataclass(frozen=True, slots=True)
class Listed:
    case_id: UUID
    case_no: str | None
    clock: Clock


_FIELDS = [
    clocks.c[name] for name in Clock.__dataclass_fields__ if name != "timers"
]  # the table's columns are named as the clock's fields are


# A breach said before an extension was granted stays a fact, and says nothing of the new due time.
_LATE = and_(clocks.c.breached_at.is_not(None), clocks.c.breached_at > clocks.c.due_at)
_STILL = and_(clocks.c.pauses.is_not(None), clocks.c.pauses[-1][1].as_string().is_(None))
_IN_STATE = {
    "normal": (clocks.c.warned_at.is_(None), not_(_LATE), not_(_STILL)),
    "warned": (clocks.c.warned_at.is_not(None), not_(_LATE), not_(_STILL)),
    "breached": (_LATE, not_(_STILL)),
    "paused": (_STILL,),
}


async def case_id_of(connection: AsyncConnection, case_no: str) -> UUID | None:
    return await connection.scalar(select(cases.c.case_id).where(cases.c.case_no == case_no))


async def page(connection: AsyncConnection, wanted: Wanted, units: Sequence[str] | None) -> Sequence[Listed]:
    """Running clocks in that state, earliest due first, of these units (None is all, and the clocks of no unit)."""
    query = (
        select(clocks.c.case_id, cases.c.case_no, *_FIELDS)
        .join(cases, cases.c.case_id == clocks.c.case_id)
        .where(clocks.c.stopped_at.is_(None), *_IN_STATE[wanted.state])
        .order_by(clocks.c.due_at, clocks.c.clock_id)
        .limit(wanted.limit)
    )
    if units is not None:
        query = query.where(clocks.c.unit_code.in_(units))
    if wanted.after is not None:
        query = query.where(tuple_(clocks.c.due_at, clocks.c.clock_id) > tuple_(*wanted.after))
    names = [column.name for column in _FIELDS]
    return [
        Listed(row[0], row[1], _clock(dict(zip(names, row[2:], strict=True))))
        for row in await connection.execute(query)
    ]


def _clock(given: dict[str, Any]) -> Clock:
    return Clock(**given | {"pauses": pauses_of(given["pauses"])})
