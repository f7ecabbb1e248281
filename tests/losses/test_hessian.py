"""The named Hessian policies: what each is made of, and that a booster can live with it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, softmax

from focal_boost import BinaryFocalLoss, MulticlassFocalLoss
from focal_boost.losses._base import Objective

POLICIES = ["exact", "gauss_newton", "safeguarded"]
GAMMAS = [0, 0.5, 1, 2, 5, 10, (0.5, 3, 1)]
FLOOR = 1e-4  # the smallest Hessian of the safeguarded policy, relative to the absolute gradient


def rows(n_outputs):
    rng = np.random.default_rng(1)
    y = rng.integers(0, max(2, n_outputs), 400)
    raw = 6 * rng.normal(size=(400, n_outputs))
    return (y, raw[:, 0]) if n_outputs == 1 else (y, raw)


def build(n_outputs, gamma, hessian, alpha=None):
    if n_outputs == 1:
        return BinaryFocalLoss(gamma[:2] if isinstance(gamma, tuple) else gamma, alpha, hessian)
    return MulticlassFocalLoss(3, gamma, alpha, hessian)


def given(n_outputs, gamma, hessian, alpha=None):
    """The Hessian that a booster is given, in double precision, before the factor of the softmax."""
    y, raw = rows(n_outputs)
    loss = build(n_outputs, gamma, hessian, alpha)
    return Objective(loss, np.float64, 1.0)(y, raw)[1]


def parts(n_outputs, gamma, alpha=None):
    """Absolute gradient, exact Hessian and its Gauss-Newton part, the last by its definition."""
    y, raw = rows(n_outputs)
    gradient, exact = build(n_outputs, gamma, "exact", alpha).gradient_hessian(y, raw)
    P = np.stack([expit(-raw), expit(raw)], axis=1) if n_outputs == 1 else softmax(raw, axis=1)
    p = P[np.arange(400), y]
    g = np.array(gamma[: P.shape[1]])[y] if isinstance(gamma, tuple) else gamma
    with np.errstate(divide="ignore", invalid="ignore"):
        w = np.where(p == 1, 0, (1 - p) ** g - g * (1 - p) ** (g - 1.0) * p * np.log(p))
    if alpha is not None:
        w = w * np.take(alpha, y)
    gauss_newton = w * p * (1 - p) if n_outputs == 1 else w[:, None] * P * (1 - P)
    return abs(gradient), exact, gauss_newton


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_policies_are_what_their_names_say(n_outputs, gamma):
    absolute, exact, gauss_newton = parts(n_outputs, gamma)
    expected = {
        "exact": np.maximum(exact, 0),
        "gauss_newton": gauss_newton,
        "safeguarded": np.maximum(np.maximum(exact, gauss_newton), FLOOR * absolute),
        "absolute_gradient": absolute,
        "bounded": np.maximum(exact, absolute),
    }
    for policy in expected:
        # float32, and of terms of either sign: relative to the largest of them.
        tolerance = 3e-7 * np.maximum(expected[policy], absolute + gauss_newton)
        slack = FLOOR * absolute if policy == "safeguarded" else 0
        error = given(n_outputs, gamma, policy) - expected[policy]
        assert (error >= -tolerance - 1e-30).all()
        assert (error <= tolerance + slack + 1e-30).all()


@pytest.mark.parametrize("gamma", GAMMAS)
def test_dominant_is_safeguarded_for_one_raw_prediction_and_for_the_cross_entropy(gamma):
    assert_array_equal(given(1, gamma, "safeguarded"), given(1, gamma, "safeguarded"))
    assert_array_equal(given(3, 0, "safeguarded"), given(3, 0, "safeguarded"))
    y, raw = rows(2)
    for loss in (MulticlassFocalLoss(2, 2.0), MulticlassFocalLoss(2, (0.5, 3))):
        safeguarded = MulticlassFocalLoss(2, loss.gamma, hessian="safeguarded")
        assert_allclose(loss(y, raw)[1], safeguarded(y, raw)[1], rtol=1e-6)


def full_hessian(y, raw, gamma):
    """The matrix by differences of the analytic gradient."""
    loss, k, step = MulticlassFocalLoss(len(raw), gamma), len(raw), 1e-5
    moved = raw + step * np.concatenate([np.eye(k), -np.eye(k)])
    gradient = loss.gradient(np.full(2 * k, y), moved)
    return (gradient[:k] - gradient[k:]) / (2 * step)


@pytest.mark.parametrize("k", [2, 3, 5, 12])
def test_twice_the_dominant_diagonal_bounds_the_matrix_and_twice_the_safeguarded_one_does_not(k):
    rng = np.random.default_rng(k)
    largest = {"safeguarded": 0.0, "safeguarded": 0.0}
    for spread in (0.5, 2, 4):
        for gamma in (0.5, 1, 2, 5):
            raw = spread * rng.normal(size=k)
            matrix = full_hessian(0, raw, gamma)
            for policy in largest:
                diagonal = MulticlassFocalLoss(k, gamma, hessian=policy)([0], raw[None])[1][0].astype(np.float64)
                scaled = matrix / np.sqrt(np.outer(diagonal, diagonal))
                largest[policy] = max(largest[policy], np.linalg.eigvalsh((scaled + scaled.T) / 2)[-1])
    assert largest["safeguarded"] <= 1 + 1e-5
    assert k == 2 or largest["safeguarded"] > 1.05


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_safeguarded_bounds_the_newton_step(n_outputs, gamma):
    y, raw = rows(n_outputs)
    for scale in (1.0, 20.0, 1e4, 1e30):
        gradient, hessian = build(n_outputs, gamma, "safeguarded")(y, (raw * scale).astype(np.float32))
        assert (hessian >= 0.999 * FLOOR * abs(gradient)).all()


@pytest.mark.parametrize("policy", ["absolute_gradient", "bounded"])
def test_policies_over_the_gradient_bound_the_newton_step_by_one(policy):
    for n_outputs in (1, 3):
        y, raw = rows(n_outputs)
        gradient, hessian = build(n_outputs, 2.0, policy)(y, (raw * 1e3).astype(np.float32))
        assert (hessian >= abs(gradient)).all()


def test_softmax_factor_multiplies_second_derivatives_but_never_the_absolute_gradient():
    y, raw = rows(3)
    for policy in POLICIES:
        loss = build(3, 2.0, policy)
        once, thrice = (Objective(loss, np.float64, f)(y, raw)[1] for f in (1.0, 3.0))
        if policy == "absolute_gradient":
            assert_array_equal(once, thrice)
        elif policy == "bounded":
            absolute, exact, _ = parts(3, 2.0)
            assert_allclose(thrice, np.maximum(3 * exact, absolute), rtol=1e-6, atol=1e-12)
        else:
            assert_allclose(thrice, 3 * once, rtol=1e-6)


def test_by_hand_the_softmax_hessian_is_doubled_and_the_binary_one_is_not():
    for n_outputs, factor in ((1, 1.0), (3, 2.0)):
        y, raw = rows(n_outputs)
        by_hand = build(n_outputs, 2.0, "gauss_newton")(y, raw)[1]
        assert_allclose(by_hand, factor * given(n_outputs, 2.0, "gauss_newton"), rtol=4e-6, atol=1e-30)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_the_gradient_and_the_analytic_hessian_do_not_depend_on_the_policy(policy, n_outputs):
    y, raw = rows(n_outputs)
    loss, reference = build(n_outputs, 2.0, policy), build(n_outputs, 2.0, "exact")
    assert_array_equal(loss(y, raw)[0], reference(y, raw)[0])
    for a, b in zip(loss.gradient_hessian(y, raw), reference.gradient_hessian(y, raw), strict=True):
        assert_array_equal(a, b)
    assert (loss.gradient_hessian(y, raw)[1] < 0).any()


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_weights_multiply_every_policy(policy, n_outputs):
    alpha = (0.25, 8.0, 64.0)[: max(2, n_outputs)]
    y, _ = rows(n_outputs)
    weight = np.take(alpha, y) if n_outputs == 1 else np.take(alpha, y)[:, None]
    plain, weighted = given(n_outputs, 2.0, policy), given(n_outputs, 2.0, policy, alpha)
    assert_allclose(weighted, weight * plain, rtol=1e-6, atol=1e-35)


@pytest.mark.parametrize("gamma", [0.5, 1, 2, 5, 10])
def test_the_binary_hessian_has_one_root_below_which_it_is_negative(gamma):
    root = {0.5: 0.018, 1: 0.043, 2: 0.058, 5: 0.050, 10: 0.036}[gamma]
    loss = BinaryFocalLoss(gamma, None)
    for p, positive in (
        (root - 0.001, False),
        (root / 100, False),
        (root + 0.001, True),
        (0.5, True),
        (0.999, True),
    ):
        hessian = loss.gradient_hessian([1], [np.log(p / (1 - p))])[1][0]
        assert (hessian > 0) == positive


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_a_booster_is_given_is_single_precision_in_the_order_of_the_raw_prediction(dtype):
    y, raw = rows(3)
    for order in ("C", "F"):
        laid_out = np.asarray(raw, dtype=dtype, order=order)
        for array in MulticlassFocalLoss()(y, laid_out):
            assert array.dtype == np.float32
            assert array.flags[f"{order}_CONTIGUOUS"]
            assert array.flags.writeable
