"""Owns one linear decision between labels: known features, their weights, and how scores become probabilities."""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from services.router.learning.reading import Bag, Floats, Ints, Keys
from services.router.learning.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Known:
    """The features of a message that a stage knows: where they stand in its tables, and their values."""

    at: Ints
    """Places in the message's bag."""
    rows: Ints
    """Places in the stage's tables."""
    values: Floats


class Link(NamedTuple):
    """Makes probabilities of scores: a sigmoid for each label, then brought to a sum of one."""

    slope: float
    offset: float

    def probabilities(self, scores: Floats) -> Floats:
        each = 1.0 / (1.0 + np.exp(-np.clip(scores * self.slope + self.offset, -30.0, 30.0)))
        found: Floats = each / each.sum(axis=-1, keepdims=True)
        return found


@dataclass(frozen=True, slots=True)
class Stage:
    """Scores are `values · weights + intercept`; see `Link` for what is made of them."""

    labels: tuple[str, ...]
    keys: Keys
    """Rising."""
    scales: NDArray[np.float32]
    """How much a feature says at all: rare ones and those that tell the labels apart say more."""
    weights: NDArray[np.float16]
    """One row for each key, one column for each label; the mean of every row is nought."""
    intercept: Floats
    link: Link

    @classmethod
    def of_one(cls, label: str) -> Self:
        """Where there is nothing to choose."""
        none = np.empty(0, np.float32)
        return cls((label,), np.empty(0, np.uint64), none, np.empty((0, 1), np.float16), np.zeros(1), Link(1.0, 0.0))

    def known(self, bag: Bag, recipe: Recipe) -> Known:
        if not len(self.keys):
            return Known(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
        places = np.searchsorted(self.keys, bag.keys)
        places[places == len(self.keys)] = 0
        at = np.flatnonzero(self.keys[places] == bag.keys)
        rows = places[at]
        blocks = bag.blocks[at]
        values = (1.0 + np.log(bag.counts[at])) * self.scales[rows]
        weights = np.array([block.weight for block in recipe.blocks])
        lengths = np.sqrt(np.bincount(blocks, values * values, len(weights)))
        lengths[lengths == 0] = 1.0
        return Known(at, rows, values * (weights / lengths)[blocks])

    def scores(self, known: Known) -> Floats:
        found: Floats = known.values @ self.weights[known.rows].astype(np.float32) + self.intercept
        return found

    def spoken(self, known: Known, columns: Ints) -> Floats:
        """What each known feature of a message added to the scores of some labels."""
        found: Floats = known.values[:, None] * self.weights[known.rows[:, None], columns].astype(np.float64)
        return found

    @property
    def size_bytes(self) -> int:
        return sum(part.nbytes for part in (self.keys, self.scales, self.weights, self.intercept))
