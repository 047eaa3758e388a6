"""`Idempotency-Key`: the same key and request get the same answer, another request under the key is refused."""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.router.tables import kept_answers
from shared.errors import Conflict
from shared.tokens import Actor


class KeyReused(Conflict):
    """This Idempotency-Key was used for another request."""

    zh = "该幂等键已用于另一请求"


async def once(
    connection: AsyncConnection,
    make: Callable[[], Awaitable[dict[str, Any]]],
    *,
    by: Actor,
    key: str | None,
    request: str,
    now: datetime,
) -> dict[str, Any]:
    """`make`'s answer, which is made only once for a key; `request` is all that was asked, address and body.

    A second request that comes while the first still runs waits for it at the key's row.
    """
    if key is None:
        return await make()
    digest = hashlib.sha256(request.encode()).digest()
    first = {"actor_id": by.id, "key": key, "digest": digest, "created_at": now}
    claimed = await connection.execute(insert(kept_answers).values(first).on_conflict_do_nothing())
    here = (kept_answers.c.actor_id == by.id) & (kept_answers.c.key == key)
    if claimed.rowcount:
        answer = await make()
        await connection.execute(update(kept_answers).where(here).values(answer=answer))
        return answer
    kept = (await connection.execute(select(kept_answers).where(here))).one()
    if kept.digest != digest:
        raise KeyReused
    answer = kept.answer
    return dict(answer)
