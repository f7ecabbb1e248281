"""Turn a table and its labels into a classification problem: typed features, labels 0 to K - 1.

Every rejection is an `InputError` of one line that names the remedy. This module does not depend on any model.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types
from sklearn.datasets import load_digits

MAX_CLASSES = 200
MAX_LEVELS = 255
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}")
_IDENTIFIER = re.compile(r"(^|[\W_])(id|uuid|index|key|row)$|^unnamed|(?<=[a-z])(ID|Id)$", re.IGNORECASE)


class InputError(ValueError):
    """Input that cannot be compared; the message is one line that names the remedy."""


@dataclass(frozen=True)
class Problem:
    """Features and labels 0 to K - 1.

    The features are called f0, f1, ...: the boosters reject some names, such as those with brackets. ``source``
    are the lines of Python that make the same ``X`` and ``y``.
    """

    name: str
    X: pd.DataFrame
    y: npt.NDArray[Any]
    classes: tuple[str, ...]
    notes: tuple[str, ...]
    source: tuple[str, ...]

    @property
    def title(self) -> str:
        """Name, size and class shares in one line."""
        counts = np.bincount(self.y)
        size = f"{self.name}: {len(self.y):,} rows, {self.X.shape[1]} features"
        if len(counts) == 2:
            return f"{size}, {counts[1] / len(self.y):.2%} of class {self.classes[1]!r}"
        return f"{size}, {len(counts)} classes (the rarest {counts.min() / len(self.y):.2%})"


@dataclass(frozen=True)
class Features:
    """The columns to learn from, remarks on all columns, and the lines of Python that convert ``X``."""

    X: pd.DataFrame
    notes: list[str]
    source: list[str]


def example(positive: Any = None) -> Problem:
    """Return scikit-learn's handwritten digits, one (8) against all others."""
    X, y = load_digits(return_X_y=True)
    problem = from_arrays(X, y, positive="8" if positive is None else positive)
    digit = problem.classes[1]
    source = (
        "from sklearn.datasets import load_digits",
        "X, y = load_digits(return_X_y=True)",
        f"y = (y == {digit}).astype(int)",
    )
    return replace(problem, name=f"handwritten digits, {digit} or not", source=source)


def from_arrays(X: Any, y: Any, positive: Any = None) -> Problem:
    """Return the problem of a feature matrix or data frame and labels."""
    if hasattr(X, "toarray"):
        raise InputError("X must be dense: a data frame or an array; got a sparse matrix.")
    source = ["# X and y are the arguments of compare."]
    if hasattr(X, "to_pandas"):
        X = X.to_pandas()
        source.append("X = X.to_pandas()")
    if not isinstance(X, pd.DataFrame):
        X = _as_array("X must be a data frame or an array", X)
        if X.ndim != 2:
            raise InputError(f"X must have two dimensions; got an array of shape {X.shape}.")
    elif not X.columns.is_unique:
        repeated = X.columns[X.columns.duplicated()][0]
        raise InputError(f"X must have columns of different names; got {repeated!r} more than once.")
    y = pd.Series(_as_array("y must be one label per row", y).ravel())
    if len(X) != len(y) or len(y) == 0:
        raise InputError(f"X and y must have the same number of rows, at least one; got {len(X)} and {len(y)}.")
    if y.isna().any():
        raise InputError("y must not contain missing values.")
    features = make_features(pd.DataFrame(X).infer_objects().reset_index(drop=True))
    if isinstance(X, np.ndarray) and (features.source or X.dtype == object):
        source.append("X = pd.DataFrame(X).infer_objects()")
    return make_problem("data", features, y, "y", positive, source, [])


def _as_array(requirement: str, values: Any) -> npt.NDArray[Any]:
    try:
        return np.asarray(values)
    except ValueError as error:  # lists of different lengths
        raise InputError(f"{requirement}: {one_line(error)}") from error


def make_problem(
    name: str,
    features: Features,
    target: pd.Series,
    target_name: str,
    positive: Any,
    source: Sequence[str],
    notes: Sequence[str],
) -> Problem:
    """Return the problem; ``source`` are the lines of Python that make the given ``X`` and ``y``."""
    y, classes, positive_label = _labels(target, target_name, positive)
    if positive_label is None:
        labels_source = "y = np.unique(y, return_inverse=True)[1]"
    else:
        labels_source = f"y = (np.asarray(y) == {positive_label!r}).astype(int)"
    lines = [*source, *features.source, labels_source]
    imports = ["import numpy as np"]
    if any("pd." in line for line in lines):
        imports.append("import pandas as pd")
    return Problem(name, features.X, y, classes, (*notes, *features.notes), (*imports, *lines))


def make_features(frame: pd.DataFrame) -> Features:
    """Select and type the columns, and name them f0, f1, ..."""
    features: dict[str, pd.Series] = {}
    left_out: dict[str, list[Any]] = {}
    categories: list[Any] = []
    levels_as_strings: list[Any] = []
    for i, name in enumerate(frame.columns):
        column = frame.iloc[:, i]
        kind = _kind(str(name), column)
        if kind == "number":
            column = _as_numbers(column)
            if np.isinf(column.to_numpy(dtype=np.float64, na_value=np.nan)).any():
                raise InputError(f"column {name!r} contains infinite values: replace them or drop the column.")
        elif kind == "category":
            categories.append(name)
            column = column.astype("category")
            if not all(isinstance(level, str) for level in column.cat.categories):
                # XGBoost rejects levels that are floats, booleans or of mixed types.
                levels_as_strings.append(name)
                column = column.map(str, na_action="ignore").astype("category")
        else:
            left_out.setdefault(kind, []).append(name)
            continue
        features[f"f{len(features)}"] = column
    if not features:
        raise InputError("no column remains: all are the target, dates, identifiers, empty or dropped.")
    notes = [f"Left out as {kind}: {some(names)}." for kind, names in left_out.items()]
    source = []
    if left_out:
        source.append(f"X = X.drop(columns={[name for names in left_out.values() for name in names]!r})")
    if levels_as_strings:
        source.append(f"X[{levels_as_strings!r}] = X[{levels_as_strings!r}].map(str, na_action='ignore')")
    if categories:
        notes.append(f"Used as categories: {some(categories)}.")
        source.append(f"X = X.astype(dict.fromkeys({categories!r}, 'category'))")
    if not all(re.fullmatch(r"\w+", str(name)) for name in frame.columns):
        source.append("X.columns = [f'f{i}' for i in range(X.shape[1])]  # boosters reject some names")
    return Features(pd.DataFrame(features), notes, source)


def _kind(name: str, column: pd.Series) -> str:
    """Return "number", "category" or, for a column to leave out, the reason."""
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
        return "identifiers" if _is_identifier(name, present) else "number"
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


def _is_identifier(name: str, column: pd.Series) -> bool:
    """Return whether distinct whole numbers count the rows or are named like an identifier."""
    if len(column) < 20 or not types.is_integer_dtype(column.dtype) or not column.is_unique:
        return False
    return int(column.max()) - int(column.min()) + 1 == len(column) or bool(_IDENTIFIER.search(name))


def _as_numbers(column: pd.Series) -> pd.Series:
    """Return the column with a dtype that every booster reads: extension types and float16 become float64."""
    if isinstance(column.dtype, np.dtype) and column.dtype != np.float16:
        return column
    return pd.Series(column.to_numpy(dtype=np.float64, na_value=np.nan), index=column.index)


def _labels(target: pd.Series, target_name: str, positive: Any) -> tuple[npt.NDArray[Any], tuple[str, ...], Any]:
    """Return labels 0 to K - 1, the names of the classes, and the positive label of two classes or None.

    A class named positive is separated from all others; without one, the rarer of two classes is positive.
    """
    if types.is_datetime64_any_dtype(target.dtype):
        raise InputError(f"{target_name} contains dates: name a column of classes.")
    try:
        codes, levels = pd.factorize(target, sort=False)
    except TypeError as error:
        raise InputError(
            f"{target_name} contains values that cannot be labels: name a column of classes."
        ) from error
    labels = [_python_value(level) for level in levels]
    if len(labels) == 1:
        raise InputError(f"{target_name} has only one class, {labels[0]!r}: at least two classes are required.")
    if len(labels) > MAX_CLASSES:
        raise InputError(
            f"{target_name} has {len(labels):,} distinct values, more than {MAX_CLASSES}: name a column of "
            "classes, or bin it."
        )
    names = [str(label) for label in labels]
    order = sorted(range(len(labels)), key=lambda i: (isinstance(labels[i], str), labels[i]))
    if positive is not None:
        name = str(_python_value(positive))
        if name not in names:
            raise InputError(f"positive {name!r} is not a class of {target_name}: {suggest(name, names)}")
        index = names.index(name)
    elif len(labels) == 2:
        counts = np.bincount(codes)
        index = order[1] if counts[0] == counts[1] else int(np.argmin(counts))
    else:
        return np.argsort(order)[codes], tuple(names[i] for i in order), None
    rest = names[1 - index] if len(labels) == 2 else "the rest"
    return (codes == index).astype(np.int64), (rest, names[index]), labels[index]


def _python_value(label: Any) -> Any:
    """Return a label as a plain Python value; whole floats, which missing values cause, become integers."""
    label = label.item() if isinstance(label, np.generic) else label
    if isinstance(label, float) and label.is_integer():
        return int(label)
    return label if isinstance(label, bool | int | float | str) else str(label)


def some(names: Sequence[Any], most: int = 8) -> str:
    """Return the first names, and how many there are beyond."""
    shown = ", ".join(repr(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def suggest(name: str, names: Sequence[str]) -> str:
    """Return the name that was probably meant, or the choice."""
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"choose from {some(names)}."


def is_integer(value: Any) -> bool:
    """Return whether the value is an integer, which True and 5.0 are not."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def printable(text: str) -> str:
    """Return the text with escape sequences instead of characters that could control a terminal."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def one_line(error: BaseException | str) -> str:
    """Return a message as one line of at most 300 characters."""
    return " ".join(str(error).split())[:300] or type(error).__name__
