"""What a loss accepts: checks of its parameters and of the arrays it is called with.

Every error names the argument, the offending value and what is allowed.
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
        return tuple(float(_number(name, entry, allowed)) for entry in value)
    return float(_number(name, value, allowed))


def _number(name: str, value: Any, allowed: str) -> Any:
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise TypeError(f"{name} must be {allowed}; got {value!r}.")
    return value


def _check_length(name: str, values: PerClass, n_classes: int | None) -> None:
    if isinstance(values, tuple) and len(values) != n_classes:
        if n_classes is not None:
            raise ValueError(f"{name} must have one value per class, {n_classes}; got {len(values)}: {values}.")
        if len(values) < 2:
            raise ValueError(f"{name} must have one value per class, at least 2; got {len(values)}: {values}.")


def check_gamma(gamma: Any, n_classes: int | None) -> PerClass:
    """Return ``gamma`` as a float or a tuple of floats, one per class, finite and at least 0."""
    allowed = "a finite number >= 0 or one per class"
    values = _numbers("gamma", gamma, allowed)
    if not (np.isfinite(values) & (np.asarray(values) >= 0)).all():
        raise ValueError(f"gamma must be {allowed}; got {gamma!r}.")
    _check_length("gamma", values, n_classes)
    return values


def check_alpha(alpha: Any, n_classes: int | None) -> PerClass | None:
    """Return ``alpha`` as None, a float in (0, 1) (two classes only) or a tuple of positive floats."""
    if n_classes == 2:
        allowed = "None, a float in (0, 1) (the weight of the positive class) or two positive numbers"
    else:
        allowed = "None or one positive number per class"
    if alpha is None:
        return None
    if isinstance(alpha, str | dict):
        raise ValueError(
            f"alpha must be {allowed}; got {alpha!r}. A loss sees no data: 'balanced' and a dict by class "
            "label are understood by FocalBoostClassifier."
        )
    values = _numbers("alpha", alpha, allowed)
    if isinstance(values, float):
        if n_classes != 2 or not 0 < values < 1:
            raise ValueError(f"alpha must be {allowed}; got {alpha!r}.")
    elif not (np.isfinite(values) & (np.asarray(values) > 0)).all():
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


def check_hessian(hessian: Any) -> str:
    """Return the name of a Hessian policy."""
    if not isinstance(hessian, str) or hessian not in POLICIES:
        raise ValueError(f"hessian must be one of {', '.join(map(repr, POLICIES))}; got {hessian!r}.")
    return hessian


def gammas_by_class(gamma: PerClass, n_classes: int) -> Array:
    """Return the exponents as a float64 array of shape (K,)."""
    return np.broadcast_to(np.asarray(gamma, dtype=np.float64), (n_classes,))


def alphas_by_class(alpha: PerClass | None, n_classes: int) -> Array:
    """Return the class weights as a float64 array of shape (K,); a float a is (1 - a, a), None is 1."""
    if alpha is None:
        return np.ones(n_classes)
    if isinstance(alpha, float):
        return np.array([1 - alpha, alpha])
    return np.array(alpha)


def check_raw_prediction(raw_prediction: Any, ndim: int, n_classes: int | None = None) -> Array:
    """Return raw predictions as a native float32 or float64 array, (n,) or (n, K)."""
    raw = np.asarray(raw_prediction)
    if raw.dtype.kind not in "fiubO":
        raise TypeError(f"raw_prediction must hold real numbers; got dtype {raw.dtype}.")
    raw = raw.astype(np.float32 if raw.dtype.kind == "f" and raw.dtype.itemsize == 4 else np.float64, copy=False)
    if raw.ndim != ndim or (ndim == 2 and (raw.shape[1] != n_classes if n_classes else raw.shape[1] < 2)):
        expected = "(n_samples,)" if ndim == 1 else f"(n_samples, {n_classes or 'n_classes'})"
        hint = "" if ndim == 1 else " (in the native interfaces, set num_class in params)"
        raise ValueError(f"raw_prediction must have shape {expected}; got {raw.shape}{hint}.")
    return raw


def check_finite(raw: Array) -> None:
    """Raise ValueError for NaN and infinity."""
    if not np.isfinite(raw).all():
        raise ValueError(f"raw_prediction must be finite; got {raw[~np.isfinite(raw)][0]!s}.")


def check_labels(y_true: Any, n_samples: int | None, n_classes: int) -> Array:
    """Return the labels 0..K-1 as an array of shape (n,) of any numeric dtype."""
    labels = np.asarray(y_true)
    allowed = "0 or 1" if n_classes == 2 else f"an integer from 0 to {n_classes - 1}"
    if labels.ndim != 1 or (n_samples is not None and len(labels) != n_samples):
        expected = "(n_samples,)" if n_samples is None else f"({n_samples},) as raw_prediction has rows"
        raise ValueError(f"y_true must have shape {expected}; got {labels.shape}.")
    if labels.dtype.kind not in "biuf":
        try:
            labels = labels.astype(np.float64)
        except (TypeError, ValueError):
            raise ValueError(f"y_true must be {allowed}; got {labels[0]!r}.") from None
    for start in range(0, len(labels), BLOCK):
        block = labels[start : start + BLOCK]
        if n_classes == 2:
            right = (block == 0) | (block == 1)
        else:
            right = (block >= 0) & (block < n_classes)
            if labels.dtype.kind == "f":
                right &= block == np.floor(block)
        if not right.all():
            raise ValueError(f"y_true must be {allowed}; got {block[~right][0]!s}.")
    return labels


def check_sample_weight(sample_weight: Any, n_samples: int) -> Array | None:
    """Return None or the weights as a float array of shape (n,), finite and not negative."""
    if sample_weight is None:
        return None
    weight = np.asarray(sample_weight)
    if weight.shape != (n_samples,):
        raise ValueError(f"sample_weight must have shape ({n_samples},); got {weight.shape}.")
    if weight.dtype.kind != "f":
        try:
            weight = weight.astype(np.float64)
        except (TypeError, ValueError):
            raise TypeError(f"sample_weight must hold real numbers; got {sample_weight!r}.") from None
    wrong = ~((weight >= 0) & (weight < np.inf))
    if wrong.any():
        raise ValueError(f"sample_weight must be finite and >= 0; got {weight[wrong][0]!s}.")
    return weight
