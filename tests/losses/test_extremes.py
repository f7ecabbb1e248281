"""Where floating-point numbers end: many classes, class weights far apart, the caller's own error handling."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from focal_boost import BinaryFocalLoss, MulticlassFocalLoss

from . import oracle


@pytest.mark.parametrize(("dtype", "far"), [(np.float32, 79.0), (np.float64, 699.99)])
def test_many_classes_of_which_all_others_are_likelier(dtype, far):
    raw = np.full((1, 20_000), far, dtype=dtype)
    raw[0, 0] = 0
    loss = MulticlassFocalLoss()
    gradient, hessian = loss.gradient_hessian([0], raw)
    assert_allclose(loss.loss([0], raw), far + np.log(19_999), rtol=1e-6)
    assert_allclose(gradient, [[-1, *[1 / 19_999] * 19_999]], rtol=1e-5)
    assert np.isfinite(hessian).all()
    assert np.isfinite(loss.predict_log_proba(raw)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("alpha", [(1e8, 1.0), (100, 1e-3), (1e-15, 1e8), (1e8, 1e-15)])
def test_a_small_class_weight_beside_a_large_one_keeps_its_digits(dtype, alpha):
    raw = np.array([0.3, -0.7], dtype=dtype)
    for y in ([0, 1], [1, 0]):
        weighted, plain = BinaryFocalLoss(2, alpha), BinaryFocalLoss(2, None)
        for a, b in zip(weighted.gradient_hessian(y, raw), plain.gradient_hessian(y, raw), strict=True):
            assert_allclose(a, b * np.take(alpha, y), rtol=4 * np.finfo(dtype).eps)


def test_a_small_gamma_beside_a_large_one_keeps_its_digits():
    mixed, small = BinaryFocalLoss((1e6, 1e-3), None), BinaryFocalLoss(1e-3, None)
    assert_allclose(mixed.loss([1], [-2.0]), small.loss([1], [-2.0]), rtol=1e-15)


def everything(raw, y, n_outputs, gamma, alpha):
    if n_outputs == 1:
        losses = [BinaryFocalLoss(gamma, alpha, policy) for policy in POLICIES]
    else:
        raw = np.stack([raw, np.zeros_like(raw), raw[::-1]], axis=1)
        losses = [MulticlassFocalLoss(3, gamma, alpha, policy) for policy in POLICIES]
    for loss in losses:
        yield from loss(y, raw)
    yield loss.loss(y, raw)
    yield from loss.gradient_hessian(y, raw)
    for calibrated in (True, False):
        yield loss.predict_log_proba(raw, calibrated)
        yield loss.predict_proba(raw, calibrated)


POLICIES = ["exact", "gauss_newton", "safeguarded"]
LARGE = [0, 1e-30, 1e-8, 1, 30, 69.9, 70.1, 80, 89, 104, 689, 691, 700, 709, 745, 1e4, 1e30]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("gamma", [0, 1e-30, 1e-3, 0.5, 1, 1 + 1e-15, 2, 50, 1e3, 1e6])
def test_finite_under_any_error_handling(dtype, n_outputs, gamma):
    raw = np.tile(np.concatenate([np.negative(LARGE), LARGE]), 2).astype(dtype)
    y = np.repeat([0, 1], len(raw) // 2)
    extreme = (1e-15, 1e8) if n_outputs == 1 else (1e-15, 1e8, 1.0)
    for alpha in (None, extreme):
        with np.errstate(all="raise"):
            results = list(everything(raw, y, n_outputs, gamma, alpha))
        assert all(np.isfinite(result).all() for result in results)


@pytest.mark.parametrize("gamma", [0, 0.5, 2, 50, 1e6])
@pytest.mark.parametrize("prior", [0.5, 1e-9, 1e-15])
def test_initial_raw_prediction_is_finite_at_extreme_weights(gamma, prior):
    for alpha in (None, (1e-15, 1e8), (1e8, 1e-15)):
        with np.errstate(all="raise"):
            start = BinaryFocalLoss(gamma, alpha).fit_intercept_only([0, 1], [1 - prior, prior])
        assert np.isfinite(start)
    for alpha in (None, (1e-15, 1e8, 1.0)):
        with np.errstate(all="raise"):
            start = MulticlassFocalLoss(3, gamma, alpha).fit_intercept_only([0, 1, 2], [1.0, prior, 1.0])
        assert np.isfinite(start).all()


@pytest.mark.parametrize("gamma", [200, 1000])
def test_large_gamma_agrees_with_high_precision(gamma):
    loss = BinaryFocalLoss(gamma, None)
    for raw in (-37.0, -20, -10, -5, -1, 0, 1, 3):
        expected, gradient, hessian, scale = oracle.binary(1, raw, gamma)
        assert_allclose(loss.loss([1], [raw])[0], float(expected), rtol=2e-13, atol=1e-300)
        actual_gradient, actual_hessian = loss.gradient_hessian([1], [raw])
        assert_allclose(actual_gradient[0], float(gradient), rtol=2e-13, atol=1e-300)
        assert abs(actual_hessian[0] - float(hessian)) <= max(2e-13 * abs(scale), 1e-300)
