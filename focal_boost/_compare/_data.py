"""From a file or from arrays to a classification problem: reads, types columns, refuses what cannot be compared.

Every refusal is an `InputError` of one line that says what to do. It knows nothing of models.
"""

from __future__ import annotations

import csv
import difflib
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types
from sklearn.datasets import load_digits

from focal_boost.losses._kernel import Array

# "None" is not among them: it is as often a level as a gap.
MISSING = ("", "?", "NA", "N/A", "NaN", "nan", "NULL", "null")
MAX_CLASSES = 200
MAX_LEVELS = 255
# Whole numbers of so few values may be codes. As categories they lose nothing (log loss 0.98 to 1.02 times on four
# real sets); those of more values are as often measures, which do (digits in 17 greys: 1.4 to 1.8 times).
MAX_CODES = 10
_SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".pq")
_COMPRESSED = (".gz", ".bz2", ".xz", ".zip", ".zst")
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}")
_IDENTIFIER = re.compile(r"(^|[\W_])(id|uuid|index|key|row)$|^unnamed|(?<=[a-z])(ID|Id)$", re.IGNORECASE)


class InputError(ValueError):
    """What was given cannot be compared; the message is one line that says what to do."""


@dataclass(frozen=True)
class Problem:
    """Rows to learn from, labelled 0 to K - 1.

    The features are called f0, f1, ...: no name of a column ever reaches a booster, which have their own views on
    brackets and quotes. ``source`` are the lines of Python that make the same ``X`` and ``y``.
    """

    name: str
    X: pd.DataFrame
    y: Array
    classes: tuple[str, ...]
    notes: tuple[str, ...]
    source: tuple[str, ...]

    @property
    def description(self) -> str:
        """Rows, features and class shares in a few words."""
        counts = np.bincount(self.y)
        size = f"{len(self.y):,} rows, {self.X.shape[1]} features"
        if len(counts) == 2:
            return f"{size}, {counts[1] / len(self.y):.2%} of class {self.classes[1]!r}"
        return f"{size}, {len(counts)} classes (the rarest {counts.min() / len(self.y):.2%})"


def digits(positive: Any = None) -> Problem:
    """Return scikit-learn's handwritten digits, one (8) against the rest."""
    X, y = load_digits(return_X_y=True)
    problem = from_arrays(X, y, positive="8" if positive is None else positive)
    digit = problem.classes[1]
    source = (
        "from sklearn.datasets import load_digits",
        "",
        "X, y = load_digits(return_X_y=True)",
        f"y = (y == {digit}).astype(int)",
    )
    return replace(problem, name=f"handwritten digits, {digit} against the rest", source=source)


def from_file(path: str, target: str | None, drop: Sequence[str], positive: str | None) -> Problem:
    """Return the problem that a CSV or parquet file holds."""
    frame, reading = _read(path)
    if not frame.columns.is_unique:
        raise InputError(f"{path!r} has two columns {frame.columns[frame.columns.duplicated()][0]!r}: rename one.")
    frame.columns = frame.columns.astype(str)
    names = list(frame.columns)
    if target is None:
        raise InputError(f"--target is missing: name the column to predict, one of {_some(names)}.")
    for option, name in [("--target", target), *(("--drop", name) for name in drop)]:
        if name not in names:
            raise InputError(f"{option} {name!r} is not a column of {path!r}: {_suggest(name, names)}")
    if target in drop:
        raise InputError(f"--drop {target!r} is the target itself: drop another column.")
    if len(frame) == 0:
        raise InputError(f"{path!r} holds a header and no rows: give a file with data.")

    source = ["import pandas as pd", "", f"data = {reading}"]
    notes = []
    missing = frame[target].isna()
    if missing.any():
        frame = frame[~missing]
        source.append(f"data = data.dropna(subset=[{target!r}])")
        notes.append(f"{missing.sum():,} rows without a target were left out.")
        if len(frame) == 0:
            raise InputError(f"--target {target!r} is empty in every row: name another column.")
    X = frame.drop(columns=[target, *drop])
    features = _prepare(X.astype(dict.fromkeys(_codes(X), "category")), "column", "--drop")
    source.append(f"X = data.drop(columns={[target, *drop, *features.left_out]!r})")
    source += features.source
    labels, classes, positive_label = _labels(frame[target], positive, f"--target {target!r}", "--positive")
    if positive_label is None:
        source.append(f"y = data[{target!r}].astype('category').cat.codes")
    else:
        source.append(f"y = (data[{target!r}] == {positive_label!r}).astype(int)")
    return Problem(Path(path).name, features.X, labels, classes, (*notes, *features.notes), tuple(source))


def from_arrays(X: Any, y: Any, positive: Any = None) -> Problem:
    """Return the problem of a feature matrix or data frame and labels."""
    if hasattr(X, "toarray"):
        raise InputError("X must be dense: a data frame or an array; got a sparse matrix.")
    source = ["# X and y are what compare was given."]
    if hasattr(X, "to_pandas"):
        X = X.to_pandas()
        source.append("X = X.to_pandas()")
    if not isinstance(X, pd.DataFrame):
        X = np.asarray(X)
        if X.ndim != 2:
            raise InputError(f"X must have rows and columns; got an array of shape {X.shape}.")
    frame = pd.DataFrame(X).infer_objects()
    y = pd.Series(np.asarray(y).ravel())
    if len(frame) != len(y) or len(y) == 0:
        raise InputError(
            f"X and y must have the same number of rows, at least one; got {len(frame)} and {len(y)}."
        )
    if y.isna().any():
        raise InputError("y must not hold missing values.")
    features = _prepare(frame.reset_index(drop=True), "feature", "drop it")
    if isinstance(X, np.ndarray) and (features.left_out or features.source or X.dtype == object):
        source.append("X = pd.DataFrame(X).infer_objects()")
    if features.left_out:
        source.append(f"X = X.drop(columns={features.left_out!r})")
    source += features.source
    labels, classes, positive_label = _labels(y, positive, "y", "positive")
    if positive_label is None:
        source.append("y = np.unique(y, return_inverse=True)[1]")
    else:
        source.append(f"y = (np.asarray(y) == {positive_label!r}).astype(int)")
    imports = [
        f"import {module}"
        for module, name in (("numpy as np", "np."), ("pandas as pd", "pd."))
        if any(name in line for line in source[1:])
    ]
    return Problem("data", features.X, labels, classes, features.notes, (*imports, "", *source))


def _read(path: str) -> tuple[pd.DataFrame, str]:
    """Return the table of a file, and the Python that reads it."""
    file = Path(path)
    suffixes = [suffix.lower() for suffix in file.suffixes]
    kind = next((suffix for suffix in reversed(suffixes) if suffix not in _COMPRESSED), "")
    try:
        if file.is_dir():
            raise InputError(f"{path!r} is a directory: give one CSV or parquet file.")
        if not file.exists():
            raise InputError(f"{path!r} does not exist: give the path of a CSV or parquet file.")
        if kind not in _SUFFIXES:
            raise InputError(
                f"{path!r} has an unknown ending: give one of {', '.join(_SUFFIXES)}, or that with .gz."
            )
        if file.stat().st_size == 0:
            raise InputError(f"{path!r} is empty (0 bytes): give a file with data.")
        if kind in (".parquet", ".pq"):
            return pd.read_parquet(file), f"pd.read_parquet({path!r})"
        options = {"keep_default_na": False, "na_values": list(MISSING), "skipinitialspace": True}
        # The header as it stands: a separator that no text holds leaves it one field.
        first = pd.read_csv(file, header=None, nrows=1, sep="\x01", quoting=csv.QUOTE_NONE, keep_default_na=False)
        separator = max(",;\t|", key=str(first.iloc[0, 0]).count)
        if separator != ",":
            options["sep"] = separator
        arguments = ", ".join(f"{name}={value!r}" for name, value in options.items())
        frame = pd.read_csv(file, low_memory=False, **options)
        if not isinstance(frame.index, pd.RangeIndex):
            raise InputError(f"{path!r} has rows of more fields than the header has names: mend the header.")
        return frame, f"pd.read_csv({path!r}, {arguments})"
    except InputError:
        raise
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path!r} is not UTF-8 text (byte {error.start}): convert it, e.g. iconv -f latin1 -t utf-8."
        ) from error
    except pd.errors.EmptyDataError as error:
        raise InputError(f"{path!r} holds no columns: give a file with a header and data.") from error
    except ImportError as error:
        raise InputError(f"{path!r} needs a package that is missing: pip install 'focal-boost[all]'.") from error
    except (OSError, ValueError, EOFError, zlib.error) as error:
        # pandas' ParserError and Arrow's ArrowInvalid are ValueErrors.
        raise InputError(f"{path!r} cannot be read as {kind[1:]}: {_one_line(error)}") from error


@dataclass(frozen=True)
class _Features:
    X: pd.DataFrame
    left_out: list[Any]
    notes: tuple[str, ...]
    source: list[str]


def _prepare(frame: pd.DataFrame, noun: str, remedy: str) -> _Features:
    """Return the columns to learn from under names of ours, and what to tell of the others."""
    features: dict[str, pd.Series] = {}
    left_out: dict[str, list[Any]] = {}
    categories: list[Any] = []
    named: list[Any] = []  # of them, those whose levels are no strings
    for i, name in enumerate(frame.columns):
        column = frame.iloc[:, i]
        kind = _kind(str(name), column)
        if kind == "category":
            categories.append(name)
            column = column.astype("category")
            if not all(isinstance(level, str) for level in column.cat.categories):
                # XGBoost refuses levels of floats, booleans and mixed types.
                named.append(name)
                column = column.map(str, na_action="ignore").astype("category")
        elif kind == "number":
            column = _as_numbers(column)
            if np.isinf(column.to_numpy(dtype=np.float64, na_value=np.nan)).any():
                raise InputError(
                    f"{noun} {name!r} holds infinite values: replace them, or leave it out ({remedy})."
                )
        else:
            left_out.setdefault(kind, []).append(name)
            continue
        features[f"f{len(features)}"] = column
    if not features:
        raise InputError(f"no {noun} is left to learn from: all are the target, dates, identifiers or left out.")
    notes = [f"Left out as {kind}: {_some(names)}." for kind, names in left_out.items()]
    source = []
    if categories:
        notes.append(f"Taken as categories: {_some(categories)}.")
    if named:
        source.append(f"X[{named!r}] = X[{named!r}].map(str, na_action='ignore')")
    if categories:
        source.append(f"X = X.astype(dict.fromkeys({categories!r}, 'category'))")
    if not all(re.fullmatch(r"\w+", str(name)) for name in frame.columns):
        source.append("X.columns = [f'f{i}' for i in range(X.shape[1])]  # boosters refuse some names")
    dropped = [name for names in left_out.values() for name in names]
    return _Features(pd.DataFrame(features), dropped, tuple(notes), source)


def _codes(frame: pd.DataFrame) -> list[str]:
    """Return the columns of whole numbers with three to MAX_CODES values."""
    numbers = frame.select_dtypes("number", exclude="timedelta").columns
    return [
        name
        for name in numbers
        if 2 < frame[name].nunique() <= MAX_CODES and (frame[name].dropna() % 1 == 0).all()
    ]


def _kind(name: str, column: pd.Series) -> str:
    """Return "number", "category" or as what the column is left out."""
    if types.is_datetime64_any_dtype(column.dtype) or types.is_timedelta64_dtype(column.dtype):
        return "dates"
    if types.is_complex_dtype(column.dtype):
        return "neither numbers nor categories"
    if types.is_bool_dtype(column.dtype) and not isinstance(column.dtype, pd.CategoricalDtype):
        return "number"
    present = column.dropna()
    if len(present) == 0:
        return "empty columns"
    if types.is_numeric_dtype(column.dtype):
        return "identifiers" if _counts_rows(name, present) else "number"
    try:
        n_levels = present.nunique()
    except TypeError:  # lists, dicts
        return "neither numbers nor categories"
    if isinstance(column.dtype, pd.CategoricalDtype):
        return "category" if n_levels <= MAX_LEVELS else "identifiers or free text"
    sample = present.iloc[:: max(1, len(present) // 200)].astype(str)
    if sample.map(lambda text: bool(_DATE.match(text))).all():
        return "dates"
    return "identifiers or free text" if n_levels > min(MAX_LEVELS, max(2, len(present) / 2)) else "category"


def _counts_rows(name: str, column: pd.Series) -> bool:
    """Whether whole numbers, each there once, number the rows or are called an identifier."""
    if len(column) < 20 or not types.is_integer_dtype(column.dtype) or not column.is_unique:
        return False
    return int(column.max()) - int(column.min()) + 1 == len(column) or bool(_IDENTIFIER.search(name))


def _as_numbers(column: pd.Series) -> pd.Series:
    """Return the column in a dtype that every booster reads: extension types and float16 become float64."""
    if isinstance(column.dtype, np.dtype) and column.dtype != np.float16:
        return column
    return pd.Series(column.to_numpy(dtype=np.float64, na_value=np.nan), index=column.index)


def _labels(y: pd.Series, positive: Any, what: str, option: str) -> tuple[Array, tuple[str, ...], Any]:
    """Return labels 0 to K - 1, the names of the classes, and the positive label itself where there are two.

    Two classes: the positive one is the one named, or else the rarer. More: the one named against the rest.
    """
    if types.is_datetime64_any_dtype(y.dtype):
        raise InputError(f"{what} holds dates: name a column of classes.")
    try:
        codes, levels = pd.factorize(y, sort=False)
    except TypeError as error:
        raise InputError(f"{what} holds values that are no labels: name a column of classes.") from error
    if len(levels) == 1:
        raise InputError(f"{what} holds one class only, {_plain(levels[0])!r}: two are the least to tell apart.")
    if len(levels) > MAX_CLASSES:
        raise InputError(
            f"{what} has {len(levels):,} distinct values, more than {MAX_CLASSES}: name a column of "
            "classes, or bin it."
        )
    plain = [_plain(level) for level in levels]
    order = sorted(range(len(plain)), key=lambda i: (isinstance(plain[i], str), plain[i]))
    names = [str(label) for label in plain]
    if positive is not None:
        if str(positive) not in names:
            raise InputError(
                f"{option} {str(positive)!r} is not a class of {what}: {_suggest(str(positive), names)}"
            )
        index = names.index(str(positive))
    elif len(levels) == 2:
        counts = np.bincount(codes)
        index = order[1] if counts[0] == counts[1] else int(np.argmin(counts))
    else:
        ranks = np.argsort(order)
        return ranks[codes], tuple(names[i] for i in order), None
    rest = names[1 - index] if len(levels) == 2 else "the rest"
    return (codes == index).astype(np.int64), (rest, names[index]), plain[index]


def _plain(label: Any) -> Any:
    """Return a label as a plain Python value; whole floats, as a column with gaps has them, as integers."""
    label = label.item() if hasattr(label, "item") else label
    if isinstance(label, float) and label.is_integer():
        return int(label)
    return label if isinstance(label, bool | int | float | str) else str(label)


def _some(names: Sequence[Any], most: int = 8) -> str:
    shown = ", ".join(repr(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _suggest(name: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"choose from {_some(names)}."


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
