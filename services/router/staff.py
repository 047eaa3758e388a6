"""Accounts of staff: passwords kept by Argon2, and a lock after too many wrong ones."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from sqlalchemy import RowMapping, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.router.tables import accounts
from shared.errors import TooMany, Unauthenticated
from shared.ids import new_id
from shared.tokens import Actor

StaffRole = Literal["operator", "dispatcher", "unit_manager", "handler", "reviewer", "supervisor", "leader", "admin"]


class WrongLogin(Unauthenticated):
    """The login or the password is wrong."""

    zh = "账号或密码不正确"


class AccountLocked(TooMany):
    """Too many wrong passwords; the account is locked for a while."""

    zh = "密码多次输入错误，账号已临时锁定，请稍后再试"


class FirstAccount(BaseModel):
    """An account the operator of the system wants to exist from the start."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    login: str = Field(min_length=2, max_length=64)
    password: str = Field(min_length=10, max_length=200)
    name: str = Field(min_length=1, max_length=64)
    roles: tuple[StaffRole, ...] = ()
    units: tuple[str, ...] = ()


class FirstKey(BaseModel):
    """An API key made elsewhere that is to be accepted from the start."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str = Field(pattern=r"^hyk_[A-Za-z0-9_-]{32,}$")
    name: str = Field(min_length=1, max_length=64)
    roles: tuple[str, ...]
    units: tuple[str, ...] = ()


FIRST_ACCOUNTS = TypeAdapter(tuple[FirstAccount, ...])
FIRST_KEYS = TypeAdapter(tuple[FirstKey, ...])


@dataclass(frozen=True, slots=True)
class Lockout:
    """After `failures` wrong passwords in a row the account is locked for `time`."""

    failures: int
    time: timedelta


class Passwords:
    """Argon2id by RFC 9106's second choice; computed beside the event loop, which it would hold up for long."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._nobody = ""

    async def hash(self, password: str) -> str:
        return await asyncio.to_thread(self._hasher.hash, password)

    async def match(self, stored: str | None, given: str) -> bool:
        """An unknown login costs as much time as a known one, so that nobody learns which logins there are."""
        if not self._nobody:  # made at the first login, not at every start of every process
            self._nobody = await self.hash("nobody's password")
        try:
            await asyncio.to_thread(self._hasher.verify, stored or self._nobody, given)
        except VerificationError:
            return False
        return stored is not None


async def create(connection: AsyncConnection, account: FirstAccount, passwords: Passwords) -> bool:
    """Make the account unless its login is taken; an existing one keeps its password and roles."""
    if await connection.scalar(select(accounts.c.account_id).where(accounts.c.login == account.login)) is not None:
        return False
    values = {
        "account_id": new_id(),
        "login": account.login,
        "name": account.name,
        "password_hash": await passwords.hash(account.password),
        "roles": list(account.roles),
        "units": list(account.units),
    }
    done = await connection.execute(insert(accounts).values(values).on_conflict_do_nothing())
    return done.rowcount == 1


async def log_in(
    connection: AsyncConnection, login: str, password: str, *, passwords: Passwords, lockout: Lockout, now: datetime
) -> Actor | WrongLogin | AccountLocked:
    """The account's actor, or what is wrong; the caller commits first and raises then, so that failures count."""
    query = select(accounts).where(accounts.c.login == login).with_for_update()
    account: RowMapping | None = (await connection.execute(query)).mappings().one_or_none()
    if account is None:
        await passwords.match(None, password)
        return WrongLogin()
    locked = account["locked_until"]
    if locked is not None and locked > now:
        return AccountLocked(retry_after=max(1, int((locked - now).total_seconds())))
    if await passwords.match(account["password_hash"], password):
        if account["failures"]:
            await _remember(connection, account["account_id"], failures=0, locked_until=None)
        return Actor(
            id=str(account["account_id"]),
            kind="staff",
            roles=frozenset(account["roles"]),
            units=frozenset(account["units"]),
        )
    failures = account["failures"] + 1
    if failures < lockout.failures:
        await _remember(connection, account["account_id"], failures=failures, locked_until=None)
        return WrongLogin()
    await _remember(connection, account["account_id"], failures=0, locked_until=now + lockout.time)
    return AccountLocked(retry_after=int(lockout.time.total_seconds()))


async def _remember(
    connection: AsyncConnection, account_id: UUID, *, failures: int, locked_until: datetime | None
) -> None:
    change = update(accounts).where(accounts.c.account_id == account_id)
    await connection.execute(change.values(failures=failures, locked_until=locked_until))


async def name_of(connection: AsyncConnection, account_id: str) -> str:
    """The name on the account; empty for people of another login issuer."""
    try:
        number = UUID(account_id)
    except ValueError:
        return ""
    found = await connection.scalar(select(accounts.c.name).where(accounts.c.account_id == number))
    return found or ""
