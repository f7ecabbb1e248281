"""Invalid input is rejected before training, with an error that names argument and value; nothing is changed."""

import copy
import re

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse

from focal_boost import FocalBoostClassifier

from ..cases import ALL_BOOSTERS, BINARY_BOOSTERS, booster

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = (X[:, 0] > 0.4).astype(int)
Y3 = np.digitize(X[:, 0], [-0.5, 0.5])
FRAME = pd.DataFrame(X, columns=["a", "b", "c"])
WEIGHT = np.ones(60)


def at(array, index, value):
    """Return a copy with one entry changed, converted to floats or objects if necessary."""
    array = np.asarray(array).astype(float if isinstance(value, float) else type(value) if value else object)
    array[index] = value
    return array


# (estimator parameters, changed fit arguments, beginning of the message, value in the message)
PARAMETERS = [
    # Errors of the loss, one of each kind; the full cases are in tests/losses.
    ({"gamma": -1}, "gamma must be a finite number >= 0", "-1"),
    ({"gamma": [1, 2, 3]}, "gamma must have one value per class, 2", "3: "),
    ({"alpha": 1.0}, r"alpha must be None, a float in \(0, 1\)", "1.0"),
    ({"alpha": [1, 2, 3]}, "alpha must have one value per class, 2", "3: "),
    ({"hessian": "Exact"}, "hessian must be one of 'safeguarded'", "'Exact'"),
    # Errors of the estimator.
    ({"alpha": "Balanced"}, "alpha must be None, 'balanced'", "'Balanced'"),
    ({"alpha": {0: 1.0, 2: 1.0}}, r"alpha must name classes of y, \[0, 1\]", "2"),
    ({"alpha": {"0": 1.0}}, r"alpha must name classes of y, \[0, 1\]", "'0'"),
    ({"alpha": {(0, 1): 1.0}}, r"alpha must name classes of y, \[0, 1\]", r"\(0, 1\)"),
    ({"alpha": {0: -1.0}}, "alpha must be None", r"\(-1.0, 1.0\)"),
    ({"alpha": {0: "x"}}, "alpha must be None", "'x'"),
    ({"calibrated": "False"}, "calibrated must be True or False", "'False'"),
]
DATA = [
    ({"y": at(Y, 3, np.nan)}, "y must not contain missing or infinite values", "nan"),
    ({"y": at(Y, 3, np.inf)}, "y must not contain missing or infinite values", "inf"),
    ({"y": at(Y, 3, None)}, "y must not contain missing or infinite values", "None"),
    (
        {"y": pd.Series(at(Y, 3, None), dtype="Int64")},
        "y must not contain missing or infinite values",
        "(nan|<NA>)",
    ),
    ({"y": np.array(["NaT", "2020"], dtype="M8[Y]")[Y]}, "y must not contain missing or infinite values", "NaT"),
    ({"y": np.array([2j, 1j])[Y]}, "y must be one column of class labels", "Complex data"),
    ({"y": np.array([b"a", b"b"])[Y]}, "y must contain class labels", "b'a'"),
    ({"y": np.array([b"a", b"b"], dtype=object)[Y]}, "y must contain class labels", "b'a'"),
    ({"y": np.array(["a", 1], dtype=object)[Y]}, "y must contain class labels", "'a'"),
    ({"y": (label for label in Y)}, "X and y must have the same number of rows", "generator"),
    ({"y": None}, "y must be one column of class labels", r"\(\)"),
    ({"y": np.zeros(60)}, "y must contain at least two classes", r"one class: \[0.0\]"),
    ({"y": X[:, 0]}, "y must contain class labels", "0.1257"),
    ({"y": np.array([0, "a"], dtype=object)[Y]}, "y must contain class labels", "0"),
    ({"y": np.ma.array(Y, mask=Y)}, "y must not contain masked values", ""),
    ({"y": np.stack([Y, 1 - Y], axis=1)}, "y must be one column of class labels", r"\(60, 2\)"),
    ({"y": scipy.sparse.csr_array(Y[None])}, "X and y must have the same number of rows", r"\[60, 1\]"),
    ({"y": scipy.sparse.csr_array(Y[:, None])}, "y must be one column of class labels", "Sparse data"),
    ({"y": Y[:-1]}, "X and y must have the same number of rows", r"\[60, 59\]"),
    ({"X": FRAME[:-1]}, "X and y must have the same number of rows", r"\[59, 60\]"),
    ({"X": X[:0], "y": Y[:0]}, "", r"\(0, 3\)|minimum of 1"),
    ({"X": X[:, :0]}, "", r"\(60, 0\)"),
    ({"X": FRAME[[]]}, "X must have at least one row and one column", r"\(60, 0\)"),
    ({"X": FRAME[:0], "y": Y[:0]}, "X must have at least one row and one column", r"\(0, 3\)"),
    ({"X": X[:, 0]}, "", "1D array"),
    ({"X": at(X, (3, 1), np.inf)}, "", "infinity"),
    ({"X": (row for row in X)}, "X must be", "generator"),
    ({"X": {"a": X[:, 0]}}, "X must be", "dict"),
    ({"X": X.astype("M8[s]")}, "X must contain numbers", r"datetime64\[s\]"),
    ({"X": X.astype("m8[s]")}, "X must contain numbers", r"timedelta64\[s\]"),
    ({"X": FRAME.assign(b=pd.Timestamp(0))}, "X must contain columns of numbers, booleans or categories", "'b'"),
    ({"X": FRAME.assign(b=pd.cut(FRAME["a"], 3))}, "X must contain categories that are", "'b' .*interval"),
    ({"X": FRAME.set_axis(["a", "b", "a"], axis=1)}, "X must have unique column names", "'a'"),
    (
        {"X": pa.Table.from_arrays([pa.array(X[:, 0])] * 2, names=["a", "a"])},
        "X must have unique column names",
        "'a'",
    ),
    (
        {"X": pl.DataFrame({"a": X[:, 0]}).cast(pl.Int128)},
        "X must contain columns of integers",
        "'a' of type Int128",
    ),
    (
        {"X": pa.table({"a": pa.array(X[:, 0].astype(np.float16))})},
        "X must contain columns of integers",
        "'a' of type",
    ),
    ({"X": FRAME.astype({"b": ">f8"})}, "X must contain columns of native byte order", "'b'"),
    ({"sample_weight": at(WEIGHT, 3, -1.0)}, "sample_weight must be finite and >= 0", "-1.0"),
    ({"sample_weight": at(WEIGHT, 3, np.nan)}, "sample_weight must be finite and >= 0", "nan"),
    ({"sample_weight": at(WEIGHT, 3, np.inf)}, "sample_weight must be finite and >= 0", "inf"),
    ({"sample_weight": WEIGHT[:-1]}, r"sample_weight must have shape \(60,\)", r"\(59,\)"),
    ({"sample_weight": 2.0}, r"sample_weight must have shape \(60,\)", r"\(\)"),
    ({"sample_weight": ["1"] * 60}, "sample_weight must contain real numbers", "'1'"),
    (
        {"sample_weight": 0 * WEIGHT},
        "sample_weight must be positive for at least one row of every class",
        r"\[0, 1\]",
    ),
    ({"sample_weight": 1.0 * Y}, "sample_weight must be positive for at least one row of every class", r"\[0\]"),
    ({"eval_set": [(X, Y + 1)]}, r"eval_set\[0\] must contain only classes of y, \[0, 1\]", "2"),
    ({"eval_set": [(X, Y.astype(str))]}, r"eval_set\[0\] must contain only classes of y, \[0, 1\]", "'0'"),
    (
        {"eval_set": [(X, Y.astype(str).astype(object))]},
        r"eval_set\[0\] must contain only classes of y, \[0, 1\]",
        "'0'",
    ),
    ({"eval_set": [(X, Y.astype("S1"))]}, r"eval_set\[0\] must contain only classes of y, \[0, 1\]", "b'0'"),
    (
        {"y": Y.astype(str), "eval_set": [(X, Y)]},
        r"eval_set\[0\] must contain only classes of y, \['0', '1'\]",
        "0",
    ),
    (
        {"eval_set": [(X, Y), (X, np.full(60, "a"))]},
        r"eval_set\[1\] must contain only classes of y, \[0, 1\]",
        "'a'",
    ),
    ({"eval_set": [(X, at(Y, 0, np.nan))]}, r"eval_set\[0\] must contain only classes of y, \[0, 1\]", "nan"),
    ({"eval_set": [(X, np.ma.array(Y, mask=Y))]}, r"eval_set\[0\] must not contain masked values", ""),
    ({"eval_set": [(X[:, :2], Y)]}, "X has 2 features", "3 features"),
    ({"eval_set": [(X, Y[:-1])]}, r"X and y of eval_set\[0\] must have the same number of rows", r"\[60, 59\]"),
    ({"eval_set": [(X, np.eye(2)[Y])]}, r"eval_set\[0\] must be one column of class labels", r"\(60, 2\)"),
    ({"eval_set": [X]}, r"eval_set must be a list of \(X, y\) pairs", ""),
    ({"eval_set": 3}, r"eval_set must be a list of \(X, y\) pairs", "3"),
    ({"eval_sample_weight": [WEIGHT]}, "eval_sample_weight requires eval_set", ""),
    (
        {"eval_set": [(X, Y)], "eval_sample_weight": [WEIGHT, WEIGHT]},
        r"eval_sample_weight must be a list with one entry per pair in eval_set \(1\)",
        "",
    ),
    (
        {"eval_set": [(X, Y)], "eval_sample_weight": [-WEIGHT]},
        r"sample_weight of eval_set\[0\] must be finite and >= 0",
        "-1.0",
    ),
    (
        {"eval_set": [(X, Y)], "eval_sample_weight": [WEIGHT[1:]]},
        r"sample_weight of eval_set\[0\] must have shape \(60,\)",
        "59",
    ),
    (
        {"eval_set": [(X, Y)], "eval_sample_weight": [0 * WEIGHT]},
        r"eval_set\[0\] must contain at least one row of positive weight",
        "",
    ),
    ({"eval_set": [(X, Y)], "eval_sample_weight": 2.0}, "eval_sample_weight must be a list with one entry", "2.0"),
]


def state(model):
    return {name: id(value) for name, value in vars(model).items()}


def assert_rejected(model, message, got, **fit):
    """Check the error message, and that neither the given estimator nor an earlier fit is changed."""
    before, inner, params = state(model), model.estimator, copy.deepcopy(model.estimator.get_params())
    arguments = {"X": X, "y": Y, **fit}
    with pytest.raises((ValueError, TypeError), match=rf"(?s)^{message}.*{got}") as error:
        model.fit(arguments.pop("X"), arguments.pop("y"), **arguments)
    assert "Stack trace" not in str(error.value)
    assert state(model) == before
    assert model.estimator is inner
    np.testing.assert_equal(inner.get_params(), params)
    assert not hasattr(inner, "n_classes_")


METRICS = [
    ("xgboost", []),
    ("xgboost", 3),
    ("lightgbm", 3),
    ("lightgbm", [None]),
    ("hist_gradient_boosting", "auc"),
    ("hist_gradient_boosting", "focal_loss"),
    ("hist_gradient_boosting", []),
    ("hist_gradient_boosting", ["log_loss", "auc"]),
    ("hist_gradient_boosting", [max]),
]


@pytest.mark.parametrize(("name", "metric"), METRICS, ids=str)
def test_invalid_metrics_are_rejected(name, metric, no_training):
    inner, fit = ({"eval_metric": metric}, {}) if name == "xgboost" else ({}, {"eval_metric": metric})
    got = re.escape(str(metric).strip("[]"))
    assert_rejected(FocalBoostClassifier(booster(name, **inner)), "eval_metric must be", got, **fit)


def test_lazy_frames_are_rejected(no_training):
    with pytest.warns(match="resolving its schema"):  # polars warns about any access to the columns
        assert_rejected(
            FocalBoostClassifier(booster("xgboost")), "X must be", "LazyFrame", X=pl.LazyFrame({"a": X[:, 0]})
        )


@pytest.mark.parametrize(("params", "message", "got"), PARAMETERS, ids=lambda v: str(v)[:30])
def test_invalid_parameters_are_rejected(params, message, got, no_training):
    assert_rejected(FocalBoostClassifier(booster("xgboost"), **params), message, got)


@pytest.mark.parametrize(
    ("data", "message", "got"), DATA, ids=lambda v: v if isinstance(v, str) else next(iter(v))
)
def test_invalid_data_are_rejected(data, message, got, no_training):
    assert_rejected(FocalBoostClassifier(booster("xgboost")), message, got, **data)


def one_of_each(rows):
    """One row for each argument, for the boosters that share the checks of all rows with XGBoost."""
    return {list(row[0])[-1]: row for row in rows}.values()


@pytest.mark.parametrize("name", BINARY_BOOSTERS[1:])
def test_every_booster_rejects_before_training(name, no_training):
    for params, message, got in one_of_each(PARAMETERS):
        assert_rejected(FocalBoostClassifier(booster(name), **params), message, got)
    for data, message, got in one_of_each(DATA):
        assert_rejected(FocalBoostClassifier(booster(name)), message, got, **data)


@pytest.mark.parametrize("name", BINARY_BOOSTERS)
def test_an_unknown_fit_argument_raises(name):
    model = FocalBoostClassifier(booster(name))
    with pytest.raises(TypeError, match="no_such_argument"):
        model.fit(X, Y, no_such_argument=1)
    assert not hasattr(model, "classes_")


@pytest.mark.parametrize("name", BINARY_BOOSTERS)
@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame], ids=["array", "frame"])
def test_a_failed_fit_keeps_the_previous_one(name, container):
    model = FocalBoostClassifier(booster(name), gamma=1.0).fit(container(X), Y)
    before = model.predict_proba(container(X))
    for bad in (
        {"y": np.zeros(60)},
        {"X": container(X[:, :2]), "sample_weight": -WEIGHT},
        {"y": Y3, "eval_set": 3},
    ):
        arguments = {"X": container(X), "y": Y, **bad}
        with pytest.raises(ValueError, match=r"y must|sample_weight must|eval_set must"):
            model.fit(arguments.pop("X"), arguments.pop("y"), **arguments)
        np.testing.assert_array_equal(model.predict_proba(container(X)), before)
        assert model.n_features_in_ == 3
        assert model.classes_.tolist() == [0, 1]


CATEGORIES = pd.Categorical(np.where(X[:, 1] > 0, "u", "v"))


@pytest.mark.parametrize(
    ("fit", "predict", "message"),
    [
        (np.where(X > 1, 1e39, X), None, "Input data contains `inf` or a value too large"),
        (FRAME.assign(b=np.inf), None, "Input data contains `inf` or a value too large"),
        (
            FRAME.assign(b=CATEGORIES),
            FRAME.assign(b=pd.Categorical(["w"] * 60)),
            "category not in the training set.*`w`",
        ),
        (FRAME.assign(b=CATEGORIES), FRAME, "The data type doesn't match"),
    ],
    ids=["too large", "infinite", "unseen category", "no category"],
)
def test_errors_of_xgboost_contain_no_stack_trace(fit, predict, message):
    model = FocalBoostClassifier(booster("xgboost", 2, enable_categorical=True))
    with pytest.raises(ValueError, match=rf"(?s)^XGBoost: .*{message}") as error:
        model.fit(fit, Y).predict_proba(predict)
    assert "Stack trace" not in str(error.value)
    assert ".h:" not in str(error.value)


# --- prediction -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL_BOOSTERS)
def test_prediction_rejects_other_columns(name):
    model = FocalBoostClassifier(booster(name, 2)).fit(FRAME, Y)
    for bad, message in [
        (FRAME[["a", "b"]], "feature names"),
        (FRAME[["b", "a", "c"]], "feature names"),
        (FRAME.rename(columns={"a": "z"}), "feature names"),
        (FRAME.astype({"a": ">f4"}), "X must contain columns of native byte order"),
        (FRAME[:0], "X must have at least one row and one column"),
    ]:
        with pytest.raises(ValueError, match=f"(?s){message}"):
            model.predict_proba(bad)
    model = FocalBoostClassifier(booster(name, 2)).fit(X, Y)
    for method in (model.decision_function, model.predict, model.predict_proba, model.predict_log_proba):
        for bad in (X[:, :2], X[0], at(X, (0, 0), np.inf), np.full((2, 3), "a")):
            with pytest.raises(ValueError, match=r"2 features|1D array|infinity|could not convert"):
                method(bad)
