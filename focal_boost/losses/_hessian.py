"""The named Hessian policies: what a booster is given in place of the exact second derivative.

The exact Hessian of the focal loss is negative on badly wrong rows and on some of the other classes; a
booster then refuses splits or takes steps the wrong way, in silence. Each policy is a function of the two
parts that the exact Hessian is the sum of, and of the absolute gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from focal_boost.losses._kernel import Array

Policy: TypeAlias = Callable[[Array, Array, Array, float], None]

# The smallest Hessian of the safeguarded policy, relative to the absolute gradient: no Newton step of a
# leaf is longer than its inverse.
RELATIVE_FLOOR = 1e-4


def _exact(hessian: Array, curvature: Array, absolute_gradient: Array, factor: float) -> None:
    hessian += curvature
    hessian *= factor
    np.maximum(hessian, 0, out=hessian)


def _gauss_newton(hessian: Array, curvature: Array, absolute_gradient: Array, factor: float) -> None:
    hessian *= factor


def _safeguarded(hessian: Array, curvature: Array, absolute_gradient: Array, factor: float) -> None:
    np.maximum(curvature, 0, out=curvature)
    hessian += curvature
    hessian *= factor
    np.multiply(absolute_gradient, RELATIVE_FLOOR, out=curvature)
    np.maximum(hessian, curvature, out=hessian)


def _absolute_gradient(hessian: Array, curvature: Array, absolute_gradient: Array, factor: float) -> None:
    hessian[...] = absolute_gradient


def _bounded(hessian: Array, curvature: Array, absolute_gradient: Array, factor: float) -> None:
    hessian += curvature
    hessian *= factor
    np.maximum(hessian, absolute_gradient, out=hessian)


# Each is called with the Gauss-Newton part of the Hessian, which it turns into the policy's Hessian in place;
# the curvature part, which it may overwrite; the absolute gradient; and the factor by which a booster's own
# softmax objective multiplies second derivatives.
POLICIES: dict[str, Policy] = {
    "exact": _exact,
    "gauss_newton": _gauss_newton,
    "safeguarded": _safeguarded,
    "absolute_gradient": _absolute_gradient,
    "bounded": _bounded,
}
