"""Owns the samples as numbers: every feature that occurs often enough, and how often it does in which sample."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from services.router.learning.reading import Bag, Keys, bag, read
from services.router.learning.recipe import Recipe
from services.router.learning.samples import Sample


@dataclass(frozen=True, slots=True)
class Counted:
    """One row for each sample, one column for each key."""

    keys: Keys
    counts: csr_matrix


def count(samples: Sequence[Sample], recipe: Recipe) -> Counted:
    """Features of a single sample are left out when there are many samples: they are slips, names and chance."""
    return tabulate([bag(read(one.title, one.text, recipe)) for one in samples], min_samples(len(samples)))


def min_samples(samples: int) -> int:
    return 2 if samples >= FEW else 1


FEW = 1000
"""Below this many samples a word that occurs once may be the only one its label has."""


def tabulate(bags: Sequence[Bag], least: int) -> Counted:
    keys, seen = np.unique(np.concatenate([one.keys for one in bags]), return_counts=True)
    keys = keys[seen >= least]
    columns, values, bounds = [], [], [0]
    for one in bags:
        places = np.searchsorted(keys, one.keys)
        places[places == len(keys)] = 0
        known = keys[places] == one.keys if len(keys) else np.zeros(len(one.keys), bool)
        columns.append(places[known].astype(np.int32))
        values.append(one.counts[known].astype(np.float32))
        bounds.append(bounds[-1] + len(columns[-1]))
    shape = (len(bags), len(keys))
    return Counted(keys, csr_matrix((np.concatenate(values), np.concatenate(columns), np.array(bounds)), shape=shape))
