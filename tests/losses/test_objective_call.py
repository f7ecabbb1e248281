"""A loss as the boosters call it: in either order of arguments, from a data set that holds labels and weights."""

import inspect

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from focal_boost import BinaryFocalLoss, MulticlassFocalLoss

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


def rows(loss):
    rng = np.random.default_rng(0)
    n_outputs = 1 if isinstance(loss, BinaryFocalLoss) else 3
    raw = rng.normal(scale=3, size=(30, n_outputs)).astype(np.float32)
    return rng.integers(0, max(2, n_outputs), 30), raw[:, 0] if n_outputs == 1 else raw


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize(("weight", "held"), [(None, None), (None, np.empty(0)), (WEIGHT, WEIGHT)])
def test_labels_and_weights_are_taken_from_the_data_set(loss, weight, held):
    y, raw = rows(loss)
    assert_array_equal(loss(raw, DataSet(y.astype(np.float32), held)), loss(y, raw, weight))


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_a_bound_loss_is_the_loss_in_either_order(loss):
    y, raw = rows(loss)
    factor = 1.0 if isinstance(loss, BinaryFocalLoss) else 2.0
    for bound in (loss.bind(y, WEIGHT), loss.bind(y, WEIGHT, hessian_factor=factor, n_threads=2)):
        for result in (bound(y, raw), bound(y, raw, WEIGHT), bound(raw, DataSet(y, WEIGHT))):
            assert_array_equal(result, loss(y, raw, WEIGHT))


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_both_boosters_count_and_name_the_parameters(loss):
    y, _ = rows(loss)
    for function in (loss, loss.bind(y)):
        parameters = inspect.signature(function).parameters
        assert list(parameters) == ["y_true", "y_pred", "sample_weight"]
        assert [p.default for p in parameters.values()] == [inspect.Parameter.empty] * 2 + [None]


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_each_call_returns_arrays_of_its_own(loss):
    y, raw = rows(loss)
    bound = loss.bind(y)
    first = [array.copy() for array in bound(y, raw)]
    kept = bound(y, raw)
    bound(y, raw / 2)
    assert_array_equal(kept, first)


def test_number_of_classes_is_read_off_the_raw_prediction():
    raw = np.random.default_rng(0).normal(size=(6, 4))
    for y in ([0, 1, 0, 1, 0, 1], [0, 1, 2, 3, 0, 1]):
        open_ended, fixed = MulticlassFocalLoss(), MulticlassFocalLoss(4)
        assert_array_equal(open_ended.loss(y, raw), fixed.loss(y, raw))
        assert_array_equal(open_ended(y, raw), fixed(y, raw))
    assert_array_equal(MulticlassFocalLoss().bind([0, 1, 2, 3, 0, 1])(None, raw), fixed(y, raw))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_bound_loss_calculates_in_the_precision_asked_for(dtype):
    y, raw = rows(LOSSES[0])
    raw = raw.astype(np.float64) * 7
    loss = LOSSES[0].bind(y, dtype=dtype)
    assert loss.loss(raw).dtype == dtype
    exact = LOSSES[0].loss(y, raw)
    error = abs(loss.loss(raw) - exact) / exact
    assert (error.max() > 1e-9) == (dtype is np.float32)
