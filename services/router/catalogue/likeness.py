"""Owns finding names that say the same and categories that are so alike that somebody must have looked at both."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import log, sqrt

from services.router.catalogue.check import Tables
from services.router.catalogue.editions import Likeness
from services.router.catalogue.entries import Category
from services.router.catalogue.sheet import Report, Row

_SILENT = frozenset("及与的和或等、，。（）()“”《》·/-—")


@dataclass(frozen=True, slots=True)
class Alike:
    """Two categories of one edition that look alike, and why."""

    one: Category
    other: Category
    why: str
    zh: str


def bare(name: str) -> str:
    """A name without what says nothing: punctuation, 及, 与, 的, 和."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(char for char in plain if char not in _SILENT and not char.isspace())


def check_likeness(tables: Tables, limits: Likeness, report: Report) -> None:
    """Names that say the same are a fault; so is a pair that is alike and not in `looked_at.csv`."""
    _same_names(tables)
    looked_at = {pair for _, pair in tables.looked_at}
    rows = {category.code: row for row, category in tables.categories}
    found = {
        frozenset((pair.one.code, pair.other.code)): pair
        for pair in alike((one for _, one in tables.categories), limits)
    }
    for codes, pair in found.items():
        if codes not in looked_at:
            where = f"{pair.one.code} {pair.one.name}"
            detail = f"is like {where} ({pair.why}); write into looked_at.csv why they are two"
            zh = f"与{where}相近（{pair.zh}），须在looked_at.csv说明理由"
            rows[pair.other.code].wrong("name", detail, zh)
    for row, codes in tables.looked_at:
        if codes not in found:
            report.warn(row.file, row.number, "code_b", "these two are not alike any more", "两项已不相近，可删除此行")


def _same_names(tables: Tables) -> None:
    """Whatever the signs between and the order of the characters."""
    before: dict[str, tuple[Row, str]] = {}
    for row, category in tables.categories:
        key = "".join(sorted(bare(category.name)))
        first, name = before.setdefault(key, (row, category.name))
        if first is not row and name != category.name:
            row.wrong("name", f"says the same as {name} ({first})", f"与“{name}”（{first}）实为同名")


def alike(categories: Iterable[Category], limits: Likeness) -> Iterator[Alike]:
    """Every pair above a threshold, by name or by what is covered."""
    ordered = sorted(categories, key=lambda one: one.code)
    names = {one.code: bare(one.name) for one in ordered}
    pairs = {code: _pairs(name) for code, name in names.items()}
    texts = _weighed({one.code: Counter(_pairs(bare(one.name + one.covers))) for one in ordered})
    by_code = {one.code: one for one in ordered}
    for one, other in _neighbours(pairs):
        common = len(pairs[one] & pairs[other]) / len(pairs[one] | pairs[other])
        short, long = sorted((names[one], names[other]), key=len)
        if common >= limits.names:
            yield Alike(by_code[one], by_code[other], f"names {common:.2f}", f"名称相似度{common:.2f}")
        elif len(short) >= limits.shortest_within and short in long:
            yield Alike(by_code[one], by_code[other], "one name within the other", "名称互相包含")
    for one, other in _neighbours({code: set(weights) for code, weights in texts.items()}):
        cosine = _cosine(texts[one], texts[other])
        if cosine >= limits.texts:
            yield Alike(by_code[one], by_code[other], f"texts {cosine:.2f}", f"说明相似度{cosine:.2f}")


def _pairs(text: str) -> set[str]:
    return {text[at : at + 2] for at in range(len(text) - 1)}


def _neighbours(features: Mapping[str, set[str]]) -> Iterator[tuple[str, str]]:
    """Pairs of codes, in their order, that share a pair of characters not everybody has."""
    users: dict[str, list[str]] = defaultdict(list)
    for code, found in features.items():
        for feature in found:
            users[feature].append(code)
    seen: Counter[tuple[str, str]] = Counter()
    for codes in users.values():
        if len(codes) <= len(features) ** 0.5 * 3:
            seen.update((one, other) for at, one in enumerate(codes) for other in codes[at + 1 :])
    yield from seen


def _weighed(counts: Mapping[str, Counter[str]]) -> dict[str, dict[str, float]]:
    """Rare pairs of characters say more; every vector has length one."""
    users = Counter(feature for found in counts.values() for feature in found)
    weighed: dict[str, dict[str, float]] = {}
    for code, found in counts.items():
        raw = {feature: times * log(len(counts) / users[feature] + 1) for feature, times in found.items()}
        length = sqrt(sum(weight * weight for weight in raw.values())) or 1.0
        weighed[code] = {feature: weight / length for feature, weight in raw.items()}
    return weighed


def _cosine(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    if len(one) > len(other):
        one, other = other, one
    return sum(weight * other[feature] for feature, weight in one.items() if feature in other)
