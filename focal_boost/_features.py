"""Validation of features and their conversion for the boosters, independent of losses.

Every error names the argument, the value and what is allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sklearn
from scipy import sparse
from sklearn.utils.validation import validate_data

_SKLEARN = tuple(int(part) for part in sklearn.__version__.split(".")[:2])


@dataclass(frozen=True)
class Features:
    """Validated features; for polars and pyarrow also the narwhals frame and its categorical columns."""

    X: Any
    frame: Any = None
    categories: Mapping[str, Any] = field(default_factory=dict)  # name: narwhals dtype

    @property
    def has_categories(self) -> bool:
        """Whether any column is categorical."""
        return bool(self.categories) or any(str(dtype) == "category" for dtype in getattr(self.X, "dtypes", ()))

    def take(self, rows: np.ndarray) -> Features:
        """Return the features of these rows."""
        if self.frame is not None:
            frame = self.frame[rows]
            return Features(frame.to_native(), frame, self.categories)
        return Features(self.X.iloc[rows] if hasattr(self.X, "iloc") else self.X[rows])


def read_features(estimator: Any, X: Any, reset: bool) -> Features:
    """Return validated features; store their number and names on ``estimator`` if ``reset``, else check them."""
    if hasattr(X, "columns"):
        check_frame(X)
        features = _read_arrow_frame(X)
        # Check names and number of the features only: categories must reach the booster unchanged.
        validate_data(estimator, _named(features), reset=reset, skip_check_array=True)
        return features
    X = fill_masked(X)
    if getattr(getattr(X, "dtype", None), "kind", None) in ("m", "M"):
        raise TypeError(f"X must contain numbers; got {X.dtype}.")
    try:
        X = validate_data(
            estimator,
            X,
            reset=reset,
            accept_sparse=("csr", "csc"),
            dtype=(np.float64, np.float32),
            ensure_all_finite="allow-nan",
        )
    except TypeError as error:
        raise TypeError(
            f"X must be an array, a sparse matrix or a data frame; got {type(X).__name__}. {error}"
        ) from None
    return Features(sort_entries(X))


class _Names:
    """The column names of a frame in the protocol through which scikit-learn reads them before 1.9."""

    def __init__(self, frame: Any) -> None:
        self.shape = frame.shape
        self.column_names = lambda: frame.columns

    def __dataframe__(self) -> _Names:
        return self


def _named(features: Features) -> Any:
    """Return an object from which scikit-learn reads the column names; polars 2 no longer has the protocol."""
    if features.frame is None or hasattr(features.X, "__dataframe__") or _SKLEARN >= (1, 9):
        return features.X
    return _Names(features.frame)


def fill_masked(X: Any) -> Any:
    """Return the array with masked entries replaced by NaN, because scikit-learn would ignore the mask."""
    if not np.ma.is_masked(X):
        return X
    return X.astype(np.float32 if X.dtype == np.float32 else np.float64).filled(np.nan)


def sort_entries(X: Any) -> Any:
    """Return a sparse matrix with sorted, summed entries; XGBoost can crash on any other."""
    if not sparse.issparse(X) or X.has_canonical_format:
        return X
    X = X.copy()
    X.sum_duplicates()
    return X


# The kinds of categories, as pandas names them, that a model file can store.
_CATEGORIES = {
    "string",
    "integer",
    "floating",
    "boolean",
    "empty",
    "mixed",
    "mixed-integer",
    "mixed-integer-float",
}


def check_frame(X: Any) -> None:
    """Raise ValueError or TypeError for columns on which a booster would crash or fail late or silently."""
    if not hasattr(X, "shape"):
        raise TypeError(f"X must be an array, a sparse matrix or a data frame in memory; got {type(X).__name__}.")
    if 0 in X.shape:
        raise ValueError(f"X must have at least one row and one column; got shape {X.shape}.")
    names = list(getattr(X, "column_names", X.columns))  # column_names: pyarrow
    if len(set(names)) < len(names):
        repeated = max(names, key=names.count)
        raise ValueError(f"X must have unique column names; got {repeated!r} more than once.")
    for name, dtype in zip(names, getattr(X, "dtypes", ()), strict=False):
        if not isinstance(dtype, np.dtype):
            kind = getattr(getattr(dtype, "categories", None), "inferred_type", "empty")
            if kind not in _CATEGORIES:
                raise ValueError(
                    f"X must contain categories that are numbers or strings; got {name!r} with {kind} categories."
                )
        elif not dtype.isnative:  # XGBoost would read wrong values without an error
            raise ValueError(f"X must contain columns of native byte order; got {name!r} in another byte order.")
        elif dtype.kind in "mM":
            raise ValueError(
                f"X must contain columns of numbers, booleans or categories; got {name!r} of {dtype}."
            )


def _read_arrow_frame(X: Any) -> Features:
    """Return the features of a frame, with its narwhals frame if it is a polars or pyarrow frame.

    Raises ValueError for a column that is not numeric, boolean or categorical: XGBoost raises a KeyError on it,
    and LightGBM crashes.
    """
    if not hasattr(X, "__arrow_c_stream__"):
        return Features(X)
    import narwhals as nw

    if nw.dependencies.is_pandas_dataframe(X):
        return Features(X)
    # LightGBM crashes on wider integers and narrower floats.
    integers = (nw.Int8, nw.Int16, nw.Int32, nw.Int64, nw.UInt8, nw.UInt16, nw.UInt32, nw.UInt64)
    frame = nw.from_native(X, eager_only=True)
    schema = frame.schema
    for name, dtype in schema.items():
        if dtype not in (*integers, nw.Float32, nw.Float64, nw.Boolean, nw.Categorical, nw.Enum):
            raise ValueError(
                f"X must contain columns of integers, floats, booleans or categories; "
                f"got {name!r} of type {dtype}."
            )
    categories = {name: dtype for name, dtype in schema.items() if dtype in (nw.Categorical, nw.Enum)}
    return Features(X, frame, categories)


def polars_enums(features: Features) -> Any:
    """Return the features with polars' Categorical columns as Enum, the only kind that recent XGBoost accepts."""
    import narwhals as nw

    categories = [name for name, dtype in features.categories.items() if dtype == nw.Categorical]
    if not categories or not nw.dependencies.is_polars_dataframe(features.X):
        return features.X
    import polars as pl

    strings = features.X.select(pl.col(categories).cast(pl.String))
    enums = [column.cast(pl.Enum(column.drop_nulls().unique().sort())) for column in strings]
    return features.X.with_columns(enums)


def pandas_categories(features: Features) -> Any:
    """Return a polars or pyarrow frame as a pandas frame with unordered categories."""
    import narwhals as nw

    # Convert via strings, because pandas would turn an Enum into an ordered categorical, whose codes LightGBM
    # treats as numbers, and because some versions of pyarrow cannot convert unsigned codes.
    strings = [nw.col(name).cast(nw.String) for name in features.categories]
    return features.frame.with_columns(*strings).to_pandas().astype(dict.fromkeys(features.categories, "category"))
