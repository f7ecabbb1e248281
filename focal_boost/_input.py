"""The data that an estimator is given: what is refused by name, and what is put into a form that boosters read.

Knows neither losses nor a booster; a message names the argument, the value and what is allowed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, column_or_1d

from focal_boost.losses._kernel import Array
from focal_boost.objectives._adapter import arrow_frame


def check_lengths(name: str, X: Any, y: Any) -> None:
    """Raise ValueError or TypeError unless X and y have equal numbers of rows."""
    try:
        check_consistent_length(X, y)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name} must have equal numbers of rows. {error}") from None


def column(name: str, y: Any) -> Array:
    """Return labels as an array of shape (n,)."""
    if np.ma.is_masked(y):
        raise ValueError(f"{name} must not be masked: leave those rows out.")
    try:
        return column_or_1d(y, warn=True)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name} must be one column of class labels. {error}") from None


def encode(y: Any) -> tuple[Array, Array]:
    """Return the sorted classes and the labels 0..K-1."""
    y = column("y", y)
    missing = ~np.isfinite(y) if y.dtype.kind in "fmM" else np.zeros(len(y), dtype=bool)
    if y.dtype.kind == "O":
        missing = np.array([_is_missing(label) for label in y])
    if missing.any():
        raise ValueError(f"y must not hold missing or infinite values; got {y[missing][0]!s}.")
    try:
        if y.dtype.kind == "S" or any(isinstance(label, bytes) for label in y[:1]):
            raise TypeError("Decode bytes.")  # an older scikit-learn only warns
        check_classification_targets(y)
        classes = np.unique(y)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"y must hold class labels, all integers, booleans or strings; got {y[0]!r}. {error}"
        ) from None
    return classes, np.searchsorted(classes, y)  # np.unique would sort all of y to number it


def check_known(name: str, y: Array, classes: Array) -> None:
    """Raise ValueError for a label that is no class of the training set."""
    unseen = ~np.isin(y, classes)
    if unseen.any():
        raise ValueError(f"{name} must hold classes of y, {classes.tolist()}; got {y[unseen][0]!r}.")


def canonical(X: Any) -> Any:
    """Return a sparse matrix with the entries of a row in order and summed: XGBoost can crash on others."""
    if not sparse.issparse(X) or X.has_canonical_format:
        return X
    X = X.copy()
    X.sum_duplicates()
    return X


# What pandas calls the categories that can be written into a model.
_CATEGORIES = (
    *("string", "integer", "floating", "boolean", "empty"),
    *("mixed", "mixed-integer", "mixed-integer-float"),
)


def check_frame(X: Any) -> None:
    """Raise ValueError or TypeError for columns on which the boosters fail late, in silence or with a crash."""
    if not hasattr(X, "shape"):
        raise TypeError(f"X must be an array, a sparse matrix or a data frame in memory; got {type(X).__name__}.")
    if 0 in X.shape:
        raise ValueError(f"X must have at least one row and one column; got shape {X.shape}.")
    names = list(getattr(X, "column_names", X.columns))  # of pyarrow and all others
    if len(set(names)) < len(names):
        twice = max(names, key=names.count)
        raise ValueError(f"X must have columns of different names; got {twice!r} more than once.")
    for name, dtype in zip(names, getattr(X, "dtypes", ()), strict=False):
        if not isinstance(dtype, np.dtype):
            kind = getattr(getattr(dtype, "categories", None), "inferred_type", "empty")
            if kind not in _CATEGORIES:
                raise ValueError(f"X must hold categories that are numbers or strings; got {name!r} of {kind}s.")
        elif not dtype.isnative:  # XGBoost would read garbage, in silence
            raise ValueError(f"X must hold columns of native byte order; got {name!r} in another one.")
        elif dtype.kind in "mM":
            raise ValueError(f"X must hold columns of numbers, booleans or categories; got {name!r} of {dtype}.")
    arrow_frame(X)


def _is_missing(label: Any) -> bool:
    """Return whether the label is None, NaN or pandas.NA, which no label equals, not even itself."""
    equal = label == label
    return label is None or not isinstance(equal, bool | np.bool_) or not equal
