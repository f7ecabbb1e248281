"""The posterior undoes what minimising the focal loss does; the initial raw prediction does it beforehand."""

import mpmath as mp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import brentq, root
from scipy.special import log_expit, log_softmax, softmax

from focal_boost import BinaryFocalLoss, MulticlassFocalLoss

from . import oracle

GAMMAS = [0, 1e-9, 0.3, 1, 1 + 1e-9, 2, 5, 20]
BINARY = [BinaryFocalLoss(gamma, alpha) for gamma in GAMMAS for alpha in (None, 0.25)]
BINARY += [BinaryFocalLoss((0, 5), None), BinaryFocalLoss((3, 0.5), (9.0, 0.2)), BinaryFocalLoss((0.5, 20), 0.01)]
THREE = [MulticlassFocalLoss(3, gamma) for gamma in GAMMAS]
THREE += [MulticlassFocalLoss(3, (0, 2, 5), (1, 20, 0.1)), MulticlassFocalLoss(3, 2, (0.01, 1, 100))]


def per_class(loss, n_classes):
    gammas = np.broadcast_to(loss.gamma, n_classes)
    alphas = (1 - loss.alpha, loss.alpha) if isinstance(loss.alpha, float) else loss.alpha
    return gammas, np.ones(n_classes) if alphas is None else alphas


def expected(loss, eta, raw, part):
    """Loss (0) or gradient (1) of one row whose class is drawn from ``eta``, in high precision."""
    gammas, alphas = per_class(loss, len(eta))
    rows = [oracle.multiclass(c, raw, mp.mpf(gammas[c]), mp.mpf(alphas[c]))[part] for c in range(len(eta))]
    if part == 0:
        return mp.fsum(e * value for e, value in zip(eta, rows, strict=True))
    return [mp.fsum(e * row[k] for e, row in zip(eta, rows, strict=True)) for k in range(len(eta))]


# --- identities -----------------------------------------------------------------------------------------------


def test_posterior_of_the_log_loss_is_the_sigmoid_or_softmax():
    raw = np.linspace(-700, 700, 57)
    assert_allclose(BinaryFocalLoss(0, None).predict_log_proba(raw)[:, 1], log_expit(raw), rtol=1e-15)
    raw = np.random.default_rng(0).normal(scale=50, size=(40, 4))
    assert_allclose(MulticlassFocalLoss(gamma=0).predict_log_proba(raw), log_softmax(raw, axis=1), rtol=1e-13)


@pytest.mark.parametrize("loss", [BINARY[4], BINARY[-1]])
def test_uncalibrated_is_the_sigmoid_whatever_gamma_and_alpha(loss):
    raw = np.linspace(-700, 700, 57)
    expected_log = np.stack([log_expit(-raw), log_expit(raw)], axis=1)
    assert_allclose(loss.predict_log_proba(raw, calibrated=False), expected_log, rtol=1e-15)
    assert_array_equal(loss.predict_proba(raw, calibrated=False), np.exp(expected_log))


def test_uncalibrated_is_the_softmax_whatever_gamma_and_alpha():
    raw = np.random.default_rng(0).normal(scale=50, size=(40, 3))
    for loss in THREE:
        assert_allclose(
            loss.predict_log_proba(raw, calibrated=False), log_softmax(raw, axis=1), rtol=1e-13, atol=1e-13
        )
        assert_allclose(loss.predict_proba(raw, calibrated=False), softmax(raw, axis=1), rtol=1e-13)


def test_alpha_alone_shifts_the_log_odds_by_its_logarithm():
    raw = np.linspace(-30, 30, 31)
    log_proba = BinaryFocalLoss(0, (3.0, 12.0)).predict_log_proba(raw)
    assert_allclose(log_proba[:, 1] - log_proba[:, 0], raw - np.log(4), rtol=1e-13, atol=1e-14)


# --- the minimiser --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", BINARY, ids=repr)
def test_binary_posterior_inverts_the_minimiser_of_the_expected_loss(loss):
    for positive in (1e-6, 0.3, 0.5, 1 - 1e-4):
        eta = [1 - positive, positive]
        with mp.workdps(40):
            root = brentq(lambda x, eta=eta: float(expected(loss, eta, [0, x], 1)[1]), -60, 60, xtol=1e-14)
            least = expected(loss, eta, [0, root], 0)
            for step in (-10, -1, -1e-3, 1e-3, 1, 10):
                assert expected(loss, eta, [0, root + step], 0) > least
        assert_allclose(loss.predict_proba([root])[0], eta, rtol=1e-8)


@pytest.mark.parametrize("loss", THREE, ids=repr)
def test_multiclass_posterior_inverts_the_minimiser_of_the_expected_loss(loss):
    for eta in ([0.2, 0.3, 0.5], [0.9, 0.0999, 0.0001], [0.01, 0.495, 0.495]):

        def gradient(free, eta=eta):
            total = expected(loss, eta, [*free, 0], 1)
            return [float(value / mp.mpf(e)) for value, e in zip(total[:2], eta, strict=False)]

        start = loss.fit_intercept_only([0, 1, 2], eta)  # only where the search starts, with an error of 0.1
        with mp.workdps(40):
            free = root(gradient, start[:2] - start[2] + [0.1, -0.1], tol=1e-14).x
            least = expected(loss, eta, [*free, 0], 0)
            for c in range(3):
                for step in (-3, -1e-3, 1e-3, 3):
                    assert expected(loss, eta, [r + step * (k == c) for k, r in enumerate([*free, 0])], 0) > least
        assert_allclose(loss.predict_proba([[*free, 0]])[0], eta, rtol=1e-8)


# --- the oracle -----------------------------------------------------------------------------------------------


def log_posterior(loss, raw):
    """The map in high precision: P_c / (a_c w_c), normalised."""
    gammas, alphas = per_class(loss, len(raw))
    P, Q = oracle.softmax([mp.mpf(float(r)) for r in raw])
    scores = []
    for p, q, g, a in zip(P, Q, gammas, alphas, strict=True):
        g = mp.mpf(g)
        scores.append(p / (mp.mpf(a) * (q**g - g * q ** (g - 1) * p * mp.log(p))))
    return [mp.log(score / mp.fsum(scores)) for score in scores]


@pytest.mark.parametrize("loss", BINARY, ids=repr)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_binary_agrees_with_high_precision(loss, dtype):
    raw = np.array([0, 0.1, 1, 3, 10, 35, 75, 300, 700, 745], dtype=dtype)
    raw = np.concatenate([-raw, raw])
    actual = loss.predict_log_proba(raw)
    assert actual.dtype == dtype
    eps = float(np.finfo(dtype).eps)
    for row, r in zip(actual, raw, strict=True):
        # A rounding error of the log-odds, relative to the sum of their terms, is one of the same size relative to
        # the smaller of the two probabilities.
        terms = (1 + 2 * np.max(loss.gamma)) * abs(float(r)) + 40
        for a, e in zip(row, log_posterior(loss, [0, r]), strict=True):
            tolerance = eps * (2 * terms * min(abs(e), 1) + abs(e)) + np.finfo(dtype).tiny
            assert abs(mp.mpf(float(a)) - e) <= tolerance


@pytest.mark.parametrize("loss", THREE, ids=repr)
def test_multiclass_agrees_with_high_precision(loss):
    for raw in ([0, 0, 0], [1, -2, 0.5], [30, 29, -30], [300, -300, 299], [745, 0, -745], [0, -1e-3, 80]):
        actual = loss.predict_log_proba([raw])[0]
        scale = (1 + 2 * np.max(loss.gamma)) * np.ptp(raw) + 40
        for a, e in zip(actual, log_posterior(loss, raw), strict=True):
            assert abs(mp.mpf(float(a)) - e) <= 1e-13 * scale * min(1, abs(e)) + 1e-13 * abs(e) + 1e-15


# --- shape ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", BINARY, ids=repr)
def test_binary_posterior_is_finite_and_strictly_increasing(loss):
    raw = np.linspace(-745, 745, 2981)
    log_proba = loss.predict_log_proba(raw)
    log_odds = log_proba[:, 1] - log_proba[:, 0]
    assert np.isfinite(log_proba).all()
    assert (np.diff(log_odds) > 0).all()
    proba = loss.predict_proba(raw)
    assert (np.diff(proba[:, 1]) >= 0).all()
    assert_allclose(proba.sum(axis=1), 1, rtol=1e-15)


@pytest.mark.parametrize("gamma", [0.3, 1, 2, 5])
def test_slope_on_the_log_odds_scale_grows_to_one_plus_gamma_in_the_tails(gamma):
    raw = np.linspace(-100, 100, 4001)
    log_proba = BinaryFocalLoss(gamma, None).predict_log_proba(raw)
    slope = np.diff(log_proba[:, 1] - log_proba[:, 0]) / np.diff(raw)
    assert slope.min() > 1
    assert_allclose(slope[[0, -1]], 1 + gamma, rtol=1e-9)


def test_slope_with_an_exponent_per_class_can_dip_below_one_but_stays_positive():
    raw = np.linspace(-100, 100, 20_001)
    log_proba = BinaryFocalLoss((0, 5), None).predict_log_proba(raw)
    slope = np.diff(log_proba[:, 1] - log_proba[:, 0]) / np.diff(raw)
    assert slope.min() == pytest.approx(0.89, abs=0.01)


def test_largest_posterior_belongs_to_the_largest_raw_prediction_without_alpha():
    raw = np.random.default_rng(0).normal(scale=3, size=(2000, 5))
    for gamma in GAMMAS:
        proba = MulticlassFocalLoss(gamma=gamma).predict_proba(raw)
        assert_array_equal(proba.argmax(axis=1), raw.argmax(axis=1))
    moved = MulticlassFocalLoss(gamma=2, alpha=(1, 1, 1, 1, 100)).predict_proba(raw)
    assert (moved.argmax(axis=1) != raw.argmax(axis=1)).any()


@pytest.mark.parametrize("loss", THREE, ids=repr)
def test_multiclass_posterior_sums_to_one_and_is_finite_in_logarithms(loss):
    raw = np.random.default_rng(0).choice([-745.0, -30, -1, 0, 1, 30, 745], size=(500, 3))
    assert np.isfinite(loss.predict_log_proba(raw)).all()
    assert_allclose(loss.predict_proba(raw).sum(axis=1), 1, rtol=1e-14)
    assert_allclose(loss.predict_proba(raw + 64), loss.predict_proba(raw), rtol=1e-10)


@pytest.mark.parametrize("gamma", [0, 1])
def test_posterior_is_continuous_in_gamma(gamma):
    raw = np.linspace(-40, 40, 81)
    at = BinaryFocalLoss(gamma, 0.3).predict_log_proba(raw)
    rows = np.stack([raw, -raw, 0 * raw], axis=1)
    multiclass_at = MulticlassFocalLoss(gamma=gamma).predict_log_proba(rows)
    for step in (1e-9, 1e-6, *([-1e-9, -1e-6] if gamma else [])):
        near = BinaryFocalLoss(gamma + step, 0.3).predict_log_proba(raw)
        assert_allclose(near, at, rtol=50 * abs(step) + 1e-14, atol=1e-15)
        near = MulticlassFocalLoss(gamma=gamma + step).predict_log_proba(rows)
        assert_allclose(near, multiclass_at, rtol=50 * abs(step) + 1e-14, atol=1e-15)


# --- the initial raw prediction -------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", BINARY, ids=repr)
@pytest.mark.parametrize("positives", [1, 30, 500, 999])
@pytest.mark.parametrize("weighted", [False, True])
def test_summed_gradient_is_zero_at_the_binary_initial_raw_prediction(loss, positives, weighted):
    y = np.repeat([1, 0], [positives, 1000 - positives])
    weight = np.random.default_rng(0).gamma(1, size=1000) if weighted else None
    start = loss.fit_intercept_only(y, weight)
    assert type(start) is float
    gradient = loss.gradient(y, np.full(1000, start), weight)
    assert abs(gradient.sum()) <= 1e-9 * abs(gradient).sum()
    prior = np.average(y, weights=weight)
    assert_allclose(loss.predict_proba([start])[0], [1 - prior, prior], rtol=1e-11)


@pytest.mark.parametrize("loss", THREE, ids=repr)
@pytest.mark.parametrize("counts", [(500, 300, 200), (1, 1, 998), (980, 15, 5)])
@pytest.mark.parametrize("weighted", [False, True])
def test_summed_gradient_is_zero_at_the_multiclass_initial_raw_prediction(loss, counts, weighted):
    y = np.repeat([0, 1, 2], counts)
    weight = np.random.default_rng(0).gamma(1, size=1000) if weighted else None
    start = loss.fit_intercept_only(y, weight)
    assert start.shape == (3,)
    assert start.sum() == pytest.approx(0, abs=1e-12)
    gradient = loss.gradient(y, np.tile(start, (1000, 1)), weight)
    assert (abs(gradient.sum(axis=0)) <= 1e-9 * abs(gradient).sum(axis=0)).all()
    prior = np.bincount(y, weights=weight)
    assert_allclose(loss.predict_proba([start])[0], prior / prior.sum(), rtol=1e-10)


@pytest.mark.parametrize("n_classes", [2, 10, 300])
def test_equal_classes_start_at_zero(n_classes):
    start = MulticlassFocalLoss(gamma=2).fit_intercept_only(np.arange(n_classes))
    assert_allclose(start, 0, atol=1e-12)
    assert BinaryFocalLoss(2, None).fit_intercept_only([0, 1]) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("prior", [1e-12, 1e-6, 0.1])
def test_initial_raw_prediction_of_the_log_loss_is_the_log_odds(prior):
    start = BinaryFocalLoss(0, None).fit_intercept_only([0, 1], [1 - prior, prior])
    assert start == pytest.approx(np.log(prior / (1 - prior)), rel=1e-12)
    start = MulticlassFocalLoss(gamma=0).fit_intercept_only([0, 1, 2], [prior, 0.3, 0.7 - prior])
    logs = np.log([prior, 0.3, 0.7 - prior])
    assert_allclose(start, logs - logs.mean(), rtol=1e-10, atol=1e-12)
