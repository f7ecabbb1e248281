"""Callable objectives of local and of distributed training."""

import inspect
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from focal_boost import BinaryFocalLoss, MulticlassFocalLoss
from focal_boost.boosters._objective import BoundObjective, WorkerObjective

from ..losses.cases import LOSSES, each_dtype, each_loss, n_classes, rows

WEIGHT = np.random.default_rng(1).gamma(1, size=60)


def bound_objective(loss, y, weight=None, dtype=np.float32, factor=None, scale=1.0):
    return BoundObjective(loss.bind(y, weight, n_classes(loss), dtype, factor, scale))


@pytest.mark.parametrize("objective", [bound_objective(LOSSES[0], [0, 1]), WorkerObjective(LOSSES[0], 1.0)])
def test_boosters_count_and_name_the_parameters(objective):
    parameters = inspect.signature(objective).parameters
    assert list(parameters) == ["y_true", "y_pred", "sample_weight"]
    assert [p.default for p in parameters.values()] == [inspect.Parameter.empty] * 2 + [None]


@each_loss
@each_dtype
def test_both_objectives_equal_the_loss(loss, dtype):
    y, raw = rows(loss)
    for order in ("C", "F"):
        same = np.asarray(raw, order=order)
        expected = loss.objective(y, same, WEIGHT, dtype=dtype, diagonal_factor=1.5)
        bound = bound_objective(loss, y, WEIGHT, dtype, 1.5)
        for actual in (bound(y, same, WEIGHT), WorkerObjective(loss, 1.0, dtype, 1.5)(y, same, WEIGHT)):
            assert_array_equal(actual, expected)
            for array in actual:
                assert array.dtype == np.float32
                assert array.strides == expected[0].strides


@each_loss
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_both_objectives_scale_the_weights(loss, weight):
    y, raw = rows(loss)
    scaled = np.full(len(y), 0.25) if weight is None else 0.25 * weight
    expected = loss(y, raw, scaled)
    assert_array_equal(bound_objective(loss, y, weight, scale=0.25)(y, raw), expected)
    assert_array_equal(WorkerObjective(loss, 0.25)(y, raw, weight), expected)


@pytest.mark.parametrize("scale", [1.0, 0.3])
def test_underflow_of_a_scaled_weight_is_no_error(scale):
    y, raw = np.repeat([0, 1], 30), np.linspace(-31, -27, 60)
    weight = np.full(60, 1.2e-38)
    with np.errstate(all="raise"):
        for objective in (bound_objective(LOSSES[0], y, weight, scale=scale), WorkerObjective(LOSSES[0], scale)):
            gradient, hessian = objective(y, raw, weight)
            assert (abs(gradient) < 1e-36).all()
            assert ((hessian >= 0) & (hessian < 1e-36)).all()


@each_loss
def test_the_bound_objective_reuses_its_arrays(loss):
    y, raw = rows(loss)
    objective = bound_objective(loss, y)
    first = objective(y, raw)
    assert first[0] is not first[1]
    for scale in (2, 0.5):
        again = objective(y, scale * raw)
        assert all(a is b for a, b in zip(first, again, strict=True))
        assert_array_equal(again, loss(y, scale * raw))


def test_the_bound_objective_ignores_the_labels_and_weights_of_the_call():
    y, raw = rows(LOSSES[0])
    objective = bound_objective(LOSSES[0], y, WEIGHT)
    assert_array_equal(objective(1 - y, raw, None), LOSSES[0](y, raw, WEIGHT))


def test_the_worker_objective_follows_the_labels_and_weights_of_the_call():
    y, raw = rows(LOSSES[0])
    objective = pickle.loads(pickle.dumps(WorkerObjective(LOSSES[0], 1.0)))
    for labels, weight in ((y, None), (1 - y, WEIGHT), (y[:20], WEIGHT[:20])):
        n = len(labels)
        assert_array_equal(objective(labels, raw[:n], weight), LOSSES[0](labels, raw[:n], weight))


def test_threads_that_share_a_worker_objective_do_not_share_its_results():
    # Dask's workers may be threads of one process, which then train with one object.
    objective = WorkerObjective(LOSSES[0], 1.0)
    y, raw = rows(LOSSES[0])
    here = objective(y, raw)
    with ThreadPoolExecutor(1) as pool:
        there = pool.submit(objective, y, -raw).result()
    assert_array_equal(here, LOSSES[0](y, raw))
    assert_array_equal(there, LOSSES[0](y, -raw))


@pytest.mark.parametrize(("loss", "n_outputs"), [(BinaryFocalLoss(), 1), (MulticlassFocalLoss(3), 3)], ids=repr)
@pytest.mark.parametrize("shape", [(0,), (0, 0)])
def test_a_worker_with_an_empty_partition_returns_a_column_per_output(loss, n_outputs, shape):
    for part in WorkerObjective(loss, 1.0)(np.empty(0), np.empty(shape, np.float32)):
        assert part.shape == (0, n_outputs)
        assert part.dtype == np.float32
