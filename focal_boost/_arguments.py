"""Validation of the arrays and flags passed to losses, metrics and the estimator; depends only on NumPy.

Every error names the argument, the offending value and what is allowed. The allowed ranges keep every product of
gamma, class weight, sample weight and raw prediction that a booster receives within the range of float32.
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

# Labels are checked in chunks of this size, so that memory use does not grow with the data.
_CHUNK = 65_536


def to_float(value: Any) -> float:
    """Return a real number as a float; an integer too large for a float becomes infinity."""
    try:
        return float(value)
    except OverflowError:
        return np.inf if value > 0 else -np.inf


def real_array(name: str, values: Any) -> np.ndarray:
    """Return an array of booleans, integers or floats; Python objects become float64."""
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(f"{name} must be an array; got {values!r}.") from None
    if array.dtype.kind == "O":
        for entry in array.flat:
            if not isinstance(entry, Real | np.bool_):
                raise TypeError(f"{name} must contain real numbers; got {entry!r}.")
        array = np.array([to_float(entry) for entry in array.flat]).reshape(array.shape)
    if array.dtype.kind not in "biuf" or np.ma.is_masked(values):
        got = "masked entries" if np.ma.is_masked(values) else repr(array.flat[0]) if array.size else array.dtype
        raise TypeError(f"{name} must contain real numbers; got {got}.")
    return array


def float_array(name: str, values: Any) -> np.ndarray:
    """Return a native float array: float32 stays float32, everything else becomes float64."""
    array = real_array(name, values)
    dtype = np.float32 if array.dtype.kind == "f" and array.dtype.itemsize == 4 else np.float64
    if array.dtype == dtype:
        return array
    with np.errstate(over="ignore", under="ignore"):  # long doubles may not fit
        return array.astype(dtype)


def check_labels(y_true: Any, n_samples: int | None, n_classes: int) -> np.ndarray:
    """Return the labels 0..K-1 as an array of shape (n,) of any numeric dtype."""
    labels = real_array("y_true", y_true)
    if labels.ndim != 1 or (n_samples is not None and len(labels) != n_samples):
        expected = "(n_samples,)" if n_samples is None else f"({n_samples},), one label per row of raw_prediction"
        raise ValueError(f"y_true must have shape {expected}; got {labels.shape}.")
    if labels.dtype.kind == "b":
        return labels
    for start in range(0, len(labels), _CHUNK):
        chunk = labels[start : start + _CHUNK]
        if n_classes == 2:
            valid = (chunk == 0) | (chunk == 1)
        else:
            valid = (chunk >= 0) & (chunk < n_classes)
            if labels.dtype.kind == "f":
                valid &= chunk == np.floor(chunk)
        if not valid.all():
            allowed = "0 or 1" if n_classes == 2 else f"an integer from 0 to {n_classes - 1}"
            raise ValueError(f"y_true must be {allowed}; got {chunk[~valid][0]!s}.")
    return labels


def largest_label(y_true: Any) -> int:
    """Return the largest label, at least 1; non-finite labels are rejected later, by `check_labels`."""
    labels = real_array("y_true", y_true)
    return int(labels.max(initial=1)) if np.isfinite(labels).all() else 1


def check_sample_weight(sample_weight: Any, n_samples: int, name: str = "sample_weight") -> np.ndarray | None:
    """Return None or the weights as a native float array of shape (n,), from 0 to 1e15."""
    if sample_weight is None:
        return None
    weight = float_array(name, sample_weight)
    if weight.shape != (n_samples,):
        raise ValueError(f"{name} must have shape ({n_samples},); got {weight.shape}.")
    invalid = ~((weight >= 0) & (weight <= 1e15))
    if invalid.any():
        raise ValueError(f"{name} must be finite and >= 0, at most 1e15; got {weight[invalid][0]!s}.")
    return weight


def class_priors(y_true: Any, sample_weight: Any, n_classes: int) -> np.ndarray:
    """Return the share of each class in the total weight; raise ValueError if a class has no weight."""
    labels = check_labels(y_true, None, n_classes)
    weight = check_sample_weight(sample_weight, len(labels))
    if len(labels) < n_classes:
        raise ValueError(
            "y_true must contain every class with a positive weight; "
            f"got {len(labels)} labels for {n_classes} classes."
        )
    totals = np.bincount(labels.astype(np.intp, copy=False), weights=weight, minlength=n_classes)
    if not (totals > 0).all():
        raise ValueError(
            "y_true must contain every class with a positive weight: class "
            f"{np.argmin(totals > 0)} of {n_classes} has none, so its initial raw "
            "prediction would be infinite."
        )
    with np.errstate(under="ignore"):
        return totals / totals.sum()


def check_flag(name: str, value: Any) -> None:
    """Raise TypeError unless ``value`` is a bool, because a string such as "False" would be truthy."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False; got {value!r}.")


def labels_first(y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """Return labels, raw prediction and weights from either calling convention.

    The scikit-learn interfaces pass (labels, raw prediction[, weights]); the native ones pass (raw prediction,
    data set), and the data set holds labels and weights.
    """
    if not hasattr(y_pred, "get_label"):
        return y_true, y_pred, sample_weight
    weight = y_pred.get_weight()
    # A DMatrix without weights returns an empty array.
    return y_pred.get_label(), y_true, None if weight is None or len(weight) == 0 else weight
