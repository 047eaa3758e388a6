"""The desk's lists: cases, orders and returns by state and unit, in cursor pages."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, Select, and_, exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.router.domain.rules import Rules
from services.router.tables import cases, orders
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
)
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


def _not_recused[S: Select[Any]](query: S, recused: Collection[str]) -> S:
    if not recused:
        return query
    return query.where(cases.c.accused_unit_code.is_(None) | cases.c.accused_unit_code.not_in(recused))


async def cases_by_state(
    connection: AsyncConnection,
    *,
    states: Collection[str],
    units: Collection[str] | None,
    left: Collection[str] = (),
    recused: Collection[str],
    after: UUID | None,
    limit: int,
) -> list[RowMapping]:
    """Newest first; `units` restricts to cases these units hold an order of (None: all), other than in a state `left`."""
    query = select(*_CASE_COLUMNS).order_by(cases.c.case_id.desc()).limit(limit)
    if states:
        query = query.where(cases.c.state.in_(states))
    if after is not None:
        query = query.where(cases.c.case_id < after)
    if units is not None:
        theirs = and_(orders.c.case_id == cases.c.case_id, orders.c.unit_code.in_(units), orders.c.state.not_in(left))
        query = query.where(exists().where(theirs))
    return list((await connection.execute(_not_recused(query, recused))).mappings())


async def queue(
    connection: AsyncConnection, *, recused: Collection[str], after: UUID | None, limit: int
) -> list[RowMapping]:
    """Cases that wait for a dispatcher, oldest first, with what the classifier thought."""
    columns = (*_CASE_COLUMNS, cases.c.text, cases.c.place, cases.c.confidence, cases.c.candidates, cases.c.reasons)
    query = select(*columns).where(cases.c.state == "queued").order_by(cases.c.case_id).limit(limit)
    if after is not None:
        query = query.where(cases.c.case_id > after)
    return list((await connection.execute(_not_recused(query, recused))).mappings())


async def worklist(
    connection: AsyncConnection,
    *,
    units: Collection[str] | None,
    states: Collection[str],
    left: Collection[str] = (),
    recused: Collection[str],
    after: UUID | None,
    limit: int,
) -> list[RowMapping]:
    """Orders of these units (None: of all), oldest first; those in a state `left` are no longer theirs."""
    query = select(*_ORDER_COLUMNS, orders.c.returned).join(cases, cases.c.case_id == orders.c.case_id)
    query = query.order_by(orders.c.order_id).limit(limit)
    if units is not None:
        query = query.where(orders.c.unit_code.in_(units), orders.c.state.not_in(left))
    if states:
        query = query.where(orders.c.state.in_(states))
    if after is not None:
        query = query.where(orders.c.order_id > after)
    return list((await connection.execute(_not_recused(query, recused))).mappings())
