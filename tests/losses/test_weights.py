"""A weight of w is w copies of the row, for every number that a loss gives."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from focal_boost import BinaryFocalLoss, MulticlassFocalLoss, focal_loss

LOSSES = [
    BinaryFocalLoss(),
    BinaryFocalLoss(0.5, None, "exact"),
    BinaryFocalLoss((0, 3), (2.0, 0.1)),
    MulticlassFocalLoss(),
    MulticlassFocalLoss(3, (0, 1, 5), (9.0, 1.0, 0.1)),
]
COUNTS = np.random.default_rng(2).integers(0, 4, 60)


def rows(loss):
    rng = np.random.default_rng(3)
    n_outputs = 1 if isinstance(loss, BinaryFocalLoss) else 3
    raw = rng.normal(scale=3, size=(60, n_outputs))
    return np.arange(60) % max(2, n_outputs), raw[:, 0] if n_outputs == 1 else raw


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_a_weight_is_copies_of_the_row(loss):
    y, raw = rows(loss)
    copies = np.repeat(np.arange(60), COUNTS)
    for method in (loss.loss, loss.gradient, lambda *a: loss.gradient_hessian(*a)[1], lambda *a: loss(*a)[0]):
        weighted, repeated = method(y, raw, COUNTS), method(y[copies], raw[copies])
        totals = (array.sum(axis=0, dtype=np.float64) for array in (weighted, repeated))
        assert_allclose(*totals, rtol=1e-12 if weighted.dtype == np.float64 else 2e-6)
    start, repeated_start = loss.fit_intercept_only(y, COUNTS), loss.fit_intercept_only(y[copies])
    assert_allclose(start, repeated_start, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_everything_is_linear_in_the_weight(loss):
    y, raw = rows(loss)
    weight = np.random.default_rng(4).gamma(1, size=60)
    column = weight if raw.ndim == 1 else weight[:, None]
    assert_allclose(loss.loss(y, raw, weight), weight * loss.loss(y, raw), rtol=1e-15)
    for weighted, plain in zip(loss.gradient_hessian(y, raw, weight), loss.gradient_hessian(y, raw), strict=True):
        assert_allclose(weighted, column * plain, rtol=1e-14, atol=1e-30)
    for weighted, plain in zip(loss(y, raw, weight), loss(y, raw), strict=True):
        assert weighted.dtype == np.float32
        assert_allclose(weighted, column * plain, rtol=1e-6, atol=1e-30)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_weights_of_one_and_powers_of_two_change_no_bit(loss):
    y, raw = rows(loss)
    assert_array_equal(loss.loss(y, raw, np.ones(60)), loss.loss(y, raw))
    assert_array_equal(loss.gradient(y, raw, np.full(60, 4.0)), 4 * loss.gradient(y, raw))


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_rows_of_weight_zero_do_not_count(loss):
    y, raw = rows(loss)
    some = np.repeat([1, 0], 30)
    assert not loss.loss(y, raw, some)[30:].any()
    assert not any(array[30:].any() for array in loss(y, raw, some))
    assert_allclose(loss.fit_intercept_only(y, some), loss.fit_intercept_only(y[:30]), rtol=1e-13)
    alpha = loss.alpha
    assert focal_loss(y, raw, loss.gamma, alpha, some) == pytest.approx(
        focal_loss(y[:30], raw[:30], loss.gamma, alpha), rel=1e-14
    )


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_the_scale_of_the_weights_does_not_move_the_initial_raw_prediction(loss):
    y, _ = rows(loss)
    weight = np.random.default_rng(4).gamma(1, size=60)
    for scale in (1e-12, 1e12):
        scaled = loss.fit_intercept_only(y, scale * weight)
        assert_allclose(scaled, loss.fit_intercept_only(y, weight), rtol=1e-12, atol=1e-13)


def test_class_weight_and_sample_weight_are_the_same_factor():
    y, raw = rows(LOSSES[0])
    by_class = BinaryFocalLoss(2, (0.5, 4.0))
    by_row = BinaryFocalLoss(2, None)
    weight = np.take([0.5, 4.0], y)
    assert_allclose(by_class.gradient(y, raw), by_row.gradient(y, raw, weight), rtol=1e-15)
    # The posterior undoes the class weight, which it sees, and not the sample weight, which it does not.
    assert by_class.fit_intercept_only(y) != by_row.fit_intercept_only(y)
    assert_allclose(by_class.predict_proba([by_class.fit_intercept_only(y)]), [[0.5, 0.5]], rtol=1e-12)
    assert_allclose(by_row.predict_proba([by_row.fit_intercept_only(y, weight)]), [[1 / 9, 8 / 9]], rtol=1e-12)
