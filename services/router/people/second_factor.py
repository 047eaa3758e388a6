"""Owns the second factor of an account: its secret, encrypted and bound to its row, and what a given code is worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.router.people import totp
from services.router.signing import Keyring
from services.router.tables import accounts
from shared.errors import Conflict, InvalidInput, Unauthenticated
from shared.vault import Cell

TABLE, COLUMN = "accounts", "totp_secret"


class SecondFactorNeeded(Unauthenticated):
    """Please give the code your authenticator shows, or a recovery code, too."""

    zh = "请同时输入动态口令或备用码"


class WrongCode(InvalidInput):
    """The code is wrong or was used already; look at the clock of your telephone."""

    zh = "动态口令不正确或已使用过，请核对手机时间后重试"


class NotBegun(Conflict):
    """Ask for a secret first."""

    zh = "请先获取动态口令密钥"


class EnrolledAlready(Conflict):
    """This account has a second factor; the security administrator can reset it."""

    zh = "该账号已绑定动态口令，如需更换请联系安全管理员重置"


@dataclass(frozen=True, slots=True)
class Passed:
    """What the account row is to remember of a code that was right."""

    values: dict[str, Any]
    recovery: bool = False


def seal(keyring: Keyring, account_id: UUID, secret: str) -> bytes:
    return keyring.vault.encrypt(secret, Cell(TABLE, COLUMN, account_id))


def open_secret(keyring: Keyring, account: RowMapping) -> str:
    return keyring.vault.decrypt(bytes(account[COLUMN]), Cell(TABLE, COLUMN, account["account_id"]))


def enrolled(account: RowMapping) -> bool:
    return account["totp_confirmed_at"] is not None


def tried(keyring: Keyring, account: RowMapping, code: str, *, now: datetime) -> Passed | None:
    """None when the code is wrong; each step and each recovery code is good once."""
    if len(code) == totp.DIGITS and code.isascii() and code.isdigit():
        secret = open_secret(keyring, account)
        step = totp.matching_step(secret, code, now=now, used=account["totp_used_step"])
        return None if step is None else Passed({"totp_used_step": step})
    hashed, left = totp.recovery_hash(code), list(account["recovery_codes"])
    if hashed not in left:
        return None
    left.remove(hashed)
    return Passed({"recovery_codes": left}, recovery=True)


def forgotten() -> dict[str, Any]:
    """The values of an account without a second factor."""
    return {"totp_secret": None, "totp_confirmed_at": None, "totp_used_step": None, "recovery_codes": []}


async def renew(connection: AsyncConnection, keyring: Keyring) -> int:
    """Bring every secret under the current key; answers how many rows changed."""
    changed = 0
    for row in await _with_secret(connection):
        cell = Cell(TABLE, COLUMN, row["account_id"])
        fresh = keyring.vault.rotate(bytes(row[COLUMN]), cell)
        if fresh != bytes(row[COLUMN]):
            here = accounts.c.account_id == row["account_id"]
            await connection.execute(update(accounts).where(here).values(totp_secret=fresh))
            changed += 1
    return changed


async def _with_secret(connection: AsyncConnection) -> Sequence[RowMapping]:
    query = select(accounts).where(accounts.c.totp_secret.is_not(None)).with_for_update()
    return (await connection.execute(query)).mappings().all()
