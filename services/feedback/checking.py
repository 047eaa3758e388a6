"""The content check of photos: asked of a provider through a port, answered later, and never the reason to lose a photo.

What the provider does not pass, does not answer, or cannot be asked waits for a person, hidden until then.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol
from uuid import UUID

from sqlalchemy import select, text, update

from services.feedback import pictures
from services.feedback.store import Tx
from services.feedback.tables import photo_records
from shared.context import Context

BATCH = 20
_LEASE = timedelta(minutes=2)
"""Photos whose process died while it asked are taken up again after this long."""
_MOST_TRIES = 6

_CLAIM = text("""
UPDATE photo_records SET next_at = :until, tries = tries + 1
WHERE photo_id IN (SELECT photo_id FROM photo_records WHERE state IN ('waiting', 'asked') AND next_at <= :now
                   ORDER BY next_at LIMIT :most FOR UPDATE SKIP LOCKED)
RETURNING photo_id, state, tries
""")


@dataclass(frozen=True, slots=True)
class Asked:
    """`asked`: the answer comes later under `trace_id`. `later`: try again. `held`: a person must look."""

    state: Literal["asked", "later", "held"]
    reason: str = ""
    """A code for whoever looks; never holds a contact point."""
    trace_id: str | None = None


class Checker(Protocol):
    patience: timedelta
    """After this long without an answer none will come."""

    async def ask(self, photo_id: UUID, *, now: datetime) -> Asked:
        """Never raises for what the provider says or does not say."""


class PhotoChecks:
    """`run_once` asks for one batch. Several processes may run it; each photo is claimed by one."""

    name = "feedback:photo-checks"
    idle = 2.0

    def __init__(self, context: Context[Any, Tx], checker: Checker) -> None:
        self._here, self._checker = context, checker

    async def run_once(self) -> bool:
        now = self._here.clock.now()
        async with self._here.begin() as tx:
            rows = (await tx.connection.execute(_CLAIM, {"now": now, "until": now + _LEASE, "most": BATCH})).all()
        for row in rows:
            photo_id = UUID(bytes=row.photo_id.bytes)
            if row.state == "asked":
                outcome = Asked("held", "no answer")
            else:
                outcome = await self._checker.ask(photo_id, now=now)
                if outcome.state == "later" and row.tries >= _MOST_TRIES:
                    outcome = Asked("held", outcome.reason)
            await self._note(photo_id, row.state, outcome, tries=row.tries, now=now)
        return len(rows) == BATCH

    async def _note(self, photo_id: UUID, before: str, outcome: Asked, *, tries: int, now: datetime) -> None:
        async with self._here.begin() as tx:
            if outcome.state == "held":
                await settle(tx, photo_id, before, "held", outcome.reason, now=now)
                return
            values: dict[str, Any] = {"reason": outcome.reason, "next_at": now + timedelta(seconds=min(5**tries, 3600))}
            if outcome.state == "asked":
                values = {"state": "asked", "trace_id": outcome.trace_id, "next_at": now + self._checker.patience}
            same = photo_records.c.photo_id == photo_id, photo_records.c.state == before
            await tx.connection.execute(update(photo_records).where(*same).values(values))

    async def close(self) -> None:
        """Nothing is held."""


async def settle(
    tx: Tx, photo_id: UUID, before: str, state: Literal["passed", "held"], reason: str, *, now: datetime
) -> None:
    """What the check has come to, unless a person has decided meanwhile."""
    row = await pictures.record_of(tx, photo_id)
    await tx.load([UUID(bytes=row.case_id.bytes)])  # locked, as a person's decision locks it
    if (await pictures.record_of(tx, photo_id)).state == before:
        await pictures.settle(tx, photo_id, state, reason=reason, now=now)


async def answered(tx: Tx, trace_id: str, *, passed: bool, reason: str, now: datetime) -> bool:
    """The provider's answer; False when nobody waits for it, or not yet."""
    found = select(photo_records.c.photo_id).where(
        photo_records.c.trace_id == trace_id, photo_records.c.state == "asked"
    )
    photo_id = (await tx.connection.execute(found)).scalar_one_or_none()
    if photo_id is None:
        return False
    await settle(tx, UUID(bytes=photo_id.bytes), "asked", "passed" if passed else "held", reason, now=now)
    return True


class Links:
    """Addresses a provider can fetch a photo from for a while, signed."""

    def __init__(self, key: bytes, address: str) -> None:
        """`address` is where this system is reached from outside."""
        self._key, self._address = key, address.rstrip("/")

    def link(self, photo_id: UUID, until: datetime) -> str:
        second = int(until.timestamp())
        return f"{self._address}/v1/photos/{photo_id}/for-check?until={second}&signature={self._sign(photo_id, second)}"

    def holds(self, photo_id: UUID, until: int, signature: str, *, now: datetime) -> bool:
        return now.timestamp() < until and hmac.compare_digest(self._sign(photo_id, until).encode(), signature.encode())

    def _sign(self, photo_id: UUID, until: int) -> str:
        return hmac.digest(self._key, f"photo for check\0{photo_id}\0{until}".encode(), hashlib.sha256).hex()
