"""What people are shown of tags: the list of them, those of a case, and how many cases have each."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from contracts.events.router import Reason
from services.router.catalogue.tags import SetBy, Tag, TagRole
from services.router.catalogue.whole import Catalogue
from services.router.domain.cases import Case
from services.router.domain.chain import Entry
from services.router.domain.rules import Rules


class TagEntry(BaseModel):
    """One tag: what it means, who sets it and who may; its words and events are the desk's own business."""

    code: str
    name: str
    meaning: str
    set_by: SetBy
    may_set: list[TagRole]
    may_remove: list[TagRole]
    seen_by_units: bool
    personal: bool

    @classmethod
    def of(cls, one: Tag) -> "TagEntry":
        return cls(
            code=one.code,
            name=one.name,
            meaning=one.meaning,
            set_by=one.set_by,
            may_set=list(one.may_set),
            may_remove=list(one.may_remove),
            seen_by_units=one.seen_by == "units",
            personal=one.personal,
        )


class TagGroupView(BaseModel):
    key: str
    name: str
    tags: list[TagEntry]


class TagCatalogue(BaseModel):
    edition: str
    groups: list[TagGroupView]

    @classmethod
    def of(cls, found: Catalogue) -> "TagCatalogue":
        rules = found.tags
        groups = [
            TagGroupView(
                key=group.key, name=group.name, tags=[TagEntry.of(one) for one in rules.tags if one.group == group.key]
            )
            for group in rules.groups
        ]
        return cls(edition=found.edition.id, groups=groups)


class TagName(BaseModel):
    code: str
    name: str

    @classmethod
    def all(cls, codes: Iterable[str], rules: Rules, *, desk: bool, confidential: bool) -> "list[TagName]":
        """Those the reader may see, in the order of the list of tags."""
        return [cls(code=one.code, name=one.name) for one in _seen(codes, rules, desk=desk, confidential=confidential)]

    @classmethod
    def of_case(cls, case: Case, rules: Rules, *, desk: bool) -> "list[TagName]":
        return cls.all(_held(case), rules, desk=desk, confidential=case.confidential)


class TagView(TagName):
    """A tag of a case; who set it and why is for the desk."""

    group: str
    set_by: SetBy
    at: datetime
    actor: str | None
    reasons: list[Reason]

    @classmethod
    def all_of(cls, case: Case, rules: Rules, *, desk: bool) -> "list[TagView]":
        return [
            cls(
                code=one.code,
                name=one.name,
                group=one.group,
                set_by=case.tags[one.code].set_by,
                at=case.tags[one.code].at,
                actor=case.tags[one.code].actor if desk else None,
                reasons=list(case.tags[one.code].reasons) if desk else [],
            )
            for one in _seen(_held(case), rules, desk=desk, confidential=case.confidential)
        ]


class TagCount(TagName):
    group: str
    count: int


class TagCounts(BaseModel):
    items: list[TagCount]


def _held(case: Case) -> list[str]:
    return [code for code in case.tags if case.has_tag(code)]


def _seen(codes: Iterable[str], rules: Rules, *, desk: bool, confidential: bool) -> list[Tag]:
    return [one for one in rules.catalogue.tags.in_order(codes) if one.seen(desk=desk, confidential=confidential)]


def facts_for_units(entry: Entry, case: Case, rules: Rules) -> dict[str, Any]:
    """What an entry of the log says to a unit: of tags only those it sees, and no reasons."""
    if entry.action != "tag":
        return dict(entry.facts)
    facts: dict[str, Any] = {}
    for name in ("added", "removed", "confirmed"):
        told = entry.facts.get(name)
        if isinstance(told, list):
            facts[name] = [tag.code for tag in _seen(told, rules, desk=False, confidential=case.confidential)]
    return facts
