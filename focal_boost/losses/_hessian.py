"""The Hessian passed to a booster in place of the exact second derivative.

The exact Hessian of the focal loss is negative for badly misclassified rows and, with many classes, for some of
the other classes; a booster then silently rejects splits or steps in the wrong direction. For each raw prediction
it has two parts::

    gauss_newton        w P_c (1 - P_c)    the absolute gradient times 1 - P_c (for the true class: p); > 0
    share * curvature   w' v_c^2           of either sign, with v = P - e_y

``curvature = w' q abs(v_c)`` is half the absolute row sum of the matrix ``w' v v^T``, and ``share = abs(v_c) / q``
is 1 for the true class and for a single raw prediction. A policy is a function of these and of the absolute
gradient; class weight, sample weight and the booster's diagonal factor are already included.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

Policy: TypeAlias = Callable[[np.ndarray, np.ndarray, Any, np.ndarray], np.ndarray]

# The smallest safeguarded Hessian relative to the absolute gradient. No Newton step is longer than 1e4.
FLOOR = 1e-4


def second_derivative(
    gauss_newton: np.ndarray, curvature: np.ndarray, share: Any, absolute_gradient: np.ndarray
) -> np.ndarray:
    """Return the exact second derivative."""
    return gauss_newton + share * curvature


def exact(
    gauss_newton: np.ndarray, curvature: np.ndarray, share: Any, absolute_gradient: np.ndarray
) -> np.ndarray:
    """Return the second derivative, with negative values set to 0."""
    return np.maximum(second_derivative(gauss_newton, curvature, share, absolute_gradient), 0)


def gauss_newton(
    gauss_newton: np.ndarray, curvature: np.ndarray, share: Any, absolute_gradient: np.ndarray
) -> np.ndarray:
    """Return the Gauss-Newton part."""
    return gauss_newton


def safeguarded(
    gauss_newton: np.ndarray, curvature: np.ndarray, share: Any, absolute_gradient: np.ndarray
) -> np.ndarray:
    """Return the sum of both parts, at least the Gauss-Newton part and FLOOR times the absolute gradient.

    Twice this diagonal bounds the Hessian matrix, because it is at least the absolute row sums.
    """
    hessian = gauss_newton + curvature
    np.maximum(hessian, gauss_newton, out=hessian)
    return np.maximum(hessian, FLOOR * absolute_gradient, out=hessian)


POLICIES: dict[str, Policy] = {"safeguarded": safeguarded, "gauss_newton": gauss_newton, "exact": exact}
