"""Hessians of the "policies" benchmark: two of focal_boost's policies and discarded alternatives.

A function receives the Gauss-Newton part, the curvature part (half the absolute row sum of the curvature
matrix), its share on the exact diagonal (1 for the true class) and the absolute gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]


def diagonal(gauss_newton: Array, curvature: Array, share: Any, gradient: Array, floor: float = 1e-4) -> Array:
    """Return the maximum of exact diagonal and Gauss-Newton, at least a multiple of the absolute gradient."""
    return np.maximum(gauss_newton + np.maximum(share * curvature, 0), floor * gradient)


def _diagonal_floor_0(gauss_newton: Array, curvature: Array, share: Array, gradient: Array) -> Array:
    return diagonal(gauss_newton, curvature, share, gradient, 0.0)


def _diagonal_floor_1(gauss_newton: Array, curvature: Array, share: Array, gradient: Array) -> Array:
    return diagonal(gauss_newton, curvature, share, gradient, 1e-1)


def _diagonal_floor_2(gauss_newton: Array, curvature: Array, share: Array, gradient: Array) -> Array:
    return diagonal(gauss_newton, curvature, share, gradient, 1e-2)


def _diagonal_floor_3(gauss_newton: Array, curvature: Array, share: Array, gradient: Array) -> Array:
    return diagonal(gauss_newton, curvature, share, gradient, 1e-3)


def _safeguarded_floor_2(gauss_newton: Array, curvature: Array, share: Array, gradient: Array) -> Array:
    return diagonal(gauss_newton, curvature, 1.0, gradient, 1e-2)  # the library's default has this with 1e-4


def _absolute_gradient(gauss_newton: Array, curvature: Array, share: Array, gradient: Array) -> Array:
    return gradient.copy()


def _bounded(gauss_newton: Array, curvature: Array, share: Array, gradient: Array) -> Array:
    return np.maximum(gauss_newton + share * curvature, gradient)


HESSIANS: dict[str, str | Callable[[Array, Array, Array, Array], Array]] = {
    "safeguarded": "safeguarded",
    "gauss_newton": "gauss_newton",
    "diagonal safeguarded": diagonal,
    "diagonal safeguarded, floor 0": _diagonal_floor_0,
    "diagonal safeguarded, floor 0.001": _diagonal_floor_3,
    "diagonal safeguarded, floor 0.01": _diagonal_floor_2,
    "diagonal safeguarded, floor 0.1": _diagonal_floor_1,
    "safeguarded, floor 0.01": _safeguarded_floor_2,
    "absolute_gradient": _absolute_gradient,
    "bounded": _bounded,
}
