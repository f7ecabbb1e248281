"""The expected calibration error."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from focal_boost.metrics import expected_calibration_error

from .cases import labelled_probabilities


def test_one_bin_is_the_gap_of_the_means():
    y, proba = labelled_probabilities(2)
    assert expected_calibration_error(y, proba, n_bins=1) == pytest.approx(abs(y.mean() - proba[:, 1].mean()))


@pytest.mark.parametrize("strategy", ["quantile", "uniform"])
def test_it_is_the_weighted_gap_of_scikit_learns_calibration_curve(strategy):
    y, proba = labelled_probabilities(2)
    p = proba[:, 1]
    observed, predicted = calibration_curve(y, p, n_bins=10, strategy=strategy)
    edges = np.linspace(0, 1, 11) if strategy == "uniform" else np.quantile(p, np.linspace(0, 1, 11))
    counts = np.histogram(p, edges)[0]
    expected = (counts * np.abs(observed - predicted)).sum() / len(y)
    assert expected_calibration_error(y, p, strategy=strategy) == pytest.approx(expected)


def test_many_classes_are_the_one_vs_rest_mean():
    y, proba = labelled_probabilities(3)
    each = [expected_calibration_error((y == c).astype(int), proba[:, c]) for c in range(3)]
    assert expected_calibration_error(y, proba) == pytest.approx(np.mean(each))


def test_a_weight_is_that_many_copies_where_the_bins_are_fixed():
    y, proba = labelled_probabilities(2, n=60)
    copies = np.arange(60) % 3
    weighted = expected_calibration_error(y, proba, strategy="uniform", sample_weight=copies)
    repeated = np.repeat(np.arange(60), copies)
    assert weighted == pytest.approx(expected_calibration_error(y[repeated], proba[repeated], strategy="uniform"))


def test_distorted_probabilities_have_a_larger_error_than_true_ones():
    y, proba = labelled_probabilities(2, n=5000)
    p = proba[:, 1]
    assert expected_calibration_error(y, p) < 0.03
    assert expected_calibration_error(y, p**2) > 0.1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 1], [0.5, 1.5]), "must lie in"),
        (([0, 1], [0.5, np.nan]), "must lie in"),
        (([0, 1], [[0.5], [0.5]]), "shape"),
        (([0, 1, 1], [0.5, 0.5]), "y_true"),
        (([0, 2], [0.5, 0.5]), "y_true"),
        (([0, 1], ["0.5", "0.5"]), "y_proba must contain real numbers; got .*'0.5'"),
        (([0, 1], [0.5, 0.5j]), "y_proba must contain real numbers; got .*0.5"),
    ],
)
def test_wrong_input_is_rejected(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        expected_calibration_error(*arguments)


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_bins": 0},
        {"n_bins": 2.5},
        {"n_bins": "10"},
        {"n_bins": True},
        {"strategy": "equal"},
        {"strategy": np.array(["quantile", "uniform"])},
        {"sample_weight": [0, 0]},
    ],
    ids=str,
)
def test_wrong_options_are_rejected(wrong):
    with pytest.raises(ValueError, match=f"^{next(iter(wrong))} must "):
        expected_calibration_error([0, 1], [0.5, 0.5], **wrong)
