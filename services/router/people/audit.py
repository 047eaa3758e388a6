"""Owns the record of everything done with accounts and emergencies: append-only, each entry with the hash before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.router.domain import chain
from services.router.tables import account_log

# Taken before the last entry is looked at and kept until commit: two entries never follow the same one.
_ALONE = text("SELECT pg_advisory_xact_lock(hashtext('router.account_log'))")
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Health:
    """How many entries the chain has, and the first that does not fit; None while it holds."""

    entries: int
    broken_at: int | None


async def note(
    connection: AsyncConnection,
    action: str,
    *,
    by: str,
    subject: UUID,
    now: datetime,
    facts: Mapping[str, object] | None = None,
) -> None:
    """Facts are codes, ids and counts; names and passwords never are."""
    await connection.execute(_ALONE)
    query = select(account_log.c.seq, account_log.c.hash).order_by(account_log.c.seq.desc()).limit(1)
    last = (await connection.execute(query)).one_or_none()
    seq, before = (1, chain.GENESIS) if last is None else (last.seq + 1, bytes(last.hash))
    made = chain.entry(subject, seq, at=now, actor=by, action=action, facts=facts or {}, prev_hash=before)
    row = {
        "seq": seq,
        "at": now,
        "actor": by,
        "action": action,
        "subject": subject,
        "facts": dict(made.facts),
        "prev_hash": before,
        "hash": made.hash,
    }
    await connection.execute(insert(account_log).values(row))


async def entries(
    connection: AsyncConnection, *, subject: UUID | None = None, before: int | None = None, limit: int
) -> Sequence[RowMapping]:
    """Newest first."""
    query = select(account_log).order_by(account_log.c.seq.desc()).limit(limit)
    if subject is not None:
        query = query.where(account_log.c.subject == subject)
    if before is not None:
        query = query.where(account_log.c.seq < before)
    return (await connection.execute(query)).mappings().all()


async def check(connection: AsyncConnection) -> Health:
    """Walk the whole chain, a thousand entries at a time."""
    count, previous = 0, chain.GENESIS
    while True:
        query = select(account_log).where(account_log.c.seq > count).order_by(account_log.c.seq).limit(_BATCH)
        found = [_entry(row) for row in (await connection.execute(query)).mappings()]
        for one in found:
            if one.seq != count + 1 or not chain.follows(one, previous):
                return Health(count, count + 1)
            count, previous = one.seq, one.hash
        if len(found) < _BATCH:
            return Health(count, None)


def _entry(row: RowMapping) -> chain.Entry:
    return chain.Entry(
        row["subject"],
        row["seq"],
        row["at"],
        row["actor"],
        row["action"],
        row["facts"],
        bytes(row["prev_hash"]),
        bytes(row["hash"]),
    )
