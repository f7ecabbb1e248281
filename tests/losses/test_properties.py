"""What holds for every raw prediction up to 1e30, every gamma in [0, 50] and every class weight."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from focal_boost import BinaryFocalLoss, MulticlassFocalLoss

POLICIES = ["exact", "gauss_newton", "safeguarded"]
DTYPES = st.sampled_from([np.float32, np.float64])
GAMMAS = st.one_of(st.sampled_from([0.0, 0.5, 1.0, 2.0]), st.floats(0, 50))
WEIGHTS = st.one_of(st.floats(1e-3, 1e3), st.floats(1e-15, 1e8))
VALUES = st.one_of(st.floats(-40, 40), st.floats(-800, 800), st.floats(-1e30, 1e30))


def per_class(value, n_classes):
    return st.one_of(value, st.lists(value, min_size=n_classes, max_size=n_classes))


@st.composite
def binary(draw, values=VALUES, dtypes=DTYPES):
    """A loss, labels and raw predictions."""
    alpha = st.one_of(st.none(), st.floats(1e-6, 1 - 1e-6), st.tuples(WEIGHTS, WEIGHTS))
    loss = BinaryFocalLoss(draw(per_class(GAMMAS, 2)), draw(alpha))
    raw = np.array(draw(st.lists(values, min_size=1, max_size=6)), dtype=draw(dtypes))
    y = np.array(draw(st.lists(st.integers(0, 1), min_size=len(raw), max_size=len(raw))))
    return loss, y, raw


@st.composite
def multiclass(draw, values=VALUES, dtypes=DTYPES):
    k = draw(st.integers(2, 5))
    alpha = st.one_of(st.none(), st.lists(WEIGHTS, min_size=k, max_size=k))
    loss = MulticlassFocalLoss(k, draw(per_class(GAMMAS, k)), draw(alpha))
    row = st.lists(values, min_size=k, max_size=k)
    raw = np.array(draw(st.lists(row, min_size=1, max_size=4)), dtype=draw(dtypes))
    y = np.array(draw(st.lists(st.integers(0, k - 1), min_size=len(raw), max_size=len(raw))))
    return loss, y, raw


def with_policy(loss, policy):
    arguments = (loss.n_classes,) if isinstance(loss, MulticlassFocalLoss) else ()
    return type(loss)(*arguments, loss.gamma, loss.alpha, policy)


def largest_gamma(loss):
    return np.max(loss.gamma)


def tolerance(loss, dtype):
    """Relative error that a loss or gradient may have: q^gamma has gamma times that of q."""
    return 20 * float(np.finfo(dtype).eps) * (1 + largest_gamma(loss))


def underflow(loss, dtype):
    """What is lost at most where numbers end: the smallest normal number, times what it may be multiplied by."""
    return (
        10 * float(np.finfo(dtype).tiny) * np.max(loss.alpha or 1.0, initial=1.0) * (1 + largest_gamma(loss)) ** 2
    )


def hessian_terms(loss, gradient):
    """An upper bound of the sum of the absolute terms of the Hessian."""
    return abs(gradient) * (3 + 2 * largest_gamma(loss))


# --- the promise ------------------------------------------------------------------------------------------------


@given(st.one_of(binary(), multiclass()))
def test_finite_in_finite_out(case):
    loss, y, raw = case
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        results = [loss.loss(y, raw), *loss.gradient_hessian(y, raw), loss.predict_log_proba(raw)]
    for result in results:
        assert result.dtype == raw.dtype
        assert np.isfinite(result).all()
    assert (results[0] >= 0).all()


@given(st.one_of(binary(), multiclass()), st.sampled_from(POLICIES))
def test_what_a_booster_is_given_is_finite_and_its_hessian_not_negative(case, policy):
    loss, y, raw = case
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        gradient, hessian = with_policy(loss, policy)(y, raw)
    assert gradient.dtype == hessian.dtype == np.float32
    assert gradient.shape == hessian.shape == raw.shape
    assert np.isfinite(gradient).all()
    assert np.isfinite(hessian).all()
    assert (hessian >= 0).all()
    if policy in ("safeguarded", "safeguarded", "absolute_gradient", "bounded"):
        # Zero only where the gradient underflows too: 1e-4 of it is below the smallest number there is.
        assert (abs(gradient[hessian == 0]) < 1e-40).all()


@given(binary())
def test_the_gradient_pulls_towards_the_truth(case):
    loss, y, raw = case
    gradient = loss.gradient(y, raw)
    assert (gradient[y == 1] <= 0).all()
    assert (gradient[y == 0] >= 0).all()


@given(multiclass())
def test_the_gradient_pulls_towards_the_true_class_and_away_from_the_others(case):
    loss, y, raw = case
    gradient = loss.gradient(y, raw)
    true = np.eye(loss.n_classes, dtype=bool)[y]
    assert (gradient[true] <= 0).all()
    assert (gradient[~true] >= 0).all()
    size = abs(gradient).sum(axis=1)
    assert (abs(gradient.sum(axis=1)) <= 10 * np.finfo(raw.dtype).eps * size + underflow(loss, raw.dtype)).all()


@given(multiclass(), VALUES)
def test_the_loss_falls_as_the_raw_prediction_of_the_true_class_rises(case, other):
    loss, y, raw = case
    rows = np.arange(len(y))
    low, high = raw.copy(), raw.copy()
    low[rows, y] = np.minimum(raw[rows, y], raw.dtype.type(other))
    high[rows, y] = np.maximum(raw[rows, y], raw.dtype.type(other))
    slack = 1 + tolerance(loss, raw.dtype)
    assert (loss.loss(y, high) <= slack * loss.loss(y, low) + underflow(loss, raw.dtype)).all()


@given(binary(), VALUES)
def test_the_binary_loss_falls_towards_the_truth(case, other):
    loss, y, raw = case
    low, high = np.minimum(raw, raw.dtype.type(other)), np.maximum(raw, raw.dtype.type(other))
    right, wrong = np.where(y == 1, high, low), np.where(y == 1, low, high)
    slack = 1 + tolerance(loss, raw.dtype)
    assert (loss.loss(y, right) <= slack * loss.loss(y, wrong) + underflow(loss, raw.dtype)).all()


# --- symmetries -------------------------------------------------------------------------------------------------


@given(binary())
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


@given(multiclass(), st.randoms(use_true_random=False))
def test_a_permutation_of_the_classes_permutes_everything(case, random):
    loss, y, raw = case
    k = loss.n_classes
    order = random.sample(range(k), k)
    place = np.argsort(order)
    gamma = loss.gamma if isinstance(loss.gamma, float) else [loss.gamma[c] for c in order]
    alpha = None if loss.alpha is None else [loss.alpha[c] for c in order]
    permuted = MulticlassFocalLoss(k, gamma, alpha)
    rtol, tiny = tolerance(loss, raw.dtype), underflow(loss, raw.dtype)
    assert_allclose(permuted.loss(place[y], raw[:, order]), loss.loss(y, raw), rtol=rtol, atol=tiny)
    gradient, hessian = loss.gradient_hessian(y, raw)
    permuted_gradient, permuted_hessian = permuted.gradient_hessian(place[y], raw[:, order])
    assert_allclose(permuted_gradient, gradient[:, order], rtol=rtol, atol=tiny)
    assert (
        abs(permuted_hessian - hessian[:, order]) <= rtol * hessian_terms(loss, permuted_gradient) + tiny
    ).all()
    expected = loss.predict_proba(raw)[:, order]
    assert_allclose(permuted.predict_proba(raw[:, order]), expected, rtol=0, atol=10 * rtol)


# Multiples of 2^-6 up to 2^10: they stay exact under the shift.
GRID = st.integers(-(2**16), 2**16).map(lambda i: i / 64)


@given(multiclass(values=GRID, dtypes=st.just(np.float64)), GRID)
def test_a_shift_of_all_raw_predictions_changes_no_bit(case, shift):
    loss, y, raw = case
    assert_array_equal(loss.loss(y, raw + shift), loss.loss(y, raw))
    assert_array_equal(loss.gradient(y, raw + shift), loss.gradient(y, raw))
    assert_array_equal(loss.predict_log_proba(raw + shift), loss.predict_log_proba(raw))


@given(st.one_of(binary(), multiclass()), st.integers(-20, 1))
def test_the_scale_of_the_weights_is_the_scale_of_everything(case, exponent):
    loss, y, raw = case
    factor = 2.0**exponent
    weight = np.full(len(y), factor)
    weighted = (loss.loss(y, raw, weight), *loss.gradient_hessian(y, raw, weight), *loss(y, raw, weight))
    plain = (loss.loss(y, raw), *loss.gradient_hessian(y, raw), *loss(y, raw))
    for a, b in zip(weighted, plain, strict=True):
        # A power of two changes no digit, unless the number underflows.
        assert_allclose(a, factor * b, rtol=0, atol=underflow(loss, a.dtype))


# From 1e-15: a weight near float32's smallest normal number loses digits when it is multiplied by alpha.
@given(st.one_of(binary(), multiclass()), st.floats(1e-15, 1), st.floats(1e-15, 1))
def test_everything_is_additive_in_the_weight(case, first, second):
    loss, y, raw = case
    results = []
    for w in (first, second, first + second):
        weight = np.full(len(y), w)
        results.append((loss.loss(y, raw, weight), loss.gradient(y, raw, weight)))
    for a, b, both in zip(*results, strict=True):
        assert_allclose(a + b, both, rtol=4 * np.finfo(raw.dtype).eps, atol=underflow(loss, raw.dtype))


# --- the posterior ----------------------------------------------------------------------------------------------


@given(st.one_of(binary(), multiclass()), st.booleans())
def test_probabilities_are_probabilities(case, calibrated):
    loss, _, raw = case
    proba = loss.predict_proba(raw, calibrated)
    assert proba.shape == (len(raw), 2 if raw.ndim == 1 else raw.shape[1])
    assert (proba >= 0).all()
    assert (proba <= 1).all()
    # The logarithms are as accurate as the largest of their terms; of improbable classes that is large.
    assert_allclose(proba.sum(axis=1), 1, rtol=50 * np.finfo(raw.dtype).eps)


@given(binary(dtypes=st.just(np.float64)), st.floats(1e-6, 1e3))
def test_the_binary_posterior_increases_strictly(case, step):
    loss, _, raw = case
    raw = np.clip(raw, -1e6, 1e6)
    higher = raw + step * (1 + abs(raw)) * (1 + largest_gamma(loss)) * 1e-6
    low, high = loss.predict_log_proba(raw), loss.predict_log_proba(higher)
    assert (high[:, 1] - high[:, 0] > low[:, 1] - low[:, 0]).all()


@pytest.mark.parametrize("gamma", [0.0, 1.0])
@given(raw=st.floats(-700, 700), step=st.floats(1e-12, 1e-3))
def test_the_posterior_is_continuous_in_gamma(gamma, raw, step):
    at, near = (BinaryFocalLoss(g, None).predict_log_proba([raw]) for g in (gamma, gamma + step))
    assert abs(at - near).max() <= 2 * step * (1 + abs(raw)) + 1e-13 * (1 + abs(raw))
    rows = [[raw, 0.0, 1.0]]
    at, near = (MulticlassFocalLoss(gamma=g).predict_log_proba(rows) for g in (gamma, gamma + step))
    assert abs(at - near).max() <= 3 * step * (1 + abs(raw)) + 1e-13 * (1 + abs(raw))


@given(st.data())
def test_the_initial_raw_prediction_has_the_prior_as_posterior(data):
    k = data.draw(st.integers(2, 5))
    counts = np.array(data.draw(st.lists(st.floats(1e-6, 1e6), min_size=k, max_size=k)))
    alpha = data.draw(st.one_of(st.none(), st.lists(st.floats(1e-3, 1e3), min_size=k, max_size=k)))
    loss = MulticlassFocalLoss(k, data.draw(per_class(GAMMAS, k)), alpha)
    start = loss.fit_intercept_only(np.arange(k), counts)
    prior = counts / counts.sum()
    assert_allclose(loss.predict_proba([start])[0], prior, rtol=1e-9)
    if k == 2:
        binary = BinaryFocalLoss(loss.gamma, alpha)
        assert_allclose(binary.fit_intercept_only([0, 1], counts), start[1] - start[0], rtol=1e-9, atol=1e-9)
