import gzip

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from xgboost import XGBClassifier

from focal_boost import FocalBoostClassifier
from focal_boost._compare._data import InputError, digits, from_arrays, from_file


def table(n=60, **columns):
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"x": random.normal(size=n), "colour": random.choice(["red", "blue"], n), **columns})
    return frame.assign(target=np.where(np.arange(n) % 4 == 0, "yes", "no"))


def saved(tmp_path, frame, name="data.csv", **options):
    path = tmp_path / name
    frame.to_csv(path, index=False, **options)
    return str(path)


def test_the_rarer_of_two_classes_is_positive(tmp_path):
    problem = from_file(saved(tmp_path, table()), "target", [], None)
    assert problem.classes == ("no", "yes")
    assert problem.y.tolist() == [1, 0, 0, 0] * 15


def test_the_positive_class_can_be_named_also_against_many(tmp_path):
    path = saved(tmp_path, table(kind=np.arange(60) % 3))
    assert from_file(path, "target", [], "no").y.mean() == 0.75
    many = from_file(path, "kind", [], "2")
    assert many.classes == ("the rest", "2")
    assert many.y.mean() == pytest.approx(1 / 3)


def test_many_classes_are_numbered_in_their_order():
    X = np.zeros((6, 1)) + np.arange(6)[:, None]
    assert from_arrays(X, [10, 9, 2, 10, 9, 2]).classes == ("2", "9", "10")
    assert from_arrays(X, [10, 9, 2, 10, 9, 2]).y.tolist() == [2, 1, 0, 2, 1, 0]
    assert from_arrays(X, ["b", "c", "a", "b", "c", "a"]).y.tolist() == [1, 2, 0, 1, 2, 0]


def test_digits_are_one_against_the_rest():
    assert digits().y.sum() == 174
    assert digits("3").classes == ("the rest", "3")


def test_strings_become_categories_and_dates_and_identifiers_are_left_out_and_told(tmp_path):
    n = 60
    frame = table(
        n,
        id=np.arange(1000, 1000 + n),
        customer_id=np.random.default_rng(0).permutation(10 * n)[:n],
        name=[f"person {i}" for i in range(n)],
        since=pd.date_range("2020-01-01", periods=n).astype(str),
        empty="",
        count=np.arange(n) % 11,
    )
    problem = from_file(saved(tmp_path, frame), "target", [], None)
    assert [str(dtype) for dtype in problem.X.dtypes] == ["float64", "category", "int64"]
    told = " ".join(problem.notes)
    assert "Left out as identifiers: 'id', 'customer_id'." in told
    assert "Left out as identifiers or free text: 'name'." in told
    assert "Left out as dates: 'since'." in told
    assert "Taken as categories: 'colour'." in told


@pytest.mark.parametrize("gap", ["", "?", "NA", " "])
def test_gaps_are_missing_values_and_leave_numbers_numbers(tmp_path, gap):
    path = tmp_path / "data.csv"
    path.write_text("a,b,target\n" + "".join(f"{i % 13 or gap},None,{i % 2}\n" for i in range(40)))
    problem = from_file(str(path), "target", [], None)
    assert problem.X["f0"].isna().sum() == 4
    assert problem.X["f0"].dtype == np.float64
    assert problem.X["f1"].cat.categories.tolist() == ["None"]


def test_whole_numbers_of_few_values_in_a_file_become_categories_in_a_frame_they_are_what_their_type_says(
    tmp_path,
):
    frame = table(
        few=np.arange(60) % 10,
        gaps=[None, 1, 2, 3] * 15,
        two=np.arange(60) % 2,
        many=np.arange(60) % 11,
        halves=np.arange(60) % 3 / 2,
        wait=pd.to_timedelta(np.arange(60) % 3, unit="s"),
    )
    frame.to_parquet(tmp_path / "data.parquet")
    problem = from_file(str(tmp_path / "data.parquet"), "target", [], None)
    assert "Taken as categories: 'colour', 'few', 'gaps'." in problem.notes
    assert problem.X["f3"].isna().sum() == 15
    assert "Taken as categories: 'colour'." in from_arrays(frame.drop(columns="target"), frame["target"]).notes
    for booster in (
        XGBClassifier(n_estimators=2, enable_categorical=True),
        LGBMClassifier(n_estimators=2, verbosity=-1),
    ):
        model = FocalBoostClassifier(booster).fit(problem.X, problem.y)
        assert model.predict_proba(problem.X[:5]).shape == (5, 2)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["data.csv", "data.csv.gz", "data.csv.bz2", "data.csv.xz", "data.csv.zip"])
def test_separators_and_compression_are_recognised(tmp_path, separator, name):
    problem = from_file(saved(tmp_path, table(), name, sep=separator), "target", [], None)
    assert problem.X.shape == (60, 2)


def test_parquet_with_its_types_is_read(tmp_path):
    frame = table(
        when=pd.date_range("2020-01-01", periods=60), whole=pd.array([*range(19), None] * 3, dtype="Int64")
    )
    frame["colour"] = frame["colour"].astype("category")
    frame.to_parquet(tmp_path / "data.parquet")
    problem = from_file(str(tmp_path / "data.parquet"), "target", [], None)
    assert [str(dtype) for dtype in problem.X.dtypes] == ["float64", "category", "float64"]
    assert problem.notes[0] == "Left out as dates: 'when'."


def test_the_lines_of_python_make_the_same_features(tmp_path):
    frame = table(few=[None, 1, 2, 3] * 15, truth=pd.Categorical([True, False, None] * 20), id=np.arange(60) + 7)
    frame.to_parquet(tmp_path / "data.parquet")
    problem = from_file(str(tmp_path / "data.parquet"), "target", [], None)
    names = {}
    exec("\n".join(problem.source), names)
    assert names["X"].columns.tolist() == ["x", "colour", "few", "truth"]
    pd.testing.assert_frame_equal(names["X"].set_axis(problem.X.columns, axis=1), problem.X)
    assert names["y"].tolist() == problem.y.tolist()


def test_levels_of_any_type_reach_both_boosters_as_categories():
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
    assert problem.X["f3"].cat.categories.tolist() == ["1", "b"]
    XGBClassifier(n_estimators=2, enable_categorical=True).fit(problem.X, problem.y)
    LGBMClassifier(n_estimators=2, verbosity=-1).fit(problem.X, problem.y)


def test_rows_without_a_target_are_left_out_and_told(tmp_path):
    frame = table()
    frame.loc[:2, "target"] = ""
    problem = from_file(saved(tmp_path, frame), "target", [], None)
    assert len(problem.y) == len(problem.X) == 57
    assert problem.notes[0] == "3 rows without a target were left out."


def test_whole_numbers_that_repeat_are_no_identifier():
    problem = from_arrays(pd.DataFrame({"id": np.arange(60) % 30, "x": np.arange(60.0) ** 2}), np.arange(60) % 2)
    assert problem.X.shape[1] == 2


def test_objects_that_hold_numbers_are_numbers():
    problem = from_arrays(np.array([[1, "a"], [2, "b"], [None, "a"], [4, "a"]], dtype=object), [0, 1, 0, 1])
    assert [str(dtype) for dtype in problem.X.dtypes] == ["float64", "category"]


def test_columns_reach_the_boosters_under_names_of_ours():
    frame = pd.DataFrame({"__class__": [1.5, 2, 3, 4], "a[b]<c": [1.5, 2, 1, 2], "<script>": [2.5, 1, 1, 2]})
    assert list(from_arrays(frame, [0, 1, 0, 1]).X.columns) == ["f0", "f1", "f2"]


def content(path, data):
    path.write_bytes(data)
    return str(path)


WRONG_FILES = {
    "missing": (lambda d: str(d / "no.csv"), "does not exist"),
    "directory": (lambda d: str(d), "is a directory"),
    "empty": (lambda d: content(d / "data.csv", b""), "is empty (0 bytes)"),
    "blank": (lambda d: content(d / "data.csv", b"\n\n"), "holds no columns"),
    "header only": (lambda d: content(d / "data.csv", b"a,target\n"), "holds a header and no rows"),
    "empty parquet": (lambda d: content(d / "data.parquet", b""), "is empty (0 bytes)"),
    "no parquet": (lambda d: content(d / "data.parquet", b"a,target\n1,2\n"), "cannot be read as parquet"),
    "latin1": (lambda d: content(d / "data.csv", b"a,target\n1,caf\xe9\n2,the\n"), "not UTF-8 text"),
    "latin1 header": (lambda d: content(d / "data.csv", b"\xe9,target\n1,0\n"), "not UTF-8 text"),
    "ragged": (lambda d: content(d / "data.csv", b"a,target\n1,0\n1,2,3\n"), "cannot be read as csv"),
    "no header": (lambda d: content(d / "data.csv", b"a,target\n1,0,2\n1,2,3\n"), "more fields than the header"),
    "no gzip": (lambda d: content(d / "data.csv.gz", b"a,target\n1,0\n"), "cannot be read as csv"),
    "cut gzip": (lambda d: content(d / "data.csv.gz", gzip.compress(b"a,target\n1,0\n")[:-9]), "cannot be read"),
    "spreadsheet": (lambda d: content(d / "data.xlsx", b"PK"), "has an unknown ending"),
}


@pytest.mark.parametrize("name", WRONG_FILES)
def test_a_wrong_file_is_refused_in_one_line(tmp_path, name):
    make, message = WRONG_FILES[name]
    with pytest.raises(InputError) as error:
        from_file(make(tmp_path), "target", [], None)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("targte", [], None),
            "--target 'targte' is not a column of .*; did you mean 'target'?|did you mean 'target'",
        ),
        ((None, [], None), "--target is missing: name the column to predict, one of 'x', 'colour'"),
        (("target", ["nothing"], None), "--drop 'nothing' is not a column"),
        (("target", ["target"], None), "--drop 'target' is the target itself"),
        (
            ("target", [], "maybe"),
            "--positive 'maybe' is not a class of --target 'target': choose from 'yes', 'no'",
        ),
        (("x", [], None), "--target 'x' has 250 distinct values, more than 200"),
        (("one", [], None), "--target 'one' holds one class only, 1"),
        (("target", ["x", "colour", "one"], None), "no column is left to learn from"),
    ],
)
def test_a_wrong_column_is_refused_with_what_there_is(tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        from_file(saved(tmp_path, table(250, one=1)), *options)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.ones((3, 2)), [0, 1], "same number of rows, at least one; got 3 and 2"),
        (np.ones((0, 2)), [], "at least one; got 0 and 0"),
        (np.ones(3), [0, 1, 0], "rows and columns; got an array of shape"),
        (np.ones((3, 2)), [0, 1, np.nan], "must not hold missing values"),
        (np.full((4, 2), np.inf), [0, 1, 0, 1], "feature 0 holds infinite values"),
    ],
)
def test_wrong_arrays_are_refused(X, y, message):
    with pytest.raises(InputError, match=message):
        from_arrays(X, y)
