"""How much one address may send without a login, counted in the database, so that all processes count together."""

import hashlib
import hmac
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.tables import rate_windows
from shared.errors import TooMany

_insert = insert(rate_windows).values(bucket=bindparam("bucket"), started_at=bindparam("started_at"), count=1)
_COUNT = _insert.on_conflict_do_update(
    index_elements=["bucket", "started_at"], set_={"count": rate_windows.c.count + 1}
).returning(rate_windows.c.count)


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
        seconds = int(self.window.total_seconds())
        started = datetime.fromtimestamp(now.timestamp() // seconds * seconds, now.tzinfo)
        bucket = hmac.digest(self.key, f"rate\0{self.name}\0{address}".encode(), hashlib.sha256)
        used = await connection.scalar(_COUNT, {"bucket": bucket, "started_at": started})
        if used > self.most:
            left = (started + self.window - now).total_seconds()
            raise TooManyFromHere(retry_after=max(1, math.ceil(left)))
