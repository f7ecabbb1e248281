"""The callable objectives that boosters train with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from focal_boost.losses import BoundLoss, FocalLoss


def is_log_loss(loss: FocalLoss) -> bool:
    """Return whether the loss is the one that boosters minimise with their own objective."""
    return loss.alpha is None and not np.any(loss.gamma) and not callable(loss.hessian)


class BoundObjective:
    """The objective of one training in memory, whose labels and weights are bound before the first round.

    A booster passes the same labels and weights with every round; they are ignored. The returned arrays are reused
    by the next round, when the booster has read them.
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
    """The objective of a distributed training: each worker passes the labels and weights of its own rows."""

    loss: FocalLoss
    dtype: Any
    diagonal_factor: float

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[np.ndarray, np.ndarray]:
        """Return float32 gradient and Hessian in shape and memory order of the raw prediction."""
        return self.loss.objective(
            y_true, y_pred, sample_weight, dtype=self.dtype, diagonal_factor=self.diagonal_factor
        )
