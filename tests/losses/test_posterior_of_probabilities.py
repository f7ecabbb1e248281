"""From plain probabilities to the posterior: agrees with the losses, at the ends of the range too."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from focal_boost import BinaryFocalLoss, MulticlassFocalLoss
from focal_boost.losses import posterior

GAMMAS = [0, 0.3, 1, 2, 10]


@pytest.mark.parametrize("gamma", [*GAMMAS, (0.5, 4)])
@pytest.mark.parametrize("alpha", [None, 0.25, (1, 30)])
def test_two_classes(gamma, alpha):
    raw = np.linspace(-12, 12, 101)
    loss = BinaryFocalLoss(gamma, alpha)
    plain = loss.predict_proba(raw, calibrated=False)
    assert_allclose(posterior(plain[:, 1], gamma, alpha), loss.predict_proba(raw)[:, 1], rtol=1e-9)
    assert_allclose(posterior(plain, gamma, alpha), loss.predict_proba(raw), rtol=1e-9)


@pytest.mark.parametrize("gamma", [*GAMMAS, (0.5, 4, 1, 0)])
@pytest.mark.parametrize("alpha", [None, (1, 2, 0.5, 30)])
def test_many_classes(gamma, alpha):
    raw = 4 * np.random.default_rng(0).normal(size=(200, 4))
    loss = MulticlassFocalLoss(4, gamma, alpha)
    assert_allclose(
        posterior(loss.predict_proba(raw, calibrated=False), gamma, alpha), loss.predict_proba(raw), rtol=1e-9
    )


def test_the_defaults_are_those_of_the_estimator():
    assert_array_equal(posterior([0.2, 0.7]), posterior([0.2, 0.7], 2.0, None))


def test_gamma_zero_without_alpha_changes_nothing():
    p = np.array([0, 1e-300, 0.1, 0.5, 0.9, 1])
    assert_allclose(posterior(p, 0), p, rtol=1e-12)


@pytest.mark.parametrize("gamma", [*GAMMAS, (0, 5)])
def test_certainty_stays_certain_and_the_order_is_kept(gamma):
    p = np.concatenate([[0, 5e-324, 1e-300], np.linspace(0.001, 0.999, 50), [1 - 1e-16, 1]])
    eta = posterior(p, gamma, (1, 1000))
    assert eta[0] == 0
    assert eta[-1] == 1
    assert np.isfinite(eta).all()
    assert (np.diff(eta) >= 0).all()


@pytest.mark.parametrize("gamma", [*GAMMAS, (0, 5, 1)])
def test_rows_with_zeros_and_ones(gamma):
    p = np.array([[1, 0, 0], [0, 0.5, 0.5], [0, 1e-300, 1]])
    eta = posterior(p, gamma)
    assert_array_equal(eta[0], [1, 0, 0])
    assert_allclose(eta.sum(axis=1), 1, rtol=1e-12)
    assert eta[1, 0] == 0
    assert eta[2, 2] == pytest.approx(1)
    if not isinstance(gamma, tuple):
        assert_allclose(eta[1, 1:], 0.5, rtol=1e-12)


@pytest.mark.parametrize(
    ("probability", "message"),
    [
        ([0.2, 1.5], r"probability must lie in \[0, 1\]; got 1\.5"),
        ([0.2, np.nan], r"probability must lie in \[0, 1\]; got nan"),
        ([[0.2, 0.2]], r"rows of probability must sum to one; got \[0\.2, 0\.2\]"),
        ([[0.2], [0.4]], r"probability must have shape .* got \(2, 1\)"),
        (0.5, r"probability must have shape .* got \(\)"),
    ],
)
def test_what_is_no_probability_is_refused(probability, message):
    with pytest.raises(ValueError, match=message):
        posterior(probability)


@pytest.mark.parametrize(
    ("probability", "got"),
    [
        (["0.5", "0.2"], "'0.5'"),
        ([None, 0.5], "None"),
        ([0.5 + 0j, 0.2], "0.5"),
        (np.ma.array([0.2, 0.5], mask=[True, False]), "masked"),
        (np.array(["2020"], dtype="M8[Y]"), "2020"),
    ],
)
def test_what_is_no_number_is_refused(probability, got):
    with pytest.raises(TypeError, match=f"^probability must hold real numbers; got .*{got}"):
        posterior(probability)


def test_single_precision_and_lists_become_double_precision():
    for probability in (np.array([0.25, 0.5], dtype=np.float32), [0.25, 0.5]):
        result = posterior(probability)
        assert result.dtype == np.float64
        assert_allclose(result, posterior(np.array([0.25, 0.5])), rtol=1e-15)


def test_improbable_classes_underflow_under_any_error_handling():
    with np.errstate(all="raise"):
        assert posterior([1e-300], gamma=50.0) == [0.0]
        assert_allclose(posterior([[1e-300, 1.0]], gamma=50.0), [[0.0, 1.0]])


def test_the_number_of_values_per_class_is_that_of_the_classes():
    for probability, wrong in (([0.5], [1, 2, 3]), ([[0.2, 0.3, 0.5]], [1, 2])):
        for name in ("gamma", "alpha"):
            with pytest.raises(ValueError, match=f"^{name} must have one value per class"):
                posterior(probability, **{name: wrong})
