"""Turn a table and its labels into a classification problem: typed features, labels 0 to K - 1.

skrub types and cleans the columns. By hand are only the things it does not do: leave out numeric identifiers,
reject infinite values, use numbers as categories on request, and rename columns whose names the boosters reject.
Every rejection is an `InputError` of one line that names the remedy. This module does not depend on any model.
"""

from __future__ import annotations

import difflib
import hashlib
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.preprocessing import FunctionTransformer
from skrub import TableVectorizer, ToCategorical

MAX_CLASSES = 200
MAX_LEVELS = 255
_IDENTIFIER = re.compile(r"(^|[\W_])(id|uuid|index|key|row)$|^unnamed|(?<=[a-z])(ID|Id)$", re.IGNORECASE)


class InputError(ValueError):
    """Input that cannot be compared; the message is one line that names the remedy."""


@dataclass(frozen=True)
class Labels:
    """How labels become classes: which class is positive, and which ones are left out."""

    positive: Any = None
    exclude: Sequence[Any] = ()
    min_rows: int = 0


DEFAULT_LABELS = Labels()


@dataclass(frozen=True)
class Problem:
    """Features as the boosters read them, and labels 0 to K - 1.

    ``steps`` are the unfitted transformers that make ``X`` of the given features, ``source`` the lines of Python
    that load the given features and labels. ``positive`` is the label of the positive of two classes, else None.
    """

    name: str
    X: pd.DataFrame
    y: npt.NDArray[Any]
    classes: tuple[str, ...]
    positive: Any
    steps: tuple[Any, ...]
    source: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def title(self) -> str:
        """Name, size and class shares in one line."""
        counts = np.bincount(self.y)
        size = f"{self.name}: {len(self.y):,} rows, {self.X.shape[1]} features"
        if len(counts) == 2:
            return f"{size}, {counts[1] / len(self.y):.2%} of class {self.classes[1]!r}"
        return f"{size}, {len(counts)} classes (the rarest {counts.min() / len(self.y):.2%})"

    @cached_property
    def fingerprint(self) -> str:
        """A SHA-256 digest of features, types and labels."""
        digest = hashlib.sha256(repr((self.X.dtypes.tolist(), self.classes)).encode())
        digest.update(pd.util.hash_pandas_object(self.X, index=False).to_numpy().tobytes())
        digest.update(self.y.astype(np.int64).tobytes())
        return digest.hexdigest()


def example(labels: Labels = DEFAULT_LABELS) -> Problem:
    """Return scikit-learn's handwritten digits, one (8) against all others."""
    X, y = load_digits(return_X_y=True)
    labels = replace(labels, positive=8 if labels.positive is None else labels.positive)
    source = ["from sklearn.datasets import load_digits", "X, y = load_digits(return_X_y=True)"]
    problem = make_problem("", X, pd.Series(y), "y", labels, (), source)
    return replace(problem, name=f"handwritten digits, {problem.classes[1]} or not")


def from_arrays(X: Any, y: Any, labels: Labels = DEFAULT_LABELS, categorical: Sequence[Any] = ()) -> Problem:
    """Return the problem of a feature matrix or data frame and labels."""
    if hasattr(X, "toarray"):
        raise InputError("X must be dense: a data frame or an array; got a sparse matrix.")
    source = [
        "import sys",
        "import joblib",
        "X, y = joblib.load(sys.argv[1])  # saved by joblib.dump((X, y), path)",
    ]
    if hasattr(X, "to_pandas"):
        X = X.to_pandas()
        source.append("X = X.to_pandas()")
    if not isinstance(X, pd.DataFrame):
        X = _as_array("X must be a data frame or an array", X)
        if X.ndim != 2:
            raise InputError(f"X must have two dimensions; got an array of shape {X.shape}.")
    elif not X.columns.is_unique:
        repeated = X.columns[X.columns.duplicated()][0]
        raise InputError(f"X must have unique column names; got {repeated!r} more than once.")
    y = pd.Series(_as_array("y must be one label per row", y).ravel())
    if len(X) != len(y) or len(y) == 0:
        raise InputError(f"X and y must have the same number of rows, at least one; got {len(X)} and {len(y)}.")
    if y.isna().any():
        raise InputError("y must not contain missing values.")
    return make_problem("data", X, y, "y", labels, categorical, source)


def _as_array(requirement: str, values: Any) -> npt.NDArray[Any]:
    try:
        return np.asarray(values)
    except ValueError as error:  # lists of different lengths
        raise InputError(f"{requirement}: {one_line(error)}") from error


def make_problem(
    name: str,
    X: Any,
    target: pd.Series,
    target_name: str,
    labels: Labels,
    categorical: Sequence[Any],
    source: Sequence[str],
    notes: Sequence[str] = (),
) -> Problem:
    """Return the problem; ``source`` are the lines of Python that load ``X`` and the target as ``y``."""
    excluded = _excluded(target, target_name, labels)
    source, notes = [*source], [*notes]
    if excluded:
        keep = ~target.isin(excluded).to_numpy()
        X, target = X[keep], target[keep]
        source += ["import numpy as np", f"keep = ~np.isin(y, {excluded!r})", "X, y = X[keep], y[keep]"]
        notes.append(f"{(~keep).sum():,} rows of excluded classes were left out: {some(excluded)}.")
    y, classes, positive = _codes(target, target_name, labels.positive)
    if target.nunique() > 2 and positive is not None:
        source.append(f"y = y == {positive!r}")
        positive = True
    X, steps, more_notes = _features(X, categorical)
    return Problem(name, X, y, classes, positive, steps, tuple(source), (*notes, *more_notes))


def _features(X: Any, categorical: Sequence[Any]) -> tuple[pd.DataFrame, tuple[Any, ...], list[str]]:
    """Return the typed columns, the unfitted transformers that make them of ``X``, and remarks."""
    frame = pd.DataFrame(X).reset_index(drop=True)
    steps = _category_steps(frame, categorical, is_array=isinstance(X, np.ndarray))
    identifiers = [str(name) for name in frame.columns if name not in categorical and _is_identifier(frame[name])]
    vectorizer = TableVectorizer(
        # Nearly as many levels as rows are names or free text, of which boosters learn nothing.
        cardinality_threshold=min(MAX_LEVELS + 1, max(3, len(frame) // 2 + 1)),
        low_cardinality=ToCategorical(),
        high_cardinality="drop",
        drop_if_constant=True,
        specific_transformers=[("drop", identifiers)] if identifiers else (),
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            prepared = frame
            for step in steps:
                prepared = step.fit_transform(prepared)
            table = vectorizer.fit_transform(prepared)
    except TypeError as error:  # lists, dicts or sparse columns
        raise InputError(
            f"X must have columns of numbers, text, dates or categories: {one_line(error)}"
        ) from error
    for name, column in table.items():
        _check_numbers(vectorizer.output_to_input_[name], column)
    if not len(table.columns):
        raise InputError("no column remains: all are the target, identifiers, free text, constant or dropped.")
    all_outputs = table.columns
    steps.append(vectorizer)
    if not all(re.fullmatch(r"\w+", name) for name in table.columns):
        names = [name if re.fullmatch(r"\w+", name) else f"column_{i}" for i, name in enumerate(table.columns)]
        steps.append(FunctionTransformer(pd.DataFrame.set_axis, kw_args={"labels": names, "axis": 1}))
        table = table.set_axis(names, axis=1)
    kinds = vectorizer.kind_to_columns_
    left_out = [n for n, outputs in vectorizer.input_to_outputs_.items() if not {*outputs} & {*all_outputs}]
    remarks = {
        "Left out as identifiers": identifiers,
        f"Left out as text with more than {vectorizer.cardinality_threshold - 1} values": kinds[
            "high_cardinality"
        ],
        "Left out as constant": [n for n in left_out if n not in {*identifiers, *kinds["high_cardinality"]}],
        "Dates, used as year, month, day and so on": kinds["datetime"],
        "Used as categories": kinds["low_cardinality"],
    }
    unfitted = tuple(clone(step) for step in steps)
    return table, unfitted, [f"{remark}: {some(names)}." for remark, names in remarks.items() if names]


def _category_steps(frame: pd.DataFrame, categorical: Sequence[Any], is_array: bool) -> list[Any]:
    """Return the transformers that turn columns of codes into categories."""
    for name in categorical:
        if name not in frame.columns:
            names = [str(column) for column in frame.columns]
            raise InputError(f"categorical {name!r} is not a column: {suggest(str(name), names)}")
    if not categorical:
        return []
    # As integers, a code has the same name in a column with and without missing values.
    whole = [
        name
        for name in categorical
        if types.is_numeric_dtype(frame[name].dtype)
        and not types.is_bool_dtype(frame[name].dtype)
        and (frame[name].dropna() % 1 == 0).all()
    ]
    conversions = [dict.fromkeys(whole, "Int64"), dict.fromkeys(categorical, "category")]
    steps = [FunctionTransformer(pd.DataFrame)] if is_array else []
    return [
        *steps,
        *(FunctionTransformer(pd.DataFrame.astype, kw_args={"dtype": dtypes}) for dtypes in conversions if dtypes),
    ]


def _is_identifier(column: pd.Series) -> bool:
    """Return whether distinct whole numbers count the rows or are named like an identifier."""
    if len(column) < 20 or not types.is_integer_dtype(column.dtype) or not column.is_unique or column.hasnans:
        return False
    counts_rows = int(column.max()) - int(column.min()) + 1 == len(column)
    return counts_rows or bool(_IDENTIFIER.search(str(column.name)))


def _check_numbers(name: str, column: pd.Series) -> None:
    """Raise InputError for a column that the boosters cannot read."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return
    if column.dtype.kind == "c":
        raise InputError(f"column {name!r} contains complex numbers: drop it.")
    if (column.abs() > np.finfo(np.float32).max).any():
        raise InputError(
            f"column {name!r} contains infinite values or numbers beyond single precision: replace them or "
            "drop the column."
        )


def _excluded(target: pd.Series, target_name: str, labels: Labels) -> list[Any]:
    """Return the labels of the classes to leave out."""
    min_rows = labels.min_rows
    if not is_integer(min_rows) or min_rows < 0:
        raise InputError(f"min_rows must be a non-negative integer; got {min_rows!r}.")
    excluded = [_python_value(label) for label in labels.exclude]
    if not excluded and not min_rows:
        return []
    counts = {_python_value(label): count for label, count in target.value_counts().items()}
    names = {str(label): label for label in counts}
    for label in excluded:
        if str(label) not in names:
            raise InputError(
                f"exclude_class {label!r} is not a class of {target_name}: {suggest(label, [*names])}"
            )
    small = [label for label, count in counts.items() if count < min_rows]
    return list(dict.fromkeys([*(names[str(label)] for label in excluded), *small]))


def _codes(target: pd.Series, target_name: str, positive: Any) -> tuple[npt.NDArray[Any], tuple[str, ...], Any]:
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
    if len(labels) < 2:
        only = f"only one class, {labels[0]!r}" if labels else "no class left"
        raise InputError(f"{target_name} has {only}: at least two classes are required.")
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


def suggest(name: Any, names: Sequence[str]) -> str:
    """Return the name that was probably meant, or the choice."""
    close = difflib.get_close_matches(str(name), names, n=1)
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
