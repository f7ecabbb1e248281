"""Losses as values, their parameters, and errors that name the argument, the value and the allowed values."""

import copy
import decimal
import fractions
import functools
import pickle

import numpy as np
import pandas as pd
import pytest

from focal_boost import BinaryFocalLoss, MulticlassFocalLoss

from .cases import each_loss

BINARY = BinaryFocalLoss()
TWO = functools.partial(MulticlassFocalLoss, 2)
HUGE = pytest.param(10**400, id="huge")


# --- values ---------------------------------------------------------------------------------------------------


@each_loss
def test_a_loss_is_a_value(loss):
    for other in (pickle.loads(pickle.dumps(loss)), copy.copy(loss), copy.deepcopy(loss), eval(repr(loss))):
        assert other == loss
        assert hash(other) == hash(loss)
        assert repr(other) == repr(loss)
    for name in ("gamma", "alpha", "hessian", "new"):
        with pytest.raises(AttributeError):
            setattr(loss, name, 1.0)


def test_the_defaults_are_those_of_the_documentation():
    assert BinaryFocalLoss() == BinaryFocalLoss(gamma=2, alpha=0.25, hessian="safeguarded")
    assert MulticlassFocalLoss() == MulticlassFocalLoss(n_classes=None, gamma=2, alpha=None, hessian="safeguarded")


def test_losses_are_equal_by_type_and_value():
    assert BinaryFocalLoss(2, 0.25) == BinaryFocalLoss(2.0, 0.25)
    assert BinaryFocalLoss(2, 0.25) != BinaryFocalLoss(2, 0.75)
    assert BinaryFocalLoss(2, None, "exact") != BinaryFocalLoss(2, None)
    assert BinaryFocalLoss(2, None) != MulticlassFocalLoss(2, 2, None)
    assert BINARY != "BinaryFocalLoss(gamma=2.0, alpha=0.25, hessian='safeguarded')"
    assert BINARY != 2


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("gamma", 2, 2.0),
        ("gamma", np.float32(2), 2.0),
        ("gamma", np.int64(2), 2.0),
        ("gamma", np.array(2), 2.0),
        ("gamma", fractions.Fraction(1, 2), 0.5),
        ("gamma", [1, 2], (1.0, 2.0)),
        ("gamma", np.array([1, 2], dtype=">i4"), (1.0, 2.0)),
        ("gamma", range(2), (0.0, 1.0)),
        ("gamma", 1e6, 1e6),
        ("gamma", 0, 0.0),
        ("alpha", 0.3, 0.3),
        ("alpha", np.array(0.3), 0.3),
        ("alpha", [1, 2], (1.0, 2.0)),
        ("alpha", (1e-15, 1e8), (1e-15, 1e8)),
        ("alpha", None, None),
        ("hessian", np.str_("exact"), "exact"),
    ],
)
def test_parameters_are_kept_as_floats_tuples_and_strings(name, given, kept):
    for loss in (BinaryFocalLoss(**{name: given}), TWO(**{name: given})):
        assert getattr(loss, name) == kept
        assert type(getattr(loss, name)) is type(kept)
    assert type(MulticlassFocalLoss(np.int64(3)).n_classes) is int


# --- parameters -----------------------------------------------------------------------------------------------

GAMMA = "gamma must be a finite number >= 0 or one per class, at most 1e6; got "
ALPHA = (
    r"alpha must be None, a float in \(0, 1\) \(the weight of the positive class\) or two positive numbers.*; got "
)
ALPHAS = "alpha must be None or one positive number per class, 1e-15 to 1e8; got "
NOT_NUMBERS = [
    *("2", b"2", True, np.True_, 1j, {0: 1.0}, {1.0}, [[1, 2]], ["1", 2], decimal.Decimal(2), object()),
    *(pd.Series([1.0, 2.0]), [True, 1.0], [None, 1.0], np.array([[1.0, 2.0]])),
]
INVALID_ALPHAS = [
    *(0, 1, -0.1, 1.5, np.nan, np.inf, 1e-16, HUGE),
    *((0, 1), (1, -1), (1, np.nan), (1, np.inf), (1e-16, 1), (1, 1e8 + 1)),
]


@pytest.mark.parametrize("build", [BinaryFocalLoss, TWO])
@pytest.mark.parametrize("gamma", [-1, -1e-300, np.nan, np.inf, -np.inf, HUGE, 1e6 + 1, (1, np.nan), (-1, 1)])
def test_gamma_out_of_range_is_rejected(build, gamma):
    with pytest.raises(ValueError, match=f"^{GAMMA}"):
        build(gamma)


@pytest.mark.parametrize("build", [BinaryFocalLoss, TWO])
@pytest.mark.parametrize("value", [*NOT_NUMBERS, None])
def test_gamma_and_alpha_must_be_numbers(build, value):
    with pytest.raises(TypeError, match=f"^{GAMMA}"):
        build(value)
    if isinstance(value, str | dict):
        with pytest.raises(ValueError, match=rf"^{ALPHA}.* need the training data: .* FocalBoostClassifier\.$"):
            build(alpha=value)
    elif value is not None:
        with pytest.raises(TypeError, match=f"^{ALPHA}"):
            build(alpha=value)
        with pytest.raises(TypeError, match=f"^{ALPHAS}"):
            MulticlassFocalLoss(3, alpha=value)


@pytest.mark.parametrize("alpha", [*INVALID_ALPHAS, "balanced", {0: 1.0, 1: 2.0}])
def test_alpha_out_of_range_is_rejected(alpha):
    for build in (BinaryFocalLoss, TWO):
        with pytest.raises(ValueError, match=f"^{ALPHA}"):
            build(alpha=alpha)
    for k in (3, None):
        with pytest.raises(ValueError, match=f"^{ALPHAS}"):
            MulticlassFocalLoss(k, alpha=(*alpha, 1.0) if isinstance(alpha, tuple) else alpha)


@pytest.mark.parametrize("k", [None, 3])
def test_one_alpha_is_rejected_for_many_classes(k):
    with pytest.raises(ValueError, match=rf"^{ALPHAS}0\.25"):
        MulticlassFocalLoss(k, alpha=0.25)


@pytest.mark.parametrize("name", ["gamma", "alpha"])
@pytest.mark.parametrize(
    ("build", "lengths", "expected"),
    [
        (BinaryFocalLoss, (0, 1, 3), "2"),
        (TWO, (0, 1, 3), "2"),
        (functools.partial(MulticlassFocalLoss, 3), (2, 4), "3"),
        (MulticlassFocalLoss, (0, 1), "at least 2"),
    ],
)
def test_gamma_and_alpha_need_one_value_per_class(name, build, lengths, expected):
    for n in lengths:
        with pytest.raises(ValueError, match=f"^{name} must have one value per class, {expected}; got {n}: "):
            build(**{name: [1.0] * n})


def test_gamma_and_alpha_need_the_same_length():
    with pytest.raises(
        ValueError, match=r"^gamma and alpha must have one value per class; got \(1\.0, 2\.0\) and \("
    ):
        MulticlassFocalLoss(gamma=[1, 2], alpha=[1, 2, 3])
    assert MulticlassFocalLoss(gamma=[1, 2, 3], alpha=[1, 2, 3]).n_classes is None


@pytest.mark.parametrize("hessian", ["Exact", "", None, 1, ["exact"], b"exact"])
@pytest.mark.parametrize("build", [BinaryFocalLoss, MulticlassFocalLoss])
def test_an_unknown_policy_is_rejected(build, hessian):
    with pytest.raises(ValueError, match=r"^hessian must be one of 'safeguarded', 'gauss_newton', 'exact'; got "):
        build(hessian=hessian)


@pytest.mark.parametrize(
    ("n_classes", "error"),
    [(1, ValueError), (-3, ValueError), (2.0, TypeError), ("3", TypeError), (True, TypeError)],
)
def test_the_number_of_classes_is_an_integer_of_at_least_two(n_classes, error):
    with pytest.raises(error, match=r"^n_classes must be None or an integer >= 2; got "):
        MulticlassFocalLoss(n_classes)
