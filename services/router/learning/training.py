"""Owns fitting one stage: which features say something, a ridge classifier over them, and how sure its scores are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from services.router.learning.counting import Counted
from services.router.learning.reading import BLOCK_BITS, Floats, Ints, Keys
from services.router.learning.recipe import Recipe
from services.router.learning.ridge import ridge
from services.router.learning.samples import NothingToLearn
from services.router.learning.stage import Link, Stage


@dataclass(frozen=True, slots=True)
class Tuning:
    """What is chosen, not learned; the values are plateaus, found on public messages (docs/classification.md)."""

    ridge: float = 0.2
    """How strongly weights are held small; in squared lengths of a message."""
    balance: float = 0.7
    """0 counts every sample alike, 1 every label alike."""
    telling: float = 0.25
    """Exponent of how much a feature tells labels apart (chi² for each sample it occurs in)."""
    folds: int = 5
    """For the calibration: scores are taken from models that have not seen the sample."""
    many: int = 5000
    folds_of_many: int = 3
    """From so many samples on fewer folds do: what each leaves out is missed less."""
    max_cells: int = 16_000_000
    """Weights of one stage at most (32 MB); the features that say least are left out."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """One fit, before it is calibrated."""

    scales: Floats
    weights: Floats
    intercept: Floats


@dataclass(frozen=True, slots=True)
class Judging:
    """How a stage is calibrated: the part of each sample, near-duplicates in one, and which samples are messages."""

    parts: Ints
    messages: NDArray[np.bool_]


def fit_stage(
    counted: Counted, labels: Sequence[str], judged: Judging, recipe: Recipe, tuning: Tuning
) -> tuple[Stage, Floats]:
    """The stage, and for every sample the probabilities by models that had not seen it.

    Only the samples that are messages tell how sure the model is; where there are none, all do.
    """
    names, numbers = np.unique(np.array(labels), return_inverse=True)
    if len(names) < 2:  # noqa: PLR2004  a choice needs two
        raise NothingToLearn(f"{len(labels)} samples with {len(names)} label")
    unseen = held_out_scores(counted, numbers, judged.parts, recipe, tuning)
    asked = judged.messages if judged.messages.any() else np.ones(len(labels), bool)
    fitted = fit(counted, np.arange(len(labels)), numbers, recipe, tuning)
    chosen = _most_telling(counted, fitted, tuning)
    stage = Stage(
        labels=tuple(str(name) for name in names),
        keys=counted.keys[chosen],
        scales=fitted.scales[chosen].astype(np.float32),
        weights=fitted.weights[chosen].astype(np.float16),
        intercept=fitted.intercept,
        link=calibrate(unseen[asked], numbers[asked]),
    )
    return stage, stage.link.probabilities(unseen)


def held_out_scores(counted: Counted, numbers: Ints, folds: Ints, recipe: Recipe, tuning: Tuning) -> Floats:
    """The scores of every sample by a model trained without its part."""
    scores = np.zeros((len(numbers), int(numbers.max()) + 1))
    for part in np.unique(folds):
        inside, outside = np.flatnonzero(folds != part), np.flatnonzero(folds == part)
        fitted = fit(counted, inside, numbers, recipe, tuning)
        unseen = _valued(counted.counts[outside], counted.keys, fitted.scales, recipe)
        scores[outside] = unseen @ fitted.weights + fitted.intercept
    return scores


def fit(counted: Counted, chosen: Ints, numbers: Ints, recipe: Recipe, tuning: Tuning) -> Fitted:
    """Learn from the chosen samples; labels none of them has are scored low everywhere."""
    all_labels = int(numbers.max()) + 1
    counts, mine = counted.counts[chosen], numbers[chosen]
    present, own = np.unique(mine, return_inverse=True)
    scales = _scales(counts, own, tuning)
    amounts = np.bincount(own)
    shares = (len(own) / (len(present) * amounts)) ** tuning.balance
    strength = tuning.ridge * sum(block.weight**2 for block in recipe.blocks)
    learned, constant = ridge(_valued(counts, counted.keys, scales, recipe), own, shares[own], strength)
    weights, intercept = np.zeros((len(counted.keys), all_labels)), np.full(all_labels, -2.0)
    weights[:, present], intercept[present] = learned, constant
    return Fitted(scales, weights - weights.mean(axis=1, keepdims=True), intercept)


def calibrate(scores: Floats, numbers: Ints) -> Link:
    """The link that gives the labels of unseen samples the highest probability."""
    rows = np.arange(len(numbers))

    def surprise(at: Floats) -> float:
        found = Link(float(np.exp(at[0])), float(at[1])).probabilities(scores)[rows, numbers]
        return float(-np.log(found + 1e-12).mean())

    best = minimize(surprise, np.array([1.5, 0.0]), method="Nelder-Mead", options={"maxiter": 200}).x
    return Link(float(np.exp(np.clip(best[0], -3.0, 4.0))), float(np.clip(best[1], -20.0, 20.0)))


def _scales(counts: csr_matrix, numbers: Ints, tuning: Tuning) -> Floats:
    """Inverse document frequency times a power of chi² over the number of samples that have the feature."""
    occurs = counts.copy()
    occurs.data = np.ones_like(occurs.data)
    total = np.asarray(occurs.sum(axis=0)).ravel()
    labels = csr_matrix((np.ones(len(numbers)), (np.arange(len(numbers)), numbers)))
    by_label = (occurs.T @ labels).tocsr()
    by_label.data = by_label.data**2
    shares = np.asarray(labels.mean(axis=0)).ravel()
    apart = np.asarray(by_label @ (1.0 / shares)).ravel() / np.maximum(total, 1.0) ** 2 - 1.0
    rarity = np.log((1.0 + len(numbers)) / (1.0 + total)) + 1.0
    scales: Floats = rarity * np.maximum(apart, 0.0) ** tuning.telling * (total > 0)
    return scales


def _valued(counts: csr_matrix, keys: Keys, scales: Floats, recipe: Recipe) -> csr_matrix:
    """As `Stage.known` does for one message: damped counts, scaled, each block brought to its weight."""
    values = counts.astype(np.float64)
    values.data = (1.0 + np.log(values.data)) * scales[values.indices]
    blocks = (keys & np.uint64((1 << BLOCK_BITS) - 1)).astype(np.int64)
    weights = np.array([block.weight for block in recipe.blocks])
    member = csr_matrix((np.ones(len(keys)), (np.arange(len(keys)), blocks)), shape=(len(keys), len(weights)))
    squares = values.copy()
    squares.data = squares.data**2
    lengths = np.sqrt(np.asarray((squares @ member).todense()))
    lengths[lengths == 0] = 1.0
    rows = np.repeat(np.arange(values.shape[0]), np.diff(values.indptr))
    own = blocks[values.indices]
    values.data = values.data * (weights[own] / lengths[rows, own])
    return values


def _most_telling(counted: Counted, fitted: Fitted, tuning: Tuning) -> Ints:
    """All features, or as many as there is room for; a feature that never got a weight is left out."""
    used = np.flatnonzero(fitted.scales > 0)
    room = tuning.max_cells // fitted.weights.shape[1]
    if len(used) <= room:
        return used
    seen = np.bincount(counted.counts.indices, minlength=len(counted.keys))
    worth = (np.abs(fitted.weights).max(axis=1) * fitted.scales * np.sqrt(seen))[used]
    return np.sort(used[np.argsort(-worth)[:room]])
