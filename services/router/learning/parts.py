"""Owns dividing samples into parts for cross-validation: labels evenly, near-duplicates together."""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import HashingVectorizer

from services.router.learning.reading import Ints, normal_form
from services.router.learning.samples import Sample

ALIKE = 0.4
"""Share of common four-character pieces from which two messages count as one."""
INSIDE = 0.6
"""Share of the shorter one's pieces that the longer one has, from which they count as one."""
SHORT = 20
"""Pieces below which a message is too short to be part of another by more than chance."""
AT_ONCE = 1000


def families(samples: Sequence[Sample]) -> Ints:
    """One number for all messages that are nearly the same: resent letters, petitions, copies with another title."""
    pieces = HashingVectorizer(analyzer="char", ngram_range=(4, 4), n_features=2**20, binary=True, norm=None)
    pieces.set_params(alternate_sign=False, lowercase=False, dtype=np.float32)
    rows = pieces.transform([normal_form(one.title + one.text, 5000) for one in samples])
    amount = np.asarray(rows.sum(axis=1)).ravel()
    first, second = [], []
    for start in range(0, len(samples), AT_ONCE):
        common = (rows[start : start + AT_ONCE] @ rows.T).tocoo()
        here, there = common.row + start, common.col
        shorter = np.minimum(amount[here], amount[there])
        alike = common.data > ALIKE * (amount[here] + amount[there] - common.data)
        inside = (common.data > INSIDE * shorter) & (shorter > SHORT)
        close = (alike | inside) & (here < there)
        first.append(here[close])
        second.append(there[close])
    return _joined(np.concatenate(first), np.concatenate(second), len(samples))


def _joined(first: Ints, second: Ints, count: int) -> Ints:
    graph = coo_matrix((np.ones(len(first)), (first, second)), shape=(count, count))
    found: Ints = connected_components(graph, directed=False)[1]
    return found


def divide(labels: Sequence[str], groups: Ints, parts: int, seed: int) -> Ints:
    """The part each sample is in, from 0: the groups of each label are dealt out in random order, like cards.

    A group of several labels goes where its first sample goes.
    """
    _, first, member = np.unique(groups, return_index=True, return_inverse=True)
    names, numbers = np.unique(np.array(labels)[first], return_inverse=True)
    chance = np.random.default_rng(seed)
    part_of_group = np.empty(len(first), np.int64)
    dealt = 0
    for number in range(len(names)):
        mine = chance.permutation(np.flatnonzero(numbers == number))
        part_of_group[mine] = (dealt + np.arange(len(mine))) % parts
        dealt += len(mine)
    found: Ints = part_of_group[member]
    return found
