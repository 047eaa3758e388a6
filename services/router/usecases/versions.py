"""Who changes something says which version they saw (If-Match), and learns what has happened since."""

from services.router.domain.cases import Case
from services.router.domain.errors import Stale
from services.router.store import Tx
from shared.errors import FieldError, InvalidInput


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
        changed = [{"seq": one.seq, "at": one.at.isoformat(), "action": one.action} for one in since]
        raise Stale(f"you saw version {seen}, it is {case.log_seq} now", changed=changed)
