"""Owns which tags the rules of an edition give a case: pure, deterministic, each with the conditions that held."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from contracts.events.intake import CaseType
from contracts.events.router import Reason
from services.router.catalogue.entries import Grade
from services.router.catalogue.tags import Clause, Repeat, Tag, TagRules
from services.router.classifier_words import Phrases, normal

SHENZHEN = ZoneInfo("Asia/Shanghai")
MOST_WORDS = 5
"""Of one reason: enough to check it by."""


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier request of the same citizen."""

    category_code: str | None
    channel_code: str
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What the clauses of a tag may look at."""

    title: str
    text: str
    category_code: str | None
    """None while it waits for a dispatcher."""
    type_code: CaseType
    channel_code: str
    area_code: str | None
    grade: Grade | None
    anonymous: bool
    confidential: bool
    received_at: datetime
    past: Sequence[Past] = ()


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a clause made ready: each as written with its parts, and what is blotted out."""

    words: tuple[tuple[str, tuple[str, ...]], ...]
    except_words: tuple[str, ...]
    parts: frozenset[str]

    @classmethod
    def of(cls, clause: Clause) -> "_Words":
        words = tuple((word, tuple(_plain(word).split("+"))) for word in clause.words)
        # The longest first, so that none breaks another one up.
        longest = sorted((_plain(word) for word in clause.except_words), key=lambda word: (-len(word), word))
        return cls(words, tuple(longest), frozenset(part for _, parts in words for part in parts))

    def found(self, said: str, phrases: Mapping[str, int]) -> list[str]:
        if self.parts.isdisjoint(phrases):
            return []
        hits = [word for word, parts in self.words if all(part in phrases for part in parts)]
        blots = [word for word in self.except_words if word in phrases]
        if not hits or not blots:
            return hits
        for word in blots:
            said = said.replace(word, "\n")
        return [word for word, parts in self.words if all(part in said for part in parts)]


class Tagger:
    """The clauses of one edition, made ready once."""

    def __init__(self, rules: TagRules, *, max_chars: int) -> None:
        self._max_chars = max_chars
        self._tags: list[tuple[Tag, list[tuple[Clause, _Words]]]] = [
            (tag, [(clause, _Words.of(clause)) for clause in tag.when]) for tag in rules.tags if tag.when
        ]
        ready = [words for _, clauses in self._tags for _, words in clauses]
        parts = {part for words in ready for part in words.parts}
        self._phrases = Phrases(parts | {word for words in ready for word in words.except_words})

    def tags_for(self, signs: Signs) -> dict[str, tuple[Reason, ...]]:
        """Code of each tag whose conditions hold, with those of the first clause that does."""
        said = f"{normal(signs.title, self._max_chars)}\n{normal(signs.text, self._max_chars)}"
        phrases = self._phrases.find(said)
        found: dict[str, tuple[Reason, ...]] = {}
        for tag, clauses in self._tags:
            for clause, words in clauses:
                reasons = _reasons(clause, words, signs, said, phrases)
                if reasons is not None:
                    found[tag.code] = reasons
                    break
        return found


def _plain(word: str) -> str:
    return normal(word, len(word))


def _reasons(
    clause: Clause, words: _Words, signs: Signs, said: str, phrases: Mapping[str, int]
) -> tuple[Reason, ...] | None:
    """Why the clause holds; None when a part of it does not. What tells most clauses apart is asked first."""
    hits = words.found(said, phrases) if words.parts else []
    if (words.parts and not hits) or not _fits(clause, signs):
        return None
    earlier = _earlier(clause.repeat, signs) if clause.repeat else 0
    if clause.repeat and earlier < clause.repeat.count:
        return None
    reasons = [Reason(kind="keyword", text=word) for word in hits[:MOST_WORDS]]
    reasons += _facts(clause, signs)
    if clause.repeat:
        reasons.append(Reason(kind="repeat", text=f"{earlier}/{clause.repeat.days}", weight=float(earlier)))
    return tuple(reasons)


def _fits(clause: Clause, signs: Signs) -> bool:
    """All parts but words and repeats."""
    code, area = signs.category_code or "", signs.area_code or ""
    return not (
        (clause.types and signs.type_code not in clause.types)
        or (clause.categories and not code.startswith(clause.categories))
        or (clause.except_categories and code.startswith(clause.except_categories))
        or (clause.grades and signs.grade not in clause.grades)
        or (clause.channels and signs.channel_code not in clause.channels)
        or (clause.areas and not area.startswith(clause.areas))
        or (clause.anonymous is not None and signs.anonymous != clause.anonymous)
        or (clause.confidential is not None and signs.confidential != clause.confidential)
        or (clause.season and not clause.season.holds(signs.received_at.astimezone(SHENZHEN).month))
    )


def _facts(clause: Clause, signs: Signs) -> Iterator[Reason]:
    if clause.categories:
        yield Reason(kind="category", text=signs.category_code or "")
    if clause.types:
        yield Reason(kind="type", text=signs.type_code)
    if clause.grades:
        yield Reason(kind="grade", text=signs.grade or "")
    if clause.channels:
        yield Reason(kind="channel", text=signs.channel_code)
    if clause.areas:
        yield Reason(kind="area", text=signs.area_code or "")
    if clause.anonymous is not None:
        yield Reason(kind="anonymous", text=str(signs.anonymous).lower())
    if clause.confidential is not None:
        yield Reason(kind="confidential", text=str(signs.confidential).lower())
    if clause.season:
        yield Reason(kind="season", text=f"{clause.season.first}-{clause.season.last}")


def _earlier(repeat: Repeat, signs: Signs) -> int:
    """How many of the earlier requests count; none while this one has no category."""
    if signs.category_code is None:
        return 0
    since = signs.received_at - timedelta(days=repeat.days)
    return sum(
        one.category_code == signs.category_code
        and since <= one.received_at <= signs.received_at
        and not (repeat.other_channel and one.channel_code == signs.channel_code)
        for one in signs.past
    )
