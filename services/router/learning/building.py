"""Owns making a whole model from samples: one stage or two, cross-validated, with a version that says of what."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from services.router.learning.counting import Counted, count
from services.router.learning.model import Model
from services.router.learning.parts import divide, families
from services.router.learning.reading import Ints
from services.router.learning.recipe import DEFAULT, Recipe
from services.router.learning.samples import NothingToLearn, Sample
from services.router.learning.stage import Stage
from services.router.learning.training import Judging, Tuning, fit_stage

SEED = 20
FEW_LABELS = 60
"""Up to so many labels are told apart in one stage."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """Labels that begin alike are one group of the first stage; 0 for a model of one stage."""

    prefix: int = 0

    @classmethod
    def of(cls, labels: Sequence[str]) -> Self:
        """Codes of the catalogue (seven digits, the first two are the class) are many: two stages."""
        different = set(labels)
        coded = all(len(label) == 7 and label.isdecimal() for label in different)  # noqa: PLR2004
        return cls(2 if coded and len(different) > FEW_LABELS else 0)


@dataclass(frozen=True, slots=True)
class Built:
    model: Model
    metrics: dict[str, float]
    """Of samples by models that had not seen them: of the first stage, and of the labels given the right group."""


def build(
    samples: Sequence[Sample],
    *,
    grouping: Grouping | None = None,
    recipe: Recipe = DEFAULT,
    tuning: Tuning | None = None,
) -> Built:
    """Raises `NothingToLearn` when there is nothing to choose between."""
    tuning = tuning or Tuning()
    if not samples:
        raise NothingToLearn("0 samples")
    labels = np.array([one.label for one in samples])
    grouping = grouping or Grouping.of(labels.tolist())
    groups = np.array([label[: grouping.prefix] for label in labels]) if grouping.prefix else labels
    data = _Data(count(samples, recipe), families(samples), np.array([one.is_message for one in samples]))
    first, accuracy = _stage(data, groups, recipe, tuning)
    metrics = {"accuracy": round(accuracy, 4)}
    branches: dict[str, Stage] = {}
    within = 0.0
    for group in first.labels if grouping.prefix else ():
        mine = np.flatnonzero(groups == group)
        branches[group], share = _branch(data.of(mine), labels[mine], recipe, tuning)
        within += share * len(mine)
    if branches:
        metrics["accuracy_within_groups"] = round(within / len(labels), 4)
    version = version_of(samples, recipe, tuning)
    return Built(Model(version=version, recipe=recipe, first=first, branches=branches), metrics)


@dataclass(frozen=True, slots=True)
class _Data:
    counted: Counted
    related: Ints
    messages: NDArray[np.bool_]

    def of(self, chosen: Ints) -> Self:
        """Only the chosen samples, and only the features they have."""
        rows = self.counted.counts[chosen]
        used = np.unique(rows.indices)
        return type(self)(Counted(self.counted.keys[used], rows[:, used]), self.related[chosen], self.messages[chosen])


def _branch(data: _Data, labels: NDArray[np.str_], recipe: Recipe, tuning: Tuning) -> tuple[Stage, float]:
    if len(set(labels.tolist())) == 1:
        return Stage.of_one(str(labels[0])), 1.0
    return _stage(data, labels, recipe, tuning)


def _stage(data: _Data, labels: NDArray[np.str_], recipe: Recipe, tuning: Tuning) -> tuple[Stage, float]:
    """The stage, and how many of the messages it gets right when it has not seen them."""
    names = labels.tolist()
    folds = tuning.folds if len(names) < tuning.many else tuning.folds_of_many
    judging = Judging(divide(names, data.related, folds, SEED), data.messages)
    stage, unseen = fit_stage(data.counted, names, judging, recipe, tuning)
    right = np.array(stage.labels)[unseen.argmax(axis=1)] == labels
    return stage, float(right[data.messages].mean() if data.messages.any() else right.mean())


def version_of(samples: Sequence[Sample], recipe: Recipe, tuning: Tuning) -> str:
    """The same samples and the same choices make the same version."""
    seal = hashlib.sha256(repr((recipe, tuning)).encode())
    for line in sorted(repr((one.label, one.title, one.text)) for one in samples):
        seal.update(line.encode("utf-8", "surrogatepass"))
    return seal.hexdigest()[:12]
