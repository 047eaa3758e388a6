"""The figures of an evaluation, on guesses whose figures can be counted by hand."""

import pytest

from services.router.learning.figures import Judged, calibration_error, figures, surest

TEN = [
    *(Judged("a", "a", 0.9) for _ in range(4)),
    Judged("a", "b", 0.3),
    *(Judged("b", "b", 0.8) for _ in range(3)),
    Judged("b", "a", 0.6),
    Judged("c", "a", 0.2),
]


def test_accuracy_and_f1_are_counted_over_the_labels_that_occur() -> None:
    found = figures(TEN)
    assert found["rows"] == 10
    assert found["accuracy"] == 0.7
    assert found["per_class"]["a"] == {"precision": 0.6667, "recall": 0.8, "f1": 0.7273, "n": 5}
    assert found["per_class"]["c"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "n": 1}
    assert found["macro_f1"] == pytest.approx((8 / 11 + 6 / 8 + 0) / 3, abs=1e-4)


def test_a_guess_of_a_label_that_does_not_occur_costs_recall_only() -> None:
    found = figures([Judged("a", "a", 0.9), Judged("a", "x", 0.9)])
    assert list(found["per_class"]) == ["a"]
    assert found["confusion"] == {"a": {"a": 1, "x": 1}}


def test_the_most_certain_eighty_percent_are_those_of_the_highest_confidence() -> None:
    assert surest(TEN, 0.8) == (0.875, 0.6)
    assert figures(TEN)["coverage_80_accuracy"] == 0.875


def test_calibration_is_nought_when_confidence_is_the_share_that_is_right() -> None:
    right = [Judged("a", "a", 0.75)] * 3 + [Judged("a", "b", 0.75)]
    assert calibration_error(right) == 0.0
    assert calibration_error([Judged("a", "b", 1.0)] * 4) == 1.0
