"""Owns weighing opinions against each other: the weights that make what was chosen in the past the likeliest."""

import numpy as np

from services.router.learning.records import Floats, Ints


def pooled_weights(opinions: Floats, chosen: Ints, *, least: float = -np.inf, penalty: float = 3.0) -> Floats:
    """Weights by which the weighed sum of log opinions makes the chosen alternatives likeliest (conditional logit).

    `opinions` is cases × alternatives × views; Newton's method on the views that are not held at the least weight.
    """
    rows = np.arange(len(chosen))
    weights = np.zeros(opinions.shape[2])

    def surprise(at: Floats) -> tuple[float, Floats]:
        shares = softmax(opinions @ at)
        return float(-np.log(shares[rows, chosen] + 1e-300).sum() + penalty * at @ at), shares

    loss, shares = surprise(weights)
    for _ in range(60):
        mean = np.einsum("nc,ncv->nv", shares, opinions)
        slope = (mean - opinions[rows, chosen]).sum(0) + 2 * penalty * weights
        free = (weights > least) | (slope < 0)
        spread = np.einsum("ncv,ncw->vw", opinions * shares[:, :, None], opinions, optimize=True) - mean.T @ mean
        spread += (2 * penalty + 1e-9) * np.eye(len(weights))
        step = np.zeros(len(weights))
        step[free] = np.linalg.solve(spread[np.ix_(free, free)], slope[free])
        size, better = 1.0, False
        while not better and size > 1e-4:  # noqa: PLR2004  a step this small changes nothing
            tried = np.maximum(weights - size * step, least)
            tried_loss, tried_shares = surprise(tried)
            better, size = tried_loss < loss - 1e-7 * abs(loss), size / 3
        if not better:
            break
        weights, loss, shares = tried, tried_loss, tried_shares
    return weights


def softmax(scores: Floats) -> Floats:
    raised: Floats = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares: Floats = raised / raised.sum(axis=-1, keepdims=True)
    return shares
