"""Owns counting a catalogue: what stands on each level, and what should not be there."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from services.router.catalogue import reading
from services.router.catalogue.files import Files
from services.router.catalogue.likeness import bare
from services.router.catalogue.sheet import Report
from services.router.catalogue.whole import Catalogue


def stats(files: Files, editions: Mapping[str, Catalogue]) -> dict[str, Any]:
    """Of the newest edition; `duplicates` and `orphans` look at all rows of the tables."""
    newest = max(editions.values(), key=lambda one: one.edition.effective_from)
    standards = newest.standards()
    return {
        "l1": len(newest.classes),
        "l2": len(newest.subclasses),
        "l3": len(newest.categories),
        "standards": len(standards),
        "l3_with_several_standards": sum(len(one.standards) > 1 for one in newest.categories.values()),
        "tags": len(newest.tags.tags),
        "duplicates": _duplicates(files),
        "orphans": _orphans(files),
        "versions": [_version(one) for one in sorted(editions.values(), key=lambda one: one.edition.effective_from)],
    }


def _version(one: Catalogue) -> dict[str, Any]:
    return {
        "id": one.edition.id,
        "effective_from": one.edition.effective_from.isoformat(),
        "l1": len(one.classes),
        "l2": len(one.subclasses),
        "l3": len(one.categories),
        "standards": len(one.standards()),
    }


def _duplicates(files: Files) -> int:
    """Codes and names, bare of signs, that stand more than once on their level."""
    tables = reading.read_tables(files, Report())
    levels = (tables.classes, tables.subclasses, tables.categories)
    codes = Counter(one.code for level in levels for _, one in level)
    names = Counter(bare(one.name) for _, one in tables.categories)
    return sum(times - 1 for counted in (codes, names) for times in counted.values())


def _orphans(files: Files) -> int:
    """Rows whose parent is missing, and parents without a row under them."""
    tables = reading.read_tables(files, Report())
    classes = {one.code for _, one in tables.classes}
    subclasses = {one.code for _, one in tables.subclasses}
    categories = {one.code for _, one in tables.categories}
    astray = [code for code in subclasses if code[:2] not in classes]
    astray += [code for code in categories if code[:4] not in subclasses]
    astray += [code for _, (code, _) in tables.standards if code not in categories]
    empty = (subclasses - {code[:4] for code in categories}) | (classes - {code[:2] for code in subclasses})
    bare_of_standards = [one for _, one in tables.categories if not one.standards]
    return len(astray) + len(empty) + len(bare_of_standards)
