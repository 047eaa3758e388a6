"""Owns what a tag (标签) is: its group, who sets it, sees it and takes it away, and the conditions it follows."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from contracts.events.intake import CaseType
from services.router.catalogue.check import Tables
from services.router.catalogue.entries import Grade
from services.router.catalogue.rules import Rules
from services.router.catalogue.sheet import Report

SetBy = Literal["system", "rule", "hand"]
TagRole = Literal["dispatcher", "reviewer", "supervisor", "leader", "unit_manager", "handler"]
Fact = Literal[
    "clock.warned.handle",
    "clock.warned.total",
    "clock.breached.handle",
    "clock.breached.total",
    "case.supervised",
    "order.returned",
    "order.redispatched",
    "case.reworked",
    "case.replied",
    "case.closed",
    "case.reopened",
]
"""Events the desk says or hears; of a clock, with its kind."""

TagCode = Annotated[str, Field(pattern=r"^[a-z_]{2,40}$")]
Word = Annotated[str, Field(min_length=2, max_length=24, pattern=r"^[^\s+]+(?:\+[^\s+]+)*$")]
ANY_CATEGORY = r"^[0-9]{2}(?:[0-9]{2}(?:[0-9]{3})?)?$"
CategoryPrefix = Annotated[str, Field(pattern=ANY_CATEGORY)]
AreaPrefix = Annotated[str, Field(pattern=r"^[0-9]{9}(?:[0-9]{3})?$")]
Month = Annotated[int, Field(ge=1, le=12)]


class Season(Rules):
    """Months of the year, both included; `first` after `last` goes over the turn of the year."""

    first: Month
    last: Month

    def holds(self, month: int) -> bool:
        if self.first <= self.last:
            return self.first <= month <= self.last
        return month >= self.first or month <= self.last


class Repeat(Rules):
    """Earlier requests of the same citizen in the same category; of those only a number of the newest is looked at."""

    count: Annotated[int, Field(ge=1, le=20)]
    days: Annotated[int, Field(ge=1, le=366)]
    other_channel: bool = False
    """Only those that came another way."""


class Clause(Rules):
    """One condition; every part that is given must hold."""

    words: tuple[Word, ...] = ()
    """Any of them; parts joined by `+` must all occur."""
    except_words: tuple[Word, ...] = ()
    """Blotted out before words are looked for."""
    categories: tuple[CategoryPrefix, ...] = ()
    """Classes, subclasses or categories."""
    except_categories: tuple[CategoryPrefix, ...] = ()
    types: tuple[CaseType, ...] = ()
    channels: tuple[Annotated[str, Field(pattern=r"^[a-z0-9_]{2,40}$")], ...] = ()
    areas: tuple[AreaPrefix, ...] = ()
    """Subdistricts or communities."""
    grades: tuple[Grade, ...] = ()
    anonymous: bool | None = None
    confidential: bool | None = None
    season: Season | None = None
    repeat: Repeat | None = None

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        conditions = self.model_fields_set - {"except_words", "except_categories", "season"}
        if not any(getattr(self, name) not in ((), None) for name in conditions):
            raise ValueError("a clause holds of every case, or only in a season")
        if self.except_words and not self.words:
            raise ValueError("except_words without words")
        if both := set(self.words) & set(self.except_words):
            raise ValueError(f"{', '.join(sorted(both))} is a word and an exception")
        for words in (self.words, self.except_words):
            if len(set(words)) != len(words):
                raise ValueError("a word stands twice in one list")
        return self


class Tag(Rules):
    """One tag; `when` is a choice of clauses, `set_on` and `clear_on` are events."""

    code: TagCode
    name: Annotated[str, Field(min_length=2, max_length=12)]
    group: TagCode
    set_by: SetBy
    meaning: Annotated[str, Field(min_length=6, max_length=80)]
    may_set: tuple[TagRole, ...] = ()
    may_remove: tuple[TagRole, ...] = ()
    seen_by: Literal["desk", "units"]
    personal: bool = False
    """Says something of the citizen: kept from units where the case is confidential."""
    when: tuple[Clause, ...] = ()
    set_on: tuple[Fact, ...] = ()
    clear_on: tuple[Fact, ...] = ()
    not_with: tuple[TagCode, ...] = ()
    """Not set while one of these is."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.set_by == "hand" and (self.when or self.set_on or not self.may_set):
            raise ValueError("a tag set by hand has no conditions and names who may set it")
        if self.set_by == "rule" and (self.set_on or not self.when):
            raise ValueError("a tag set by rule has clauses and follows no event")
        if self.set_by == "system" and not (self.when or self.set_on):
            raise ValueError("a tag set by the system has clauses or follows an event")
        if self.set_by == "system" and any(clause.words for clause in self.when):
            raise ValueError("a tag set by the system follows facts, not words")
        return self

    def seen(self, *, desk: bool, confidential: bool) -> bool:
        """Whether it is shown to somebody of the desk, or of a unit that holds an order of the case."""
        return desk or (self.seen_by == "units" and not (self.personal and confidential))


class TagGroup(Rules):
    key: TagCode
    name: Annotated[str, Field(min_length=2, max_length=12)]


class TagRules(Rules):
    """`tags.yaml`: the groups and their tags, in the order people see them."""

    groups: Annotated[tuple[TagGroup, ...], Field(min_length=1)]
    tags: Annotated[tuple[Tag, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _known(self) -> Self:
        for what, values in (("code", [tag.code for tag in self.tags]), ("name", [tag.name for tag in self.tags])):
            if twice := sorted({value for value in values if values.count(value) > 1}):
                raise ValueError(f"the {what} {', '.join(twice)} stands twice")
        groups = [group.key for group in self.groups]
        used = {tag.group for tag in self.tags}
        if len(set(groups)) != len(groups) or set(groups) != used:
            wrong = set(groups) ^ used or {key for key in groups if groups.count(key) > 1}
            raise ValueError(f"groups that are unknown, empty or named twice: {', '.join(sorted(wrong))}")
        if unknown := {code for tag in self.tags for code in tag.not_with} - self.by_code.keys():
            raise ValueError(f"not_with names no tag: {', '.join(sorted(unknown))}")
        return self

    @cached_property
    def by_code(self) -> Mapping[str, Tag]:
        return {tag.code: tag for tag in self.tags}

    def get(self, code: str) -> Tag | None:
        return self.by_code.get(code)

    @cached_property
    def by_fact(self) -> Mapping[str, tuple[Tag, ...]]:
        """The tags an event sets or takes away."""
        facts = {fact for tag in self.tags for fact in (*tag.set_on, *tag.clear_on)}
        return {fact: tuple(tag for tag in self.tags if fact in (*tag.set_on, *tag.clear_on)) for fact in facts}

    def in_order(self, codes: Iterable[str]) -> tuple[Tag, ...]:
        """Those that are known here, in the order people see them."""
        wanted = set(codes)
        return tuple(tag for tag in self.tags if tag.code in wanted)


def check_tags(rules: TagRules, tables: Tables, report: Report) -> None:
    """Warns of categories and areas that are in no table: a clause that names only such never holds."""
    codes = {category.code for _, category in tables.categories}
    known = codes | {code[:2] for code in codes} | {code[:4] for code in codes}
    areas = {area.code for _, area in tables.areas}
    for tag in rules.tags:
        for at, clause in enumerate(tag.when):
            where = f"tags.{tag.code}.when.{at}"
            for code in (*clause.categories, *clause.except_categories):
                if code not in known:
                    report.warn("tags.yaml", 0, where, f"there is no category {code}", f"目录中没有事项{code}")
            for code in clause.areas:
                if code not in areas:
                    report.warn("tags.yaml", 0, where, f"there is no area {code}", f"没有区域{code}")
