"""Loss, gradient and Hessian: identities, the high-precision oracle, symbols, differences, extremes."""

import functools

import mpmath as mp
import numpy as np
import pytest
import sympy
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, log_expit, log_softmax, softmax

from focal_boost import BinaryFocalLoss, MulticlassFocalLoss

from . import oracle

GAMMAS = [0, 0.3, 0.5, 1, 1.7, 2, 5, 10]
DTYPES = [np.float64, np.float32]
MAGNITUDES = [0, 1e-8, 0.1, 0.5, 1, 2, 3.7, 5, 8, 12, 20, 35, 50, 70, 79, 81, 87, 90, 150, 300, 500, 690, 700]


def tolerance(dtype, gamma):
    return 1e-13 if dtype is np.float64 else 4e-6 * max(1, gamma / 4)


def assert_relative(actual, expected, scale, rtol, tiny):
    """Compare with high-precision numbers relative to ``scale``; below the smallest normal number, with it."""
    for a, e, s in zip(np.ravel(actual), expected, scale, strict=True):
        assert abs(mp.mpf(float(a)) - e) <= max(rtol * abs(s), mp.mpf(float(tiny))), (a, mp.nstr(e, 17))


def random_rows(n=40, k=5, spread=4.0, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return rng.integers(0, k, n), (spread * rng.normal(size=(n, k))).astype(dtype)


# --- identities ---------------------------------------------------------------------------------------------


def test_gamma_zero_is_log_loss_binary():
    raw = np.linspace(-40, 40, 161)
    y = np.tile([0, 1], 81)[:161]
    loss = BinaryFocalLoss(gamma=0, alpha=None)
    gradient, hessian = loss.gradient_hessian(y, raw)
    sign = 1 - 2 * y
    assert_allclose(loss.loss(y, raw), -log_expit(-sign * raw), rtol=1e-15)
    assert_allclose(gradient, sign * expit(sign * raw), rtol=1e-15)
    assert_allclose(hessian, expit(raw) * expit(-raw), rtol=1e-15)


def test_gamma_zero_is_cross_entropy_multiclass():
    y, raw = random_rows()
    loss = MulticlassFocalLoss(gamma=0)
    gradient, hessian = loss.gradient_hessian(y, raw)
    p, one_hot = softmax(raw, axis=1), np.eye(5)[y]
    assert_allclose(loss.loss(y, raw), -log_softmax(raw, axis=1)[one_hot == 1], rtol=1e-14)
    assert_allclose(gradient, p - one_hot, rtol=1e-13, atol=1e-16)
    assert_allclose(hessian, p * (1 - p), rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("gamma", [*GAMMAS, (0.5, 3)])
@pytest.mark.parametrize("alpha", [None, 0.25, (3.0, 0.1)])
def test_two_class_softmax_is_binary(gamma, alpha):
    y, raw = random_rows(k=2, spread=10)
    x = raw[:, 1] - raw[:, 0]
    binary, multiclass = BinaryFocalLoss(gamma, alpha), MulticlassFocalLoss(2, gamma, alpha)
    gradient, hessian = binary.gradient_hessian(y, x)
    assert_allclose(multiclass.loss(y, raw), binary.loss(y, x), rtol=1e-13)
    actual_gradient, actual_hessian = multiclass.gradient_hessian(y, raw)
    assert_allclose(actual_gradient, np.stack([-gradient, gradient], axis=1), rtol=1e-13)
    assert_allclose(actual_hessian, np.stack([hessian, hessian], axis=1), rtol=1e-12, atol=1e-16)
    assert_allclose(multiclass.predict_proba(raw), binary.predict_proba(x), rtol=1e-13)
    assert_allclose(
        np.diff(multiclass.fit_intercept_only(y))[0], binary.fit_intercept_only(y), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("gamma", GAMMAS)
def test_multiclass_gradient_sums_to_zero_and_ignores_shifts(gamma):
    y, raw = random_rows(spread=8)
    loss = MulticlassFocalLoss(gamma=gamma)
    gradient, _hessian = loss.gradient_hessian(y, raw)
    assert_allclose(gradient.sum(axis=1) / abs(gradient).sum(axis=1), 0, atol=1e-15)
    shifted = np.round(raw * 64) / 64 + 512.0  # exactly representable
    unshifted = shifted - 512.0
    for a, b in zip(loss.gradient_hessian(y, shifted), loss.gradient_hessian(y, unshifted), strict=True):
        assert_array_equal(a, b)


def test_gamma_per_class_is_looked_up_by_the_true_class():
    y, raw = random_rows(k=3)
    gammas, alphas = (0.0, 1.0, 3.5), (0.5, 1.0, 7.0)
    mixed = MulticlassFocalLoss(3, gammas, alphas)
    for c in range(3):
        rows = y == c
        plain = MulticlassFocalLoss(3, gammas[c])
        assert_allclose(mixed.loss(y, raw)[rows], alphas[c] * plain.loss(y, raw)[rows], rtol=1e-14)
        for a, b in zip(mixed.gradient_hessian(y, raw), plain.gradient_hessian(y, raw), strict=True):
            assert_allclose(a[rows], alphas[c] * b[rows], rtol=1e-13, atol=1e-300)


def test_alpha_one_half_of_a_float_silences_neither_class_nor_favours_one():
    y, raw = random_rows(k=2)
    half, none = BinaryFocalLoss(2, 0.5), BinaryFocalLoss(2, None)
    assert_array_equal(2 * half.loss(y, raw[:, 0]), none.loss(y, raw[:, 0]))


@pytest.mark.parametrize("gamma", [0.3, 2, 3, 5])
def test_modulating_factor_is_the_ratio_to_cross_entropy(gamma):
    y, raw = random_rows(k=2)
    x = raw[:, 0]
    q = expit(np.where(y == 1, -x, x))
    ratio = BinaryFocalLoss(gamma, None).loss(y, x) / BinaryFocalLoss(0, None).loss(y, x)
    assert_allclose(ratio, q**gamma, rtol=1e-13)


# --- the oracle ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_binary_agrees_with_high_precision(gamma, dtype):
    raw = np.repeat(np.concatenate([np.negative(MAGNITUDES), MAGNITUDES]), 2).astype(dtype)
    y = np.tile([0, 1], len(raw) // 2)
    loss, (gradient, hessian) = (
        BinaryFocalLoss(gamma, 0.25).loss(y, raw),
        BinaryFocalLoss(gamma, 0.25).gradient_hessian(y, raw),
    )
    assert loss.dtype == gradient.dtype == hessian.dtype == dtype
    expected = [oracle.binary(t, r, gamma, [0.75, 0.25][t]) for t, r in zip(y, raw, strict=True)]
    losses, gradients, hessians, scales = zip(*expected, strict=True)
    rtol, tiny = tolerance(dtype, gamma), np.finfo(dtype).tiny
    assert_relative(loss, losses, losses, rtol, tiny)
    assert_relative(gradient, gradients, gradients, rtol, tiny)
    assert_relative(hessian, hessians, scales, rtol, tiny)


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


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_multiclass_agrees_with_high_precision(gamma, dtype):
    raw = np.repeat(np.array(ROWS, dtype=dtype), 3, axis=0)
    y = np.tile([0, 1, 2], len(ROWS))
    focal = MulticlassFocalLoss(gamma=gamma)
    loss, (gradient, hessian) = focal.loss(y, raw), focal.gradient_hessian(y, raw)
    assert loss.dtype == gradient.dtype == hessian.dtype == dtype
    expected = [oracle.multiclass(t, r, gamma) for t, r in zip(y, raw, strict=True)]
    losses, gradients, hessians, scales = zip(*expected, strict=True)
    flat = [functools.reduce(list.__add__, part) for part in (gradients, hessians, scales)]
    rtol, tiny = tolerance(dtype, gamma), np.finfo(dtype).tiny
    assert_relative(loss, losses, losses, rtol, tiny)
    assert_relative(gradient, flat[0], flat[0], rtol, tiny)
    assert_relative(hessian, flat[1], flat[2], rtol, tiny)


@pytest.mark.parametrize("gamma", [0, 0.5, 2, sympy.Rational(17, 10)])
def test_agrees_with_symbolic_derivation(gamma):
    x = sympy.Symbol("x", real=True)
    p = 1 / (1 + sympy.exp(-x))
    symbolic = -((1 - p) ** gamma) * sympy.log(p)
    points = [-6, -2.5, -0.1, 0, 0.7, 3, 8]
    gradient, hessian = BinaryFocalLoss(float(gamma), None).gradient_hessian(np.ones(7), np.array(points, float))
    for order, actual in ((1, gradient), (2, hessian)):
        derivative = sympy.diff(symbolic, x, order)
        expected = [float(derivative.subs(x, sympy.Rational(str(v))).evalf(40)) for v in points]
        assert_allclose(actual, expected, rtol=1e-12)


def test_pytorch_sigmoid_focal_loss_values():
    """Values of ``torchvision.ops.sigmoid_focal_loss(x, y, alpha=0.25, gamma=2)``, by its formula in float64."""
    raw = np.array([-2.0, -0.5, 0.0, 0.7, 3.0, 1.5])
    y = np.array([0, 1, 1, 0, 1, 0])
    p = 1 / (1 + np.exp(-raw))
    cross_entropy = np.maximum(raw, 0) - raw * y + np.log1p(np.exp(-abs(raw)))
    p_t = p * y + (1 - p) * (1 - y)
    expected = (0.25 * y + 0.75 * (1 - y)) * (1 - p_t) ** 2 * cross_entropy
    assert_allclose(BinaryFocalLoss().loss(y, raw), expected, rtol=1e-13)


# --- differences --------------------------------------------------------------------------------------------


def fourth_order(function, x, step):
    return (8 * (function(x + step) - function(x - step)) - (function(x + 2 * step) - function(x - 2 * step))) / (
        12 * step
    )


@pytest.mark.parametrize("gamma", [*GAMMAS, (0.5, 4)])
@pytest.mark.parametrize("y", [0, 1])
def test_binary_differences(gamma, y):
    raw = np.linspace(-6, 6, 49)
    labels = np.full(49, y)
    loss = BinaryFocalLoss(gamma, (0.3, 2.0))
    gradient, hessian = loss.gradient_hessian(labels, raw)
    assert_allclose(fourth_order(lambda r: loss.loss(labels, r), raw, 1e-3), gradient, atol=1e-10)
    assert_allclose(fourth_order(lambda r: loss.gradient(labels, r), raw, 1e-3), hessian, atol=1e-10)


@pytest.mark.parametrize("gamma", [*GAMMAS, (0.5, 4, 1, 0, 2)])
def test_multiclass_differences(gamma):
    y, raw = random_rows(spread=2)
    loss = MulticlassFocalLoss(5, gamma, (1.0, 2.0, 0.5, 3.0, 0.1))
    gradient, hessian = loss.gradient_hessian(y, raw)
    for c in range(5):
        column = np.eye(5)[c]
        by_loss = fourth_order(lambda x, e=column: loss.loss(y, raw + np.outer(x, e)), np.zeros(len(y)), 1e-3)
        by_gradient = fourth_order(
            lambda x, e=column, c=c: loss.gradient(y, raw + np.outer(x, e))[:, c], np.zeros(len(y)), 1e-3
        )
        assert_allclose(by_loss, gradient[:, c], atol=1e-10)
        assert_allclose(by_gradient, hessian[:, c], atol=1e-10)


# --- extremes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gamma", [0, 1e-3, 0.5, 1, 2, 10, 50])
@pytest.mark.parametrize("dtype", DTYPES)
def test_finite_in_finite_out(gamma, dtype):
    large = np.array([0, 1, 80, 89, 104, 700, 709, 745, 1e4, 1e30])
    raw = np.repeat(np.concatenate([-large, large]), 2).astype(dtype)
    y = np.tile([0, 1], len(raw) // 2)
    loss = BinaryFocalLoss(gamma)
    with np.errstate(all="raise"):
        results = [loss.loss(y, raw), *loss.gradient_hessian(y, raw), loss.predict_log_proba(raw), *loss(y, raw)]
    assert all(np.isfinite(result).all() for result in results)

    raw = np.array([[a, b, c] for a in raw[::4] for b in raw[::4] for c in (0, raw[-1])], dtype=dtype)
    loss = MulticlassFocalLoss(gamma=gamma)
    for c in range(3):
        y = np.full(len(raw), c)
        with np.errstate(all="raise"):
            results = [loss.loss(y, raw), *loss.gradient_hessian(y, raw), *loss(y, raw)]
            log_proba = loss.predict_log_proba(raw)
        assert all(np.isfinite(result).all() for result in results)
        assert np.isfinite(log_proba).all()


def test_easy_rows_keep_their_digits():
    assert BinaryFocalLoss(1, None).gradient([1], [340.0])[0] == pytest.approx(-2 * np.exp(-680), rel=1e-12)
    assert MulticlassFocalLoss(gamma=1).gradient([0], [[340.0, 0.0]])[0, 1] == pytest.approx(
        2 * np.exp(-680), rel=1e-12
    )
