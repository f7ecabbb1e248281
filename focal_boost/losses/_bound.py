"""Encoded labels and weights, and a loss bound to those of the training rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from focal_boost.losses._base import FocalLoss


@dataclass(frozen=True)
class Targets:
    """Encoded labels, exponents and weights of the rows; ``targets[rows]`` selects a slice.

    ``truth`` is the sign of du/draw for a single raw prediction, else the index of the true class; ``weight`` is
    class weight times sample weight, None if all of them are 1.
    """

    truth: np.ndarray
    gamma: float | np.ndarray
    weight: np.ndarray | None

    def __getitem__(self, rows: slice) -> Targets:
        gamma = self.gamma if isinstance(self.gamma, float) else self.gamma[rows]
        return Targets(self.truth[rows], gamma, None if self.weight is None else self.weight[rows])


@dataclass(frozen=True)
class BoundLoss:
    """A loss bound to the training rows, whose labels and weights are checked and encoded only once."""

    loss: FocalLoss
    targets: Targets
    dtype: Any
    diagonal_factor: float

    def derivatives(self, raw: np.ndarray, gradient: np.ndarray, hessian: np.ndarray) -> None:
        """Write gradient and Hessian of the raw prediction, both in its shape."""
        policy, factor = self.loss._policy, self.diagonal_factor
        self.loss._derivatives(self.targets.__getitem__, raw, self.dtype, policy, factor, gradient, hessian)
