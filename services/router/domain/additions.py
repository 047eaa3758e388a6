"""What citizens add to a case that is being handled: more words, an urge, the wish to withdraw it."""

from datetime import datetime

from services.router.domain import closing, merging
from services.router.domain.cases import Case
from services.router.domain.rules import Rules


def supplement(case: Case, *, by: str, photos: int, now: datetime) -> tuple[str, ...]:
    """补充; answers the units that have to know. The words themselves stand beside the case, not in its log."""
    case.supplements += 1
    case.note("supplement", by=by, now=now, facts={"photos": photos})
    if case.state == "closed":
        return ()
    return case.units()


def urge(case: Case, times: int, *, by: str, now: datetime) -> tuple[str, ...]:
    """催办; after the reply there is nothing left to hurry."""
    case.urges = max(case.urges, times)
    case.note("urge", by=by, now=now, facts={"times": times})
    if case.state not in {"queued", "handling"}:
        return ()
    return case.units()


def withdraw(case: Case, reason_code: str, rules: Rules, *, by: str, now: datetime) -> bool:
    """撤诉: the case ends, its orders are cancelled. False where it stays: answered, or a danger that stays one.

    Where it stays the desk is told by a mark and decides; its citizen's wish is in the log either way.
    """
    if case.state == "closed":
        return False
    told = rules.catalogue.merging.withdrawing
    kept = next((tag for tag in told.not_with_tags if case.has_tag(tag)), None)
    if case.state not in told.states or kept is not None:
        case.withdrawal_asked_at = now
        facts = {"reason_code": reason_code, "stays": f"tag:{kept}" if kept else f"state:{case.state}"}
        case.note("withdrawal_kept", by=by, now=now, facts=facts)
        return False
    case.note("withdraw", by=by, now=now, facts={"reason_code": reason_code})
    merging.cancel_orders(case, "ended", rules, now=now)
    case.closing_reason_code = reason_code
    closing.end(case, "withdrawn", rules, by=by, now=now)
    return True
