"""The desk's lists: cases, orders and returns by state and unit, in cursor pages."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, Select, and_, exists, func, literal, literal_column, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.router.domain.rules import Rules
from services.router.tables import case_tags, cases, orders
from services.router.tagged import with_tags
from shared.tokens import Actor

_CASE_COLUMNS = (
    cases.c.case_id,
    cases.c.case_no,
    cases.c.state,
    cases.c.edition,
    cases.c.type_code,
    cases.c.category_code,
    cases.c.area_code,
    cases.c.grade,
    cases.c.title,
    cases.c.round,
    cases.c.confidential,
    cases.c.received_at,
    cases.c.closed_at,
    cases.c.outcome,
    cases.c.master_id,
    cases.c.supplements,
    cases.c.urges,
    cases.c.withdrawal_asked_at,
)
_MARKED = {
    "supplemented": cases.c.supplements > 0,
    "urged": and_(cases.c.urges > 0, cases.c.state != "replied"),
    "withdrawal_asked": cases.c.withdrawal_asked_at.is_not(None),
}
_ORDER_COLUMNS = (
    orders.c.order_id,
    orders.c.case_id,
    orders.c.role,
    orders.c.unit_code,
    orders.c.state,
    orders.c.round,
    orders.c.dispatched_at,
    cases.c.case_no,
    cases.c.title,
    cases.c.confidential,
    cases.c.edition,
    cases.c.type_code,
    cases.c.category_code,
    cases.c.grade,
)


def recused_codes(actor: Actor, rules: Rules) -> list[str]:
    """Accused units whose cases the actor must not see: their own and those above."""
    units = rules.catalogue.units
    accused = {code for own in actor.units for code in (own, *units.ancestors(own))}
    return [code for code in accused if any(units.is_party(own, code) for own in actor.units)]


def not_recused[S: Select[Any]](query: S, recused: Collection[str]) -> S:
    if not recused:
        return query
    return query.where(cases.c.accused_unit_code.is_(None) | cases.c.accused_unit_code.not_in(recused))


def _held_by[S: Select[Any]](query: S, units: Collection[str], left: Collection[str]) -> S:
    """Only cases these units hold an order of, other than in a state `left`."""
    theirs = and_(orders.c.case_id == cases.c.case_id, orders.c.unit_code.in_(units), orders.c.state.not_in(left))
    return query.where(exists().where(theirs))


async def cases_by_state(
    connection: AsyncConnection,
    *,
    states: Collection[str],
    units: Collection[str] | None,
    left: Collection[str] = (),
    recused: Collection[str],
    tags: Collection[str] = (),
    confidential_too: bool = True,
    marks: Collection[str] = (),
    after: UUID | None,
    limit: int,
) -> list[RowMapping]:
    """Newest first; `units` restricts to cases these units hold an order of (None: all), other than in a state `left`."""
    query = with_tags(select(*_CASE_COLUMNS), tags).order_by(cases.c.case_id.desc()).limit(limit)
    if not confidential_too:
        query = query.where(not_(cases.c.confidential))
    if marks:
        query = query.where(cases.c.state != "closed", *(_MARKED[one] for one in marks))
    if states:
        query = query.where(cases.c.state.in_(states))
    if after is not None:
        query = query.where(cases.c.case_id < after)
    if units is not None:
        query = _held_by(query, units, left)
    return list((await connection.execute(not_recused(query, recused))).mappings())


async def count_by_tag(
    connection: AsyncConnection,
    *,
    states: Collection[str],
    units: Collection[str] | None,
    personal: Collection[str],
    left: Collection[str],
    recused: Collection[str],
) -> Mapping[str, int]:
    """How many cases in these states have each tag; tags in `personal` count only where the case is not confidential."""
    query = select(case_tags.c.tag, func.count().label("cases"))
    query = query.join(cases, and_(cases.c.case_id == case_tags.c.case_id, ~case_tags.c.removed))
    query = query.where(cases.c.state.in_(states)).group_by(case_tags.c.tag)
    if personal:
        query = query.where(not_(and_(cases.c.confidential, case_tags.c.tag.in_(personal))))
    if units is not None:
        query = _held_by(query, units, left)
    return {row.tag: row.cases for row in (await connection.execute(not_recused(query, recused))).all()}


async def queue(
    connection: AsyncConnection,
    *,
    recused: Collection[str],
    tags: Collection[str] = (),
    first: ColumnElement[bool] | None = None,
    after: UUID | None,
    limit: int,
) -> list[RowMapping]:
    """Cases that wait for a dispatcher, oldest first, with what the classifier thought; in an emergency those it is
    about (`first`) before the others.
    """
    columns = (*_CASE_COLUMNS, cases.c.text, cases.c.place, cases.c.confidence, cases.c.candidates, cases.c.reasons)
    pressing = literal(False) if first is None else func.coalesce(first, False)
    query = with_tags(select(*columns, pressing.label("emergency")), tags).where(cases.c.state == "queued")
    query = query.order_by(*([] if first is None else [pressing.desc()]), cases.c.case_id).limit(limit)
    if after is not None:
        later = cases.c.case_id > after
        if first is not None:
            was = await connection.scalar(select(pressing).where(cases.c.case_id == after))
            later = or_(and_(pressing, later), not_(pressing)) if was else and_(not_(pressing), later)
        query = query.where(later)
    return list((await connection.execute(not_recused(query, recused))).mappings())


async def returned(
    connection: AsyncConnection, *, recused: Collection[str], after: UUID | None, limit: int
) -> list[RowMapping]:
    """Orders that units have given back and no dispatcher has looked at, oldest first."""
    query = select(*_ORDER_COLUMNS, orders.c.returned).join(cases, cases.c.case_id == orders.c.case_id)
    # Written out, so that ix_orders_returned is known to hold them whatever a statement is planned for.
    query = query.where(orders.c.state == literal_column("'returned'")).order_by(orders.c.order_id).limit(limit)
    if after is not None:
        query = query.where(orders.c.order_id > after)
    return list((await connection.execute(not_recused(query, recused))).mappings())
