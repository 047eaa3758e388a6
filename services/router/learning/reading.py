"""Owns how a message becomes numbered features: one normal form, its n-grams and words as 64-bit keys, and back."""

import re
import unicodedata
from dataclasses import dataclass

import numpy as np
import rjieba
from numpy.typing import NDArray

from services.router.learning.recipe import Recipe

type Keys = NDArray[np.uint64]
type Ints = NDArray[np.int64]
type Floats = NDArray[np.float64]

BLOCK_BITS = 4
"""The low bits of a key say which block of the recipe it belongs to."""
_MASK = np.uint64((1 << BLOCK_BITS) - 1)
_ODD = 0x9E3779B97F4A7C15
_INVERSE = pow(_ODD, -1, 1 << 64)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_SHIFT = np.uint64(31)
_LINKS = re.compile(r"https?://[!-~]*")
_PLACES = re.compile(r"[a-z]\d{0,3}(?=[省市区县镇乡])")
_NUMBERS = re.compile(r"\d+(?:\.\d+)?")
_MASKS = re.compile(r"\*{2,}")


def _powers(base: int, count: int) -> Keys:
    found, power = np.empty(count, np.uint64), 1
    for at in range(count):
        found[at] = power
        power = power * base & 0xFFFFFFFFFFFFFFFF
    return found


_UP, _DOWN = _powers(_ODD, 24_000), _powers(_INVERSE, 24_000)


def normal_form(text: str, max_chars: int) -> str:
    """Half-width, lower case, no blanks; links are dropped, numbers and masked places (`A3区`) become one sign each."""
    cut = unicodedata.normalize("NFKC", text[: max_chars + 200]).casefold()
    cut = cut.encode("utf-8", "ignore").decode()
    if "http" in cut:
        cut = _LINKS.sub("", cut)
    cut = _NUMBERS.sub("0", _PLACES.sub("某", "".join(cut.split())))
    if "**" in cut:
        cut = _MASKS.sub("*", cut)
    return cut[:max_chars]


@dataclass(frozen=True, slots=True)
class Spans:
    """Every feature of a message where it stands: its key, and the characters from start to end of the whole text."""

    text: str
    words: Ints
    """Where the words of the text end."""
    keys: Keys
    starts: Ints
    ends: Ints


@dataclass(frozen=True, slots=True)
class Bag:
    """The different features of a message, in rising order of their keys, and how often each occurs."""

    keys: Keys
    counts: Ints

    @property
    def blocks(self) -> Ints:
        return (self.keys & _MASK).astype(np.int64)


def read(title: str, text: str, recipe: Recipe) -> Spans:
    """The body is title and text together; the head is the title, or how the text begins."""
    head = normal_form(title, 200)
    body = normal_form(text, recipe.body_chars)
    if not head:
        head_end = min(len(body), recipe.head_chars)
        whole = body
    else:
        whole = f"{head}。{body}"
        head_end = len(head)
    chars = np.frombuffer(whole.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    ends = np.fromiter(map(len, rjieba.cut(whole)), np.int64).cumsum() if whole else np.empty(0, np.int64)
    return _spans(whole, chars, ends, head_end, recipe)


def _spans(whole: str, chars: Keys, words: Ints, head_end: int, recipe: Recipe) -> Spans:
    sums = np.zeros(len(chars) + 1, np.uint64)
    np.cumsum(_mixed(chars + np.uint64(1)) * _UP[: len(chars)], out=sums[1:])
    all_starts, all_ends, blocks = [], [], []
    for number, block in enumerate(recipe.blocks):
        end = len(chars) if block.field == "body" else head_end
        if block.size:
            starts = np.arange(max(0, end - block.size + 1))
            ends = starts + block.size
        else:
            ends = words[words <= end]
            starts = np.concatenate((np.zeros(1, np.int64), ends))[: len(ends)]
        all_starts.append(starts)
        all_ends.append(ends)
        blocks.append(np.full(len(starts), number, np.uint64))
    first, last = np.concatenate(all_starts), np.concatenate(all_ends)
    keys = _mixed((sums[last] - sums[first]) * _DOWN[first])
    return Spans(whole, words, (keys & ~_MASK) | np.concatenate(blocks), first, last)


def bag(spans: Spans) -> Bag:
    keys, counts = np.unique(spans.keys, return_counts=True)
    return Bag(keys, counts)


def _mixed(values: Keys) -> Keys:
    mixed = values * _MIX
    return mixed ^ (mixed >> _SHIFT)
