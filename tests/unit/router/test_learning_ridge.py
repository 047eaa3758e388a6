"""Our ridge is scikit-learn's, solved another way: the same coefficients, by kernel and step by step."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix, random_array
from sklearn.linear_model import RidgeClassifier

from services.router.learning import ridge as solving

ROWS, LABELS = 90, 7


@pytest.fixture
def given() -> tuple[csr_matrix, np.ndarray, np.ndarray]:
    chance = np.random.default_rng(3)
    rows = csr_matrix(random_array((ROWS, 400), density=0.05, rng=chance))
    own = np.arange(ROWS) % LABELS
    return rows, own, chance.uniform(0.5, 2.0, LABELS)


@pytest.mark.parametrize("few", [ROWS, 1])
def test_the_coefficients_are_those_of_scikit_learn(
    given: tuple[csr_matrix, np.ndarray, np.ndarray], few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, own, shares = given
    monkeypatch.setattr(solving, "FEW", few)
    monkeypatch.setattr(solving, "TOLERANCE", 1e-10)
    learned, constant = solving.ridge(rows, own, shares[own], 0.5)
    theirs = RidgeClassifier(alpha=0.5, class_weight=dict(enumerate(shares)), solver="sparse_cg", tol=1e-10)
    theirs.fit(rows, own)
    assert np.allclose(learned, theirs.coef_.T, atol=1e-6)
    assert np.allclose(constant, theirs.intercept_, atol=1e-6)
