"""Candidates for the Hessian that a booster is given, beside the named policies of the library."""

from __future__ import annotations

from functools import partial

import numpy as np

from focal_boost.losses._hessian import POLICIES

FLOORS = (0.0, 1e-4, 1e-3, 1e-2, 1e-1)


def _diagonal(
    complement: np.ndarray, curvature: np.ndarray, absolute_gradient: np.ndarray, factor: float, *, floor: float
) -> None:
    """Turn the complement into the maximum of exact and Gauss-Newton, entry by entry of the diagonal."""
    complement *= absolute_gradient
    complement += np.maximum(curvature, 0)
    complement *= factor
    np.maximum(complement, floor * absolute_gradient, out=complement)


def _row_sums(
    complement: np.ndarray, curvature: np.ndarray, absolute_gradient: np.ndarray, factor: float, *, floor: float
) -> None:
    """Turn the complement into half of what bounds the matrix.

    The curvature part of the matrix, ``w' v v^T`` with v = P - e_y, enters class c as ``w' P_c q`` in place of
    ``w' P_c^2``: half the sum of the absolute values of its row, as ``P_c (1 - P_c)`` is for the softmax.
    """
    curvature = np.maximum(curvature, 0)
    if curvature.ndim == 2:
        curvature = np.sqrt(curvature * curvature.max(axis=0))
    _diagonal(complement, curvature, absolute_gradient, factor, floor=floor)


def register() -> list[str]:
    """Make the candidates known to the library by name and return the names."""
    candidates = {f"diagonal, floor {floor:g}": partial(_diagonal, floor=floor) for floor in FLOORS}
    candidates |= {f"row sums, floor {floor:g}": partial(_row_sums, floor=floor) for floor in (1e-4, 1e-2)}
    POLICIES.update(candidates)
    return [*candidates, "gauss_newton", "absolute_gradient", "bounded"]
