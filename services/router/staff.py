"""Accounts of staff: passwords kept by Argon2, and a lock after too many wrong ones."""

import asyncio
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from sqlalchemy import RowMapping, case, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.router.tables import accounts, login_failures
from shared.errors import TooMany, Unauthenticated
from shared.ids import new_id
from shared.tokens import Actor

StaffRole = Literal[
    "operator",
    "dispatcher",
    "unit_manager",
    "handler",
    "reviewer",
    "ruling_panel",
    "grid_officer",
    "supervisor",
    "leader",
    "admin",
]


class WrongLogin(Unauthenticated):
    """The login or the password is wrong, or there were too many wrong ones of late and the login is locked for a while.

    One answer for all three: what differed would tell which logins there are.
    """

    zh = "账号或密码不正确；连续多次输错的账号会暂时锁定，请稍后再试"


class TooManyLogins(TooMany):
    """Too many logins from this network address have failed; please wait before you try again."""

    zh = "您所在网络登录失败次数过多，请稍后再试"


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
    """After `failures` wrong passwords in a row the account is locked for `time`; an address after `per_address`."""

    failures: int
    time: timedelta
    per_address: int
    key: bytes
    """Hashes addresses, which are personal data."""

    def hashed(self, address: str) -> bytes:
        return hmac.digest(self.key, f"login\0address\0{address}".encode(), hashlib.sha256)


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
    connection: AsyncConnection,
    login: str,
    password: str,
    *,
    address: str,
    passwords: Passwords,
    lockout: Lockout,
    now: datetime,
) -> Actor | WrongLogin | TooManyLogins:
    """The account's actor, or what is wrong; the caller commits first and raises then, so that failures count."""
    wait = await _closed_until(connection, address, lockout, now=now)
    if wait is not None:
        return TooManyLogins(retry_after=max(1, int((wait - now).total_seconds())))
    query = select(accounts).where(accounts.c.login == login).with_for_update()
    account: RowMapping | None = (await connection.execute(query)).mappings().one_or_none()
    # A locked account is verified all the same: the time taken tells as much as the words.
    good = await passwords.match(account["password_hash"] if account else None, password)
    locked = account is not None and account["locked_until"] is not None and account["locked_until"] > now
    if account is None or locked or not good:
        await count_failure(connection, address, lockout, now=now)
        if account is not None and not locked:
            await _count_wrong(connection, account, lockout, now=now)
        return WrongLogin()
    if account["failures"]:
        await _remember(connection, account["account_id"], failures=0, locked_until=None)
    return Actor(
        id=str(account["account_id"]),
        kind="staff",
        roles=frozenset(account["roles"]),
        units=frozenset(account["units"]),
    )


async def _count_wrong(connection: AsyncConnection, account: RowMapping, lockout: Lockout, *, now: datetime) -> None:
    failures = account["failures"] + 1
    if failures < lockout.failures:
        await _remember(connection, account["account_id"], failures=failures, locked_until=None)
    else:
        await _remember(connection, account["account_id"], failures=0, locked_until=now + lockout.time)


async def _closed_until(
    connection: AsyncConnection, address: str, lockout: Lockout, *, now: datetime
) -> datetime | None:
    """Until when the door is closed to this address; None when it is open."""
    query = select(login_failures).where(login_failures.c.address == lockout.hashed(address))
    row = (await connection.execute(query)).one_or_none()
    if row is None or row.failures < lockout.per_address or row.since + lockout.time <= now:
        return None
    until: datetime = row.since + lockout.time
    return until


async def count_failure(connection: AsyncConnection, address: str, lockout: Lockout, *, now: datetime) -> None:
    """One more failure from here; the count begins anew when the time of the first one is over."""
    over = login_failures.c.since <= now - lockout.time
    first = insert(login_failures).values(address=lockout.hashed(address), failures=1, since=now)
    change = {
        "failures": case((over, 1), else_=login_failures.c.failures + 1),
        "since": case((over, now), else_=login_failures.c.since),
    }
    await connection.execute(first.on_conflict_do_update(index_elements=["address"], set_=change))


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
