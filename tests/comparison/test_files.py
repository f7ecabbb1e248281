import gzip
import lzma

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from xgboost import XGBClassifier

from focal_boost import FocalBoostClassifier
from focal_boost.comparison import InputError
from focal_boost.comparison._data import Labels
from focal_boost.comparison._files import from_file

from .builders import saved, table


def test_column_types_are_inferred_and_unusable_columns_left_out_with_a_note(tmp_path):
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
    problem = from_file(saved(tmp_path, frame), "target")
    assert problem.X.columns.tolist() == [
        *("x", "colour"),
        *(f"since_{part}" for part in ("year", "month", "day", "total_seconds")),
        "count",
    ]
    assert str(problem.X["colour"].dtype) == "category"
    assert set(problem.X.drop(columns="colour").dtypes) == {np.dtype("float32")}
    assert problem.notes == (
        "Left out as identifiers: 'id', 'customer_id'.",
        "Left out as text with more than 30 values: 'name'.",
        "Left out as constant: 'empty'.",
        "Dates, used as year, month, day and so on: 'since'.",
        "Used as categories: 'colour'.",
    )


@pytest.mark.parametrize("missing", ["", "?", "NA", " "])
def test_columns_with_missing_values_remain_numeric(tmp_path, missing):
    path = tmp_path / "data.csv"
    path.write_text("a,b,target\n" + "".join(f"{i % 13 or missing},{i / 7},{i % 2}\n" for i in range(40)))
    problem = from_file(str(path), "target")
    assert problem.X["a"].isna().sum() == 4
    assert problem.X["a"].dtype == np.float32


def test_numbers_become_categories_only_on_request(tmp_path):
    frame = table(
        few=np.arange(60) % 10,
        gaps=[None, 1, 2, 3] * 15,
        halves=np.arange(60) % 3 / 2,
        wait=pd.to_timedelta(np.arange(60) % 3, unit="s"),
    )
    frame.to_parquet(tmp_path / "data.parquet")
    problem = from_file(str(tmp_path / "data.parquet"), "target")
    assert problem.notes == ("Used as categories: 'colour'.",)
    problem = from_file(str(tmp_path / "data.parquet"), "target", categorical=["gaps", "halves"])
    assert problem.notes == ("Used as categories: 'colour', 'gaps', 'halves'.",)
    assert problem.X["gaps"].isna().sum() == 15
    assert problem.X["gaps"].nunique() == 3
    for booster in (
        XGBClassifier(n_estimators=2, enable_categorical=True),
        LGBMClassifier(n_estimators=2, verbosity=-1),
    ):
        model = FocalBoostClassifier(booster).fit(problem.X, problem.y)
        assert model.predict_proba(problem.X[:5]).shape == (5, 2)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["data.csv", "data.csv.gz", "data.csv.bz2", "data.csv.xz", "data.csv.zip"])
def test_separators_and_compression_are_recognised(tmp_path, separator, name):
    problem = from_file(saved(tmp_path, table(), name, sep=separator), "target")
    assert problem.X.shape == (60, 2)


def rows_of_three(path, header, separator=",", opened=open):
    """Write a file with this header and 40 rows of a number and two labels; return its path."""
    lines = [header, *(f"{i / 7},{i % 2},{i % 2}" for i in range(40))]
    with opened(path, "wt", encoding="utf-8") as file:
        file.write("\n".join(lines).replace(",", separator))
    return str(path)


@pytest.mark.parametrize(
    ("header", "repeated"),
    [
        ("x,y,y", "y"),
        ("x,x,y", "x"),
        ("y,2,2", "2"),
        ('x,"y", y', "y"),
        ('\ufeffy,y,"a"', "y"),
        ('y,"a ""b"" c","a ""b"" c"', 'a "b" c'),
        ("\n\nx,y,y", "y"),
        ("y,y.1,y", "y"),
    ],
)
def test_a_duplicate_column_of_a_text_file_is_rejected_by_name(tmp_path, header, repeated):
    with pytest.raises(InputError, match=f"has two columns named {repeated!r}: rename one"):
        from_file(rows_of_three(tmp_path / "data.csv", header), "y")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("opened", [open, gzip.open, lzma.open], ids=["", ".gz", ".xz"])
def test_a_duplicate_column_is_found_with_any_separator_and_compression(tmp_path, separator, opened):
    suffix = {open: "", gzip.open: ".gz", lzma.open: ".xz"}[opened]
    path = rows_of_three(tmp_path / f"data.csv{suffix}", 'x,y,"y"', separator, opened)
    with pytest.raises(InputError, match="has two columns named 'y'"):
        from_file(path, "y")


def test_names_that_pandas_gives_to_duplicates_are_accepted(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("y,y.1,,\n" + "".join(f"{i % 2},{i / 7},{i / 3},{i / 11}\n" for i in range(40)))
    problem = from_file(str(path), "y")
    assert problem.X.shape == (40, 3)
    np.testing.assert_allclose(problem.X["column_0"], np.arange(40) / 7, rtol=1e-6)


def test_parquet_columns_with_names_equal_as_text_are_rejected(tmp_path, monkeypatch):
    frame = pd.DataFrame([[1, 0], [2, 1]], columns=pd.Index([1, "1"], dtype=object))
    monkeypatch.setattr(pd, "read_parquet", lambda path: frame)  # not every pyarrow writes such names
    with pytest.raises(InputError, match="has two columns named '1'"):
        from_file("data.parquet", "1")


def test_parquet_columns_with_two_levels_are_rejected(tmp_path):
    columns = pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")])
    pd.DataFrame([[1, 0], [2, 1]], columns=columns).to_parquet(tmp_path / "data.parquet")
    with pytest.raises(InputError, match="has column names with 2 levels"):
        from_file(str(tmp_path / "data.parquet"), "y")


def test_types_of_parquet_columns_are_kept(tmp_path):
    frame = table(
        when=pd.date_range("2020-01-01", periods=60), whole=pd.array([*range(19), None] * 3, dtype="Int64")
    )
    frame["colour"] = frame["colour"].astype("category")
    frame.to_parquet(tmp_path / "data.parquet")
    problem = from_file(str(tmp_path / "data.parquet"), "target")
    assert str(problem.X["colour"].dtype) == "category"
    assert problem.X["whole"].isna().sum() == 3
    assert "Dates, used as year, month, day and so on: 'when'." in problem.notes


def made(problem, path, monkeypatch):
    """Run the source lines and the transformers; return the features and the labels."""
    monkeypatch.setattr("sys.argv", ["best_model.py", str(path)])
    names = {}
    exec("\n".join(problem.source), names)
    return make_pipeline(*map(clone, problem.steps)).fit_transform(names["X"]), names["y"]


def test_source_and_steps_reproduce_the_features_and_labels(tmp_path, monkeypatch):
    frame = table(few=[None, 1, 2, 3] * 15, truth=pd.Categorical([True, False, None] * 20), id=np.arange(60) + 7)
    frame["a b"] = frame["x"]
    frame.to_parquet(tmp_path / "data.parquet")
    problem = from_file(str(tmp_path / "data.parquet"), "target", categorical=["few"])
    X, y = made(problem, tmp_path / "data.parquet", monkeypatch)
    assert X.columns.tolist() == ["x", "colour", "few", "truth", "column_4"]
    pd.testing.assert_frame_equal(X, problem.X)
    assert (y == "yes").tolist() == problem.y.astype(bool).tolist()


def test_excluded_and_small_classes_are_left_out_here_and_in_the_source(tmp_path, monkeypatch):
    frame = table(kind=["a"] * 30 + ["b"] * 20 + ["c"] * 7 + ["d"] * 3)
    path = saved(tmp_path, frame)
    problem = from_file(path, "kind", Labels(exclude=["a"], min_rows=5))
    assert problem.classes == ("b", "c")
    assert "33 rows of excluded classes were left out: 'a', 'd'." in problem.notes
    X, y = made(problem, path, monkeypatch)
    assert (len(X), set(y)) == (27, {"b", "c"})
    with pytest.raises(InputError, match="exclude_class 'e' is not a class of --target 'kind': choose from"):
        from_file(path, "kind", Labels(exclude=["e"]))
    with pytest.raises(InputError, match="min_rows must be a non-negative integer; got -1"):
        from_file(path, "kind", Labels(min_rows=-1))
    with pytest.raises(InputError, match="no class left"):
        from_file(path, "kind", Labels(min_rows=50))


def decimal_commas(path, separator):
    """Write a file with decimal commas, also in a column with few values; return its path."""
    lines = ["a;b;target", *(f"{1000 + i / 7:.2f};{i % 3}.5;{i % 2}" for i in range(60))]
    path.write_text("\n".join(lines).replace(".", ",").replace(";", separator))
    return str(path)


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_decimal_commas_are_reported_with_the_option_that_reads_them(tmp_path, monkeypatch, separator):
    path = decimal_commas(tmp_path / "data.csv", separator)
    message = "column 'a' of .* contains numbers with commas, such as '1000,00': add --decimal , "
    with pytest.raises(InputError, match=message):
        from_file(path, "target")
    with pytest.raises(InputError, match=r"column 'b' of .* contains numbers with commas, such as '0,5'"):
        from_file(path, "target", drop=["a"])
    problem = from_file(path, "target", decimal=",")
    np.testing.assert_allclose(problem.X["a"], 1000 + np.arange(60) / 7, atol=0.006)
    np.testing.assert_array_equal(made(problem, path, monkeypatch)[0], problem.X)
    as_text = from_file(path, "target", decimal=".")
    assert as_text.X["b"].nunique() == 3


def test_decimal_commas_in_quotes_are_reported(tmp_path):
    path = saved(tmp_path, table(price=[f"{i % 3},5" for i in range(60)]))
    with pytest.raises(InputError, match=r"column 'price' of .* such as '0,5': add --decimal ,"):
        from_file(path, "target")
    assert str(from_file(path, "target", drop=["x"], decimal=",").X["price"].dtype) == "float32"
    with pytest.raises(
        InputError, match=r"column 'x' of .* contains numbers with points, such as '\S*\.\S*': remove"
    ):
        from_file(path, "target", decimal=",")


def test_text_and_targets_with_commas_are_not_taken_for_numbers(tmp_path):
    frame = table(place=["1,5", "Rome, Italy", "-"] * 20, day=[f"2024,{i % 3}" if i else "x" for i in range(60)])
    frame["target"] = np.where(np.arange(60) % 4 == 0, "1,5", "2,5")
    problem = from_file(saved(tmp_path, frame, sep=";"), "target")
    assert problem.classes == ("2,5", "1,5")
    assert problem.X.shape[1] == 4


def test_thousands_separators_with_decimal_commas_are_reported(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("a;target\n" + "".join(f"1.{i + 100},5;{i % 2}\n" for i in range(60)))
    with pytest.raises(InputError, match=r"such as '1.100,5': add --decimal ,"):
        from_file(str(path), "target")
    with pytest.raises(InputError, match=r"column 'a' of .* with points, such as '1.100,5': remove the points"):
        from_file(str(path), "target", decimal=",")


def test_other_decimal_marks_are_rejected(tmp_path):
    with pytest.raises(InputError, match=r"--decimal must be '.' or ','; got ';'"):
        from_file(saved(tmp_path, table()), "target", decimal=";")


def test_rows_without_a_target_are_left_out_with_a_note(tmp_path):
    frame = table()
    frame.loc[:2, "target"] = ""
    problem = from_file(saved(tmp_path, frame), "target")
    assert len(problem.y) == len(problem.X) == 57
    assert problem.notes[0] == "3 rows without a target were left out."


def content(path, data):
    path.write_bytes(data)
    return str(path)


INVALID_FILES = {
    "missing": (lambda d: str(d / "no.csv"), "No such file or directory"),
    "directory": (lambda d: (d / "data.csv").mkdir() or str(d / "data.csv"), "Is a directory"),
    "empty": (lambda d: content(d / "data.csv", b""), "is empty: provide a file with a header"),
    "blank": (lambda d: content(d / "data.csv", b"\n\n"), "is empty: provide a file with a header"),
    "header only": (lambda d: content(d / "data.csv", b"a,target\n"), "has a header but no rows"),
    "empty parquet": (
        lambda d: content(d / "data.parquet", b""),
        "Parquet file size is 0 bytes",
    ),
    "not parquet": (lambda d: content(d / "data.parquet", b"a,target\n1,2\n"), "cannot be read as parquet"),
    "latin1": (lambda d: content(d / "data.csv", b"a,target\n1,caf\xe9\n2,the\n"), "not UTF-8 text"),
    "latin1 header": (lambda d: content(d / "data.csv", b"\xe9,target\n1,0\n"), "not UTF-8 text"),
    "ragged": (lambda d: content(d / "data.csv", b"a,target\n1,0\n1,2,3\n"), "cannot be read as csv"),
    "no header": (lambda d: content(d / "data.csv", b"a,target\n1,0,2\n1,2,3\n"), "more fields than the header"),
    "not gzip": (lambda d: content(d / "data.csv.gz", b"a,target\n1,0\n"), "cannot be read as csv"),
    "truncated gzip": (
        lambda d: content(d / "data.csv.gz", gzip.compress(b"a,target\n1,0\n")[:-9]),
        "cannot be read",
    ),
    "spreadsheet": (lambda d: content(d / "data.xlsx", b"PK"), "has an unknown extension"),
}


@pytest.mark.parametrize("name", INVALID_FILES)
def test_an_invalid_file_is_rejected_in_one_line(tmp_path, name):
    make, message = INVALID_FILES[name]
    with pytest.raises(InputError) as error:
        from_file(make(tmp_path), "target")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "targte"}, "--target 'targte' is not a column of .*: did you mean 'target'"),
        ({"target": None}, "--target is missing: name the column to predict, one of 'x', 'colour'"),
        ({"drop": ["nothing"]}, "--drop 'nothing' is not a column"),
        ({"drop": ["target"]}, "--drop 'target' is the target"),
        ({"categorical": ["color"]}, "--categorical 'color' is not a column of .*: did you mean 'colour'"),
        (
            {"labels": Labels("maybe")},
            "positive 'maybe' is not a class of --target 'target': choose from 'no', 'yes'",
        ),
        ({"target": "x"}, "--target 'x' has 250 distinct values, more than 200"),
        ({"target": "one"}, "--target 'one' has only one class, '1'"),
        ({"drop": ["x", "colour"]}, "no feature remains"),
    ],
)
def test_an_invalid_column_is_rejected_with_a_suggestion(tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        from_file(saved(tmp_path, table(250, one=1)), **{"target": "target", **options})
