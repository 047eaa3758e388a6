"""How much one address may send without a login, counted in the database, so that all processes count together."""

import hashlib
import hmac
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.additions.rules import GuessRule
from services.intake.tables import rate_windows
from shared.errors import TooMany

_insert = insert(rate_windows).values(bucket=bindparam("bucket"), started_at=bindparam("started_at"), count=1)
_COUNT = _insert.on_conflict_do_update(
    index_elements=["bucket", "started_at"], set_={"count": rate_windows.c.count + 1}
).returning(rate_windows.c.count)


_USED = select(rate_windows.c.count).where(
    rate_windows.c.bucket == bindparam("bucket"), rate_windows.c.started_at == bindparam("started_at")
)


class TooManyGuesses(TooMany):
    """Too many wrong codes; please wait before you try again."""

    zh = "查询码错误次数过多，请稍后再试"


class TooManyFromHere(TooMany):
    """Too much has been sent from this network address; please wait, or call 12345."""

    zh = "您所在网络提交过于频繁，请稍后再试，或拨打12345反映诉求"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `most` in each full `window`; the address is kept only as a keyed hash (it is personal data)."""

    name: str
    most: int
    key: bytes
    window: timedelta = timedelta(hours=1)

    async def count(self, connection: AsyncConnection, address: str, *, now: datetime) -> None:
        """Counts one more; raises `TooManyFromHere` past the limit."""
        place = self.place(address, now)
        if await connection.scalar(_COUNT, place) > self.most:
            raise TooManyFromHere(retry_after=self._left(place, now))

    async def peek(self, connection: AsyncConnection, address: str, *, now: datetime) -> None:
        """Counts nothing; raises `TooManyGuesses` once the limit is reached."""
        place = self.place(address, now)
        used = await connection.scalar(_USED, place)
        if used is not None and used >= self.most:
            raise TooManyGuesses(retry_after=self._left(place, now))

    def place(self, address: str, now: datetime) -> dict[str, Any]:
        seconds = int(self.window.total_seconds())
        started = datetime.fromtimestamp(now.timestamp() // seconds * seconds, now.tzinfo)
        bucket = hmac.digest(self.key, f"rate\0{self.name}\0{address}".encode(), hashlib.sha256)
        return {"bucket": bucket, "started_at": started}

    def _left(self, place: dict[str, Any], now: datetime) -> int:
        over: datetime = place["started_at"] + self.window
        return max(1, math.ceil((over - now).total_seconds()))


@dataclass(frozen=True, slots=True)
class Guesses:
    """Wrong look-up codes, counted for the number and for the address they came from."""

    numbers: RateLimit
    addresses: RateLimit

    @classmethod
    def of(cls, rule: GuessRule, key: bytes) -> Self:
        window = timedelta(minutes=rule.minutes)
        return cls(
            RateLimit("code of number", rule.per_number, key, window),
            RateLimit("code from address", rule.per_address, key, window),
        )

    async def check(self, connection: AsyncConnection, case_no: str, address: str, *, now: datetime) -> None:
        """Raises `TooManyGuesses` while either of them has to wait, whether the code is right or wrong."""
        await self.numbers.peek(connection, case_no, now=now)
        await self.addresses.peek(connection, address, now=now)

    async def failed(self, connection: AsyncConnection, case_no: str, address: str, *, now: datetime) -> None:
        for limit, who in ((self.numbers, case_no), (self.addresses, address)):
            await connection.execute(_COUNT, limit.place(who, now))
