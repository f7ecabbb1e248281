"""The Hessian policies: their values, the parts they receive and the Hessian passed to a booster."""

import copy
import functools
import pickle
from dataclasses import replace

import mpmath as mp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from focal_boost import BinaryFocalLoss, MulticlassFocalLoss
from focal_boost.losses import _hessian

from . import oracle
from .cases import POLICIES, each_loss, per_class, rows

NAMES = ("gauss_newton", "curvature", "share", "absolute_gradient")


def first(gauss_newton, curvature, share, absolute_gradient):
    return gauss_newton


def second(gauss_newton, curvature, share, absolute_gradient):
    return curvature


def fourth(gauss_newton, curvature, share, absolute_gradient):
    return absolute_gradient


class Recorder:
    """A policy that keeps copies of its arguments, and of what it returned."""

    def __init__(self):
        self.parts, self.hessian = {}, None

    def __call__(self, *parts):
        self.parts = {name: np.array(part) for name, part in zip(NAMES, parts, strict=True)}
        self.hessian = 2 * parts[0] + parts[3]
        return self.hessian


def recorded(loss, y, raw, factor=1.0):
    """The parts that a policy receives, in double precision and the shape of the raw prediction."""
    recorder = Recorder()
    _gradient, hessian = replace(loss, hessian=recorder).objective(
        y, raw, dtype=np.float64, diagonal_factor=factor
    )
    assert_array_equal(hessian, recorder.hessian.T.astype(np.float32))
    return {name: np.broadcast_to(part.T, raw.shape) for name, part in recorder.parts.items()}


# --- identities -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "safeguarded", "gauss_newton", "exact"),
    [
        ((1, 2, 0.5, 1), 3, 1, 2),
        ((1, -0.5, 0.5, 1), 1, 1, 0.75),
        ((1, -4, 0.5, 1), 1, 1, 0),
        ((1e-9, -1, 1, 1), 1e-4, 1e-9, 0),
        ((1, 2, 0.5, 1e6), 100, 1, 2),
        ((0, 0, 1, 0), 0, 0, 0),
    ],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_policies_return_the_documented_values_and_do_not_change_their_arguments(
    parts, safeguarded, gauss_newton, exact, dtype
):
    arrays = [np.full((3, 2), part, dtype) for part in parts]
    for array in arrays:
        array.flags.writeable = False
    expected = {"safeguarded": safeguarded, "gauss_newton": gauss_newton, "exact": exact}
    assert list(expected) == list(POLICIES)
    for name, policy in _hessian.POLICIES.items():
        for share in (arrays[2], *([1.0] if parts[2] == 1 else [])):  # 1.0 for a single raw prediction
            hessian = policy(arrays[0], arrays[1], share, arrays[3])
            assert hessian.dtype == dtype
            assert_array_equal(hessian, np.full((3, 2), expected[name], dtype))
    unclipped = _hessian.second_derivative(*arrays)
    assert_array_equal(unclipped, np.full((3, 2), parts[0] + parts[1] * parts[2], dtype))


@each_loss
def test_a_named_policy_is_its_function_and_changes_only_the_hessian_of_a_call(loss):
    y, raw = rows(loss)
    for name, function in _hessian.POLICIES.items():
        named = replace(loss, hessian=name)
        assert_array_equal(named(y, raw), replace(loss, hessian=function)(y, raw))
        assert_array_equal(named(y, raw)[0], loss(y, raw)[0])
        assert_array_equal(named.gradient_hessian(y, raw), loss.gradient_hessian(y, raw))


@each_loss
def test_a_policy_may_return_an_argument_itself(loss):
    y, raw = rows(loss)
    gradient, _ = loss(y, raw)
    gauss_newton, curvature, absolute = (replace(loss, hessian=f)(y, raw) for f in (first, second, fourth))
    assert_array_equal(gauss_newton, replace(loss, hessian="gauss_newton")(y, raw))
    assert_array_equal(absolute, [gradient, abs(gradient)])
    assert_array_equal(curvature[0], gradient)
    assert not np.max(loss.gamma) or (curvature[1] < 0).any()


@each_loss
def test_the_diagonal_factor_multiplies_second_derivatives_only(loss):
    y, raw = rows(loss)
    once, fourfold = recorded(loss, y, raw), recorded(loss, y, raw, 4.0)
    for name, factor in zip(NAMES, (4.0, 4.0, 1.0, 1.0), strict=True):
        assert_array_equal(fourfold[name], factor * once[name])
    gradients = [loss.objective(y, raw, diagonal_factor=factor)[0] for factor in (1.0, 4.0)]
    assert_array_equal(*gradients)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("gamma", [0, 0.5, 2, (0.5, 3)])
def test_both_entries_of_a_two_class_diagonal_are_the_binary_hessian(gamma, policy):
    binary, two = BinaryFocalLoss(gamma, (0.3, 2.0), policy), MulticlassFocalLoss(2, gamma, (0.3, 2.0), policy)
    y, raw = rows(binary)
    _, expected = binary.objective(y, raw, dtype=np.float64, diagonal_factor=2)
    _, diagonal = two.objective(y, np.stack([0 * raw, raw], axis=1), dtype=np.float64)
    assert_allclose(diagonal, np.stack([expected, expected], axis=1), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("function", [first, _hessian.safeguarded])
@pytest.mark.parametrize("loss", [BinaryFocalLoss(), MulticlassFocalLoss(3, (0, 1, 2))], ids=repr)
def test_a_loss_with_a_policy_function_is_a_value(loss, function):
    loss = replace(loss, hessian=function)
    assert loss.hessian is function
    assert f"hessian=<function {function.__name__} at" in repr(loss)
    for other in (pickle.loads(pickle.dumps(loss)), copy.deepcopy(loss), replace(loss)):
        assert other == loss
        assert hash(other) == hash(loss)
        assert repr(other) == repr(loss)
        assert other.hessian is function
    assert loss != replace(loss, hessian=second)


# --- the oracle -----------------------------------------------------------------------------------------------

exact = functools.cache(oracle.multiclass)


@each_loss
def test_a_policy_receives_the_documented_parts(loss):
    y, raw = rows(loss, 12, scale=8)
    parts = recorded(loss, y, raw)
    matrix = np.stack([0 * raw, raw], axis=1) if raw.ndim == 1 else raw
    gammas, alphas = per_class(loss, matrix.shape[1])
    by = slice(-parts["share"][0].size, None)
    for i, (label, row) in enumerate(zip(y.tolist(), matrix.tolist(), strict=True)):
        numbers, alpha = exact(label, tuple(row), gammas[label]), mp.mpf(float(alphas[label]))
        for name in NAMES:
            factor = 1 if name == "share" else alpha
            expected = [factor * value for value in getattr(numbers, name)[by]]
            terms = [alpha * term for term in numbers.curvature_terms[by]] if name == "curvature" else expected
            oracle.assert_relative(parts[name][i], expected, terms, 1e-13, 1e-300)


@pytest.mark.parametrize(("gamma", "root"), [(0.5, 0.018), (1, 0.043), (2, 0.058), (5, 0.050), (10, 0.036)])
def test_the_exact_binary_hessian_is_negative_below_one_probability(gamma, root):
    loss = BinaryFocalLoss(gamma, None)
    p = np.array([root / 100, root - 0.001, root + 0.001, 0.5, 0.999])
    _, hessian = loss.gradient_hessian(np.ones(5), np.log(p / (1 - p)))
    assert_array_equal(hessian > 0, [False, False, True, True, True])


# --- the matrix -----------------------------------------------------------------------------------------------


def full_hessian(y, raw, gamma):
    """The matrix by differences of the analytic gradient."""
    loss, k, step = MulticlassFocalLoss(len(raw), gamma), len(raw), 1e-5
    moved = raw + step * np.concatenate([np.eye(k), -np.eye(k)])
    gradient = loss.gradient(np.full(2 * k, y), moved)
    return (gradient[:k] - gradient[k:]) / (2 * step)


@pytest.mark.parametrize("k", [2, 3, 5, 12])
def test_twice_the_safeguarded_diagonal_bounds_the_matrix_and_twice_the_exact_one_does_not(k):
    rng = np.random.default_rng(k)
    largest = {"safeguarded": 0.0, "exact": 0.0}
    for spread in (0.5, 2, 4):
        for gamma in (0.5, 1, 2, 5):
            raw = spread * rng.normal(size=k)
            matrix = full_hessian(0, raw, gamma)
            for policy in largest:
                diagonal = MulticlassFocalLoss(k, gamma, hessian=policy)([0], raw[None])[1][0].astype(np.float64)
                if diagonal.all():
                    scaled = matrix / np.sqrt(np.outer(diagonal, diagonal))
                    largest[policy] = max(largest[policy], np.linalg.eigvalsh((scaled + scaled.T) / 2)[-1])
    assert largest["safeguarded"] <= 1 + 1e-5
    assert k == 2 or largest["exact"] > 1.05
