"""Owns `classifier crossvalidate`: how good a model of these messages is on messages it has not seen."""

import argparse
import json
from collections.abc import Iterator, Sequence
from statistics import fmean, pstdev
from typing import Any

from services.router.learning.building import build
from services.router.learning.figures import Judged, figures
from services.router.learning.parts import divide, families
from services.router.learning.reading import Ints
from services.router.learning.samples import NothingToLearn, Sample, from_arguments

SEED = 7
"""Not the one that divides samples inside a training."""


def run(arguments: argparse.Namespace) -> int:
    samples = from_arguments(arguments)
    print(json.dumps(crossvalidated(samples, arguments.folds, arguments.seed), ensure_ascii=False))
    return 0


def crossvalidated(samples: Sequence[Sample], folds: int, seed: int = SEED) -> dict[str, Any]:
    """Figures over all messages, each judged by a model trained without its fold; near-duplicates share a fold."""
    if len(samples) < folds:
        raise NothingToLearn(f"{len(samples)} samples for {folds} folds")
    by_fold: list[float] = []
    judged: list[Judged] = []
    for inside, outside in splits(samples, folds, seed):
        found = judged_by(inside, outside)
        by_fold.append(figures(found)["macro_f1"])
        judged += found
    spread = {"macro_f1_of_folds": by_fold, "mean": round(fmean(by_fold), 4), "spread": round(pstdev(by_fold), 4)}
    return {**figures(judged), **spread}


def splits(samples: Sequence[Sample], folds: int, seed: int) -> Iterator[tuple[list[Sample], list[Sample]]]:
    part: Ints = divide([one.label for one in samples], families(samples), folds, seed)
    for number in range(folds):
        chosen = (part == number).tolist()
        inside = [one for one, out in zip(samples, chosen, strict=True) if not out]
        yield inside, [one for one, out in zip(samples, chosen, strict=True) if out]


def judged_by(inside: Sequence[Sample], outside: Sequence[Sample]) -> list[Judged]:
    model = build(inside).model
    guesses = [model.predict(one.title, one.text)[0] for one in outside]
    return [Judged(one.label, guess.label, guess.confidence) for one, guess in zip(outside, guesses, strict=True)]
