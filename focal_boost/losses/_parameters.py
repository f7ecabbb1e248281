"""What a loss accepts: checks of its parameters and of the arrays it is called with.

Every error names the argument, the offending value and what is allowed. The bounds keep every product of gamma,
class weight, sample weight and raw prediction that a booster is given within the range of float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, TypeAlias

import numpy as np

from focal_boost.losses._hessian import POLICIES
from focal_boost.losses._kernel import BLOCK, Array

PerClass: TypeAlias = float | tuple[float, ...]


def _numbers(name: str, value: Any, allowed: str) -> PerClass:
    """Return a number as a float and a sequence of numbers as a tuple of floats."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return tuple(_number(name, entry, allowed) for entry in value)
    return _number(name, value, allowed)


def _number(name: str, value: Any, allowed: str) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be {allowed}; got {value!r}.")
    return _float(value)


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer beyond the largest float
        return np.inf if value > 0 else -np.inf


def _within(values: PerClass, smallest: float, largest: float) -> bool:
    return bool(((np.asarray(values) >= smallest) & (np.asarray(values) <= largest)).all())


def _check_length(name: str, values: PerClass, n_classes: int | None) -> None:
    if isinstance(values, tuple) and len(values) != n_classes:
        if n_classes is not None:
            raise ValueError(f"{name} must have one value per class, {n_classes}; got {len(values)}: {values}.")
        if len(values) < 2:
            raise ValueError(f"{name} must have one value per class, at least 2; got {len(values)}: {values}.")


def check_gamma(gamma: Any, n_classes: int | None) -> PerClass:
    """Return ``gamma`` as a float or a tuple of floats, one per class, from 0 to 1e6."""
    allowed = "a finite number >= 0 or one per class, at most 1e6"
    values = _numbers("gamma", gamma, allowed)
    if not _within(values, 0, 1e6):
        raise ValueError(f"gamma must be {allowed}; got {gamma!r}.")
    _check_length("gamma", values, n_classes)
    return values


def check_alpha(alpha: Any, n_classes: int | None) -> PerClass | None:
    """Return ``alpha`` as None, a float in (0, 1) (two classes only) or a tuple of positive floats."""
    if n_classes == 2:
        allowed = (
            "None, a float in (0, 1) (the weight of the positive class) or two positive numbers, 1e-15 to 1e8"
        )
    else:
        allowed = "None or one positive number per class, 1e-15 to 1e8"
    if alpha is None:
        return None
    if isinstance(alpha, str | dict):
        raise ValueError(
            f"alpha must be {allowed}; got {alpha!r}. A loss sees no data: 'balanced' and a dict by class "
            "label are understood by FocalBoostClassifier."
        )
    values = _numbers("alpha", alpha, allowed)
    if not _within(values, 1e-15, 1e8) or (isinstance(values, float) and (n_classes != 2 or values >= 1)):
        raise ValueError(f"alpha must be {allowed}; got {alpha!r}.")
    _check_length("alpha", values, n_classes)
    return values


def check_n_classes(n_classes: Any) -> int | None:
    """Return ``n_classes`` as None or an int of at least 2."""
    if n_classes is None:
        return None
    if isinstance(n_classes, bool) or not isinstance(n_classes, int | np.integer):
        raise TypeError(f"n_classes must be None or an integer >= 2; got {n_classes!r}.")
    if n_classes < 2:
        raise ValueError(f"n_classes must be None or an integer >= 2; got {n_classes!r}.")
    return int(n_classes)


def check_calibrated(calibrated: Any) -> None:
    """Raise TypeError for what is no truth value: of the words, "False" would be true."""
    if not isinstance(calibrated, bool | np.bool_):
        raise TypeError(f"calibrated must be True or False; got {calibrated!r}.")


def check_hessian(hessian: Any) -> str:
    """Return the name of a Hessian policy."""
    if not isinstance(hessian, str) or hessian not in POLICIES:
        raise ValueError(f"hessian must be one of {', '.join(map(repr, POLICIES))}; got {hessian!r}.")
    return str(hessian)


def gammas_by_class(gamma: PerClass, n_classes: int) -> Array:
    """Return the exponents as a float64 array of shape (K,)."""
    return np.broadcast_to(np.asarray(gamma), (n_classes,))


def alphas_by_class(alpha: PerClass | None, n_classes: int) -> Array:
    """Return the class weights as a float64 array of shape (K,); a float a is (1 - a, a), None is 1."""
    if alpha is None:
        return np.ones(n_classes)
    if isinstance(alpha, float):
        return np.array([1 - alpha, alpha])
    return np.array(alpha)


def _reals(name: str, values: Any) -> Array:
    """Return an array of booleans, integers or floats; what Python objects hold becomes float64."""
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(f"{name} must be an array; got {values!r}.") from None
    if array.dtype.kind == "O":
        for entry in array.flat:
            if not isinstance(entry, Real | np.bool_):
                raise TypeError(f"{name} must hold real numbers; got {entry!r}.")
        array = np.array([_float(entry) for entry in array.flat]).reshape(array.shape)
    if array.dtype.kind not in "biuf" or np.ma.is_masked(values):
        got = "masked entries" if np.ma.is_masked(values) else repr(array.flat[0]) if array.size else array.dtype
        raise TypeError(f"{name} must hold real numbers; got {got}.")
    return array


def floats(name: str, values: Any) -> Array:
    """Return a native float32 or float64 array: float32 of whatever byte order stays so, all else is float64."""
    array = _reals(name, values)
    single = array.dtype.kind == "f" and array.dtype.itemsize == 4
    with np.errstate(over="ignore", under="ignore"):  # of long doubles
        return array.astype(np.float32 if single else np.float64, copy=False)


def check_raw_prediction(raw_prediction: Any, ndim: int, n_classes: int | None = None) -> Array:
    """Return raw predictions as a native float32 or float64 array, (n,) or (n, K)."""
    raw = floats("raw_prediction", raw_prediction)
    if raw.ndim != ndim or (ndim == 2 and (raw.shape[1] != n_classes if n_classes else raw.shape[1] < 2)):
        expected = "(n_samples,)" if ndim == 1 else f"(n_samples, {n_classes or 'n_classes'})"
        hint = "" if ndim == 1 else " (in the native interfaces, set num_class in params)"
        raise ValueError(f"raw_prediction must have shape {expected}; got {raw.shape}{hint}.")
    return raw


def check_finite(raw: Array) -> None:
    """Raise ValueError for NaN, infinity and what the largest gamma would make infinite."""
    right = np.abs(raw) <= 1e30
    if not right.all():
        raise ValueError(f"raw_prediction must be finite, at most 1e30; got {raw[~right][0]!s}.")


def check_labels(y_true: Any, n_samples: int | None, n_classes: int) -> Array:
    """Return the labels 0..K-1 as an array of shape (n,) of any numeric dtype."""
    labels = _reals("y_true", y_true)
    if labels.ndim != 1 or (n_samples is not None and len(labels) != n_samples):
        expected = "(n_samples,)" if n_samples is None else f"({n_samples},) as raw_prediction has rows"
        raise ValueError(f"y_true must have shape {expected}; got {labels.shape}.")
    for start in range(0, len(labels), BLOCK):
        block = labels[start : start + BLOCK]
        if n_classes == 2:
            right = (block == 0) | (block == 1)
        else:
            right = (block >= 0) & (block < n_classes)
            if labels.dtype.kind == "f":
                right &= block == np.floor(block)
        if not right.all():
            allowed = "0 or 1" if n_classes == 2 else f"an integer from 0 to {n_classes - 1}"
            raise ValueError(f"y_true must be {allowed}; got {block[~right][0]!s}.")
    return labels


def largest_label(y_true: Any) -> int:
    """Return the largest of the labels, at least 1, as far as they are any: `check_labels` refuses the others."""
    labels = _reals("y_true", y_true)
    return int(labels.max(initial=1)) if np.isfinite(labels).all() else 1


def check_sample_weight(sample_weight: Any, n_samples: int, name: str = "sample_weight") -> Array | None:
    """Return None or the weights as a native float array of shape (n,), from 0 to 1e15."""
    if sample_weight is None:
        return None
    weight = floats(name, sample_weight)
    if weight.shape != (n_samples,):
        raise ValueError(f"{name} must have shape ({n_samples},); got {weight.shape}.")
    wrong = ~((weight >= 0) & (weight <= 1e15))
    if wrong.any():
        raise ValueError(f"{name} must be finite and >= 0, at most 1e15; got {weight[wrong][0]!s}.")
    return weight
