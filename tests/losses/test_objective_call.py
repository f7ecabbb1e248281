"""A loss as the boosters call it: in either order of arguments, from a data set that holds labels and weights."""

import inspect
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from focal_boost import BinaryFocalLoss, MulticlassFocalLoss
from focal_boost.losses._base import Objective

LOSSES = [BinaryFocalLoss(1.5, 0.3), MulticlassFocalLoss(3, (0.5, 2, 1), (1.0, 2.0, 0.1))]
WEIGHT = np.random.default_rng(1).gamma(1, size=30)


class DataSet:
    """What both boosters' data sets offer."""

    def __init__(self, label, weight):
        self.label, self.weight = label, weight

    def get_label(self):
        return self.label

    def get_weight(self):
        return self.weight


def rows(loss, n_samples=30):
    rng = np.random.default_rng(0)
    n_outputs = 1 if isinstance(loss, BinaryFocalLoss) else 3
    raw = rng.normal(scale=3, size=(n_samples, n_outputs)).astype(np.float32)
    return rng.integers(0, max(2, n_outputs), n_samples), raw[:, 0] if n_outputs == 1 else raw


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize(("weight", "held"), [(None, None), (None, np.empty(0)), (WEIGHT, WEIGHT)])
def test_labels_and_weights_are_taken_from_the_data_set(loss, weight, held):
    y, raw = rows(loss)
    assert_array_equal(loss(raw, DataSet(y.astype(np.float32), held)), loss(y, raw, weight))


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_both_boosters_count_and_name_the_parameters(loss):
    for function in (loss, Objective(loss)):
        parameters = inspect.signature(function).parameters
        assert list(parameters) == ["y_true", "y_pred", "sample_weight"]
        assert [p.default for p in parameters.values()] == [inspect.Parameter.empty] * 2 + [None]


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_each_call_returns_arrays_of_its_own(loss):
    y, raw = rows(loss)
    first = [array.copy() for array in loss(y, raw)]
    kept = loss(y, raw)
    loss(y, raw / 2)
    assert_array_equal(kept, first)


def test_number_of_classes_is_read_off_the_raw_prediction():
    raw = np.random.default_rng(0).normal(size=(6, 4))
    for y in ([0, 1, 0, 1, 0, 1], [0, 1, 2, 3, 0, 1]):
        open_ended, fixed = MulticlassFocalLoss(), MulticlassFocalLoss(4)
        assert_array_equal(open_ended.loss(y, raw), fixed.loss(y, raw))
        assert_array_equal(open_ended(y, raw), fixed(y, raw))


@pytest.mark.parametrize("loss", [*LOSSES, BinaryFocalLoss(1.5, None), MulticlassFocalLoss(3, 1.5)], ids=repr)
def test_an_objective_calculates_in_the_precision_asked_for_and_returns_single_precision(loss):
    y, raw = rows(loss)
    raw = raw.astype(np.float64) * 3
    exact = loss.gradient(y, raw)
    single, double = (Objective(loss, dtype)(y, raw)[0] for dtype in (np.float32, np.float64))
    assert single.dtype == double.dtype == np.float32
    assert_array_equal(double, exact.astype(np.float32))
    assert (single != double).any()
    assert_array_equal(single, loss(y, raw)[0])
    assert_array_equal(single, Objective(loss)(y, raw)[0])


def test_an_objective_multiplies_second_derivatives_by_the_factor_asked_for():
    for loss, by_hand in zip(LOSSES, (1.0, 2.0), strict=True):
        y, raw = rows(loss)
        hessian = loss(y, raw)[1]
        assert_array_equal(Objective(loss, hessian_factor=by_hand)(y, raw)[1], hessian)
        assert_array_equal(Objective(loss, hessian_factor=4 * by_hand)(y, raw)[1], 4 * hessian)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_the_objective_of_a_training_puts_every_round_where_the_last_one_was(loss):
    y, raw = rows(loss)
    objective = Objective(loss)
    first = objective(y, raw)
    for y_next, raw_next in (rows(loss), (y, raw / 2)):
        again = objective(y_next, raw_next)
        assert all(a is b for a, b in zip(first, again, strict=True))
        assert_array_equal(again, loss(y_next, raw_next))
    # ... unless they would not fit there.
    shorter = objective(y[:20], raw[:20])
    assert_array_equal(shorter, loss(y[:20], raw[:20]))
    fortran = np.asfortranarray(raw)
    assert all(array.strides == fortran.strides for array in objective(y, fortran))
    assert_array_equal(objective(y, fortran), loss(y, raw))


def test_threads_that_share_an_objective_do_not_share_its_results():
    # Dask's workers may be threads of one process, which then train with one object.
    objective = Objective(LOSSES[0])
    y, raw = rows(LOSSES[0])
    here = objective(y, raw)
    with ThreadPoolExecutor(1) as pool:
        there = pool.submit(objective, y, -raw).result()
    assert_array_equal(here, LOSSES[0](y, raw))
    assert_array_equal(there, LOSSES[0](y, -raw))


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_blocks_change_no_bit(loss):
    y, raw = rows(loss, 100_000)
    gradient, hessian = loss(y, raw)
    for part in (slice(0, 65_535), slice(65_535, None), slice(99_999, None)):
        assert_array_equal(loss(y[part], raw[part]), (gradient[part], hessian[part]))
        assert_array_equal(loss.loss(y[part], raw[part]), loss.loss(y, raw)[part])


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_a_call_allocates_little_beyond_its_result(loss):
    y, raw = rows(loss, 1_000_000)
    y, weight = y.astype(np.float32), np.ones(len(y), dtype=np.float32)
    loss(y, raw, weight)
    tracemalloc.start()
    result = loss(y, raw, weight)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak - sum(array.nbytes for array in result) < 3 * 2**20  # a copy of any argument is larger


def test_a_read_only_memory_map_is_read_where_it_lies(tmp_path):
    raw = np.linspace(-9, 9, 1000, dtype=np.float32)
    y = (raw > 1).astype(np.float32)
    raw.tofile(tmp_path / "raw")
    y.tofile(tmp_path / "y")
    mapped = [np.memmap(tmp_path / name, dtype=np.float32, mode="r") for name in ("y", "raw")]
    assert_array_equal(BinaryFocalLoss()(*mapped), BinaryFocalLoss()(y, raw))


def test_ten_million_rows_are_ten_thousand_times_a_thousand():
    raw = np.linspace(-9, 9, 1000, dtype=np.float32)
    y = (raw > 1).astype(np.float32)
    few = BinaryFocalLoss()(y, raw)
    for many, expected in zip(BinaryFocalLoss()(np.tile(y, 10_000), np.tile(raw, 10_000)), few, strict=True):
        assert_array_equal(many.reshape(10_000, 1000), np.broadcast_to(expected, (10_000, 1000)))


@pytest.mark.parametrize(("loss", "n_outputs"), [(BinaryFocalLoss(), 1), (MulticlassFocalLoss(n_classes=3), 3)])
def test_a_worker_without_rows_gets_a_column_per_output(loss, n_outputs):
    # XGBoost 3.4 hands such a worker, in distributed training, raw predictions of this shape.
    for part in loss(np.empty(0), np.empty((0, 0), dtype=np.float32)):
        assert part.shape == (0, n_outputs)
        assert part.dtype == np.float32
