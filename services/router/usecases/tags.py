"""What people do with the tags of a case: set one, take one away."""

from datetime import datetime
from uuid import UUID

from services.router.domain import tagging
from services.router.store import Tx
from services.router.usecases.desk import Found, look
from services.router.usecases.versions import must_be_current
from shared.tokens import Actor


async def put(tx: Tx, case_id: UUID, code: str, *, note: str, by: Actor, if_match: str | None, now: datetime) -> Found:
    """Harmless when repeated."""
    case, rules = await look(tx, case_id, by, lock=True)
    await must_be_current(tx, case, if_match)
    tagging.set_by_hand(case, code, by, rules, note=note, now=now)
    return case, rules


async def remove(tx: Tx, case_id: UUID, code: str, *, by: Actor, if_match: str | None, now: datetime) -> Found:
    """Harmless when repeated."""
    case, rules = await look(tx, case_id, by, lock=True)
    await must_be_current(tx, case, if_match)
    tagging.remove_by_hand(case, code, by, rules, now=now)
    return case, rules
