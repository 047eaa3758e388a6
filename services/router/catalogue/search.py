"""Owns finding categories by what somebody types: their names first, then their keywords, then what they cover."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from services.router.catalogue.entries import Category
from services.router.catalogue.whole import Catalogue

_NAME, _WITHIN, _KEYWORD, _PAIRS, _COVERS = 100.0, 50.0, 20.0, 10.0, 1.0


@dataclass(frozen=True, slots=True)
class Hit:
    category: Category
    score: float


def search(catalogue: Catalogue, query: str, limit: int) -> list[Hit]:
    """The best first; nothing for what shares no two characters with any name or keyword. Needs no database and no index: about 10 ms."""
    wanted = _plain(query)
    if not wanted:
        return []
    pairs = {wanted[at : at + 2] for at in range(len(wanted) - 1)}
    hits = (Hit(one, _score(one, wanted, pairs)) for one in catalogue.categories.values())
    return sorted((hit for hit in hits if hit.score > 0), key=lambda hit: (-hit.score, hit.category.code))[:limit]


def _score(category: Category, wanted: str, pairs: set[str]) -> float:
    if category.code.startswith(wanted):
        return _NAME
    name = _plain(category.name)
    score = _NAME if name == wanted else _WITHIN if wanted in name or name in wanted else 0.0
    score += _PAIRS * _share(pairs, [name])
    score += sum(_KEYWORD for word in category.keywords if word == wanted or (len(wanted) > 1 and word in wanted))
    score += _PAIRS / 2 * _share(pairs, category.keywords)
    return score + (_COVERS if wanted in category.covers else 0.0)


def _share(pairs: set[str], texts: Iterable[str]) -> float:
    """How much of what was typed occurs in these texts."""
    return sum(any(pair in text for text in texts) for pair in pairs) / len(pairs) if pairs else 0.0


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
