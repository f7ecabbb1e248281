"""Properties of every loss: raw predictions up to 1e30, gamma in [0, 50], every class weight."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from focal_boost import BinaryFocalLoss, MulticlassFocalLoss
from focal_boost.losses._hessian import FLOOR

from .cases import DTYPES, POLICIES, derivatives, n_classes, per_class, probabilities

GAMMAS = st.one_of(st.sampled_from([0.0, 0.5, 1.0, 2.0]), st.floats(0, 50))
CLASS_WEIGHTS = st.one_of(st.floats(1e-3, 1e3), st.floats(1e-15, 1e8))
MODERATE = st.one_of(st.floats(-40, 40), st.floats(-800, 800))
VALUES = st.one_of(MODERATE, st.floats(-1e30, 1e30))


def one_or_per_class(values, k):
    return st.one_of(values, st.lists(values, min_size=k, max_size=k))


@st.composite
def cases(draw, values=VALUES, dtypes=DTYPES, n_outputs=(1, 2, 3, 4, 5)):
    """A loss, labels and raw predictions."""
    k = draw(st.sampled_from(n_outputs))
    policy = draw(st.sampled_from(POLICIES))
    alpha = st.lists(CLASS_WEIGHTS, min_size=max(2, k), max_size=max(2, k))
    if k == 1:
        alpha = st.one_of(st.none(), st.floats(1e-6, 1 - 1e-6), alpha)
        loss = BinaryFocalLoss(draw(one_or_per_class(GAMMAS, 2)), draw(alpha), policy)
    else:
        loss = MulticlassFocalLoss(k, draw(one_or_per_class(GAMMAS, k)), draw(st.none() | alpha), policy)
    n = draw(st.integers(1, 4))
    raw = np.array(draw(st.lists(values, min_size=n * k, max_size=n * k)), draw(st.sampled_from(dtypes)))
    y = np.array(draw(st.lists(st.integers(0, max(2, k) - 1), min_size=n, max_size=n)))
    return loss, y, raw if k == 1 else raw.reshape(n, k)


def largest_gamma(loss):
    return np.max(loss.gamma)


def tolerance(loss, dtype):
    """Return the allowed relative error of a loss or gradient: that of q^gamma is gamma times that of q."""
    return 20 * float(np.finfo(dtype).eps) * (1 + largest_gamma(loss))


def underflow(loss, dtype):
    """Bound the absolute error by the smallest normal number times everything that may multiply it."""
    largest_alpha = np.max(loss.alpha or 1.0, initial=1.0)
    return 10 * float(np.finfo(dtype).tiny) * largest_alpha * (1 + largest_gamma(loss)) ** 2


def hessian_terms(loss, gradient):
    """Bound the sum of the absolute terms of the Hessian."""
    return abs(gradient) * (3 + 2 * largest_gamma(loss))


def moved_towards_truth(y, raw, other):
    """Two raw predictions, the second of which favours the true class more."""
    low, high = np.minimum(raw, raw.dtype.type(other)), np.maximum(raw, raw.dtype.type(other))
    if raw.ndim == 1:
        return np.where(y == 1, low, high), np.where(y == 1, high, low)
    true = np.eye(raw.shape[1], dtype=bool)[y]
    return np.where(true, low, raw), np.where(true, high, raw)


# --- loss, gradient and Hessian ---------------------------------------------------------------------------------


@given(cases())
def test_results_are_finite_and_have_the_right_sign_shape_and_type(case):
    loss, y, raw = case
    with np.errstate(all="raise"):
        values, gradient, exact, booster_gradient, hessian = derivatives(loss, y, raw)
        log_proba = loss.predict_log_proba(raw)
    for result in (values, gradient, exact, log_proba, booster_gradient, hessian):
        assert np.isfinite(result).all()
    assert values.dtype == gradient.dtype == exact.dtype == log_proba.dtype == raw.dtype
    assert booster_gradient.dtype == hessian.dtype == np.float32
    assert gradient.shape == exact.shape == booster_gradient.shape == hessian.shape == raw.shape
    assert (values >= 0).all()
    assert (hessian >= 0).all()
    if loss.hessian == "safeguarded":
        assert (hessian >= 0.999 * FLOOR * abs(booster_gradient) - 1e-44).all()


@given(cases())
def test_the_gradient_pulls_towards_the_true_class_and_sums_to_zero(case):
    loss, y, raw = case
    gradient = loss.gradient(y, raw)
    true = y == 1 if raw.ndim == 1 else np.eye(loss.n_classes, dtype=bool)[y]
    assert (gradient[true] <= 0).all()
    assert (gradient[~true] >= 0).all()
    if raw.ndim == 2:
        size = abs(gradient).sum(axis=1)
        assert (
            abs(gradient.sum(axis=1)) <= 10 * np.finfo(raw.dtype).eps * size + underflow(loss, raw.dtype)
        ).all()


@given(cases(), VALUES)
def test_the_loss_falls_towards_the_true_class(case, other):
    loss, y, raw = case
    wrong, right = moved_towards_truth(y, raw, other)
    slack = 1 + tolerance(loss, raw.dtype)
    assert (loss.loss(y, right) <= slack * loss.loss(y, wrong) + underflow(loss, raw.dtype)).all()


# From 1e-15: a weight near float32's smallest normal number loses digits when it is multiplied by alpha.
@given(cases(values=MODERATE), st.data())
def test_everything_is_linear_in_class_weight_times_sample_weight(case, data):
    loss, y, raw = case
    weight = np.array(data.draw(st.lists(st.just(0.0) | st.floats(1e-15, 2), min_size=len(y), max_size=len(y))))
    factor = per_class(loss, n_classes(loss))[1][y] * weight
    rtol = 8 * np.finfo(raw.dtype).eps
    column = factor if raw.ndim == 1 else factor[:, None]
    plain = derivatives(replace(loss, alpha=None), y, raw)
    values, gradient, exact, *booster = derivatives(loss, y, raw, weight)
    assert_allclose(values, factor * plain[0], rtol=rtol, atol=underflow(loss, raw.dtype))
    assert_allclose(gradient, column * plain[1], rtol=rtol, atol=underflow(loss, raw.dtype))
    terms = hessian_terms(loss, column * plain[1])
    assert (abs(exact - column * plain[2]) <= rtol * terms + underflow(loss, raw.dtype)).all()
    assert_allclose(booster[0], column * plain[3], rtol=1e-6, atol=underflow(loss, np.float32))
    terms = 2 * hessian_terms(loss, column * plain[3])
    assert (abs(booster[1] - column * plain[4]) <= 1e-6 * terms + underflow(loss, np.float32)).all()


# --- symmetries -------------------------------------------------------------------------------------------------


@given(cases(n_outputs=(1,)))
def test_binary_is_the_softmax_over_two_classes(case):
    loss, y, raw = case
    softmax = MulticlassFocalLoss(2, loss.gamma, loss.alpha)
    pair = np.stack([np.zeros_like(raw), raw], axis=1)
    rtol, tiny = tolerance(loss, raw.dtype), underflow(loss, raw.dtype)
    assert_allclose(softmax.loss(y, pair), loss.loss(y, raw), rtol=rtol, atol=tiny)
    gradient, hessian = loss.gradient_hessian(y, raw)
    pair_gradient, pair_hessian = softmax.gradient_hessian(y, pair)
    assert_allclose(pair_gradient, np.stack([-gradient, gradient], axis=1), rtol=rtol, atol=tiny)
    error = abs(pair_hessian - hessian[:, None])
    assert (error <= rtol * hessian_terms(loss, pair_gradient) + tiny).all()
    assert_allclose(softmax.predict_proba(pair), loss.predict_proba(raw), rtol=0, atol=10 * rtol)


@given(cases(n_outputs=(2, 3, 4, 5)), st.randoms(use_true_random=False))
def test_a_permutation_of_the_classes_permutes_everything(case, random):
    loss, y, raw = case
    k = loss.n_classes
    order = random.sample(range(k), k)
    place = np.argsort(order)
    gamma = loss.gamma if isinstance(loss.gamma, float) else [loss.gamma[c] for c in order]
    alpha = None if loss.alpha is None else [loss.alpha[c] for c in order]
    permuted = replace(loss, gamma=gamma, alpha=alpha)
    rtol, tiny = tolerance(loss, raw.dtype), underflow(loss, raw.dtype)
    assert_allclose(permuted.loss(place[y], raw[:, order]), loss.loss(y, raw), rtol=rtol, atol=tiny)
    gradient, hessian = loss.gradient_hessian(y, raw)
    permuted_gradient, permuted_hessian = permuted.gradient_hessian(place[y], raw[:, order])
    assert_allclose(permuted_gradient, gradient[:, order], rtol=rtol, atol=tiny)
    error = abs(permuted_hessian - hessian[:, order])
    assert (error <= rtol * hessian_terms(loss, permuted_gradient) + tiny).all()
    expected = loss.predict_proba(raw)[:, order]
    assert_allclose(permuted.predict_proba(raw[:, order]), expected, rtol=0, atol=10 * rtol)


# Multiples of 2^-6 up to 2^10: they stay exact under the shift.
GRID = st.integers(-(2**16), 2**16).map(lambda i: i / 64)


@given(cases(values=GRID, dtypes=(np.float64,), n_outputs=(2, 3, 4, 5)), GRID)
def test_a_shift_of_all_raw_predictions_changes_no_bit(case, shift):
    loss, y, raw = case
    for shifted, plain in zip(derivatives(loss, y, raw + shift), derivatives(loss, y, raw), strict=True):
        assert_array_equal(shifted, plain)
    assert_array_equal(probabilities(loss, raw + shift), probabilities(loss, raw))


# --- the posterior ----------------------------------------------------------------------------------------------


@given(cases(), st.booleans())
def test_probabilities_are_in_the_unit_interval_and_sum_to_one(case, calibrated):
    loss, _, raw = case
    proba = loss.predict_proba(raw, calibrated)
    assert proba.shape == (len(raw), 2 if raw.ndim == 1 else raw.shape[1])
    assert (proba >= 0).all()
    assert (proba <= 1).all()
    # The logarithms are as accurate as their largest term, which is large for improbable classes.
    assert_allclose(proba.sum(axis=1), 1, rtol=50 * np.finfo(raw.dtype).eps)


@given(cases(dtypes=(np.float64,), n_outputs=(1,)), st.floats(1e-6, 1e3))
def test_the_binary_posterior_increases_strictly(case, step):
    loss, _, raw = case
    raw = np.clip(raw, -1e6, 1e6)
    higher = raw + step * (1 + abs(raw)) * (1 + largest_gamma(loss)) * 1e-6
    low, high = loss.predict_log_proba(raw), loss.predict_log_proba(higher)
    assert (high[:, 1] - high[:, 0] > low[:, 1] - low[:, 0]).all()


@given(st.floats(-700, 700), st.sampled_from([(0.0, 1), (1.0, 1), (1.0, -1)]), st.floats(1e-12, 1e-3))
def test_the_posterior_is_continuous_in_gamma(raw, gamma_and_sign, step):
    gamma, sign = gamma_and_sign
    slack = 3 * (step + 1e-13) * (1 + abs(raw))
    for loss, rows in ((BinaryFocalLoss(gamma, 0.3), [raw]), (MulticlassFocalLoss(3, gamma), [[raw, 0.0, 1.0]])):
        near = replace(loss, gamma=gamma + sign * step)
        assert abs(loss.predict_log_proba(rows) - near.predict_log_proba(rows)).max() <= slack


# An inversion takes a hundred times as long as the map.
@settings(max_examples=settings().max_examples // 8)
@given(st.data())
def test_the_initial_raw_prediction_has_the_prior_as_posterior(data):
    k = data.draw(st.integers(2, 5))
    counts = np.array(data.draw(st.lists(st.floats(1e-6, 1e6), min_size=k, max_size=k)))
    alpha = data.draw(st.one_of(st.none(), st.lists(st.floats(1e-3, 1e3), min_size=k, max_size=k)))
    loss = MulticlassFocalLoss(k, data.draw(one_or_per_class(GAMMAS, k)), alpha)
    start = loss.fit_intercept_only(np.arange(k), counts)
    prior = counts / counts.sum()
    assert_allclose(loss.predict_proba([start])[0], prior, rtol=1e-9)
    if k == 2:
        binary = BinaryFocalLoss(loss.gamma, alpha)
        assert_allclose(binary.fit_intercept_only([0, 1], counts), start[1] - start[0], rtol=1e-9, atol=1e-9)
