"""Validation of the parameters of a loss and of raw predictions."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from focal_boost._arguments import float_array, to_float
from focal_boost.losses._hessian import POLICIES, Policy

_Number: TypeAlias = float | np.floating[Any] | np.integer[Any]
Gamma: TypeAlias = _Number | Sequence[_Number] | NDArray[np.floating[Any] | np.integer[Any]]
Hessian: TypeAlias = Literal["safeguarded", "gauss_newton", "exact"] | Policy
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
    return to_float(value)


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
            f"alpha must be {allowed}; got {alpha!r}. 'balanced' and a dict by class label need the "
            "training data: pass them to FocalBoostClassifier."
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


def check_hessian(hessian: Any) -> str | Policy:
    """Return the name of a Hessian policy, or a policy function unchanged."""
    if callable(hessian):
        return hessian
    if not isinstance(hessian, str) or hessian not in POLICIES:
        raise ValueError(f"hessian must be one of {', '.join(map(repr, POLICIES))}; got {hessian!r}.")
    return str(hessian)


def gammas_by_class(gamma: Any, n_classes: int) -> np.ndarray:
    """Return the exponents as a float64 array of shape (K,)."""
    return np.full(n_classes, gamma)


def alphas_by_class(alpha: Any, n_classes: int) -> np.ndarray:
    """Return the class weights as a float64 array of shape (K,); a float a is (1 - a, a), None is 1."""
    if alpha is None:
        return np.ones(n_classes)
    if isinstance(alpha, float):
        return np.array([1 - alpha, alpha])
    return np.array(alpha)


def check_raw_prediction(raw_prediction: Any, ndim: int, n_classes: int | None = None) -> np.ndarray:
    """Return raw predictions as a native float32 or float64 array, (n,) or (n, K)."""
    raw = float_array("raw_prediction", raw_prediction)
    if raw.ndim != ndim or (ndim == 2 and (raw.shape[1] != n_classes if n_classes else raw.shape[1] < 2)):
        expected = "(n_samples,)" if ndim == 1 else f"(n_samples, {n_classes or 'n_classes'})"
        hint = "" if ndim == 1 else " (in the native interfaces, set num_class in params)"
        if ndim == 1 and raw.ndim == 2 and raw.shape[1] > 1:
            hint = f": use MulticlassFocalLoss({raw.shape[1]})"
        raise ValueError(f"raw_prediction must have shape {expected}; got {raw.shape}{hint}.")
    return raw


def check_finite(raw: np.ndarray) -> None:
    """Raise ValueError for NaN and infinity."""
    valid = np.isfinite(raw)
    if not valid.all():
        raise ValueError(f"raw_prediction must be finite; got {raw[~valid][0]!s}.")


def check_moderate(raw: np.ndarray) -> None:
    """Raise ValueError for NaN, infinity and values that would overflow with the largest gamma."""
    size = np.abs(raw)
    largest = raw.dtype.type(1e30)
    if not size.max(initial=0) <= largest:
        raise ValueError(f"raw_prediction must be finite, at most 1e30; got {raw[~(size <= largest)][0]!s}.")
