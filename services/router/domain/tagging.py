"""How a case gets its tags and loses them: by rule, by what is said and heard of it, and by hand; all of it in its log."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from contracts.events.router import CaseFiled, CaseTagged, Reason, RouterEvent
from services.router.catalogue.tags import Tag
from services.router.domain.cases import Case, Tagging
from services.router.domain.errors import Recused, RoleMissing, TagNotByHand, TagUnknown
from services.router.domain.rules import SYSTEM, Rules
from services.router.domain.scope import recused, sees_all
from services.router.tagger import Past, Signs
from shared.tokens import Actor

type Why = Mapping[str, tuple[Reason, ...]]


def retag(case: Case, rules: Rules, past: Sequence[Past], *, now: datetime) -> None:
    """Judge the clauses anew, whenever words, category, type or place have changed.

    What a person set stays, and what a person took away is not set again. Tags that follow events are left alone.
    """
    found = rules.tagger.tags_for(_signs(case, past))
    kept = {code for code, one in case.tags.items() if one.removed and one.set_by == "hand"}
    added = {code: why for code, why in found.items() if code not in kept and not case.has_tag(code)}
    gone = [code for code in case.tags if case.has_tag(code) and code not in found and _by_clause(case, code, rules)]
    _change(case, rules, added, gone, now=now)
    _tell_with_filing(case)


def _tell_with_filing(case: Case) -> None:
    """A case filed in this same breath says which tags it has: its limits may depend on them."""
    tags = tuple(sorted(code for code in case.tags if case.has_tag(code)))
    for at, one in enumerate(case.news):
        if tags and isinstance(one.event, CaseFiled):
            case.news[at] = replace(one, event=one.event.model_copy(update={"tags": tags}))


def _signs(case: Case, past: Sequence[Past]) -> Signs:
    return Signs(
        title=case.title,
        text=case.text,
        category_code=case.category_code,
        type_code=case.type_code,
        channel_code=case.channel_code,
        area_code=case.area_code,
        grade=case.grade,
        anonymous=case.anonymous,
        confidential=case.confidential,
        received_at=case.received_at,
        past=past,
    )


def _by_clause(case: Case, code: str, rules: Rules) -> bool:
    """True when a clause had set the tag, so that it goes when no clause holds any more."""
    tag = rules.catalogue.tags.get(code)
    return tag is not None and bool(tag.when) and case.tags[code].set_by != "hand"


def hear(case: Case, fact: str, rules: Rules, *, now: datetime) -> None:
    """What has happened sets and clears the tags that name it, whoever took them away before."""
    added: dict[str, tuple[Reason, ...]] = {}
    gone: list[str] = []
    for tag in rules.catalogue.tags.by_fact.get(fact, ()):
        if fact in tag.clear_on:
            gone += [tag.code] if case.has_tag(tag.code) else []
        elif not case.has_tag(tag.code) and not any(case.has_tag(other) for other in tag.not_with):
            added[tag.code] = (Reason(kind="event", text=fact),)
    _change(case, rules, added, gone, now=now)


def follow(case: Case, rules_of: Callable[[Case], Rules]) -> None:
    """Let the tags follow what the desk itself has just said of the case; once, before it is saved."""
    for news in tuple(case.news):
        if (fact := fact_of(news.event)) is not None:
            hear(case, fact, rules_of(case), now=news.at)


_FACTS = frozenset(
    {"order.returned", "order.redispatched", "case.reworked", "case.replied", "case.closed", "case.reopened"}
)


def fact_of(event: RouterEvent) -> str | None:
    """As `tags.yaml` names it; None for what no tag can follow."""
    fact = event.TYPE.removesuffix(".v1")
    return fact if fact in _FACTS else None


def must_tag(case: Case, code: str, by: Actor, rules: Rules, *, removing: bool = False) -> Tag:
    """Raises the rule that keeps the actor from setting (or taking away) this tag."""
    if recused(by, case, rules):
        raise Recused
    tag = rules.catalogue.tags.get(code)
    if tag is None or not tag.seen(desk=sees_all(by, rules), confidential=case.confidential):
        raise TagUnknown(code)
    roles = tag.may_remove if removing else tag.may_set
    if not roles:
        raise TagNotByHand(code)
    if rules.roles_of(by).isdisjoint(roles):
        raise RoleMissing(f"this needs one of the roles {', '.join(sorted(roles))}")
    return tag


def set_by_system(case: Case, codes: Sequence[str], why: tuple[Reason, ...], rules: Rules, *, now: datetime) -> None:
    """What a deed of the desk brings with it; tags the edition does not have are left out."""
    added = {code: why for code in codes if rules.catalogue.tags.get(code) is not None and not case.has_tag(code)}
    _change(case, rules, added, (), now=now)


def set_by_hand(case: Case, code: str, by: Actor, rules: Rules, *, note: str, now: datetime) -> None:
    """Once set by hand no rule takes it away; where a rule had set it, it now stands by hand."""
    must_tag(case, code, by, rules)
    held = case.tags.get(code)
    if held is not None and not held.removed and held.set_by == "hand":
        return
    why = (Reason(kind="hand", text=note),)
    if case.has_tag(code):
        case.put_tag(Tagging(code, "hand", by.id, now, why))
        case.note("tag", by=by.id, now=now, facts={"confirmed": [code]})
    else:
        _change(case, rules, {code: why}, (), by=by, now=now)


def remove_by_hand(case: Case, code: str, by: Actor, rules: Rules, *, now: datetime) -> None:
    must_tag(case, code, by, rules, removing=True)
    if case.has_tag(code):
        _change(case, rules, {}, (code,), by=by, now=now)


def _change(
    case: Case, rules: Rules, added: Why, gone: Sequence[str], *, by: Actor | None = None, now: datetime
) -> None:
    """One entry in the log and one event for all that changes at once."""
    if not added and not gone:
        return
    actor = (by or SYSTEM).id
    for code, why in added.items():
        case.put_tag(Tagging(code, "hand" if by else rules.set_by(code), actor, now, why))
    for code in gone:
        case.put_tag(Tagging(code, "hand" if by else rules.set_by(code), actor, now, removed=True))
    facts: dict[str, object] = {"added": list(added), "removed": list(gone)}
    if by is None and added:
        facts["reasons"] = {code: [f"{one.kind}:{one.text}" for one in why] for code, why in added.items()}
    case.note("tag", by=actor, now=now, facts=facts)
    tags = tuple(sorted(code for code in case.tags if case.has_tag(code)))
    case.say(CaseTagged(added=tuple(added), removed=tuple(gone), tags=tags), now=now)
