"""Loss, gradient and exact Hessian: identities, the high-precision oracle, differences."""

import functools

import mpmath as mp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, log_expit, log_softmax, softmax

from focal_boost import BinaryFocalLoss, MulticlassFocalLoss

from . import oracle
from .cases import derivatives, each_dtype, each_loss, per_class, rows

MAGNITUDES = [0, 1e-8, 0.1, 0.5, 1, 2, 3.7, 5, 8, 12, 20, 35, 50, 70, 79, 81, 87, 90, 150, 300, 500, 690, 700]
ROWS = [
    [0.3, -1.2, 2.0],
    [0, 0, 0],
    [5, 5, -5],
    [30, -30, 10],
    [60, 59.5, -20],
    [100, 90, 80],
    [-300, 300, 299],
    [700, -700, 0],
    [0, 1e-3, 350],
    [12, -25, 12.5],
]

# --- identities ---------------------------------------------------------------------------------------------


def test_gamma_zero_is_the_log_loss_for_two_classes():
    loss = BinaryFocalLoss(gamma=0, alpha=None)
    y, raw = rows(loss, 160, scale=15)
    gradient, hessian = loss.gradient_hessian(y, raw)
    sign = 1 - 2 * y
    assert_allclose(loss.loss(y, raw), -log_expit(-sign * raw), rtol=1e-15)
    assert_allclose(gradient, sign * expit(sign * raw), rtol=1e-15)
    assert_allclose(hessian, expit(raw) * expit(-raw), rtol=1e-15)


def test_gamma_zero_is_the_cross_entropy_for_many_classes():
    loss = MulticlassFocalLoss(gamma=0)
    y, raw = rows(loss)
    gradient, hessian = loss.gradient_hessian(y, raw)
    p, true = softmax(raw, axis=1), np.eye(4, dtype=bool)[y]
    q = p @ (1 - np.eye(4))
    assert_allclose(loss.loss(y, raw), -log_softmax(raw, axis=1)[true], rtol=1e-14, atol=1e-15)
    assert_allclose(gradient, np.where(true, -q, p), rtol=1e-14)
    assert_allclose(hessian, p * q, rtol=1e-14)


@each_loss
def test_a_power_of_two_as_weight_changes_no_digit(loss):
    y, raw = rows(loss)
    weight = 2.0 ** (np.arange(60) % 7)
    for weighted, plain in zip(derivatives(loss, y, raw, weight), derivatives(loss, y, raw), strict=True):
        factor = weight if plain.ndim == 1 else weight[:, None]
        # Subnormal numbers round differently.
        assert_allclose(weighted, factor.astype(plain.dtype) * plain, rtol=0, atol=np.finfo(plain.dtype).tiny)


# --- the oracle ---------------------------------------------------------------------------------------------

exact = functools.cache(oracle.multiclass)


@each_loss
@each_dtype
def test_derivatives_agree_with_high_precision(loss, dtype):
    if isinstance(loss, BinaryFocalLoss):
        raw = np.array([sign * magnitude for magnitude in MAGNITUDES for sign in (-1, 1)], dtype)
        cases = [(y, (0.0, r)) for y in (0, 1) for r in raw.tolist()]
        y, raw, by = np.repeat([0, 1], len(raw)), np.tile(raw, 2), slice(1, 2)
    else:
        cases = [(y, tuple(row)) for row in np.array(ROWS, dtype).tolist() for y in (0, 1, 2)]
        y, raw, by = np.tile([0, 1, 2], len(ROWS)), np.repeat(np.array(ROWS, dtype), 3, axis=0), slice(3)
    gammas, alphas = per_class(loss, len(cases[0][1]))
    expected = {"loss": [], "gradient": [], "hessian": [], "terms": []}
    for label, row in cases:
        numbers, alpha = exact(label, row, gammas[label]), mp.mpf(float(alphas[label]))
        expected["loss"].append(alpha * numbers.loss)
        for name in ("gradient", "hessian", "terms"):
            expected[name] += [alpha * value for value in getattr(numbers, name)[by]]
    actual, (gradient, hessian) = loss.loss(y, raw), loss.gradient_hessian(y, raw)
    assert actual.dtype == gradient.dtype == hessian.dtype == dtype
    assert_array_equal(loss.gradient(y, raw), gradient)
    rtol = 1e-13 if dtype is np.float64 else 4e-6 * max(1, gammas.max() / 4)
    tiny = np.finfo(dtype).tiny * max(1, alphas.max())
    oracle.assert_relative(actual, expected["loss"], expected["loss"], rtol, tiny)
    oracle.assert_relative(gradient, expected["gradient"], expected["gradient"], rtol, tiny)
    oracle.assert_relative(hessian, expected["hessian"], expected["terms"], rtol, tiny)


@pytest.mark.parametrize("gamma", [200, 1000])
def test_a_large_gamma_agrees_with_high_precision(gamma):
    loss = BinaryFocalLoss(gamma, None)
    for raw in (-37.0, -20, -10, -5, -1, 0, 1, 3):
        expected = oracle.binary(1, raw, gamma)
        gradient, hessian = loss.gradient_hessian([1], [raw])
        oracle.assert_relative(loss.loss([1], [raw]), [expected.loss], [expected.loss], 2e-13, 1e-300)
        oracle.assert_relative(gradient, expected.gradient, expected.gradient, 2e-13, 1e-300)
        oracle.assert_relative(hessian, expected.hessian, expected.terms, 2e-13, 1e-300)


# --- differences --------------------------------------------------------------------------------------------


def slope(function, step=1e-3):
    """Derivative at 0, to fourth order."""
    near, far = function(step) - function(-step), function(2 * step) - function(-2 * step)
    return (8 * near - far) / (12 * step)


@each_loss
def test_derivatives_agree_with_differences(loss):
    y, raw = rows(loss, 80, scale=2)
    gradient, hessian = loss.gradient_hessian(y, raw)
    atol = 1e-10 * per_class(loss, y.max() + 1)[1].max()
    for at in [...] if raw.ndim == 1 else [(..., c) for c in range(raw.shape[1])]:

        def moved(x, at=at):
            result = raw.copy()
            result[at] += x
            return result

        assert_allclose(slope(lambda x: loss.loss(y, moved(x))), gradient[at], rtol=0, atol=atol)
        assert_allclose(slope(lambda x, at=at: loss.gradient(y, moved(x))[at]), hessian[at], rtol=0, atol=atol)
