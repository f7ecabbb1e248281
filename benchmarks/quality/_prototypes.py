"""Candidates for the Hessian that a booster is given, beside the named policies of the library."""

from __future__ import annotations

from functools import partial

import numpy as np

from focal_boost.losses._hessian import POLICIES

FLOORS = (0.0, 1e-4, 1e-3, 1e-2, 1e-1)


def _safeguarded(
    hessian: np.ndarray, curvature: np.ndarray, absolute_gradient: np.ndarray, factor: float, *, floor: float
) -> None:
    """The maximum of exact and Gauss-Newton, not below ``floor`` times the absolute gradient."""
    hessian += np.maximum(curvature, 0)
    hessian *= factor
    np.maximum(hessian, floor * absolute_gradient, out=hessian)


def _coupled(
    hessian: np.ndarray,
    curvature: np.ndarray,
    absolute_gradient: np.ndarray,
    factor: float,
    *,
    floor: float,
    least_factor: float = 0.0,
) -> None:
    """The same, but the curvature part ``w' v v^T``, v = P - e_y, enters class c as ``w' P_c q``, not ``w' P_c^2``.

    That is the sum of the absolute values of its row, halved: a diagonal that bounds the matrix, as twice
    ``P_c (1 - P_c)`` bounds that of the softmax.
    """
    curvature = np.maximum(curvature, 0)
    if curvature.ndim == 2:
        curvature = np.sqrt(curvature * curvature.max(axis=0))
    hessian += curvature
    hessian *= max(factor, least_factor)
    np.maximum(hessian, floor * absolute_gradient, out=hessian)


def register() -> list[str]:
    """Make the candidates known to the library by name and return the names."""
    candidates = {f"safeguarded {floor:g}": partial(_safeguarded, floor=floor) for floor in FLOORS}
    candidates |= {f"coupled {floor:g}": partial(_coupled, floor=floor) for floor in (1e-4, 1e-2)}
    candidates["coupled x2 0.0001"] = partial(_coupled, floor=1e-4, least_factor=2.0)
    POLICIES.update(candidates)
    return [*candidates, "gauss_newton", "absolute_gradient", "bounded"]
