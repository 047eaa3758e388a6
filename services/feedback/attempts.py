"""Failed look-ups, counted in the database so that all processes count together; addresses only as keyed hashes."""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any

from sqlalchemy import text

from services.feedback.store import Tx
from shared.context import Context
from shared.errors import TooMany

FAIL = """
INSERT INTO attempts AS a (key, failures, since, blocked_until)
SELECT key, 1, $3::timestamptz, CASE WHEN most <= 1 THEN $3::timestamptz + $4::interval END
FROM unnest($1::bytea[], $2::int[]) AS given(key, most) ORDER BY key
ON CONFLICT (key) DO UPDATE SET
  failures = CASE WHEN a.since < $3::timestamptz - $4::interval THEN 1 ELSE a.failures + 1 END,
  since = CASE WHEN a.since < $3::timestamptz - $4::interval THEN $3::timestamptz ELSE a.since END,
  blocked_until = CASE WHEN a.since >= $3::timestamptz - $4::interval
    AND a.failures + 1 >= (SELECT most FROM unnest($1::bytea[], $2::int[]) AS g(key, most) WHERE g.key = a.key)
    THEN a.since + $4::interval END
"""
_SWEEP = text("DELETE FROM attempts WHERE since < :before")


class TooManyLookUps(TooMany):
    """Too many look-ups have failed; please wait before you try again."""

    zh = "查询失败次数过多，请稍后再试"


@dataclass(frozen=True)
class Limits:
    """How many failures within the window close a number, or the door for an address, until the window has passed."""

    key: bytes
    per_number: int
    per_address: int
    window: timedelta

    def keys(self, case_no: str, address: str) -> list[bytes]:
        return [b"number " + case_no.encode(), self._hashed(address)]

    def most(self) -> list[int]:
        return [self.per_number, self.per_address]

    def refuse(self, blocked_until: datetime | None, *, now: datetime) -> None:
        """Raises `TooManyLookUps` while the block lasts."""
        if blocked_until is not None and blocked_until > now:
            raise TooManyLookUps(retry_after=int((blocked_until - now).total_seconds()) + 1)

    @cached_property
    def _hashed(self) -> Callable[[str], bytes]:
        """An address is personal data, so only its keyed hash is kept; the same ones come again and again."""

        @lru_cache(maxsize=4096)
        def hashed(address: str) -> bytes:
            return hmac.digest(self.key, f"attempt\0address\0{address}".encode(), hashlib.sha256)

        return hashed


class Sweep:
    """Forgets failures whose window has passed."""

    name = "feedback:attempts"
    idle = 60.0

    def __init__(self, context: Context[Any, Tx], window: timedelta) -> None:
        self._context, self._window = context, window

    async def run_once(self) -> bool:
        async with self._context.begin() as tx:
            await tx.connection.execute(_SWEEP, {"before": self._context.clock.now() - self._window})
        return False

    async def close(self) -> None:
        """Nothing is held."""


def failed(limits: Limits, case_no: str, address: str, now: datetime) -> Sequence[Any]:
    """The arguments of `FAIL`."""
    return limits.keys(case_no, address), limits.most(), now, limits.window
