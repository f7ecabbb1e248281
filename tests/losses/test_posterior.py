"""The posterior undoes the distortion by the focal loss; the initial raw prediction inverts it.

`posterior` applies the same map to plain probabilities.
"""

import mpmath as mp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import brentq, root
from scipy.special import expit, log_expit, log_softmax, softmax

from focal_boost import BinaryFocalLoss, MulticlassFocalLoss
from focal_boost.losses import posterior

from . import oracle
from .cases import BINARY, LOSSES, MULTICLASS, each_dtype, each_loss, n_classes, per_class, rows

each_binary = pytest.mark.parametrize("loss", BINARY, ids=repr)
each_multiclass = pytest.mark.parametrize("loss", MULTICLASS, ids=repr)
GAMMAS = sorted({loss.gamma for loss in LOSSES if isinstance(loss.gamma, float)})


def expected(loss, eta, raw, part):
    """Loss or gradient of a row whose class is drawn from ``eta``, in high precision."""
    gammas, alphas = per_class(loss, len(eta))
    each = [getattr(oracle.multiclass(c, raw, gammas[c]), part) for c in range(len(eta))]
    weights = [mp.mpf(float(e)) * mp.mpf(float(a)) for e, a in zip(eta, alphas, strict=True)]
    if part == "loss":
        return mp.fsum(w * value for w, value in zip(weights, each, strict=True))
    return [mp.fsum(w * row[k] for w, row in zip(weights, each, strict=True)) for k in range(len(eta))]


# --- identities -----------------------------------------------------------------------------------------------


def test_the_posterior_for_gamma_zero_is_the_sigmoid_or_softmax():
    raw = np.linspace(-700, 700, 57)
    assert_allclose(BinaryFocalLoss(0, None).predict_log_proba(raw)[:, 1], log_expit(raw), rtol=1e-15)
    raw = rows(MulticlassFocalLoss(), scale=50)[1]
    assert_allclose(MulticlassFocalLoss(gamma=0).predict_log_proba(raw), log_softmax(raw, axis=1), rtol=1e-13)


@each_loss
def test_plain_probabilities_are_the_sigmoid_or_softmax_for_every_gamma_and_alpha(loss):
    raw = rows(loss, scale=50)[1]
    if raw.ndim == 1:
        log_proba = np.stack([log_expit(-raw), log_expit(raw)], axis=1)
        proba = np.stack([expit(-raw), expit(raw)], axis=1)
    else:
        log_proba, proba = log_softmax(raw, axis=1), softmax(raw, axis=1)
    assert_allclose(loss.predict_log_proba(raw, calibrated=False), log_proba, rtol=1e-13, atol=1e-13)
    assert_allclose(loss.predict_proba(raw, calibrated=False), proba, rtol=1e-13)


@each_loss
@pytest.mark.parametrize("calibrated", [(), (False,)], ids=["default", "plain"])
def test_the_log_likelihood_is_the_log_probability_of_the_label(loss, calibrated):
    y, raw = rows(loss, scale=50)
    of_label = loss.predict_log_proba(raw, *calibrated)[np.arange(len(y)), y]
    assert_allclose(loss.log_likelihood(y, raw, *calibrated), of_label, rtol=1e-13)


@pytest.mark.parametrize("prior", [1e-12, 1e-6, 0.1])
def test_the_initial_raw_prediction_for_gamma_zero_is_the_log_odds(prior):
    start = BinaryFocalLoss(0, None).fit_intercept_only([0, 1], [1 - prior, prior])
    assert start == pytest.approx(np.log(prior / (1 - prior)), rel=1e-12)
    start = MulticlassFocalLoss(gamma=0).fit_intercept_only([0, 1, 2], [prior, 0.3, 0.7 - prior])
    logs = np.log([prior, 0.3, 0.7 - prior])
    assert_allclose(start, logs - logs.mean(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("k", [2, 10, 300])
def test_equally_frequent_classes_start_at_zero(k):
    start = MulticlassFocalLoss(gamma=2).fit_intercept_only(np.arange(k))
    assert_allclose(start, 0, atol=1e-12)
    assert BinaryFocalLoss(2, None).fit_intercept_only([0, 1]) == pytest.approx(0, abs=1e-12)


# --- the minimiser of the expected loss -----------------------------------------------------------------------


@each_binary
def test_the_binary_posterior_inverts_the_minimiser_of_the_expected_loss(loss):
    for positive in (1e-6, 0.3, 1 - 1e-4):
        eta = [1 - positive, positive]
        with mp.workdps(40):
            at = brentq(lambda x, eta=eta: float(expected(loss, eta, [0, x], "gradient")[1]), -60, 60, xtol=1e-14)
            minimum = expected(loss, eta, [0, at], "loss")
            for step in (-10, -1e-3, 1e-3, 10):
                assert expected(loss, eta, [0, at + step], "loss") > minimum
        assert_allclose(loss.predict_proba([at])[0], eta, rtol=1e-8)


@each_multiclass
def test_the_multiclass_posterior_inverts_the_minimiser_of_the_expected_loss(loss):
    for eta in ([0.9, 0.0999, 0.0001], [0.01, 0.495, 0.495]):

        def gradient(free, eta=eta):
            total = expected(loss, eta, [*free, 0], "gradient")
            return [float(value / mp.mpf(e)) for value, e in zip(total[:2], eta, strict=False)]

        start = loss.fit_intercept_only([0, 1, 2], eta)  # only a starting point, off by 0.1
        with mp.workdps(40):
            free = root(gradient, start[:2] - start[2] + [0.1, -0.1], tol=1e-14).x
            minimum = expected(loss, eta, [*free, 0], "loss")
            for step in ([-1e-3, 0, 0], [0, 1e-3, 0], [3, 0, 0], [0, -3, 0], [0, 0, 3]):
                assert expected(loss, eta, np.array([*free, 0]) + step, "loss") > minimum
        assert_allclose(loss.predict_proba([[*free, 0]])[0], eta, rtol=1e-8)


# --- the oracle -----------------------------------------------------------------------------------------------


@each_binary
@each_dtype
def test_the_binary_posterior_agrees_with_high_precision(loss, dtype):
    raw = np.array([0, 0.1, 1, 3, 10, 35, 75, 300, 700, 745], dtype=dtype)
    raw = np.concatenate([-raw, raw])
    actual = loss.predict_log_proba(raw)
    assert actual.dtype == dtype
    eps = float(np.finfo(dtype).eps)
    for row, r in zip(actual, raw, strict=True):
        # A rounding error of the log-odds, relative to the sum of their terms, is one of the same size relative to
        # the smaller of the two probabilities.
        terms = (1 + 2 * np.max(loss.gamma)) * abs(float(r)) + 40
        for a, e in zip(row, oracle.log_posterior([0, r], *per_class(loss, 2)), strict=True):
            tolerance = eps * (2 * terms * min(abs(e), 1) + abs(e)) + np.finfo(dtype).tiny
            assert abs(mp.mpf(float(a)) - e) <= tolerance


@each_multiclass
@each_dtype
def test_the_multiclass_posterior_agrees_with_high_precision(loss, dtype):
    eps = float(np.finfo(dtype).eps)
    for raw in ([0, 0, 0], [1, -2, 0.5], [30, 29, -30], [300, -300, 299], [745, 0, -745], [0, -1e-3, 80]):
        raw = np.array(raw, dtype)
        actual = loss.predict_log_proba(raw[None])[0]
        scale = (1 + 2 * np.max(loss.gamma)) * np.ptp(raw) + 40
        for a, e in zip(actual, oracle.log_posterior(raw, *per_class(loss, 3)), strict=True):
            assert abs(mp.mpf(float(a)) - e) <= 400 * eps * (scale * min(1, abs(e)) + abs(e)) + 4 * eps


# --- shape ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gamma", [0.3, 1, 2, 5])
def test_the_slope_on_the_log_odds_scale_grows_to_one_plus_gamma_in_the_tails(gamma):
    raw = np.linspace(-100, 100, 4001)
    log_proba = BinaryFocalLoss(gamma, None).predict_log_proba(raw)
    slope = np.diff(log_proba[:, 1] - log_proba[:, 0]) / np.diff(raw)
    assert slope.min() > 1
    assert_allclose(slope[[0, -1]], 1 + gamma, rtol=1e-9)


def test_the_slope_for_one_gamma_per_class_can_dip_below_one():
    raw = np.linspace(-100, 100, 20_001)
    log_proba = BinaryFocalLoss((0, 5), None).predict_log_proba(raw)
    slope = np.diff(log_proba[:, 1] - log_proba[:, 0]) / np.diff(raw)
    assert slope.min() == pytest.approx(0.89, abs=0.01)


def test_the_largest_posterior_belongs_to_the_largest_raw_prediction_unless_alpha_moves_it():
    raw = rows(MulticlassFocalLoss(), 2000)[1]
    for gamma in GAMMAS:
        proba = MulticlassFocalLoss(gamma=gamma).predict_proba(raw)
        assert_array_equal(proba.argmax(axis=1), raw.argmax(axis=1))
    moved = MulticlassFocalLoss(gamma=2, alpha=(1, 1, 1, 100)).predict_proba(raw)
    assert (moved.argmax(axis=1) != raw.argmax(axis=1)).any()


# --- the initial raw prediction -------------------------------------------------------------------------------


@each_loss
@pytest.mark.parametrize(
    ("counts", "weighted"), [((500, 300, 200), False), ((1, 1, 998), True), ((980, 15, 5), True)]
)
def test_the_summed_gradient_is_zero_at_the_initial_raw_prediction(loss, counts, weighted):
    if isinstance(loss, BinaryFocalLoss):
        counts = (counts[0], counts[1] + counts[2])
    y = np.repeat(np.arange(len(counts)), counts)
    weight = np.random.default_rng(0).gamma(1, size=len(y)) if weighted else None
    start = loss.fit_intercept_only(y, weight)
    if isinstance(loss, BinaryFocalLoss):
        assert type(start) is float
    else:
        assert start.shape == (3,)
        assert start.sum() == pytest.approx(0, abs=1e-12)
    gradient = loss.gradient(y, np.tile(start, (len(y), *[1] * np.ndim(start))), weight)
    assert (abs(gradient.sum(axis=0)) <= 1e-9 * abs(gradient).sum(axis=0)).all()
    prior = np.bincount(y, weights=weight)
    assert_allclose(loss.predict_proba([start])[0], prior / prior.sum(), rtol=1e-10)


@pytest.mark.parametrize("loss", [BINARY[0], MULTICLASS[0], MULTICLASS[-1]], ids=repr)
def test_weights_count_as_copies_of_a_row_in_the_initial_raw_prediction_at_any_scale(loss):
    k = n_classes(loss)
    y, weight = np.arange(60) % k, np.random.default_rng(2).integers(0, 4, 60)
    weight[:k] = 1
    start = loss.fit_intercept_only(y, weight)
    assert_allclose(start, loss.fit_intercept_only(np.repeat(y, weight)), rtol=1e-12, atol=1e-12)
    for scale in (1e-12, 1e12):
        assert_allclose(loss.fit_intercept_only(y, scale * weight), start, rtol=1e-12, atol=1e-12)


def test_the_posterior_undoes_the_class_weight_and_not_the_sample_weight():
    y = np.arange(60) % 2
    by_class, by_row = BinaryFocalLoss(2, (0.5, 4.0)), BinaryFocalLoss(2, None)
    start, weighted_start = by_class.fit_intercept_only(y), by_row.fit_intercept_only(y, np.take([0.5, 4.0], y))
    assert_allclose(by_class.predict_proba([start]), [[0.5, 0.5]], rtol=1e-12)
    assert_allclose(by_row.predict_proba([weighted_start]), [[1 / 9, 8 / 9]], rtol=1e-12)


# --- the posterior of plain probabilities ---------------------------------------------------------------------


@each_loss
def test_plain_probabilities_give_the_posterior_of_the_loss(loss):
    raw = rows(loss, 200, scale=4)[1].clip(-12, 12)
    plain, calibrated = loss.predict_proba(raw, calibrated=False), loss.predict_proba(raw)
    assert_allclose(posterior(plain, loss.gamma, loss.alpha), calibrated, rtol=1e-9)
    if raw.ndim == 1:
        assert_allclose(posterior(plain[:, 1], loss.gamma, loss.alpha), calibrated[:, 1], rtol=1e-9)


def test_the_defaults_of_posterior_are_those_of_the_estimator():
    assert_array_equal(posterior([0.2, 0.7]), posterior([0.2, 0.7], 2.0, None))


def test_gamma_zero_without_alpha_changes_no_probability():
    p = np.array([0, 1e-300, 0.1, 0.5, 0.9, 1])
    assert_allclose(posterior(p, 0), p, rtol=1e-12)


@pytest.mark.parametrize("gamma", [*GAMMAS, (0, 5)])
def test_zero_one_and_the_order_of_probabilities_are_preserved(gamma):
    p = np.concatenate([[0, 5e-324, 1e-300], np.linspace(0.001, 0.999, 50), [1 - 1e-16, 1]])
    eta = posterior(p, gamma, (1, 1000))
    assert eta[0] == 0
    assert eta[-1] == 1
    assert np.isfinite(eta).all()
    assert (np.diff(eta) >= 0).all()


@pytest.mark.parametrize("gamma", [*GAMMAS, (0, 5, 1)])
def test_rows_with_zeros_and_ones_keep_them(gamma):
    p = np.array([[1, 0, 0], [0, 0.5, 0.5], [0, 1e-300, 1]])
    eta = posterior(p, gamma)
    assert_array_equal(eta[0], [1, 0, 0])
    assert_allclose(eta.sum(axis=1), 1, rtol=1e-12)
    assert eta[1, 0] == 0
    assert eta[2, 2] == pytest.approx(1)
    if not isinstance(gamma, tuple):
        assert_allclose(eta[1, 1:], 0.5, rtol=1e-12)


def test_probabilities_become_double_precision():
    for probability in (np.array([0.25, 0.5], dtype=np.float32), [0.25, 0.5]):
        result = posterior(probability)
        assert result.dtype == np.float64
        assert_allclose(result, posterior(np.array([0.25, 0.5])), rtol=1e-15)


def test_improbable_classes_underflow_under_any_error_handling():
    with np.errstate(all="raise"):
        assert posterior([1e-300], gamma=50.0) == [0.0]
        assert_allclose(posterior([[1e-300, 1.0]], gamma=50.0), [[0.0, 1.0]])


# --- errors ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("probability", "error", "message"),
    [
        ([0.2, 1.5], ValueError, r"probability must lie in \[0, 1\]; got 1\.5"),
        ([0.2, -1e-9], ValueError, r"probability must lie in \[0, 1\]; got -1e-09"),
        ([0.2, np.nan], ValueError, r"probability must lie in \[0, 1\]; got nan"),
        ([[0.2, 0.2]], ValueError, r"rows of probability must sum to one; got \[0\.2, 0\.2\]"),
        ([[0.5, 0.5], [0.6, 0.4011]], ValueError, r"rows of probability must sum to one; got \[0\.6, 0\.4011\]"),
        ([[0.2], [0.4]], ValueError, r"probability must have shape .* got \(2, 1\)"),
        (0.5, ValueError, r"probability must have shape .* got \(\)"),
        (["0.5", "0.2"], TypeError, "probability must contain real numbers; got .*'0.5'"),
        ([None, 0.5], TypeError, "probability must contain real numbers; got None"),
        ([0.5 + 0j, 0.2], TypeError, "probability must contain real numbers; got .*0.5"),
        (
            np.ma.array([0.2, 0.5], mask=[True, False]),
            TypeError,
            "probability must contain real numbers; got masked",
        ),
        (np.array(["2020"], dtype="M8[Y]"), TypeError, "probability must contain real numbers; got .*2020"),
    ],
)
def test_invalid_probabilities_are_rejected(probability, error, message):
    with pytest.raises(error, match=f"^{message}"):
        posterior(probability)


def test_row_sums_may_differ_from_one_by_a_thousandth():
    assert_allclose(posterior([[0.6, 0.4009]], 0), [[0.5995, 0.4005]], rtol=1e-3)


def test_gamma_and_alpha_need_one_value_per_class():
    for probability, wrong in (([0.5], [1, 2, 3]), ([[0.2, 0.3, 0.5]], [1, 2])):
        for name in ("gamma", "alpha"):
            with pytest.raises(ValueError, match=f"^{name} must have one value per class"):
                posterior(probability, **{name: wrong})
