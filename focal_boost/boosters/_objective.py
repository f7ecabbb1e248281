"""Callable objectives for the boosters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from focal_boost._data import Training
from focal_boost.losses import BoundLoss, FocalLoss


def is_log_loss(loss: FocalLoss) -> bool:
    """Return whether the loss is the log loss, which boosters minimise with their built-in objective."""
    return loss.alpha is None and not np.any(loss.gamma) and not callable(loss.hessian)


def scale_of(loss: FocalLoss, training: Training, diagonal_factor: float | None = None) -> float:
    """Return the factor of the loss with which regularisation has the same effect as for the log loss."""
    return loss.scale(np.arange(len(training.classes)), training.priors, diagonal_factor)


def bind(
    loss: FocalLoss, training: Training, dtype: Any = np.float32, diagonal_factor: float | None = None
) -> BoundObjective:
    """Return the objective of local training."""
    scale = scale_of(loss, training, diagonal_factor)
    n_classes = len(training.classes)
    return BoundObjective(
        loss.bind(training.labels, training.sample_weight, n_classes, dtype, diagonal_factor, scale)
    )


class BoundObjective:
    """The objective of local training, with labels and weights bound in advance.

    A booster passes the same labels and weights in every round; they are ignored. The returned arrays are reused
    in the next round, after the booster has read them.
    """

    def __init__(self, loss: BoundLoss) -> None:
        self.loss = loss
        self._derivatives: tuple[np.ndarray, np.ndarray] | None = None

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[np.ndarray, np.ndarray]:
        """Return float32 gradient and Hessian in shape and memory order of the raw prediction."""
        if self._derivatives is None:
            self._derivatives = np.empty_like(y_pred, dtype=np.float32), np.empty_like(y_pred, dtype=np.float32)
        self.loss.derivatives(y_pred, *self._derivatives)
        return self._derivatives


@dataclass(frozen=True)
class WorkerObjective:
    """The objective of distributed training, called on each worker with the labels and weights of its rows."""

    loss: FocalLoss
    scale: float
    dtype: Any = np.float32
    diagonal_factor: float | None = None

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[np.ndarray, np.ndarray]:
        """Return float32 gradient and Hessian in shape and memory order of the raw prediction."""
        return self.loss.objective(
            y_true,
            y_pred,
            sample_weight,
            dtype=self.dtype,
            diagonal_factor=self.diagonal_factor,
            scale=self.scale,
        )
