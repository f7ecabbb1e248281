"""Reductions of `focal_loss`, and the log loss that early stopping monitors."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import log_loss

from focal_boost import BinaryFocalLoss, MulticlassFocalLoss, focal_loss
from focal_boost.metrics import log_loss_of

RNG = np.random.default_rng(5)
RAW = RNG.normal(scale=3, size=50)
Y = RNG.integers(0, 2, 50)
ROWS = RNG.normal(scale=3, size=(50, 4))
CLASSES = np.arange(50) % 4
WEIGHT = RNG.gamma(1, size=50)


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("gamma", [0, 2, (1, 3)])
@pytest.mark.parametrize("alpha", [None, 0.3, (2.0, 5.0)])
def test_reductions_of_the_binary_loss(gamma, alpha, weight):
    each = BinaryFocalLoss(gamma, alpha).loss(Y, RAW, weight)
    assert_array_equal(focal_loss(Y, RAW, gamma, alpha, weight, "none"), each)
    assert focal_loss(Y, RAW, gamma, alpha, weight, "sum") == pytest.approx(each.sum(), rel=1e-14)
    total = 50 if weight is None else weight.sum()
    mean = focal_loss(Y, RAW, gamma, alpha, weight)
    assert type(mean) is float
    assert mean == pytest.approx(each.sum() / total, rel=1e-14)


def test_reductions_of_the_multiclass_loss():
    alpha = (1.0, 2.0, 3.0, 4.0)
    each = MulticlassFocalLoss(4, 1.5, alpha).loss(CLASSES, ROWS, WEIGHT)
    assert_array_equal(focal_loss(CLASSES, ROWS, 1.5, alpha, WEIGHT, "none"), each)
    assert focal_loss(CLASSES, ROWS, 1.5, alpha, WEIGHT) == pytest.approx(each.sum() / WEIGHT.sum(), rel=1e-14)


def test_default_alpha_is_a_quarter_for_two_classes_and_none_for_many():
    assert focal_loss(Y, RAW) == focal_loss(Y, RAW, 2.0, 0.25)
    assert focal_loss(Y, RAW) != focal_loss(Y, RAW, 2.0, None)
    assert focal_loss(CLASSES, ROWS) == focal_loss(CLASSES, ROWS, 2.0, None)
    pair = ROWS[:, :2]
    assert focal_loss(Y, pair) == focal_loss(Y, pair, 2.0, None)


@pytest.mark.parametrize("container", [list, tuple, pd.Series, pl.Series, lambda w: w.astype(object)])
def test_weights_of_any_container_have_the_same_mean(container):
    expected = focal_loss(Y, RAW, sample_weight=WEIGHT)
    assert focal_loss(Y, RAW, sample_weight=container(WEIGHT)) == pytest.approx(expected, rel=1e-15)


def test_rows_of_weight_zero_do_not_count():
    weight = np.repeat([1, 0], 25)
    for y, raw in ((Y, RAW), (CLASSES, ROWS)):
        expected = focal_loss(y[:25], raw[:25])
        assert focal_loss(y, raw, sample_weight=weight) == pytest.approx(expected, rel=1e-14)


def test_gamma_zero_is_the_log_loss_of_scikit_learn():
    proba = 1 / (1 + np.exp(-RAW))
    assert focal_loss(Y, RAW, 0, None, WEIGHT) == pytest.approx(
        log_loss(Y, proba, sample_weight=WEIGHT), rel=1e-13
    )
    proba = MulticlassFocalLoss(gamma=0).predict_proba(ROWS)
    expected = log_loss(CLASSES, proba, sample_weight=WEIGHT)
    assert focal_loss(CLASSES, ROWS, 0, None, WEIGHT) == pytest.approx(expected, rel=1e-13)


def test_lists_and_empty_input():
    assert focal_loss([0, 1], [-1.0, 2.0]) == focal_loss(np.array([0, 1]), np.array([-1.0, 2.0]))
    assert focal_loss([0, 1], [[0.0, -1.0], [0.0, 2.0]], alpha=0.25) == pytest.approx(
        focal_loss([0, 1], [-1.0, 2.0]), rel=1e-14
    )
    assert focal_loss([], np.empty(0), reduction="sum") == 0.0
    assert focal_loss([], np.empty(0), reduction="none").shape == (0,)
    assert focal_loss([], np.empty((0, 3)), reduction="none").shape == (0,)


def test_single_precision_is_summed_in_double_precision():
    raw = np.full(10**6, 0.3, dtype=np.float32)
    one = float(focal_loss([1], raw[:1], reduction="none")[0])
    assert focal_loss(np.ones(10**6), raw) == pytest.approx(one, rel=1e-12)
    assert focal_loss(np.ones(10**6), raw, sample_weight=raw) == pytest.approx(one, rel=1e-6)


@pytest.mark.parametrize("calibrated", [True, False])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_log_loss_of_the_probabilities(calibrated, weight):
    for loss, y, raw in (
        (BinaryFocalLoss(), Y, RAW),
        (MulticlassFocalLoss(4, 2.0, (1.0, 5.0, 0.2, 1.0)), CLASSES, ROWS),
    ):
        actual = log_loss_of(loss, y, raw, weight, calibrated)
        expected = log_loss(y, loss.predict_proba(raw, calibrated), sample_weight=weight)
        assert actual == pytest.approx(expected, rel=1e-12)


def test_a_badly_misclassified_row_has_a_finite_log_loss():
    assert_allclose(log_loss_of(BinaryFocalLoss(2, None), [1], [-1000.0]), 3000, rtol=1e-2)


def test_rows_whose_weights_are_zero_have_no_mean():
    with pytest.raises(
        ValueError, match=r"^sample_weight must have a positive sum for a mean; got 0.0 over 2 rows"
    ):
        focal_loss([0, 1], [0.0, 0.0], sample_weight=[0, 0])
    with pytest.raises(
        ValueError, match=r"^sample_weight must have a positive sum for a mean; got 0.0 over 0 rows"
    ):
        log_loss_of(BinaryFocalLoss(), [], np.empty(0))
