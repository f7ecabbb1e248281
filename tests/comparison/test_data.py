import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from xgboost import XGBClassifier

from focal_boost.comparison import InputError
from focal_boost.comparison._data import Labels, example, from_arrays
from focal_boost.comparison._files import from_file

from .builders import saved, table


def test_the_rarer_of_two_classes_is_positive(tmp_path):
    problem = from_file(saved(tmp_path, table()), "target")
    assert problem.classes == ("no", "yes")
    assert problem.y.tolist() == [1, 0, 0, 0] * 15


def test_the_positive_class_can_be_one_of_many(tmp_path):
    path = saved(tmp_path, table(kind=np.arange(60) % 3))
    assert from_file(path, "target", Labels("no")).y.mean() == 0.75
    many = from_file(path, "kind", Labels("2"))
    assert many.classes == ("the rest", "2")
    assert many.y.mean() == pytest.approx(1 / 3)


def test_many_classes_are_numbered_in_sorted_order():
    X = np.zeros((6, 1)) + np.arange(6)[:, None]
    assert from_arrays(X, [10, 9, 2, 10, 9, 2]).classes == ("2", "9", "10")
    assert from_arrays(X, [10, 9, 2, 10, 9, 2]).y.tolist() == [2, 1, 0, 2, 1, 0]
    assert from_arrays(X, ["b", "c", "a", "b", "c", "a"]).y.tolist() == [1, 2, 0, 1, 2, 0]


def test_the_example_separates_one_digit_from_the_others():
    assert example().y.sum() == 174
    assert example(Labels("3")).classes == ("the rest", "3")


def test_both_boosters_accept_categories_of_any_type():
    frame = pd.DataFrame(
        {
            "truth": pd.Categorical([True, False, None] * 20),
            "half": pd.Categorical([0.5, 1.5, None] * 20),
            "whole": pd.Categorical(pd.array([1, 2, None] * 20, dtype="Int64")),
            "mixed": pd.Categorical([1, "1", "b"] * 20),
        }
    )
    problem = from_arrays(frame, np.arange(60) % 2)
    assert [str(dtype) for dtype in problem.X.dtypes] == ["category"] * 4
    assert problem.X.isna().sum().tolist() == [20, 20, 20, 0]
    assert problem.X["mixed"].nunique() == 2
    XGBClassifier(n_estimators=2, enable_categorical=True).fit(problem.X, problem.y)
    LGBMClassifier(n_estimators=2, verbosity=-1).fit(problem.X, problem.y)


def test_integers_with_duplicates_are_not_an_identifier():
    problem = from_arrays(pd.DataFrame({"id": np.arange(60) % 30, "x": np.arange(60.0) ** 2}), np.arange(60) % 2)
    assert problem.X.shape[1] == 2


def test_numbers_in_object_columns_are_numeric():
    problem = from_arrays(np.array([[1, "a"], [2, "b"], [None, "a"], [4, "a"]], dtype=object), [0, 1, 0, 1])
    assert [str(dtype) for dtype in problem.X.dtypes] == ["float32", "category"]


def test_column_names_that_boosters_reject_are_replaced():
    frame = pd.DataFrame({"__class__": [1.5, 2, 3, 4], "a[b]<c": [1.5, 2, 1, 2], "<script>": [2.5, 1, 1, 2]})
    assert list(from_arrays(frame, [0, 1, 0, 1]).X.columns) == ["__class__", "column_1", "column_2"]


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.ones((3, 2)), [0, 1], "same number of rows, at least one; got 3 and 2"),
        (np.ones((0, 2)), [], "at least one; got 0 and 0"),
        (np.ones(3), [0, 1, 0], "two dimensions; got an array of shape"),
        (np.ones((3, 2)), [0, 1, np.nan], "must not contain missing values"),
        (
            pd.DataFrame([[1, 2]] * 4, columns=["a", "a"]),
            [0, 1] * 2,
            "X must have unique column names; got 'a'",
        ),
        ([[1, 2], [3]], [0, 1], "X must be a data frame or an array: .*inhomogeneous"),
        (np.ones((2, 1)), [[0], [1, 2]], "y must be one label per row: .*inhomogeneous"),
        (None, [0, 1], "two dimensions; got an array of shape"),
        ("data", [0, 1], "two dimensions; got an array of shape"),
        (np.diag([np.inf] * 4), [0, 1, 0, 1], "column '0' contains infinite values"),
    ],
)
def test_invalid_arrays_are_rejected(X, y, message):
    with pytest.raises(InputError, match=message):
        from_arrays(X, y)


@pytest.mark.parametrize("positive", [[1], (0, 1), {"a": 1}, np.arange(2), object(), float("nan"), b"1", 3])
def test_an_unknown_positive_class_of_any_type_is_rejected(positive):
    with pytest.raises(InputError, match=r"positive .* is not a class of y: ") as error:
        from_arrays(np.arange(4.0)[:, None], [0, 1, 0, 1], Labels(positive))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("positive", [0, 0.0, np.float64(0), np.int8(0), "0"])
def test_a_positive_class_can_have_any_numeric_type(positive):
    problem = from_arrays(np.arange(4.0)[:, None], [0.0, 1.0, 0.0, 1.0], Labels(positive))
    assert problem.classes == ("1", "0")
