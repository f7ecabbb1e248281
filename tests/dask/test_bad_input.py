"""Input rejected by DaskFocalBoostClassifier: the cases of the local estimator as Dask collections."""

import copy

import numpy as np
import pandas as pd
import pytest

from ..cases import BOOSTERS
from ..classifier.test_bad_input import (
    DATA,
    PARAMETERS,
    WEIGHT,
    X,
    Y,
    assert_rejected,
    one_of_each,
)
from ..classifier.test_bad_settings import FIT_PARAMS, INNER
from ..classifier.test_equal_input import backwards, in_halves
from .clusters import IGNORED, da, dask_booster, dd, distributed, lightgbm

# The imports below need Dask; without it the module was skipped above.
# isort: split
import dask
from xgboost.dask import DaskXGBClassifier

from focal_boost.dask import DaskFocalBoostClassifier
from focal_boost.dask._partitions import check_block

pytestmark = IGNORED


def with_dask_boosters(rows):
    """Return the table rows whose booster supports Dask."""
    return [row for row in rows if getattr(row, "values", row)[0] in BOOSTERS]


def collection(data):
    """Return the data in two partitions; everything but arrays and frames is unchanged."""
    if isinstance(data, np.ndarray):
        return da.from_array(data, chunks=(30, *data.shape[1:]))
    if isinstance(data, pd.DataFrame | pd.Series):
        # Dask's own from_pandas would put columns into the machine's byte order.
        return dd.from_map(lambda start: data[start : start + 30], range(0, max(len(data), 1), 30), meta=data[:0])
    if isinstance(data, list | tuple):
        return type(data)(map(collection, data))
    return data


NO_ROWS = "X must have at least one row and one column", "got no rows"
NO_COLUMNS = "X must have at least one row and one column", "got no columns"

# By the value in the local estimator's message: beginning and value of the message for two partitions.
IN_PARTS = {
    "0.1257": ("y must contain class labels", r"got (np.float64\()?-?[0-9.]"),
    # The partition without None may fail first, because its labels are integers of dtype object.
    "None": ("y must (not contain missing|contain class)", "(None|0)"),
    r"\(60, 2\)": ("y must be one column of class labels", r"\(30, 2\)"),
    r"\[60, 59\]": (r"y must have the chunks of X, \(30, 30\)", r"\(30, 29\)"),
    r"\[59, 60\]": ("y must have as many rows as X in every partition", "30 and 29 in partition 1"),
    r"\(0, 3\)|minimum of 1": NO_ROWS,
    r"\(0, 3\)": NO_ROWS,
    r"\(60, 0\)": NO_COLUMNS,
    "1D array": ("X must be a Dask data frame or a Dask array of two dimensions", r"\(60,\)"),
    r"\(59,\)": (r"sample_weight must have shape \(30,\)", r"\(29,\)"),
}
IN_PARTS_OF_EVAL_SET = {
    **IN_PARTS,
    "nan": ("y must not contain missing", "nan"),
    "b'0'": ("y must contain class labels", "b'0'"),
    r"eval_set\[0\] must not contain masked values": ("y must not contain masked values", ""),
    "59": IN_PARTS[r"\(59,\)"],
    "-1.0": ("sample_weight must be finite and >= 0", "-1.0"),
}


def on_dask(data, message, got):
    """Return the beginning and the value of the expected message for Dask collections."""
    for argument in data.keys() & {"X", "y", "sample_weight"}:
        if not dask.is_dask_collection(collection(data[argument])):
            return f"{argument} must be a Dask ", type(data[argument]).__name__
    if isinstance(data.get("eval_set"), list) and isinstance(data["eval_set"][0], tuple):
        in_parts = IN_PARTS_OF_EVAL_SET.get(got or message)
        return (rf"eval_set\[0\]: {in_parts[0]}", in_parts[1]) if in_parts else (message, got)
    return IN_PARTS.get(got, (message, got))


@pytest.fixture(scope="module")
def fitted():
    """A fitted estimator per booster, on a cluster shared by the module."""
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster),
    ):
        dX, dy = collection(X), collection(Y)
        yield {name: DaskFocalBoostClassifier(dask_booster(name, n_estimators=2)).fit(dX, dy) for name in BOOSTERS}


@pytest.fixture
def rejected(fitted, monkeypatch):
    """Return a function that checks that input is rejected before training and the earlier fit is kept."""

    def trained(*args, **kwargs):
        raise AssertionError("a booster was trained on input that must be rejected")

    monkeypatch.setattr(DaskXGBClassifier, "fit", trained)
    monkeypatch.setattr(lightgbm.DaskLGBMRegressor, "fit", trained)

    def check(name, message, got, params=None, **data):
        model = copy.copy(fitted[name]).set_params(**params or {})
        arguments = {argument: collection(value) for argument, value in {"X": X, "y": Y, **data}.items()}
        assert_rejected(model, message, got, **arguments)

    return check


@pytest.mark.parametrize(("params", "message", "got"), one_of_each(PARAMETERS), ids=lambda v: str(v)[:30])
def test_invalid_parameters_are_rejected(params, message, got, rejected):
    rejected("xgboost", message, got, params)


@pytest.mark.parametrize(
    ("data", "message", "got"), DATA, ids=lambda v: v if isinstance(v, str) else next(iter(v))
)
def test_invalid_data_are_rejected(data, message, got, rejected):
    rejected("xgboost", *on_dask(data, message, got), **data)


def test_lightgbm_rejects_before_training(rejected):
    for params, message, got in one_of_each(PARAMETERS):
        rejected("lightgbm", message, got, params)
    for data, message, got in one_of_each(DATA):
        rejected("lightgbm", *on_dask(data, message, got), **data)


@pytest.mark.parametrize(("name", "params"), with_dask_boosters(INNER))
def test_booster_settings_that_bias_the_posterior_are_rejected(name, params, rejected):
    ((setting, value),) = params.items()
    got = "" if callable(value) else str(value).strip("{}")
    rejected(
        name, f"estimator must .*{setting.split('_type')[0]}", got, {"estimator": dask_booster(name, **params)}
    )


@pytest.mark.parametrize(("name", "argument"), with_dask_boosters(FIT_PARAMS))
def test_user_defined_starting_values_are_rejected(name, argument, rejected):
    rejected(name, f"{argument} is not supported", "", **{argument: [WEIGHT]})


def test_entries_of_sparse_blocks_are_sorted():
    for layout in ("csr", "csc"):
        for same in (backwards(layout), in_halves(layout)):
            block = check_block(same, np.float64)
            assert block.has_canonical_format
            np.testing.assert_array_equal(block.toarray(), X)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_masked_entries_of_a_block_are_missing_values(dtype):
    values = np.arange(6).reshape(3, 2).astype(dtype)
    mask = values % 3 == 1
    block = check_block(np.ma.array(values, mask=mask), dtype)
    assert block.dtype == dtype
    np.testing.assert_array_equal(block, np.where(mask, np.nan, values))
