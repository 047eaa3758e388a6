"""Owns what has changed from one version of the catalogue to another, for people to read before it is used."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from services.router.catalogue.entries import Category, MainClass, Standard, Subclass
from services.router.catalogue.tags import Tag
from services.router.catalogue.whole import Catalogue

Kind = Literal["added", "removed", "renamed", "moved", "changed"]
WORDS: dict[Kind, str] = {"added": "新增", "removed": "删除", "renamed": "更名", "moved": "移动", "changed": "修改"}
_FIELDS = {"process_code": "process"} | {
    name: name
    for name in (
        *("covers", "excludes", "examples", "keywords", "exclude_words"),
        *("unit_kind", "legal_basis", "default_type", "grade"),
    )
}
"""Attributes of a category that are compared, and their columns."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is different; `before` and `after` are what a reader compares."""

    kind: Kind
    level: Literal["class", "subclass", "category", "standard", "tag"]
    code: str
    name: str
    field: str = ""
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        what = f"{WORDS[self.kind]} {self.kind} {self.code} {self.name}"
        if self.kind in {"added", "removed"}:
            return what
        return f"{what} [{self.field}] {self.before} → {self.after}"


def changes(old: Catalogue, new: Catalogue) -> tuple[Change, ...]:
    """Level by level, in the order of the codes. What is gone and comes under another code with its name has moved."""
    return (
        *_named("class", old.classes, new.classes),
        *_named("subclass", old.subclasses, new.subclasses),
        *_categories(old, new),
        *_tags(old.tags.by_code, new.tags.by_code),
    )


def _named(
    level: Literal["class", "subclass"],
    old: Mapping[str, MainClass | Subclass],
    new: Mapping[str, MainClass | Subclass],
) -> Iterator[Change]:
    for code in sorted(old.keys() | new.keys()):
        before, after = old.get(code), new.get(code)
        if before is None and after is not None:
            yield Change("added", level, code, after.name)
        elif after is None and before is not None:
            yield Change("removed", level, code, before.name)
        elif before is not None and after is not None and before.name != after.name:
            yield Change("renamed", level, code, after.name, "name", before.name, after.name)
        if isinstance(before, MainClass) and isinstance(after, MainClass) and before.covers != after.covers:
            yield Change("changed", level, code, after.name, "covers", before.covers, after.covers)


def _categories(old: Catalogue, new: Catalogue) -> Iterator[Change]:
    gone = {one.name: one for code, one in old.categories.items() if code not in new.categories}
    come = {one.name: one for code, one in new.categories.items() if code not in old.categories}
    for code in sorted(old.categories.keys() | new.categories.keys()):
        before, after = old.categories.get(code), new.categories.get(code)
        if before is None and after is not None:
            if moved := gone.get(after.name):
                yield Change("moved", "category", code, after.name, "code", moved.code, code)
                yield from _within(moved, after)
            else:
                yield Change("added", "category", code, after.name)
        elif after is None and before is not None:
            if before.name not in come:
                yield Change("removed", "category", code, before.name)
        elif before is not None and after is not None:
            if before.name != after.name:
                yield Change("renamed", "category", code, after.name, "name", before.name, after.name)
            yield from _within(before, after)


def _within(before: Category, after: Category) -> Iterator[Change]:
    for attribute, field in _FIELDS.items():
        one, other = getattr(before, attribute), getattr(after, attribute)
        if one != other:
            yield Change("changed", "category", after.code, after.name, field, _shown(one), _shown(other))
    olds, news = ({one.no: one for one in category.standards} for category in (before, after))
    for no in sorted(olds.keys() | news.keys()):
        code = f"{after.code}/{no}"
        if no not in olds:
            yield Change("added", "standard", code, news[no].name)
        elif no not in news:
            yield Change("removed", "standard", code, olds[no].name)
        else:
            yield from _standard(code, olds[no], news[no])


def _standard(code: str, before: Standard, after: Standard) -> Iterator[Change]:
    if before.name != after.name:
        yield Change("renamed", "standard", code, after.name, "name", before.name, after.name)
    for field in ("keywords", "filing_condition", "closing_condition", "limit", "photo_required"):
        one, other = getattr(before, field), getattr(after, field)
        if one != other:
            yield Change("changed", "standard", code, after.name, field, _shown(one), _shown(other))


def _tags(old: Mapping[str, Tag], new: Mapping[str, Tag]) -> Iterator[Change]:
    for code in sorted(old.keys() | new.keys()):
        before, after = old.get(code), new.get(code)
        if before is None and after is not None:
            yield Change("added", "tag", code, after.name)
        elif after is None and before is not None:
            yield Change("removed", "tag", code, before.name)
        elif before is not None and after is not None:
            if before.name != after.name:
                yield Change("renamed", "tag", code, after.name, "name", before.name, after.name)
            for field in [name for name in Tag.model_fields if name not in {"code", "name"}]:
                one, other = getattr(before, field), getattr(after, field)
                if one != other:
                    yield Change("changed", "tag", code, after.name, field, _plain(before, field), _plain(after, field))


def _plain(tag: Tag, field: str) -> str:
    """Clauses as they are written, without what they leave open."""
    value = tag.model_dump(mode="json", exclude_defaults=True).get(field, "")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _shown(value: object) -> str:
    return "|".join(value) if isinstance(value, tuple) else str(value)
