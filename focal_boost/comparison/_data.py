"""Turn a table and its labels into a classification problem: typed features, labels 0 to K - 1.

skrub types and cleans the columns. Implemented here is only what it does not do: fix the categories, drop numeric
identifiers, reject infinite values, and rename columns whose names the boosters reject. Invalid input raises an
`InputError` with one line that says how to correct it. This module does not depend on any model.
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
from skrub import TableVectorizer

from focal_boost.comparison._categories import FixedCategories

MAX_CLASSES = 200
MAX_LEVELS = 255
_IDENTIFIER = re.compile(r"(^|[\W_])(id|uuid|index|key|row)$|^unnamed|(?<=[a-z])(ID|Id)$", re.IGNORECASE)


class InputError(ValueError):
    """Invalid input; the message is one line that says how to correct it."""


@dataclass(frozen=True)
class Labels:
    """The choice of classes: the positive class and the classes to leave out."""

    positive: Any = None
    exclude: Sequence[Any] = ()
    min_rows: int = 0


DEFAULT_LABELS = Labels()


@dataclass(frozen=True)
class Problem:
    """Features in the form that boosters accept, and labels 0 to K - 1.

    ``steps`` are the unfitted transformers that compute ``X`` from the original features, ``source`` the lines of
    Python that load the original features and labels. ``positive`` is the label of the positive class, None with
    more than two classes.
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
        """Name, size and class shares, in one line."""
        counts = np.bincount(self.y)
        size = f"{self.name}: {len(self.y):,} rows, {self.X.shape[1]} features"
        if len(counts) == 2:
            return f"{size}, {counts[1] / len(self.y):.2%} of class {self.classes[1]!r}"
        return f"{size}, {len(counts)} classes (the rarest {counts.min() / len(self.y):.2%})"

    @cached_property
    def fingerprint(self) -> str:
        """A SHA-256 digest of the features, their types and the labels."""
        digest = hashlib.sha256(repr((self.X.dtypes.tolist(), self.classes)).encode())
        digest.update(pd.util.hash_pandas_object(self.X, index=False).to_numpy().tobytes())
        digest.update(self.y.astype(np.int64).tobytes())
        return digest.hexdigest()


def example(labels: Labels = DEFAULT_LABELS) -> Problem:
    """Return scikit-learn's handwritten digits, by default 8 against all others."""
    X, y = load_digits(return_X_y=True)
    labels = replace(labels, positive=8 if labels.positive is None else labels.positive)
    source = ["from sklearn.datasets import load_digits", "X, y = load_digits(return_X_y=True)"]
    problem = make_problem("", X, pd.Series(y), "y", labels, (), source)
    return replace(problem, name=f"handwritten digits, {problem.classes[1]} or not")


def from_arrays(X: Any, y: Any, labels: Labels = DEFAULT_LABELS, categorical: Sequence[Any] = ()) -> Problem:
    """Return the problem given by a feature matrix or data frame and labels."""
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
    """Return the problem; ``source`` contains the lines of Python that load ``X`` and the target as ``y``."""
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
    """Return the typed columns, the unfitted transformers that make them from ``X``, and notes."""
    frame = pd.DataFrame(X).reset_index(drop=True)
    for name in categorical:
        if name not in frame.columns:
            columns = [str(column) for column in frame.columns]
            raise InputError(f"categorical {name!r} is not a column: {suggest(name, columns)}")
    identifiers = [str(name) for name in frame.columns if name not in categorical and _is_identifier(frame[name])]
    # TableVectorizer leaves out constant columns, but not those with a specific transformer.
    codes = [str(name) for name in categorical if frame[name].nunique() > 1]
    treatments: tuple[tuple[Any, list[str]], ...] = ((FixedCategories(), codes), ("drop", identifiers))
    vectorizer = TableVectorizer(
        # A column with nearly as many levels as rows contains names or free text, which boosters cannot use.
        cardinality_threshold=min(MAX_LEVELS + 1, max(3, len(frame) // 2 + 1)),
        low_cardinality=FixedCategories(),
        high_cardinality="drop",
        drop_if_constant=True,
        specific_transformers=tuple((treatment, names) for treatment, names in treatments if names),
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = vectorizer.fit_transform(X if isinstance(X, np.ndarray) else frame)
    except TypeError as error:  # lists, dicts or sparse columns
        raise InputError(
            f"X must have columns of numbers, text, dates or categories: {one_line(error)}"
        ) from error
    if not len(table.columns):
        raise InputError("no feature remains: all columns are identifiers, free text, constant or dropped.")
    _check_finite(table, vectorizer.output_to_input_)
    kinds = vectorizer.kind_to_columns_
    left_out = [name for name, out in vectorizer.input_to_outputs_.items() if not {*out} & {*table.columns}]
    free_text = kinds["high_cardinality"]
    notes = {
        "Left out as identifiers": identifiers,
        f"Left out as text with more than {vectorizer.cardinality_threshold - 1} values": free_text,
        "Left out as constant": [name for name in left_out if name not in {*identifiers, *free_text}],
        "Dates, used as year, month, day and so on": kinds["datetime"],
        "Used as categories": [*kinds["low_cardinality"], *codes],
    }
    steps = [vectorizer]
    if not all(re.fullmatch(r"\w+", name) for name in table.columns):
        names = [name if re.fullmatch(r"\w+", name) else f"column_{i}" for i, name in enumerate(table.columns)]
        steps.append(FunctionTransformer(pd.DataFrame.set_axis, kw_args={"labels": names, "axis": 1}))
        table = table.set_axis(names, axis=1)
    return table, tuple(map(clone, steps)), [f"{note}: {some(names)}." for note, names in notes.items() if names]


def _is_identifier(column: pd.Series) -> bool:
    """Return whether distinct integers number the rows or have the name of an identifier."""
    if len(column) < 20 or not types.is_integer_dtype(column.dtype) or not column.is_unique or column.hasnans:
        return False
    counts_rows = int(column.max()) - int(column.min()) + 1 == len(column)
    return counts_rows or bool(_IDENTIFIER.search(str(column.name)))


def _check_finite(table: pd.DataFrame, original_names: dict[str, str]) -> None:
    """Raise InputError for a column with numbers that the boosters reject."""
    for name, column in table.select_dtypes("number").items():
        if (column.abs() > np.finfo(np.float32).max).any():
            raise InputError(
                f"column {original_names[str(name)]!r} contains infinite values or numbers beyond single "
                "precision: replace them or drop the column."
            )


def _excluded(target: pd.Series, target_name: str, labels: Labels) -> list[Any]:
    """Return the labels of the classes to leave out."""
    min_rows = labels.min_rows
    if not is_integer(min_rows) or min_rows < 0:
        raise InputError(f"min_rows must be a non-negative integer; got {min_rows!r}.")
    if not labels.exclude and not min_rows:
        return []
    counts = target.value_counts()
    levels = counts.index.tolist()
    excluded = {_find("exclude_class", label, levels, target_name) for label in labels.exclude}
    return [level for i, level in enumerate(levels) if i in excluded or counts.iloc[i] < min_rows]


def _codes(target: pd.Series, target_name: str, positive: Any) -> tuple[npt.NDArray[Any], tuple[str, ...], Any]:
    """Return labels 0 to K - 1, the names of the classes, and the positive label of two classes or None.

    Without a positive class, the rarer of two classes is positive. A positive class among more than two is
    separated from all others.
    """
    try:
        codes, index = pd.factorize(target, sort=True)
    except TypeError as error:
        raise InputError(
            f"{target_name} contains values that cannot be labels: name a column of classes."
        ) from error
    levels = index.tolist()
    names = [_class_name(level) for level in levels]
    if len(levels) < 2:
        only = f"only one class, {names[0]!r}" if names else "no class left"
        raise InputError(f"{target_name} has {only}: at least two classes are required.")
    if len(levels) > MAX_CLASSES:
        raise InputError(
            f"{target_name} has {len(levels):,} distinct values, more than {MAX_CLASSES}: name a column of "
            "classes, or bin its values."
        )
    if positive is None and len(levels) > 2:
        return codes, tuple(names), None
    if positive is None:
        ones = codes.sum()
        code = int(ones <= len(codes) - ones)
    else:
        code = _find("positive", positive, levels, target_name)
    others = names[1 - code] if len(levels) == 2 else "the rest"
    return (codes == code).astype(np.int64), (others, names[code]), levels[code]


def _find(argument: str, label: Any, levels: Sequence[Any], target_name: str) -> int:
    """Return the index of a label among the levels, compared as text: the command line passes text."""
    name, names = _class_name(label), [_class_name(level) for level in levels]
    if name not in names:
        raise InputError(f"{argument} {name!r} is not a class of {target_name}: {suggest(name, names)}")
    return names.index(name)


def _class_name(label: Any) -> str:
    """Return a label as text, whole floats as integers: missing values turn integers into floats."""
    is_whole = isinstance(label, float | np.floating) and float(label).is_integer()
    return str(int(label) if is_whole else label)


def some(names: Sequence[Any], most: int = 8) -> str:
    """Return the first names and the number of further ones."""
    shown = ", ".join(repr(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def suggest(name: Any, names: Sequence[str]) -> str:
    """Return the most similar name, or the available names."""
    close = difflib.get_close_matches(str(name), names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"choose from {some(names)}."


def is_integer(value: Any) -> bool:
    """Return whether the value is an integer; True and 5.0 are not."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def printable(text: str) -> str:
    """Return the text with unprintable characters escaped, which could control a terminal."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def one_line(error: BaseException | str) -> str:
    """Return a message as one line of at most 300 characters."""
    return " ".join(str(error).split())[:300] or type(error).__name__
