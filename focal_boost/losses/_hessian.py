"""The named Hessian policies: what a booster is given in place of the exact second derivative.

The exact Hessian of the focal loss is negative on badly wrong rows and on some of the other classes; a booster
then refuses splits or takes steps the wrong way, in silence. It is the sum of the Gauss-Newton part, the absolute
gradient times the complement of the probability that it pulls at, and of the curvature part, of either sign.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from focal_boost.losses._kernel import Array

Policy: TypeAlias = Callable[[Array, Array, Array, float], None]

# The smallest Hessian of the safeguarded policy, relative to the absolute gradient: no Newton step of a leaf is
# longer than its inverse.
RELATIVE_FLOOR = 1e-4


@lru_cache(maxsize=16)
def _filled(value: float, shape: tuple[int, ...], dtype: Any) -> Array:
    # np.maximum is three times as fast with a contiguous array as with a scalar.
    array = np.full(shape, value, dtype=dtype)
    array.flags.writeable = False
    return array


def _at_least(value: float, array: Array) -> None:
    np.maximum(array, _filled(value, array.shape, array.dtype), out=array)


# Each policy turns the complement into its Hessian in place, and may overwrite the curvature part. ``factor`` is
# what a booster's own softmax objective multiplies second derivatives by; the absolute gradient is none.


def true_hessian(complement: Array, curvature: Array, absolute_gradient: Array, factor: float) -> None:
    """Turn the complement into the second derivative itself."""
    complement *= absolute_gradient
    complement += curvature


def _exact(complement: Array, curvature: Array, absolute_gradient: Array, factor: float) -> None:
    true_hessian(complement, curvature, absolute_gradient, factor)
    complement *= factor
    _at_least(0, complement)


def _gauss_newton(complement: Array, curvature: Array, absolute_gradient: Array, factor: float) -> None:
    complement *= absolute_gradient
    complement *= factor


def _safeguarded(complement: Array, curvature: Array, absolute_gradient: Array, factor: float) -> None:
    _at_least(RELATIVE_FLOOR, complement)
    _at_least(0, curvature)
    true_hessian(complement, curvature, absolute_gradient, factor)
    if factor != 1:
        complement *= factor


def dominant(complement: Array, curvature: Array, absolute_gradient: Array, factor: float) -> None:
    """Do as the safeguarded policy, with curvature parts by which twice the diagonal dominates the matrix."""
    _safeguarded(complement, curvature, absolute_gradient, factor)


def _absolute_gradient(complement: Array, curvature: Array, absolute_gradient: Array, factor: float) -> None:
    complement[...] = absolute_gradient


def _bounded(complement: Array, curvature: Array, absolute_gradient: Array, factor: float) -> None:
    true_hessian(complement, curvature, absolute_gradient, factor)
    complement *= factor
    np.maximum(complement, absolute_gradient, out=complement)


POLICIES: dict[str, Policy] = {
    "exact": _exact,
    "gauss_newton": _gauss_newton,
    "safeguarded": _safeguarded,
    "dominant": dominant,
    "absolute_gradient": _absolute_gradient,
    "bounded": _bounded,
}
