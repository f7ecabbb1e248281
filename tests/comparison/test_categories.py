import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from focal_boost import compare
from focal_boost.comparison import FixedCategories, InputError

from .builders import BOOSTERS, FAST

VALUES = {
    "text": pd.Series(["b", "a", None]),
    "integers": pd.Series([3, 1, 1]),
    "floats": pd.Series([2.5, 1.0, np.nan]),
    "booleans": pd.Series([True, False, True]),
    "nullable integers": pd.Series([3, 1, None], dtype="Int64"),
    "nullable booleans": pd.Series([True, False, None], dtype="boolean"),
    "strings": pd.Series(["b", "a", None], dtype="string"),
    "categories of integers": pd.Series([3, 1, None], dtype="category"),
    "categories of text": pd.Series(["b", "a", None], dtype="category"),
    "objects": pd.Series(["b", 1, None], dtype=object),
}


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_values_become_text_and_each_row_on_its_own_has_the_same_code(values):
    frame = pd.DataFrame({"c": values})
    fixed = pickle.loads(pickle.dumps(clone(FixedCategories()).fit(frame)))
    out = fixed.transform(frame)["c"]
    for row, value in enumerate(values):
        assert out.isna()[row] if pd.isna(value) else out[row] == str(value)
        alone = fixed.transform(frame[row : row + 1])
        assert alone.index.tolist() == [row]
        assert alone["c"].cat.codes[row] == out.cat.codes[row]
        assert alone["c"].cat.categories.tolist() == out.cat.categories.tolist()
    pd.testing.assert_series_equal(values, frame["c"], check_names=False)


@pytest.mark.parametrize(
    "new",
    [["c", None], [None, None], [7, 8], [np.nan, 1.5], [True, False], pd.array([None, 3], dtype="Int64"), []],
    ids=str,
)
def test_unknown_values_are_missing(new):
    fixed = FixedCategories().fit(pd.DataFrame({"c": ["a", "b"]}))
    out = fixed.transform(pd.DataFrame({"c": pd.Series(new)}))["c"]
    assert out.isna().all()
    assert out.cat.categories.tolist() == ["a", "b"]


@pytest.mark.parametrize("known", [["a", "b"], [0, 1]], ids=str)
@pytest.mark.parametrize("values", [[9.5, None], [None, None]], ids=str)
def test_unknown_values_of_pyarrow_types_are_missing(known, values):
    pytest.importorskip("pyarrow")
    fixed = FixedCategories().fit(pd.DataFrame({"c": known}))
    new = pd.DataFrame({"c": values}).convert_dtypes(dtype_backend="pyarrow")
    assert fixed.transform(new)["c"].isna().all()


def test_integers_equal_floats():
    fixed = FixedCategories().fit(pd.DataFrame({"c": [3, 1]}))
    assert fixed.transform(pd.DataFrame({"c": [1.0, np.nan, 3.0]}))["c"].tolist() == ["1", np.nan, "3"]


def test_it_must_be_fitted():
    with pytest.raises(NotFittedError):
        FixedCategories().transform(pd.DataFrame({"c": ["a"]}))


def test_numbers_beside_the_same_text_are_rejected():
    X = pd.DataFrame({"c": np.array([1, "1", 2] * 20, dtype=object), "x": np.arange(60) % 7})
    with pytest.raises(InputError, match="Column 'c' contains numbers and the same numbers as text"):
        compare(X, np.arange(60) % 2, categorical=["c"])


@pytest.mark.parametrize("booster", BOOSTERS)
@pytest.mark.parametrize("value", [None, 1])
def test_constant_categories_are_left_out(booster, value):
    X = pd.DataFrame({"c": [value] * 60, "x": np.arange(60) % 7})
    comparison = compare(X, np.arange(60) % 2, booster=booster, gamma=2, folds=3, params=FAST, categorical=["c"])
    assert "Left out as constant: 'c'." in comparison.notes
