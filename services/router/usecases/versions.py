"""Who changes something says which version they saw (If-Match), and learns what has happened since."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Concatenate
from uuid import UUID

from services.router.domain.cases import Case
from services.router.domain.chain import Entry
from services.router.domain.errors import Stale
from services.router.store import Tx
from shared.errors import Conflict, FieldError, InvalidInput

LATEST = 5
"""How many log entries somebody is told who does not say which version they saw."""


def etag(case: Case) -> str:
    """The number of the last log entry: it grows with everything anybody does."""
    return f'"{case.log_seq}"'


async def must_be_current(tx: Tx, case: Case, if_match: str | None) -> None:
    """Raises `Stale` with the log entries the caller has not seen; nothing to check without If-Match, or with `*`."""
    if if_match is None or if_match.strip() == "*":
        return
    seen = if_match.strip().removeprefix("W/").strip('"')
    if not seen.isascii() or not seen.isdigit() or len(seen) > 9:  # noqa: PLR2004  more digits than a log can grow
        raise InvalidInput(fields=(FieldError("header/if-match", "is not an ETag of ours", "版本标记不正确"),))
    if int(seen) != case.log_seq:
        since = await tx.log_of(case.case_id, after=int(seen))
        raise Stale(f"you saw version {seen}, it is {case.log_seq} now", changed=_told(since))


def _told(entries: list[Entry]) -> list[dict[str, object]]:
    return [{"seq": one.seq, "at": one.at.isoformat(), "action": one.action} for one in entries]


def tells_what_changed[**P, R](
    verb: Callable[Concatenate[Tx, UUID, P], Awaitable[R]],
) -> Callable[Concatenate[Tx, UUID, P], Awaitable[R]]:
    """Who comes second learns why: a refusal by the state a case is in carries its version and the last log entries.

    For verbs on a case or one of its orders, whose id they take first.
    """

    @wraps(verb)
    async def told(tx: Tx, about: UUID, /, *args: P.args, **more: P.kwargs) -> R:
        try:
            return await verb(tx, about, *args, **more)
        except Conflict as refused:
            case = tx.held(about)
            if case is not None and "changed" not in refused.extra:
                version = case.log_seq - len(case.entries)
                latest = await tx.log_of(case.case_id, after=version - LATEST)
                refused.extra |= {"version": version, "changed": _told(latest)}
            raise

    return told
