"""The lists of what stands beside the orders, and how often the desk chose rightly, in cursor pages."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, Select, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.router.tables import cases, rulings, tasks

# Of the leads first given in the period: how many stayed where they were, and why the others did not.
_ACCURACY = text("""
SELECT count(*) AS dispatched,
  count(*) FILTER (WHERE moved.moved_because = 'own_error') AS own_error,
  count(*) FILTER (WHERE moved.moved_because = 'return') AS returned,
  count(*) FILTER (WHERE moved.moved_because = 'ruling') AS ruled,
  count(*) FILTER (WHERE moved.order_id IS NOT NULL
    AND moved.moved_because IS DISTINCT FROM 'own_error' AND moved.moved_because IS DISTINCT FROM 'return'
    AND moved.moved_because IS DISTINCT FROM 'ruling') AS otherwise
FROM orders first
LEFT JOIN orders moved ON moved.case_id = first.case_id AND moved.replaces = first.order_id AND moved.round = 1
WHERE first.dispatched_at >= :since AND first.dispatched_at < :until
  AND first.role = 'lead' AND first.round = 1 AND first.replaces IS NULL
""")


async def accuracy(connection: AsyncConnection, *, since: datetime, until: datetime) -> RowMapping:
    return (await connection.execute(_ACCURACY, {"since": since, "until": until})).mappings().one()


def _visible[S: Select[Any]](query: S, recused: Collection[str]) -> S:
    if not recused:
        return query
    return query.where(cases.c.accused_unit_code.is_(None) | cases.c.accused_unit_code.not_in(recused))


async def rulings_by_state(
    connection: AsyncConnection,
    *,
    state: str | None,
    category_code: str | None = None,
    precedents_only: bool = False,
    recused: Collection[str],
    after: UUID | None,
    limit: int,
) -> list[RowMapping]:
    """Oldest first."""
    query = select(rulings, cases.c.case_no, cases.c.title, cases.c.edition)
    query = query.join(cases, cases.c.case_id == rulings.c.case_id).order_by(rulings.c.ruling_id).limit(limit)
    if state is not None:
        query = query.where(rulings.c.state == state)
    if category_code is not None:
        query = query.where(rulings.c.category_code == category_code)
    if precedents_only:
        query = query.where(rulings.c.precedent)
    if after is not None:
        query = query.where(rulings.c.ruling_id > after)
    return list((await connection.execute(_visible(query, recused))).mappings())


async def proposed_rows(connection: AsyncConnection) -> list[dict[str, Any]]:
    """Rows the panel would have in the dispatch table, the latest of each kind and area."""
    query = select(rulings.c.proposed).where(rulings.c.proposed.is_not(None), rulings.c.state == "made")
    found = (await connection.execute(query.order_by(rulings.c.made_at))).scalars()
    return list({(row["unit_kind"], row["area"]): row for row in found}.values())


async def tasks_of(
    connection: AsyncConnection,
    *,
    units: Collection[str] | None,
    states: Collection[str],
    recused: Collection[str],
    after: UUID | None,
    limit: int,
) -> list[RowMapping]:
    """Oldest first; of these units, or of all (None)."""
    columns = (cases.c.case_no, cases.c.title, cases.c.text, cases.c.place, cases.c.edition, cases.c.category_code)
    query = select(tasks, *columns).join(cases, cases.c.case_id == tasks.c.case_id)
    query = query.order_by(tasks.c.task_id).limit(limit)
    if units is not None:
        query = query.where(tasks.c.unit_code.in_(units))
    if states:
        query = query.where(tasks.c.state.in_(states))
    if after is not None:
        query = query.where(tasks.c.task_id > after)
    return list((await connection.execute(_visible(query, recused))).mappings())
