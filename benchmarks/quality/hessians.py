"""Hessians of the study of the floor: the library's default with other multiples of the absolute gradient.

A function receives the Gauss-Newton part, the curvature part (half the absolute row sum of the curvature matrix),
its share on the exact diagonal (1 for the true class) and the absolute gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]

FLOORS = (1e-4, 1e-2, 0.1, 0.3)


def safeguarded(floor: float, gauss_newton: Array, curvature: Array, share: Any, gradient: Array) -> Array:
    """Return the sum of both parts, at least the first and at least a multiple of the absolute gradient."""
    return np.maximum(gauss_newton + np.maximum(curvature, 0), floor * gradient)


HESSIANS: dict[str, str | Callable[[Array, Array, Array, Array], Array]] = {
    f"floor {floor:g}": partial(safeguarded, floor) for floor in FLOORS
}
