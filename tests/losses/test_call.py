"""A loss called by a booster, with either order of arguments, and a loss bound to the training rows."""

import inspect
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from focal_boost import BinaryFocalLoss, MulticlassFocalLoss
from focal_boost.losses import BoundLoss

from .cases import derivatives, each_dtype, each_loss, n_classes, rows

FEW = [BinaryFocalLoss(), MulticlassFocalLoss(3, (0.5, 2, 1), (1.0, 2.0, 0.1), "exact")]
few_losses = pytest.mark.parametrize("loss", FEW, ids=repr)
WEIGHT = np.random.default_rng(1).gamma(1, size=60)


class DataSet:
    """The methods that the data sets of both boosters share."""

    def __init__(self, label, weight):
        self.label, self.weight = label, weight

    def get_label(self):
        return self.label

    def get_weight(self):
        return self.weight


def bound_derivatives(bound, raw):
    """Gradient and Hessian of a bound loss, written into arrays of the memory order of the raw prediction."""
    results = np.full_like(raw, np.nan, np.float32), np.full_like(raw, np.nan, np.float32)
    assert bound.derivatives(raw, *results) is None
    return results


# --- the call -------------------------------------------------------------------------------------------------


@few_losses
@pytest.mark.parametrize(("weight", "held"), [(None, None), (None, np.empty(0)), (WEIGHT, WEIGHT)])
def test_labels_and_weights_are_read_from_the_data_set(loss, weight, held):
    y, raw = rows(loss)
    data_set = DataSet(y.astype(np.float32), held)
    assert_array_equal(loss(raw, data_set), loss(y, raw, weight))
    assert_array_equal(
        loss.objective(raw, data_set, dtype=np.float64), loss.objective(y, raw, weight, dtype=np.float64)
    )


@few_losses
def test_boosters_count_and_name_the_parameters_of_a_call(loss):
    parameters = inspect.signature(loss).parameters
    assert list(parameters) == ["y_true", "y_pred", "sample_weight"]
    assert [p.default for p in parameters.values()] == [inspect.Parameter.empty] * 2 + [None]


@each_loss
@each_dtype
def test_a_call_returns_new_float32_arrays_in_the_order_of_the_raw_prediction(loss, dtype):
    y, raw = rows(loss, dtype=dtype)
    first = loss(y, raw)
    kept = [array.copy() for array in first]
    for order in ("C", "F"):
        for array in loss(y, np.asarray(raw / 2, order=order)):
            assert array.dtype == np.float32
            assert array.flags[f"{order}_CONTIGUOUS"]
            assert array.flags.writeable
    assert_array_equal(first, kept)


@each_loss
def test_the_objective_computes_in_the_given_precision_and_returns_float32(loss):
    y, raw = rows(loss, scale=9)
    single, double = (loss.objective(y, raw, WEIGHT, dtype=dtype) for dtype in (np.float32, np.float64))
    assert all(array.dtype == np.float32 for array in (*single, *double))
    assert_array_equal(double[0], loss.gradient(y, raw, WEIGHT).astype(np.float32))
    assert any((s != d).any() for s, d in zip(single, double, strict=True))
    assert_array_equal(single, loss(y, raw, WEIGHT))
    assert_array_equal(single, loss.objective(y, raw, WEIGHT))
    raw = raw.astype(np.float32)
    assert_array_equal(loss.gradient(y, raw, WEIGHT), loss(y, raw, WEIGHT)[0])


@each_loss
def test_the_default_factor_is_that_of_xgboost(loss):
    y, raw = rows(loss)
    factor = 1 if raw.ndim == 1 else 2
    assert_array_equal(loss.objective(y, raw, diagonal_factor=factor), loss(y, raw))
    gauss_newton = replace(loss, hessian="gauss_newton")
    assert_array_equal(gauss_newton.objective(y, raw, diagonal_factor=8 * factor)[1], 8 * gauss_newton(y, raw)[1])
    hessian = replace(loss, hessian="exact").objective(y, raw, dtype=np.float64)[1]
    expected = factor * loss.gradient_hessian(y, raw)[1].clip(0)
    assert_allclose(hessian, expected, rtol=1e-6, atol=1e-14)


def test_the_number_of_classes_is_read_from_the_raw_prediction():
    raw = np.random.default_rng(0).normal(size=(6, 4))
    for y in ([0, 1, 0, 1, 0, 1], [0, 1, 2, 3, 0, 1]):
        left_open, fixed = (derivatives(loss, y, raw) for loss in (MulticlassFocalLoss(), MulticlassFocalLoss(4)))
        for actual, expected in zip(left_open, fixed, strict=True):
            assert_array_equal(actual, expected)


@pytest.mark.parametrize(
    ("loss", "n_outputs"),
    [(BinaryFocalLoss(), 1), (MulticlassFocalLoss(3), 3), (MulticlassFocalLoss(gamma=(1, 2)), 2)],
    ids=repr,
)
@pytest.mark.parametrize("shape", [(0,), (0, 0)])
def test_an_empty_partition_returns_a_column_per_output(loss, n_outputs, shape):
    # XGBoost passes raw predictions of shape (0,) or, from 3.4 on, (0, 0).
    for labels, raw in ((np.empty(0), np.empty(shape, np.float32)), (np.empty(shape), DataSet(np.empty(0), None))):
        gradient, hessian = loss(labels, raw)
        assert gradient is not hessian
        for part in (gradient, hessian):
            assert part.shape == (0, n_outputs)
            assert part.dtype == np.float32


def test_labels_without_raw_predictions_are_not_an_empty_partition():
    with pytest.raises(
        ValueError, match=r"^y_true must have shape \(0,\), one label per row of raw_prediction; got \(1,\)"
    ):
        BinaryFocalLoss()([0], np.empty(0))


# --- bound to the training rows -------------------------------------------------------------------------------


@each_loss
@each_dtype
@pytest.mark.parametrize(("weight", "factor"), [(None, None), (WEIGHT, 1.0), (WEIGHT, 1.5)])
def test_bound_equals_unbound(loss, dtype, weight, factor):
    y, raw = rows(loss)
    bound = loss.bind(y, weight, n_classes(loss), dtype, factor)
    assert isinstance(bound, BoundLoss)
    for raw_dtype in (np.float64, np.float32):
        for order in ("C", "F"):
            same = np.asarray(raw, dtype=raw_dtype, order=order)
            expected = loss.objective(y, same, weight, dtype=dtype, diagonal_factor=factor)
            assert_array_equal(bound_derivatives(bound, same), expected)


@few_losses
def test_the_defaults_of_bind_are_those_of_a_call(loss):
    y, raw = rows(loss)
    bound = loss.bind(y, n_classes=n_classes(loss))
    assert_array_equal(bound_derivatives(bound, raw), loss(y, raw))
    if raw.ndim == 1:
        assert_array_equal(bound_derivatives(loss.bind(y), raw), loss(y, raw))


@few_losses
def test_bind_rejects_what_a_call_rejects(loss):
    k = n_classes(loss)
    with pytest.raises(ValueError, match=rf"^y_true must be .*; got {k}\.$"):
        loss.bind([0, 1, k], n_classes=k)
    with pytest.raises(ValueError, match=r"^y_true must be 0 or 1; got 2\.$"):
        loss.bind([0, 1, 2])
    with pytest.raises(ValueError, match=r"^y_true must have shape \(n_samples,\); got \(1, 2\)"):
        loss.bind([[0, 1]], n_classes=k)
    with pytest.raises(ValueError, match=r"^sample_weight must have shape \(2,\); got \(1,\)"):
        loss.bind([0, 1], [1.0], n_classes=k)
    bound = loss.bind([0, 1], n_classes=k)
    for bad in (np.nan, -np.inf):
        raw = np.full((2, k), bad) if k > 2 else np.array([0.0, bad])
        with pytest.raises(ValueError, match=r"^raw_prediction must be finite; got .*(nan|inf)"):
            bound_derivatives(bound, raw)


# --- blocks and memory ----------------------------------------------------------------------------------------


@few_losses
def test_blocks_change_no_bit(loss):
    y, raw = rows(loss, 150_000)
    weight = np.random.default_rng(2).gamma(1, size=len(y))
    whole = derivatives(loss, y, raw, weight)
    bound = loss.bind(y, weight, n_classes(loss))
    assert_array_equal(bound_derivatives(bound, raw), whole[3:])
    for part in (slice(0, 65_535), slice(65_535, None), slice(149_999, None)):
        for array, expected in zip(derivatives(loss, y[part], raw[part], weight[part]), whole, strict=True):
            assert_array_equal(array, expected[part])


@few_losses
def test_a_call_allocates_little_beyond_its_result(loss):
    y, raw = rows(loss, 1_000_000, dtype=np.float32)
    y, weight = y.astype(np.float32), np.ones(len(y), dtype=np.float32)
    bound = loss.bind(y, weight, n_classes(loss))
    results = loss(y, raw, weight)
    for call, kept in ((lambda: loss(y, raw, weight), results), (lambda: bound.derivatives(raw, *results), ())):
        tracemalloc.start()
        result = call()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        del result
        assert peak - sum(array.nbytes for array in kept) < 3 * 2**20  # a copy of any argument is larger


def test_a_read_only_memory_map_is_read_in_place(tmp_path):
    y, raw = rows(FEW[0], 1000, dtype=np.float32)
    raw.tofile(tmp_path / "raw")
    y.astype(np.float32).tofile(tmp_path / "y")
    mapped = [np.memmap(tmp_path / name, dtype=np.float32, mode="r") for name in ("y", "raw")]
    assert_array_equal(FEW[0](*mapped), FEW[0](y, raw))


@each_loss
def test_arguments_are_not_changed(loss):
    y, raw = rows(loss)
    arguments = [y.astype(float), raw, WEIGHT.copy()]
    before = [array.copy() for array in arguments]
    for array in arguments:
        array.flags.writeable = False
    y, raw, weight = arguments
    derivatives(loss, y, raw, weight)
    bound_derivatives(loss.bind(y, weight, n_classes(loss), np.float64), raw)
    loss.fit_intercept_only(y, weight), loss.predict_proba(raw), loss.predict_log_proba(raw, calibrated=False)
    for array, was in zip(arguments, before, strict=True):
        assert_array_equal(array, was)
