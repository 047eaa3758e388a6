"""Owns accounts and their grants in the database: who somebody is, and what they hold for which unit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.router.tables import accounts, grants
from shared.errors import NotFound
from shared.ids import new_id
from shared.tokens import Actor

DISTRICT = ""
"""The unit of a grant that is held for the whole district."""


class AccountUnknown(NotFound):
    """There is no such account."""

    zh = "没有这个账号"


@dataclass(frozen=True, slots=True)
class Grant:
    """授权: a role, for one unit or for the district."""

    grant_id: UUID
    role: str
    unit_code: str
    granted_by: str
    granted_at: datetime

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        return cls(row["grant_id"], row["role"], row["unit_code"], row["granted_by"], row["granted_at"])


def actor_of(account_id: UUID, held: Sequence[Grant], session: str) -> Actor:
    """Who acts under these grants; they travel one by one only where not every role is held for every unit."""
    roles = frozenset(grant.role for grant in held)
    units = frozenset(grant.unit_code for grant in held) - {DISTRICT}
    pairs = frozenset((grant.role, grant.unit_code) for grant in held if grant.unit_code != DISTRICT)
    every = frozenset((role, unit) for role in roles for unit in units)
    return Actor(
        id=str(account_id),
        kind="staff",
        roles=roles,
        units=units,
        grants=frozenset() if pairs == every else pairs,
        session=session,
    )


async def load(connection: AsyncConnection, account_id: UUID, *, lock: bool = False) -> RowMapping:
    """Raises `AccountUnknown`."""
    query = select(accounts).where(accounts.c.account_id == account_id)
    found = (await connection.execute(query.with_for_update() if lock else query)).mappings().one_or_none()
    if found is None:
        raise AccountUnknown
    return found


async def change(connection: AsyncConnection, account_id: UUID, **values: Any) -> None:
    await connection.execute(update(accounts).where(accounts.c.account_id == account_id).values(**values))


async def held(connection: AsyncConnection, account_id: UUID) -> list[Grant]:
    """What was granted and not taken back."""
    query = select(grants).where(grants.c.account_id == account_id, grants.c.revoked_at.is_(None))
    rows = (await connection.execute(query.order_by(grants.c.granted_at, grants.c.grant_id))).mappings()
    return [Grant.of(row) for row in rows]


async def held_by_all(connection: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, list[Grant]]:
    query = select(grants).where(grants.c.account_id.in_(ids), grants.c.revoked_at.is_(None))
    found: dict[UUID, list[Grant]] = {}
    for row in (await connection.execute(query.order_by(grants.c.granted_at, grants.c.grant_id))).mappings():
        found.setdefault(row["account_id"], []).append(Grant.of(row))
    return found


async def give(
    connection: AsyncConnection, account_id: UUID, pairs: Sequence[tuple[str, str]], *, by: str, now: datetime
) -> list[UUID]:
    rows: list[dict[str, Any]] = [
        {
            "grant_id": new_id(),
            "account_id": account_id,
            "role": role,
            "unit_code": unit,
            "granted_by": by,
            "granted_at": now,
        }
        for role, unit in pairs
    ]
    if rows:
        await connection.execute(insert(grants), rows)
    await _add_up(connection, account_id)
    return [row["grant_id"] for row in rows]


async def take(connection: AsyncConnection, grant: Grant, account_id: UUID, *, by: str, now: datetime) -> None:
    here = grants.c.grant_id == grant.grant_id
    await connection.execute(update(grants).where(here).values(revoked_by=by, revoked_at=now))
    await _add_up(connection, account_id)


async def _add_up(connection: AsyncConnection, account_id: UUID) -> None:
    """What the account row says is what the held grants add up to."""
    mine = await held(connection, account_id)
    roles = sorted({grant.role for grant in mine})
    units = sorted({grant.unit_code for grant in mine} - {DISTRICT})
    await change(connection, account_id, roles=roles, units=units)


async def listed(
    connection: AsyncConnection, *, login: str | None, after: str | None, limit: int
) -> Sequence[RowMapping]:
    """By login."""
    query = select(accounts).order_by(accounts.c.login).limit(limit)
    if login is not None:
        query = query.where(accounts.c.login == login)
    if after is not None:
        query = query.where(accounts.c.login > after)
    return (await connection.execute(query)).mappings().all()


async def of_units(connection: AsyncConnection, units: Sequence[str], roles: Sequence[str]) -> Sequence[RowMapping]:
    """Who holds one of these roles for one of these units, in accounts that are in use."""
    query = select(grants.c.unit_code, grants.c.role, accounts.c.account_id, accounts.c.name)
    query = query.join(accounts, accounts.c.account_id == grants.c.account_id)
    query = query.where(grants.c.unit_code.in_(units), grants.c.role.in_(roles), grants.c.revoked_at.is_(None))
    query = query.where(accounts.c.disabled_at.is_(None)).order_by(grants.c.unit_code, accounts.c.name)
    return (await connection.execute(query)).mappings().all()
