"""Owns the trained model as the router uses it: five guesses for a message, each with its confidence and its words."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np

from services.router.learning.reading import Bag, Floats, Keys, Spans, bag, read
from services.router.learning.recipe import Recipe
from services.router.learning.stage import Known, Stage

MOST = 5
WORTH_WORDS = 0.01
"""Below this confidence a guess is only there to fill the five; it has no words."""
BRANCHES = 3
"""How many groups of a two-stage model are looked into; what is beyond the third is not among the first five."""


class Guess(NamedTuple):
    label: str
    confidence: float
    """The share of such guesses that have proved right, 0 to 1."""
    words: tuple[str, ...]
    """What of the message spoke most for it, the strongest first, in normal form (half-width, numbers as 0)."""


@dataclass(frozen=True)
class Model:
    """One stage for few labels; for many a first stage between groups and one for the labels of each group.

    Needs numpy and rjieba only; holds no text of the messages it learned from, only hashes of their pieces.
    """

    version: str
    recipe: Recipe
    first: Stage
    branches: Mapping[str, Stage]
    """By label of the first stage; empty for a model of one stage."""

    @property
    def labels(self) -> tuple[str, ...]:
        if not self.branches:
            return self.first.labels
        return tuple(label for branch in self.branches.values() for label in branch.labels)

    @property
    def size_bytes(self) -> int:
        return sum(stage.size_bytes for stage in (self.first, *self.branches.values()))

    def predict(self, title: str, text: str) -> tuple[Guess, ...]:
        """The likeliest labels, most likely first, five at most."""
        spans = read(title, text, self.recipe)
        found = bag(spans)
        known = self.first.known(found, self.recipe)
        shares = self.first.link.probabilities(self.first.scores(known))
        if self.branches:
            ranked, weights = self._by_group(found, known, shares)
        else:
            best = np.argsort(-shares, kind="stable")[:MOST]
            ranked = [(self.first.labels[at], float(shares[at])) for at in best]
            weights = np.zeros((len(found.keys), len(best)))
            weights[known.at] = self.first.spoken(known, best)
        told = sum(share >= WORTH_WORDS for _, share in ranked)
        words = [*telling_words(spans, found.keys, weights[:, :told]), *[()] * (len(ranked) - told)]
        return tuple(Guess(label, share, of) for (label, share), of in zip(ranked, words, strict=True))

    def _by_group(self, found: Bag, known: Known, shares: Floats) -> tuple[list[tuple[str, float]], Floats]:
        """A label is as likely as its group, times its share within it; both stages speak in its words."""
        groups = np.argsort(-shares, kind="stable")[:BRANCHES]
        stages = [self.branches[self.first.labels[group]] for group in groups]
        inside = [stage.known(found, self.recipe) for stage in stages]
        each = [
            stage.link.probabilities(stage.scores(here)) * shares[group]
            for stage, here, group in zip(stages, inside, groups, strict=True)
        ]
        ends = np.cumsum([len(one) for one in each])
        likely = np.concatenate(each)
        best = np.argsort(-likely, kind="stable")[:MOST]
        weights = np.zeros((len(found.keys), len(best)))
        ranked = []
        for at, leaf in enumerate(best.tolist()):
            branch = int(np.searchsorted(ends, leaf, side="right"))
            column = leaf - int(ends[branch]) + len(each[branch])
            ranked.append((stages[branch].labels[column], float(likely[leaf])))
            weights[known.at, at] = self.first.spoken(known, groups[branch : branch + 1])[:, 0]
            weights[inside[branch].at, at] += stages[branch].spoken(inside[branch], np.array([column]))[:, 0]
        return ranked, weights


def telling_words(spans: Spans, keys: Keys, weights: Floats, most: int = 5) -> list[tuple[str, ...]]:
    """For every column of weights the words of the message that carry most of it.

    The weight of an n-gram is spread over its characters wherever it stands, and a word has what its characters have;
    so a word counts with everything the model saw in and around it. Words of one character tell a reader little.
    """
    if not len(spans.keys):
        return [()] * weights.shape[1]
    places = np.searchsorted(keys, spans.keys)
    told = np.flatnonzero(weights.any(axis=1)[places])
    places, begin, end = places[told], spans.starts[told], spans.ends[told]
    amount = np.bincount(places, minlength=len(keys))
    each = ((weights / np.maximum(amount, 1)[:, None])[places] / (end - begin)[:, None]).T.copy()
    numbers: dict[str, int] = {}
    starts = [0, *spans.words[:-1].tolist()]
    own = [
        numbers.setdefault(spans.text[start:stop], len(numbers))
        for start, stop in zip(starts, spans.words.tolist(), strict=True)
    ]
    names = list(numbers)
    found = []
    bounds = np.concatenate((np.zeros(1, np.int64), spans.words))
    for one in each:
        steps = np.bincount(begin, one, len(spans.text) + 1) - np.bincount(end, one, len(spans.text) + 1)
        before = np.concatenate((np.zeros(1), np.cumsum(np.cumsum(steps)[:-1])))
        by_word = np.bincount(own, np.diff(before[bounds]), len(names))
        ranked = (names[at] for at in np.argsort(-by_word).tolist() if by_word[at] > 0)
        found.append(tuple(islice((name for name in ranked if len(name) > 1 and name.isalpha()), most)))
    return found
