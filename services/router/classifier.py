"""Owns rule-first classification: category, type and place of a message, each with its reasons and a confidence."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal

from contracts.events.intake import CaseType
from contracts.events.router import Reason
from services.router.catalogue.entries import Category
from services.router.catalogue.rules import ClassificationRules, Scoring
from services.router.catalogue.whole import Catalogue
from services.router.classifier_words import ContextClues, Phrases, PlaceWords, TypeMarkers, normal


@dataclass(frozen=True, slots=True)
class Message:
    """What a citizen wrote, and what they or the operator already chose."""

    text: str
    title: str = ""
    category_code: str | None = None
    type_code: CaseType | None = None
    area_code: str | None = None
    address: str = ""
    channel_code: str = ""
    """The one the citizen really used, an old telephone number too."""


@dataclass(frozen=True, slots=True)
class Candidate:
    category_code: str
    score: float
    words: tuple[str, ...] = ()
    """What of the message spoke for it."""


@dataclass(frozen=True, slots=True)
class Classification:
    """What rules and model think; advisory, a dispatcher may always decide otherwise (个人信息保护法 §24)."""

    category_code: str | None
    type_code: CaseType
    area_code: str | None
    confidence: float
    """How sure the category is, 0 to 1; see `Classifier.confidence`."""
    reasons: tuple[Reason, ...]
    candidates: tuple[Candidate, ...]
    method: Literal["explicit", "rules", "learned"]
    queued: bool
    """True when a dispatcher must look: no category, or less sure than the threshold."""


@dataclass(frozen=True, slots=True)
class _Clue:
    """A word for or against one category: all parts must occur; the weight is negative for an exclude word."""

    category: str
    word: str
    parts: tuple[str, ...]
    weight: float


type _Hits = list[tuple[float, _Clue]]


class Classifier:
    """The rules of one edition, made ready once; `classify` is pure and takes well under a millisecond."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._rules: ClassificationRules = catalogue.classification
        self._categories: Mapping[str, Category] = catalogue.categories
        self._classes = catalogue.classes
        self._places = PlaceWords(catalogue.places)
        self._types = TypeMarkers(self._rules)
        self._context = ContextClues(self._rules.context)
        self._clues: dict[str, list[_Clue]] = defaultdict(list)
        categories = list(self._categories.values())
        for clue in (*_keywords(categories, self._rules.scoring), *_exclude_words(categories, self._rules.scoring)):
            self._clues[clue.parts[0]].append(clue)
        self._phrases = Phrases(part for clues in self._clues.values() for clue in clues for part in clue.parts)

    def classify(self, message: Message) -> Classification:
        """Category, type and place. What was chosen by hand wins; an unknown choice is stated and passed over."""
        title, text = normal(message.title, self._rules.max_chars), normal(message.text, self._rules.max_chars)
        area, place_reasons = self._places.find(message.area_code, title, text)
        type_code, reasons = self._types.find(title, text)
        if message.type_code is not None:
            type_code, reasons = message.type_code, [Reason(kind="given_type", text=message.type_code)]
        reasons += place_reasons
        if message.category_code:
            if chosen := self._categories.get(message.category_code):
                return self._explicit(chosen, type_code, area, reasons)
            reasons.insert(0, Reason(kind="unknown_category", text=""))
        context = self._context.find(
            message.channel_code, normal(message.address, self._rules.max_chars) + title + text
        )
        ranked, why = self._rank(title, text, type_code, context)
        if not ranked and message.type_code is None and self._types.is_nonsense(title + text):
            type_code, reasons = "invalid", [Reason(kind="nonsense", text=""), *reasons]
        if not ranked or type_code == "invalid":
            reasons.insert(0, Reason(kind="no_keyword", text=""))
            return self._result(None, type_code, area, reasons=reasons)
        return self._result(ranked[0].category_code, type_code, area, reasons=[*why, *reasons], ranked=ranked)

    def __contains__(self, code: object) -> bool:
        """Whether this edition has the category."""
        return code in self._categories

    @property
    def most(self) -> int:
        """How many candidates a dispatcher is shown."""
        return self._rules.max_candidates

    def class_name(self, code: str) -> str:
        return self._classes[code].name

    def confidence(self, scores: list[float]) -> float:
        """How sure the first of the falling scores is: strength × clearness, each 0 to 1.

        Strength is the best score over `full_score`; clearness rises from `margin_floor` (second is as good as the
        first) to 1 (second is behind by the share `full_margin` of the best).
        """
        if not scores:
            return 0.0
        rules = self._rules.confidence
        best, second = scores[0], scores[1] if len(scores) > 1 else 0.0
        strength = min(1.0, best / rules.full_score)
        clearness = min(1.0, (best - second) / (best * rules.full_margin))
        return round(strength * (rules.margin_floor + (1 - rules.margin_floor) * clearness), 3)

    def _rank(
        self, title: str, text: str, type_code: CaseType | None, context: Mapping[str, list[Reason]]
    ) -> tuple[list[Candidate], list[Reason]]:
        """The best candidates in falling order, and the reasons of the first."""
        in_title = self._phrases.find(title).keys()
        hits = self._hits(in_title, in_title | self._phrases.find(text).keys())
        counted = {code: _counted(clues, self._rules.scoring) for code, clues in hits.items()}
        scores = (
            (-self._weigh_type(code, total, type_code) - sum(one.weight for one in context.get(code[:2], ())), code)
            for code, (total, _) in counted.items()
            if total > 0
        )
        best = sorted(scores)[: self._rules.max_candidates]
        ranked = [Candidate(code, round(-score, 3), _words(counted[code][1])) for score, code in best]
        if not ranked:
            return [], []
        first = ranked[0].category_code
        return ranked, [*(_reason(weight, clue) for weight, clue in counted[first][1]), *context.get(first[:2], ())]

    def _hits(self, in_title: AbstractSet[str], found: AbstractSet[str]) -> dict[str, _Hits]:
        hits: dict[str, _Hits] = defaultdict(list)
        title_factor = self._rules.scoring.title_factor
        for phrase in found:
            for clue in self._clues.get(phrase, ()):
                if all(part in found for part in clue.parts):
                    factor = title_factor if clue.weight > 0 and all(part in in_title for part in clue.parts) else 1.0
                    hits[clue.category].append((clue.weight * factor, clue))
        return hits

    def _weigh_type(self, code: str, score: float, type_code: CaseType | None) -> float:
        if type_code is None:
            return score
        if self._categories[code].default_type == type_code:
            return score + self._rules.scoring.type_bonus
        return score * (self._rules.scoring.other_than_praise_share if type_code == "praise" else 1.0)

    def _explicit(
        self, category: Category, type_code: CaseType | None, area: str | None, reasons: list[Reason]
    ) -> Classification:
        chosen = Reason(kind="given_category", text=category.name, weight=1.0)
        return Classification(
            category_code=category.code,
            type_code=type_code or category.default_type,
            area_code=area,
            confidence=1.0,
            reasons=(chosen, *reasons),
            candidates=(Candidate(category.code, 1.0),),
            method="explicit",
            queued=False,
        )

    def _result(
        self,
        code: str | None,
        type_code: CaseType | None,
        area: str | None,
        *,
        reasons: list[Reason],
        ranked: Iterable[Candidate] = (),
    ) -> Classification:
        candidates = tuple(ranked)
        confidence = self.confidence([candidate.score for candidate in candidates])
        if type_code is None:
            type_code = self._rules.types.default
            reasons = [*reasons, Reason(kind="default_type", text=type_code)]
        queued = code is None or confidence < self._rules.threshold
        return Classification(
            code, type_code, area, confidence, tuple(reasons), candidates, method="rules", queued=queued
        )


def _counted(hits: _Hits, scoring: Scoring) -> tuple[float, _Hits]:
    """The sum and what went into it: the best word whole, each further one less, none that is inside a longer one."""
    total, share, counted = 0.0, 1.0, list[tuple[float, _Clue]]()
    for weight, clue in sorted(hits, key=lambda hit: (-hit[0], hit[1].word)) if len(hits) > 1 else hits:
        if weight < 0:
            total += weight
        elif any(clue.word in other.word for _, other in counted):
            continue
        else:
            total += weight * share
            share *= scoring.further_word_share
        counted.append((weight, clue))
    return total, counted


def _words(hits: _Hits) -> tuple[str, ...]:
    return tuple(clue.word for weight, clue in hits if weight > 0)


def _reason(weight: float, clue: _Clue) -> Reason:
    kind = "exclude_word" if weight < 0 else "keyword" if len(clue.parts) == 1 else "combination"
    return Reason(kind=kind, text=clue.word, weight=round(weight, 3))


def _keywords(categories: list[Category], scoring: Scoring) -> list[_Clue]:
    """Every keyword with its weight: longer says more, and what other categories' words contain too says less."""
    users: dict[str, set[str]] = defaultdict(set)
    words = [(category.code, normal(word, len(word))) for category in categories for word in category.keywords]
    for code, word in words:
        for part in word.split("+"):
            for start in range(len(part)):
                for end in range(start + 1, len(part) + 1):
                    users[part[start:end]].add(code)
    clues = []
    for code, word in words:
        parts = tuple(word.split("+"))
        others = sum(len(users[part]) - 1 for part in parts) / len(parts)
        clues.append(_Clue(code, word, parts, scoring.weight(word) / (1 + scoring.shared_word_loss * others)))
    return clues


def _exclude_words(categories: list[Category], scoring: Scoring) -> list[_Clue]:
    """The words of what a category does not cover, as clues against it."""
    words = [(category.code, normal(word, len(word))) for category in categories for word in category.exclude_words]
    return [
        _Clue(code, word, tuple(word.split("+")), -scoring.weight(word) * scoring.exclude_factor)
        for code, word in words
    ]
