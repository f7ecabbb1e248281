"""Variants of the library's Hessian policies: other floors, another factor. Registered by name, to be measured."""

from __future__ import annotations

from functools import partial

import numpy as np

from focal_boost.losses._hessian import POLICIES


def _safeguarded(
    complement: np.ndarray, curvature: np.ndarray, absolute_gradient: np.ndarray, factor: float, *, floor: float
) -> None:
    """Turn the complement into the maximum of exact and Gauss-Newton, not below a floor."""
    complement *= absolute_gradient
    complement += np.maximum(curvature, 0)
    complement *= factor
    np.maximum(complement, floor * absolute_gradient, out=complement)


def _dominant(
    complement: np.ndarray,
    curvature: np.ndarray,
    absolute_gradient: np.ndarray,
    factor: float,
    *,
    floor: float = 1e-4,
    least_factor: float = 0.0,
) -> None:
    """Turn the complement into half of what bounds the matrix, not below a floor.

    The library hands a variant the diagonal of the curvature, ``w' P_c^2`` and ``w' q^2`` for the true class, the
    largest: their geometric mean is the ``w' P_c q`` that is wanted.
    """
    curvature = np.maximum(curvature, 0)
    if curvature.ndim == 2:
        curvature = np.sqrt(curvature * curvature.max(axis=0))
    _safeguarded(complement, curvature, absolute_gradient, max(factor, least_factor), floor=floor)


def register() -> list[str]:
    """Make the variants known to the library and return the names of all policies to be measured."""
    floors = (0.0, 1e-3, 1e-2, 1e-1)
    variants = {f"safeguarded, floor {floor:g}": partial(_safeguarded, floor=floor) for floor in floors}
    variants["dominant, floor 0.01"] = partial(_dominant, floor=1e-2)
    variants["dominant, factor 2"] = partial(_dominant, least_factor=2.0)
    POLICIES.update(variants)
    return ["dominant", "safeguarded", "gauss_newton", "absolute_gradient", "bounded", *variants]
