"""Input containers: arrays, sparse matrices and frames of three libraries, with categories and missing values."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import make_classification

from focal_boost import FocalBoostClassifier, _features

from ..cases import ALL_BOOSTERS, EVAL_BOOSTERS, booster

N = 400


def table():
    """Return columns a (float with missing values), b (small integers), c (strings, informative), and labels."""
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=N), rng.integers(0, 5, N), rng.choice(list("xyz"), N)
    y = (a + (c == "x") + 0.5 * rng.normal(size=N) > 0.8).astype(int)
    return np.where(np.arange(N) % 7 == 0, np.nan, a), b, c, y


def categorical_booster(name):
    return booster(name, **({"enable_categorical": True} if name == "xgboost" else {}))


def eval_set(name, X, y):
    return [(X, y)] if name in EVAL_BOOSTERS else None


def fit(name, X, y, **params):
    """Return raw predictions of a model fitted with an eval set, if the booster supports one."""
    model = FocalBoostClassifier(booster(name, **params)).fit(X, y, eval_set=eval_set(name, X, y))
    return model, model.decision_function(X)


def numbers():
    a, b, _c, _y = table()
    return np.column_stack([a, b])


@pytest.fixture(params=ALL_BOOSTERS)
def name(request):
    return request.param


# --- arrays -------------------------------------------------------------------------------------------------


def test_masked_entries_are_missing_values(name):
    X, y = numbers(), table()[3]
    mask = np.random.default_rng(0).random(X.shape) < 0.2
    _model, expected = fit(name, np.where(mask, np.nan, X), y)
    _model, raw = fit(name, np.ma.array(np.where(mask, 99.0, X), mask=mask), y)
    assert_array_equal(raw, expected)
    whole = np.where(mask, 99, np.arange(X.size).reshape(X.shape))
    _model, expected = fit(name, np.where(mask, np.nan, whole), y)
    _model, raw = fit(name, np.ma.array(whole, mask=mask), y)
    assert_array_equal(raw, expected)


def test_half_precision_trains_the_model_of_double_precision(name):
    X, y = numbers().astype(np.float16), table()[3]
    assert_array_equal(fit(name, X, y)[1], fit(name, X.astype(np.float64), y)[1])


def test_implicit_zeros_are_zero_for_lightgbm_and_missing_for_xgboost():
    X, y = make_classification(300, 10, random_state=0)
    X[abs(X) < 0.5] = 0
    _model, dense = fit("lightgbm", X, y)
    assert_allclose(fit("lightgbm", sparse.csr_array(X), y)[1], dense, atol=1e-9)
    _model, with_nan = fit("xgboost", np.where(X == 0, np.nan, X), y)
    assert_allclose(fit("xgboost", sparse.csr_array(X), y)[1], with_nan, atol=1e-5)


# --- frames -------------------------------------------------------------------------------------------------


def pandas_numbers():
    pd = pytest.importorskip("pandas")
    a, b, _c, _y = table()
    return pd.DataFrame({"a": a, "b": b})


def polars_numbers():
    pl = pytest.importorskip("polars")
    a, b, _c, _y = table()
    return pl.DataFrame({"a": [None if np.isnan(v) else v for v in a], "b": b})


def pyarrow_numbers():
    pa = pytest.importorskip("pyarrow")
    a, b, _c, _y = table()
    return pa.table({"a": pa.array(a, from_pandas=True), "b": b})


@pytest.mark.parametrize("frame", [pandas_numbers, polars_numbers, pyarrow_numbers])
def test_frames_of_numbers_train_the_model_of_the_array(name, frame):
    X, y = frame(), table()[3]
    model, raw = fit(name, X, y)
    assert_array_equal(raw, fit(name, numbers(), y)[1])
    assert_array_equal(model.feature_names_in_, ["a", "b"])


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "boolean"])
def test_pandas_nullable_columns_may_have_missing_values(name, dtype):
    pd = pytest.importorskip("pandas")
    a, b, _c, y = table()
    values = a > 0 if dtype == "boolean" else b
    missing = np.arange(N) % 5 == 0
    nullable = pd.DataFrame({"a": a, "b": pd.array(np.where(missing, None, values), dtype=dtype)})
    plain = np.column_stack([a, np.where(missing, np.nan, values.astype(float))])
    assert_array_equal(fit(name, nullable, y)[1], fit(name, plain, y)[1])


def pandas_categories(c, missing):
    pd = pytest.importorskip("pandas")
    a, b, *_ = table()
    return pd.DataFrame({"a": a, "b": b, "c": pd.Categorical(np.where(missing, None, c))})


def polars_categories(c, missing, dtype="Categorical"):
    pl = pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    a, b, *_ = table()
    strings = pl.Series(np.where(missing, None, c).tolist(), dtype=pl.String)
    return pl.DataFrame({"a": a, "b": b}).with_columns(
        a=pl.Series(a).fill_nan(None),
        c=strings.cast(pl.Categorical if dtype == "Categorical" else pl.Enum(["x", "y", "z"])),
    )


def polars_enum(c, missing):
    return polars_categories(c, missing, "Enum")


def pyarrow_categories(c, missing):
    return polars_categories(c, missing).to_arrow()


@pytest.mark.parametrize("frame", [pandas_categories, polars_categories, polars_enum, pyarrow_categories])
@pytest.mark.parametrize("missing", [False, True])
def test_categories_reach_the_booster_as_categories(name, frame, missing):
    *_, c, y = table()
    X = frame(c, (np.arange(N) % 11 == 0) & missing)
    model = FocalBoostClassifier(categorical_booster(name)).fit(X, y, eval_set=eval_set(name, X, y))
    expected = FocalBoostClassifier(categorical_booster(name)).fit(
        reference := pandas_categories(c, (np.arange(N) % 11 == 0) & missing), y
    )
    assert_allclose(model.predict_proba(X), expected.predict_proba(reference), atol=1e-6)
    assert_array_equal(model.feature_names_in_, ["a", "b", "c"])
    if name == "xgboost":
        assert model.booster_.feature_types == ["float", "int", "c"]
    elif name == "hist_gradient_boosting":
        assert_array_equal(model.booster_.is_categorical_, [False, False, True])
    else:
        assert "==" in model.booster_.trees_to_dataframe()["decision_type"].unique()


@pytest.mark.parametrize("frame", [pandas_categories, polars_categories])
def test_a_row_keeps_its_prediction_in_a_frame_with_other_categories(name, frame):
    *_, c, y = table()
    none = np.zeros(N, dtype=bool)
    model = FocalBoostClassifier(categorical_booster(name)).fit(X := frame(c, none), y)
    few = np.flatnonzero(c == "z")
    some = X.iloc[few] if hasattr(X, "iloc") else X[few]
    if hasattr(some, "iloc"):
        some = some.assign(c=some["c"].cat.remove_unused_categories())
    assert_allclose(model.predict_proba(some), model.predict_proba(X)[few], atol=1e-6)


def strings_pandas(c):
    pd = pytest.importorskip("pandas")
    return pd.DataFrame({"a": table()[0], "c": c})


def strings_polars(c):
    pl = pytest.importorskip("polars")
    return pl.DataFrame({"a": table()[0], "c": c.tolist()})


def strings_pyarrow(c):
    pa = pytest.importorskip("pyarrow")
    return pa.table({"a": table()[0], "c": c.tolist()})


@pytest.mark.parametrize("frame", [strings_pandas, strings_polars, strings_pyarrow])
def test_string_columns_are_rejected_by_name(name, frame):
    *_, c, y = table()
    with pytest.raises(
        ValueError, match=r"(?s)(got 'c' of type String|columns: ?c: |dtypes: c: |got 'c' of (str|object))"
    ):
        FocalBoostClassifier(booster(name)).fit(frame(c), y)


def test_feature_names_of_a_polars_frame_are_enforced(name):
    X, y = polars_numbers(), table()[3]
    model, _raw = fit(name, X, y)
    swapped = X[["b", "a"]]
    with pytest.raises(ValueError, match="feature names should match those that were passed during fit"):
        model.predict(swapped)
    with pytest.raises(ValueError, match="feature names should match"):
        FocalBoostClassifier(booster(name)).fit(X, y, eval_set=[(swapped, y)])
    with pytest.raises(ValueError, match=r"(?s)feature names .*missing:\n- b"):
        model.predict(X[["a"]])
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        model.predict(numbers())


def test_scikit_learn_before_1_9_reads_the_names_of_a_polars_frame(monkeypatch):
    monkeypatch.setattr(_features, "_SKLEARN", (1, 8))
    frame = polars_numbers()
    monkeypatch.delattr(type(frame), "__dataframe__", raising=False)  # polars 1
    seen = []
    monkeypatch.setattr(_features, "validate_data", lambda estimator, X, **_: seen.append(X))
    _features.read_features(None, frame, reset=True)
    (names,) = seen
    assert list(names.__dataframe__().column_names()) == ["a", "b"]
    assert names.shape == frame.shape


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_labels_and_weights_as_columns(name, library):
    module = pytest.importorskip(library)
    make = {
        "pandas": lambda v: module.Series(v),
        "polars": lambda v: module.Series(v),
        "pyarrow": lambda v: module.chunked_array([v]),
    }[library]
    X, y = numbers(), table()[3]
    labels, weight = np.array(["no", "yes"])[y], np.linspace(0.5, 2, N)
    model = FocalBoostClassifier(booster(name)).fit(
        X, make(labels.tolist()), make(weight.tolist()), eval_set=eval_set(name, X, make(labels.tolist()))
    )
    expected = FocalBoostClassifier(booster(name)).fit(X, labels, weight)
    assert model.classes_.tolist() == ["no", "yes"]
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
