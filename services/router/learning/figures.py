"""Owns how good guesses are: accuracy, F1 for each label, what is mistaken for what, and what a threshold buys."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

CURVE = (1.0, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5)
"""Shares of messages that are left when the least certain ones go to a person."""
ASKED = 0.8
BINS = 10


@dataclass(frozen=True, slots=True)
class Judged:
    """One message: what it is, what it was taken for, how sure that was."""

    label: str
    guess: str
    confidence: float


def figures(judged: Sequence[Judged]) -> dict[str, Any]:
    """The figures every evaluation prints; macro-F1 is over the labels that occur, unrounded means of all."""
    each = per_label(judged)
    return {
        "rows": len(judged),
        "accuracy": round(sum(one.label == one.guess for one in judged) / len(judged), 4),
        "macro_f1": round(sum(one["f1"] for one in each.values()) / len(each), 4),
        "coverage_80_accuracy": surest(judged, ASKED)[0],
        "per_class": {label: {name: round(value, 4) for name, value in one.items()} for label, one in each.items()},
        "confusion": confusion(judged),
        "coverage": {f"{share:.2f}": surest(judged, share) for share in CURVE},
        "calibration_error": calibration_error(judged),
    }


def per_label(judged: Sequence[Judged]) -> dict[str, dict[str, float]]:
    """Precision, recall, F1 and number of messages of every label that occurs."""
    real, said = Counter(one.label for one in judged), Counter(one.guess for one in judged)
    both = Counter(one.label for one in judged if one.label == one.guess)
    found: dict[str, dict[str, float]] = {}
    for label in sorted(real):
        precision = both[label] / said[label] if said[label] else 0.0
        recall = both[label] / real[label]
        f1 = 2 * both[label] / (said[label] + real[label])
        found[label] = {"precision": precision, "recall": recall, "f1": f1, "n": real[label]}
    return found


def confusion(judged: Sequence[Judged]) -> dict[str, dict[str, int]]:
    """For every label how many of its messages were taken for which."""
    found: dict[str, dict[str, int]] = {}
    for (label, guess), count in sorted(Counter((one.label, one.guess) for one in judged).items()):
        found.setdefault(label, {})[guess] = count
    return found


def surest(judged: Sequence[Judged], share: float) -> tuple[float, float]:
    """Accuracy on the most certain share of the messages, and the confidence of the last of them."""
    ranked = sorted(judged, key=lambda one: -one.confidence)[: max(1, round(share * len(judged)))]
    return round(sum(one.label == one.guess for one in ranked) / len(ranked), 4), round(ranked[-1].confidence, 4)


def calibration_error(judged: Sequence[Judged]) -> float:
    """Mean distance between confidence and the share that was right, over bins of confidence."""
    confidence = np.array([one.confidence for one in judged])
    right = np.array([one.label == one.guess for one in judged], float)
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.abs(np.bincount(bins, right - confidence, BINS))
    return round(float(gaps.sum() / len(judged)), 4)
