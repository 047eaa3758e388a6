"""Owns weighted ridge regression on sparse rows for many labels at once, solved where the samples are, not the features.

The same coefficients as scikit-learn's `RidgeClassifier` (a test compares them), which solves label after label in the
space of the features: for a thousand labels, or half a million features, that takes minutes instead of seconds.
"""

import numpy as np
from scipy.linalg import solve
from scipy.sparse import csr_matrix

from services.router.learning.reading import Floats, Ints

FEW = 2000
"""Up to so many samples the kernel is small, and one factorisation serves all labels."""
TOLERANCE = 1e-3
MOST_STEPS = 200


def ridge(rows: csr_matrix, own: Ints, weight: Floats, strength: float) -> tuple[Floats, Floats]:
    """Coefficients (features × labels) and intercepts for targets of 1 for a sample's label and -1 for all others.

    `own`: the number of every sample's label, from 0 without a gap; `weight`: how much every sample counts.
    """
    targets = np.full((len(own), int(own.max()) + 1), -1.0)
    targets[np.arange(len(own)), own] = 1.0
    root = np.sqrt(weight)[:, None]
    centre = np.asarray(rows.T @ weight).ravel() / weight.sum()
    mean = weight @ targets / weight.sum()
    given = root * (targets - mean)
    if len(own) > FEW:
        spoken = root * _step_by_step(rows, centre, root, given, strength)
    else:
        spoken = root * _at_once(rows, centre, root, given, strength)
    learned: Floats = rows.T @ spoken - np.outer(centre, spoken.sum(axis=0))
    return learned, mean - centre @ learned


def _at_once(rows: csr_matrix, centre: Floats, root: Floats, given: Floats, strength: float) -> Floats:
    kernel: Floats = (rows @ rows.T).toarray()
    toward = np.asarray(rows @ centre)
    kernel += centre @ centre - toward[:, None] - toward[None, :]
    kernel *= root * root.T
    kernel[np.diag_indices_from(kernel)] += strength
    found: Floats = solve(kernel, given, assume_a="pos", overwrite_a=True)
    return found


def _step_by_step(rows: csr_matrix, centre: Floats, root: Floats, given: Floats, strength: float) -> Floats:
    """Conjugate gradients, all labels side by side; a label that is done only waits for the others."""
    columns = rows.T.tocsr()
    found, rest = np.zeros_like(given), given.copy()
    direction, left = rest.copy(), (rest * rest).sum(axis=0)
    enough = TOLERANCE**2 * np.maximum(left, 1e-30)
    for _ in range(MOST_STEPS):
        if (left <= enough).all():
            break
        weighed = root * direction
        inner = columns @ weighed - np.outer(centre, weighed.sum(axis=0))
        applied = root * (rows @ inner - centre @ inner) + strength * direction
        step = left / np.maximum((direction * applied).sum(axis=0), 1e-30)
        found += step * direction
        rest -= step * applied
        now = (rest * rest).sum(axis=0)
        direction = rest + now / np.maximum(left, 1e-30) * direction
        left = now
    return found
