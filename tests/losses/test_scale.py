"""The factor by which a loss is regularised like the log loss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from focal_boost import BinaryFocalLoss, MulticlassFocalLoss

from .cases import POLICIES, each_loss, n_classes, per_class, rows

PRIORS = st.lists(st.floats(0.02, 1), min_size=2, max_size=5).map(lambda shares: np.array(shares) / sum(shares))


def derivatives_at_start(loss, y, weight, factor):
    start = np.asarray(loss.fit_intercept_only(y, weight))
    raw = np.array([start] * len(y))
    gradient, hessian = np.empty_like(raw), np.empty_like(raw)
    scale = loss.scale(y, weight, factor)
    loss.bind(y, weight, n_classes(loss), np.float64, factor, scale).derivatives(raw, gradient, hessian)
    return gradient, hessian


@each_loss
@pytest.mark.parametrize("factor", [1.0, 2.0, 1.25])
def test_the_summed_hessian_at_the_start_is_that_of_the_log_loss(loss, factor):
    y, _ = rows(loss)
    weight = np.random.default_rng(0).gamma(1, size=len(y)) * (1 + 5 * (y == 0))
    _, hessian = derivatives_at_start(loss, y, weight, factor)
    totals = per_class(loss, n_classes(loss))[1] * np.bincount(y, weight)
    priors = totals / totals.sum()
    expected = factor * totals.sum() * (priors * (1 - priors)).sum()
    if isinstance(loss, BinaryFocalLoss):
        expected /= 2  # one raw prediction instead of two
    assert hessian.sum() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("alpha", [None, (0.1, 30.0)])
def test_the_scale_is_exactly_one_at_gamma_0(policy, alpha):
    for gamma in (0, (0, 0)):
        assert BinaryFocalLoss(gamma, alpha, policy).scale([0, 1], [1.0, 1e-6]) == 1
        assert MulticlassFocalLoss(2, gamma, alpha, policy).scale([0, 1], [1.0, 1e-6]) == 1


@pytest.mark.parametrize(
    "policy", [lambda gauss_newton, *_: np.ones_like(gauss_newton), lambda *parts: 0 * parts[0]]
)
def test_a_function_as_the_hessian_has_the_scale_of_the_default(policy):
    for gamma in (0, 2):
        expected = BinaryFocalLoss(gamma, None).scale([0, 1], [9, 1])
        assert BinaryFocalLoss(gamma, None, policy).scale([0, 1], [9, 1]) == expected


@each_loss
def test_class_weights_act_like_sample_weights(loss):
    y, _ = rows(loss)
    k = n_classes(loss)
    gamma, alpha = per_class(loss, k)
    plain = {"gamma": tuple(gamma), "alpha": None, "hessian": loss.hessian}
    unweighted = BinaryFocalLoss(**plain) if isinstance(loss, BinaryFocalLoss) else MulticlassFocalLoss(k, **plain)
    assert loss.scale(y) == pytest.approx(unweighted.scale(y, alpha[y]), rel=1e-12)
    assert loss.scale(y, np.full(len(y), 1e-3)) == pytest.approx(loss.scale(y), rel=1e-12)


def test_the_scale_of_two_classes_is_the_same_for_both_losses():
    for gamma in (0.5, 2, (1, 3)):
        binary, softmax = BinaryFocalLoss(gamma, None), MulticlassFocalLoss(2, gamma)
        assert binary.scale([0, 1], [9, 1]) == pytest.approx(softmax.scale([0, 1], [9, 1]), rel=1e-9)


@pytest.mark.parametrize("gamma", [100, 1e6, (0, 1e6)])
def test_the_derivatives_stay_finite_for_a_large_gamma(gamma):
    y = np.array([0, 0, 0, 1])
    for loss in (BinaryFocalLoss(gamma, (1e-8, 1e8)), MulticlassFocalLoss(2, gamma, (1e8, 1e-8))):
        weight = np.array([1e15, 1, 1, 1e15])
        bound = loss.bind(y, weight, scale=loss.scale(y, weight))
        raw = np.linspace(-50, 50, 4, dtype=np.float32)
        raw = raw if isinstance(loss, BinaryFocalLoss) else np.stack([raw, -raw], axis=1)
        gradient, hessian = np.empty_like(raw), np.empty_like(raw)
        bound.derivatives(raw, gradient, hessian)
        assert np.isfinite(gradient).all()
        assert np.isfinite(hessian).all()


def test_every_class_needs_weight():
    for call in (
        lambda: BinaryFocalLoss().scale([0, 0]),
        lambda: MulticlassFocalLoss(3).scale([0, 1, 2], [1, 0, 1]),
    ):
        with pytest.raises(ValueError, match="every class with a positive weight"):
            call()


# --- the law that the factor follows from ----------------------------------------------------------------


@given(PRIORS, st.floats(0, 8), st.integers(0, 10_000))
def test_a_newton_step_moves_the_posterior_like_that_of_the_log_loss(priors, gamma, seed):
    """With the full Hessian, the step of a leaf whose class shares differ slightly ends at those shares."""
    k = len(priors)
    change = np.random.default_rng(seed).normal(size=k)
    change *= 1e-5 * priors.min() / abs(change).max()
    shares = priors + change - priors * change.sum()
    loss = MulticlassFocalLoss(k, gamma)
    start = loss.fit_intercept_only(np.arange(k), priors)

    def slope(raw):
        return shares @ loss.gradient(np.arange(k), np.array([raw] * k))

    wide = 1e-5 * np.eye(k)
    hessian = np.array([(slope(start + h) - slope(start - h)) / 2e-5 for h in wide])
    step = -np.linalg.lstsq(hessian, slope(start), rcond=1e-9)[0]
    moved = loss.predict_proba([start + step])[0] - priors
    assert_allclose(moved, shares - priors, atol=1e-3 * abs(change).max())


@given(st.floats(0.001, 0.999), st.floats(0, 8), st.floats(1e-4, 1e4))
def test_the_scaled_step_is_shrunk_like_that_of_the_log_loss(prior, gamma, penalty):
    priors = np.array([1 - prior, prior])
    change = 1e-6 * priors.min()
    shares = priors + np.array([-change, change])

    def step(loss):
        """Return the change of the posterior log-odds by a regularised Newton step."""
        start = loss.fit_intercept_only([0, 1], priors)
        gradient, hessian = loss.gradient_hessian([0, 1], [start, start], shares)
        scale = prior * (1 - prior) / hessian.sum()  # that of the exact Hessian, which is no policy
        by_raw = np.diff(loss.predict_log_proba([start - 1e-4, start + 1e-4])).ravel()
        return -scale * gradient.sum() / (scale * hessian.sum() + penalty) * (by_raw[1] - by_raw[0]) / 2e-4

    focal, log_loss = BinaryFocalLoss(gamma, None), BinaryFocalLoss(0, None)
    assert step(log_loss) == pytest.approx(change / (prior * (1 - prior) + penalty), rel=1e-4)
    assert step(focal) == pytest.approx(step(log_loss), rel=1e-4)
