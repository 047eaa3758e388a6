"""Owns finding words in a message: many phrases at once, the words that tell its type, the words that tell its place."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from operator import add

from contracts.events.intake import CaseType
from contracts.events.router import Reason
from services.router.catalogue.rules import ClassificationRules, ContextRules, PlaceClue
from services.router.units import Places


def normal(text: str, max_chars: int) -> str:
    """One form for full- and half-width signs and for letters of either case."""
    return unicodedata.normalize("NFKC", text[:max_chars]).casefold()


class Phrases:
    """Finds many phrases in a text at once, by their first two characters."""

    __slots__ = ("_pairs", "_singles")

    def __init__(self, phrases: Iterable[str]) -> None:
        known = set(phrases)
        pairs: dict[str, list[str]] = defaultdict(list)
        for phrase in known:
            if len(phrase) > 1:
                pairs[phrase[:2]].append(phrase)
        self._pairs = {pair: tuple(beginning) for pair, beginning in pairs.items()}
        self._singles = frozenset(phrase for phrase in known if len(phrase) == 1)

    def find(self, text: str) -> dict[str, int]:
        """The phrases that occur, each with the place it first occurs at."""
        beginnings = set(map(add, text, text[1:])) & self._pairs.keys()
        found = {char: text.find(char) for char in self._singles.intersection(text)}
        for pair in beginnings:
            for phrase in self._pairs[pair]:
                if (at := text.find(phrase)) >= 0:
                    found[phrase] = at
        return found


class ContextClues:
    """Finds what speaks for whole classes beside the words: the channel, and the kind of place that is named."""

    def __init__(self, rules: ContextRules) -> None:
        self._channels = rules.channels
        self._places: dict[str, PlaceClue] = {
            normal(word, len(word)): clue for clue in rules.places for word in clue.words
        }
        self._phrases = Phrases(self._places)

    def find(self, channel_code: str, words: str) -> dict[str, list[Reason]]:
        """Reasons by class code, each with its weight; a kind of place counts once however often it is named."""
        found: dict[str, list[Reason]] = defaultdict(list)
        if clue := self._channels.get(channel_code):
            for code in clue.classes:
                found[code].append(Reason(kind="channel", text=channel_code, weight=clue.bonus))
        named = {id(clue): (word, clue) for word in self._phrases.find(words) for clue in (self._places[word],)}
        for word, clue in named.values():
            for code in clue.classes:
                found[code].append(Reason(kind="place_kind", text=word, weight=clue.bonus))
        return found


class TypeMarkers:
    """Tells a question from a wish, a complaint, a word of praise and a line that says nothing."""

    def __init__(self, rules: ClassificationRules) -> None:
        self._rules = rules.types
        self._nonsense = rules.nonsense
        self._empty_phrases = frozenset(normal(phrase, len(phrase)) for phrase in rules.nonsense.phrases)
        self._markers: dict[str, list[tuple[CaseType, float]]] = defaultdict(list)
        for type_code, markers in self._rules.markers.items():
            for marker, weight in markers.items():
                self._markers[normal(marker, len(marker))].append((type_code, weight))
        self._phrases = Phrases(self._markers)

    def find(self, title: str, text: str) -> tuple[CaseType | None, list[Reason]]:
        """The type with the highest sum and its markers; None when nothing speaks for any type."""
        in_title, in_text = self._phrases.find(title), self._phrases.find(text)
        found = in_title.keys() | in_text.keys()
        sums: dict[CaseType, float] = {self._rules.default: self._rules.base}
        reasons: dict[CaseType, list[Reason]] = defaultdict(list)
        for marker in sorted(found):
            if any(marker != other and marker in other for other in found):
                continue
            for type_code, base in self._markers[marker]:
                weight = base * (self._rules.title_factor if marker in in_title else 1.0)
                sums[type_code] = sums.get(type_code, 0.0) + weight
                reasons[type_code].append(Reason(kind="type_marker", text=marker, weight=round(weight, 3)))
        best = max(sums, key=lambda code: sums[code])
        return (best, reasons[best]) if reasons.get(best) else (None, [])

    def is_nonsense(self, text: str) -> bool:
        """One-liners that name nothing: too short, a pressed key, or only a greeting."""
        rules = self._nonsense
        meaningful = "".join(char for char in text if char.isalpha())
        if len(meaningful) < rules.min_meaningful_chars or meaningful in self._empty_phrases:
            return True
        if len(set(meaningful)) < rules.min_distinct_chars:
            return True
        one_word = meaningful.isascii() and " " not in text.strip()
        return one_word and len(meaningful) <= rules.max_key_mash_chars


class PlaceWords:
    """Tells the community or subdistrict a message names."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._by_word = {word: area for area in places for word in (area.name, *area.aliases)}
        self._phrases = Phrases(self._by_word)

    def find(self, given: str | None, title: str, text: str) -> tuple[str | None, list[Reason]]:
        """A known code given wins; else the first community named, else the first subdistrict."""
        if given and given in self._places:
            return given, [Reason(kind="given_area", text=self._places.name(given))]
        found = self._phrases.find(f"{title}\n{text}")
        words = [word for word in found if not any(word != other and word in other for other in found)]
        if not words:
            return None, []
        first = min(words, key=lambda word: (self._by_word[word].level != "community", found[word], -len(word)))
        return self._by_word[first].code, [Reason(kind="place", text=first)]
