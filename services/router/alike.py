"""Owns how alike two requests are, by what is said, where and when, and the keys under which likely pairs meet. Pure.

A signature is a MinHash of the pairs of characters of a text, cut into bands of two (locality-sensitive hashing): two
texts that share a share s of their pairs share a key with probability 1 - (1 - s²)^bands. The slice of time a request
came in is part of every key, so that an index of keys never finds more than one season's cases.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import numpy as np

from contracts.events.intake import Place
from services.router.catalogue.merging import Candidates, PlaceLikeness, TextLikeness, TimeLikeness
from services.router.classifier_words import normal

BANDS = 16
ROWS = 2
SLICE = timedelta(days=10)
"""Part of every key; a window is asked for slice by slice."""
_EPOCH = 1_577_836_800
_PRIME = np.uint64((1 << 31) - 1)
_SEED = 20_261_124
"""Never change it, nor the numbers above: the keys in the database are made with them."""
_EARTH_METRES = 6_371_000


@cache
def _permutations() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(_SEED)
    factors = random.integers(1, int(_PRIME), size=BANDS * ROWS, dtype=np.uint64)
    return factors[:, None], random.integers(0, int(_PRIME), size=BANDS * ROWS, dtype=np.uint64)[:, None]


def plain(title: str, text: str, rules: TextLikeness) -> str:
    """What is compared: no punctuation, no politeness, and only so much."""
    said = normal(f"{title}\n{text}", rules.max_chars)
    for phrase in rules.silent:
        said = said.replace(phrase, "\n")
    return said


def pairs(said: str) -> set[str]:
    """Every two neighbouring characters that are both letters, digits or Chinese."""
    return {said[at : at + 2] for at in range(len(said) - 1) if said[at].isalnum() and said[at + 1].isalnum()}


def keys_of(title: str, text: str, received_at: datetime, rules: TextLikeness) -> list[int]:
    """For the index; none for a text with nothing in it."""
    return [] if not (bands := _bands(title, text, rules)) else _keyed(bands, _slice(received_at))


def keys_around(title: str, text: str, received_at: datetime, rules: Candidates) -> list[int]:
    """Every key a like request of the window may have."""
    bands, days = _bands(title, text, rules.text), timedelta(days=rules.time.window_days)
    slices = range(_slice(received_at - days), _slice(received_at + days) + 1)
    return [key for one in slices for key in _keyed(bands, one)] if bands else []


def _slice(at: datetime) -> int:
    return int((at.timestamp() - _EPOCH) // SLICE.total_seconds())


def _bands(title: str, text: str, rules: TextLikeness) -> list[int]:
    found = pairs(plain(title, text, rules))
    if not found:
        return []
    # Two characters of the basic plane are 32 bits: a number of their own without hashing.
    numbers = np.fromiter((((ord(one[0]) & 0xFFFF) << 15 ^ ord(one[1])) & 0x7FFFFFFF for one in found), np.uint64)
    factors, summands = _permutations()
    least = ((numbers[None, :] * factors + summands) % _PRIME).min(axis=1)
    return [int(one) << 31 | int(other) for one, other in zip(least[::ROWS], least[1::ROWS], strict=True)]


def _keyed(bands: Sequence[int], slice_: int) -> list[int]:
    """One 63-bit number for band, values and slice; equal only where all three are, but for one chance in 2^60."""
    return [_mixed(value ^ _mixed(slice_ * BANDS + at)) for at, value in enumerate(bands)]


def _mixed(value: int) -> int:
    value = (value ^ (value >> 33)) * 0xFF51AFD7ED558CCD & 0xFFFFFFFFFFFFFFFF
    value = (value ^ (value >> 33)) * 0xC4CEB9FE1A85EC53 & 0xFFFFFFFFFFFFFFFF
    return (value ^ (value >> 33)) >> 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Of a case what is compared."""

    title: str
    text: str
    place: Place
    area_code: str | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike, and why one may think so: the evidence shown to who decides."""

    score: float
    text: float
    place: float
    time: float
    shared_words: tuple[str, ...]
    metres: float | None
    same_area: str | None
    """`community` or `subdistrict`, where both are in the same one."""
    hours_apart: float


def likeness(one: Request, other: Request, rules: Candidates) -> Likeness:
    here, there = plain(one.title, one.text, rules.text), plain(other.title, other.text, rules.text)
    text = _shared(pairs(here), pairs(there))
    metres, area = metres_between(one.place, other.place), same_area(one.area_code, other.area_code)
    known = bool(one.area_code and other.area_code)
    place = _place(metres, area, rules.place, known=known)
    hours = abs((one.received_at - other.received_at).total_seconds()) / 3600
    time, weights = _time(hours, rules.time), rules.weights
    total = weights.text + weights.place + weights.time
    score = (weights.text * text + weights.place * place + weights.time * time) / total
    return Likeness(
        score=round(score, 4),
        text=round(text, 4),
        place=round(place, 4),
        time=round(time, 4),
        shared_words=shared_words(here, there, rules.text),
        metres=None if metres is None else round(metres, 1),
        same_area=area,
        hours_apart=round(hours, 1),
    )


def _shared(here: set[str], there: set[str]) -> float:
    """Cosine of the two sets: a short request inside a long one is still like it."""
    return len(here & there) / math.sqrt(len(here) * len(there)) if here and there else 0.0


def shared_words(here: str, there: str, rules: TextLikeness) -> tuple[str, ...]:
    """The longest runs of characters both have, longest first, none inside another."""
    known, found, at = pairs(there), list[str](), 0
    while at < len(here) - 1:
        end = at
        while end < len(here) - 1 and here[end : end + 2] in known:
            end += 1
        if end > at:
            # Its pairs all occur over there, yet perhaps not as one run: cut where it does not.
            found += _whole(here[at : end + 1], there, rules.shared_words_min_chars)
        at = end + 1
    longest = sorted(dict.fromkeys(found), key=lambda word: (-len(word), word))
    return tuple(_outermost(longest))[: rules.shared_words_most]


def _whole(run: str, there: str, least: int) -> Iterable[str]:
    start = 0
    while len(run) - start >= least:
        end = start + least
        while end <= len(run) and run[start:end] in there:
            end += 1
        if end - 1 - start >= least:
            yield run[start : end - 1]
            start = end - 1
        else:
            start += 1


def _outermost(words: Iterable[str]) -> list[str]:
    kept: list[str] = []
    for word in words:
        if not any(word in longer for longer in kept):
            kept.append(word)
    return kept


def metres_between(one: Place, other: Place) -> float | None:
    """Along the sphere; None where one has no coordinates, or they are of two systems."""
    if one.coordinates != other.coordinates or None in (one.latitude, one.longitude, other.latitude, other.longitude):
        return None
    assert one.latitude is not None and one.longitude is not None  # noqa: PT018
    assert other.latitude is not None and other.longitude is not None  # noqa: PT018
    here, there = math.radians(one.latitude), math.radians(other.latitude)
    across = math.radians(other.longitude - one.longitude) * math.cos((here + there) / 2)
    return _EARTH_METRES * math.hypot(there - here, across)


SUBDISTRICT_DIGITS = 9


def same_area(one: str | None, other: str | None) -> str | None:
    """Area codes of twelve digits are communities, their first nine the subdistrict."""
    if not one or not other or one[:SUBDISTRICT_DIGITS] != other[:SUBDISTRICT_DIGITS]:
        return None
    return "community" if one == other and len(one) > SUBDISTRICT_DIGITS else "subdistrict"


def _place(metres: float | None, area: str | None, rules: PlaceLikeness, *, known: bool) -> float:
    if metres is not None:
        beyond = (metres - rules.same_spot_metres) / max(rules.far_metres - rules.same_spot_metres, 1.0)
        return min(1.0, max(0.0, 1.0 - beyond))
    if area is not None:
        return rules.same_community if area == "community" else rules.same_subdistrict
    return 0.0 if known else rules.unknown


def _time(hours: float, rules: TimeLikeness) -> float:
    beyond = (hours - rules.same_time_hours) / max(rules.window_days * 24 - rules.same_time_hours, 1.0)
    return min(1.0, max(0.0, 1.0 - beyond))
