"""不予受理: a request is not accepted, always with its reason and the right channel, and a present danger is handed over."""

from dataclasses import dataclass
from datetime import datetime

from contracts.events.router import CaseNotAccepted
from services.router.catalogue.refusals import RefusalRules, Service
from services.router.classifier_words import normal
from services.router.domain import closing
from services.router.domain.cases import Case
from services.router.domain.errors import ReasonUnknown
from services.router.domain.guards import must_act_on_case
from services.router.domain.rules import SYSTEM, Rules
from shared.tokens import Actor


@dataclass(frozen=True, slots=True)
class Emergency:
    """Whose it is, and the words that told."""

    services: tuple[Service, ...]
    words: tuple[str, ...]


def not_accept(case: Case, by: Actor, rules: Rules, *, reason_code: str, now: datetime) -> None:
    must_act_on_case(case, "not_accept", by, rules)
    if reason_code not in rules.catalogue.refusals:
        raise ReasonUnknown(reason_code)
    _refuse(case, reason_code, rules, by=by.id, now=now)


def hand_over(case: Case, rules: Rules, *, now: datetime) -> bool:
    """紧急警情: what is passed on at once, before anything else is thought about it; False for all others."""
    found = emergency(case, rules.catalogue.refusals)
    if found is None:
        return False
    _refuse(case, rules.catalogue.refusals.hand_over.reason, rules, by=SYSTEM.id, now=now, found=found)
    return True


def emergency(case: Case, rules: RefusalRules) -> Emergency | None:
    """The services whose words stand in a short message that speaks of nothing past, lasting or feared."""
    told = rules.hand_over
    whole = f"{case.title}\n{case.text}"
    if case.type_code not in told.types or len(whole) > told.max_chars:
        return None
    said = normal(whole, told.max_chars)
    if any(word in said for word in told.except_words):
        return None
    hits = {one: word for one in told.services if (word := _spoken(one, said))}
    return Emergency(tuple(hits), tuple(hits.values())) if hits else None


def _spoken(service: Service, said: str) -> str | None:
    return next((word for word in service.words if all(part in said for part in word.split("+"))), None)


def _refuse(
    case: Case, reason_code: str, rules: Rules, *, by: str, now: datetime, found: Emergency | None = None
) -> None:
    refusals = rules.catalogue.refusals
    reason, hand_over = refusals[reason_code], refusals.hand_over
    handed = reason_code == hand_over.reason
    called = hand_over.called(found.services if found else ())
    public, channel = reason.public_reason, reason.right_channel
    if found:
        public, channel = (one.format(services=called) for one in (hand_over.told, hand_over.channel))
    case.closing_reason_code = reason_code
    case.say(
        CaseNotAccepted(reason_code=reason_code, public_reason=public, right_channel=channel, handed_over=handed),
        now=now,
    )
    facts: dict[str, object] = {"reason_code": reason_code, "handed_over": handed}
    if found:
        facts |= {"services": [one.number for one in found.services], "words": list(found.words)}
    case.note("not_accept", by=by, now=now, facts=facts)
    closing.end(case, "not_accepted", rules, by=by, now=now)
