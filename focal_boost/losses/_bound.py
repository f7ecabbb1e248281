"""Encoded labels and weights, and a loss bound to those of the training rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from focal_boost.losses._base import FocalLoss


@dataclass(frozen=True)
class Targets:
    """Encoded labels, exponents and weights of the rows; ``targets[rows]`` selects a slice.

    ``truth`` is the sign of du/draw for a single raw prediction, else the index of the true class; ``weight`` is
    class weight times sample weight, or one factor for all rows, None if all of them are 1.
    """

    truth: np.ndarray
    gamma: float | np.ndarray
    weight: float | np.ndarray | None

    def __getitem__(self, rows: slice) -> Targets:
        gamma = self.gamma[rows] if isinstance(self.gamma, np.ndarray) else self.gamma
        weight = self.weight[rows] if isinstance(self.weight, np.ndarray) else self.weight
        return Targets(self.truth[rows], gamma, weight)


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


def scale_of(loss: FocalLoss, priors: np.ndarray, diagonal_factor: float | None) -> float:
    """Return the factor with which the Hessian, summed at the initial raw prediction, equals the log loss's."""
    if not np.any(loss.gamma):
        return 1.0
    log_loss: Any = replace(loss, gamma=0.0, hessian="gauss_newton")  # type: ignore[type-var]
    focal: Any = replace(loss, hessian="safeguarded") if callable(loss.hessian) else loss  # type: ignore[type-var]
    of_log_loss = _summed_hessian(log_loss, priors, diagonal_factor)
    return of_log_loss / max(_summed_hessian(focal, priors, diagonal_factor), 1e-12 * of_log_loss)


def _summed_hessian(loss: FocalLoss, priors: np.ndarray, diagonal_factor: float | None) -> float:
    """Return the Hessian passed to a booster at the initial raw prediction, summed over rows and outputs."""
    classes = np.arange(len(priors))
    raw = np.array([loss.fit_intercept_only(classes, priors)] * len(priors))
    gradient, hessian = np.empty_like(raw), np.empty_like(raw)
    bound = loss.bind(classes, priors, len(priors), np.float64, diagonal_factor)
    bound.derivatives(raw, gradient, hessian)
    return float(hessian.sum())
