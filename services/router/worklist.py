"""The work list: orders of units, or of all, that are to be worked on, soonest due first, in cursor pages."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    RowMapping,
    Select,
    Text,
    bindparam,
    column,
    func,
    literal_column,
    not_,
    select,
    true,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.router.lists import not_recused
from services.router.tables import cases, orders
from services.router.tagged import with_tags
from shared.errors import FieldError, InvalidInput

type Lateness = Literal["overdue", "soon", "paused"]

CATEGORY_DIGITS, AREA_DIGITS = 7, 12
"""Of a whole code; fewer name a class, or a subdistrict."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR = re.compile(r"([0-9]{1,18})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_FOUND = (
    orders.c.order_id,
    orders.c.case_id,
    orders.c.role,
    orders.c.unit_code,
    orders.c.state,
    orders.c.round,
    orders.c.dispatched_at,
    orders.c.due_at,
    orders.c.paused_until,
    orders.c.category_code,
    orders.c.area_code,
    orders.c.grade,
)


@dataclass(frozen=True, slots=True)
class Place:
    """After which line a page begins."""

    due_at: datetime
    order_id: UUID

    def __str__(self) -> str:
        return f"{(self.due_at - _EPOCH) // timedelta(microseconds=1)}.{self.order_id}"

    @classmethod
    def of(cls, cursor: str) -> "Place":
        """Raises `InvalidInput`."""
        match = _CURSOR.fullmatch(cursor)
        try:
            if match is not None:
                return cls(_EPOCH + timedelta(microseconds=int(match[1])), UUID(match[2]))
        except OverflowError:
            pass
        raise InvalidInput(fields=(FieldError("query/after", "is not a cursor of ours", "游标格式不正确"),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Whose orders, and which of them; what is empty or None does not restrict."""

    units: Sequence[str] | None
    """None: of all units, which only the desk may ask."""
    states: Collection[str] = ()
    """Those somebody still has to act on when empty."""
    over: Collection[str] = ()
    """States in which nobody has to act any more."""
    left: Collection[str] = ()
    """States in which an order is no longer its unit's."""
    answered: Collection[str] = ()
    """States in which nothing is late any more."""
    category: str = ""
    """A category, or the first digits of several."""
    area: str = ""
    """Likewise."""
    tags: Collection[str] = ()
    grade: str | None = None
    round: int | None = None
    lateness: Lateness | None = None
    now: datetime
    soon: timedelta
    """How long before it is due an order is due soon."""
    recused: Collection[str] = ()
    confidential_too: bool = True


async def page(connection: AsyncConnection, wanted: Wanted, *, after: Place | None, limit: int) -> list[RowMapping]:
    """The next lines. Of every unit so many are looked at as one page holds, however many it has.

    `due_at` is `rows.NEVER` where no clock runs.
    """
    some = _lanes(wanted, after, limit)
    query = (
        select(*some.c, cases.c.case_no, cases.c.title, cases.c.confidential, cases.c.edition, cases.c.type_code)
        .join(cases, cases.c.case_id == some.c.case_id)
        .order_by(some.c.due_at, some.c.order_id)
        .limit(_number(limit))
    )
    return list((await connection.execute(query)).mappings())


def next_place(found: Sequence[RowMapping], limit: int) -> str | None:
    return str(Place(found[-1]["due_at"], found[-1]["order_id"])) if len(found) == limit else None


def _number(limit: int) -> Any:
    """Written out: a plan made for any number would look at all orders."""
    return literal_column(str(int(limit)))


def _lanes(wanted: Wanted, after: Place | None, limit: int) -> Any:
    """A first page of each unit, or of each state where the desk asks for states: each is read off one index."""
    query = _restricted(select(*_FOUND), wanted, after).order_by(orders.c.due_at, orders.c.order_id)
    query = query.limit(_number(limit))
    if wanted.units is not None:
        asked = [(unit, is_open) for unit in sorted(set(wanted.units)) for is_open in _openness(wanted)]
        units = bindparam("units", [unit for unit, _ in asked], ARRAY(Text))
        opens = bindparam("opens", [is_open for _, is_open in asked], ARRAY(Boolean))
        lanes: Any = func.unnest(units, opens).table_valued(column("unit_code", Text), column("open", Boolean))
        lanes = lanes.render_derived(name="lanes")
        some = query.where(orders.c.unit_code == lanes.c.unit_code, orders.c.open == lanes.c.open)
    elif wanted.states:
        states = bindparam("states", sorted(set(wanted.states)), ARRAY(Text))
        lanes = func.unnest(states).table_valued(column("state", Text)).render_derived(name="lanes")
        some = query.where(orders.c.state == lanes.c.state)
    else:
        return query.where(orders.c.open).subquery("o")
    of_lane = some.correlate(lanes).lateral("o")
    return select(*of_lane.c).select_from(lanes.join(of_lane, true())).subquery("found")


def _openness(wanted: Wanted) -> list[bool]:
    """Whether orders that are still open are asked for, those that are not, or both."""
    if not wanted.states:
        return [True]
    return sorted({state not in wanted.over for state in wanted.states})


def _restricted(query: Select[Any], wanted: Wanted, after: Place | None) -> Select[Any]:
    if wanted.recused or wanted.tags or not wanted.confidential_too:
        query = with_tags(query.join(cases, cases.c.case_id == orders.c.case_id), wanted.tags)
        query = not_recused(query, wanted.recused)
    if not wanted.confidential_too:
        query = query.where(not_(cases.c.confidential))
    if wanted.states:
        query = query.where(orders.c.state.in_(sorted(wanted.states)))
    if wanted.left:
        query = query.where(orders.c.state.not_in(sorted(wanted.left)))
    if wanted.category:
        query = query.where(_begins(orders.c.category_code, wanted.category, CATEGORY_DIGITS))
    if wanted.area:
        query = query.where(_begins(orders.c.area_code, wanted.area, AREA_DIGITS))
    if wanted.grade is not None:
        query = query.where(orders.c.grade == wanted.grade)
    if wanted.round is not None:
        query = query.where(orders.c.round == wanted.round)
    query = _as_late(query, wanted)
    if after is not None:
        query = query.where(tuple_(orders.c.due_at, orders.c.order_id) > tuple_(after.due_at, after.order_id))
    return query


def _begins(code: Any, digits: str, whole: int) -> Any:
    return code == digits if len(digits) == whole else code.startswith(digits)


def _as_late(query: Select[Any], wanted: Wanted) -> Select[Any]:
    if wanted.lateness is None:
        return query
    if wanted.lateness == "paused":
        return query.where(orders.c.paused_until.is_not(None))
    query = query.where(orders.c.paused_until.is_(None), orders.c.state.not_in(sorted(wanted.answered)))
    if wanted.lateness == "overdue":
        return query.where(orders.c.due_at < wanted.now)
    return query.where(orders.c.due_at >= wanted.now, orders.c.due_at < wanted.now + wanted.soon)
