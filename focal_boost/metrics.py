"""Figures of merit: the focal loss itself and the log loss of the probabilities that a raw prediction implies."""

from __future__ import annotations

from typing import Any

import numpy as np

from focal_boost.losses import BinaryFocalLoss, MulticlassFocalLoss
from focal_boost.losses._base import FocalLoss
from focal_boost.losses._kernel import Array
from focal_boost.losses._parameters import check_labels, check_sample_weight


def focal_loss(
    y_true: Any,
    raw_prediction: Any,
    gamma: Any = 2.0,
    alpha: Any = "default",
    sample_weight: Any = None,
    reduction: str = "mean",
) -> Any:
    """Focal loss of raw predictions (Lin et al. 2017, eq. 5).

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Labels: 0 or 1 for raw predictions of shape (n,), 0 to K - 1 for (n, K).
    raw_prediction : array-like of shape (n_samples,) or (n_samples, n_classes)
        Model output before sigmoid or softmax.
    gamma : float or one per class, default=2.0
        Focusing parameter, >= 0.
    alpha : None, float in (0, 1) (two classes) or one positive number per class, default="default"
        Class weight. The default is 0.25 for (n,), as in the paper, and None for (n, K).
    sample_weight : array-like of shape (n_samples,), optional
        Finite, not negative.
    reduction : {"mean", "sum", "none"}, default="mean"
        The weighted mean, the weighted sum, or the weighted loss of each row.

    Returns
    -------
    loss : float, or ndarray of shape (n_samples,) for "none"
        In nats.

    Raises
    ------
    ValueError, TypeError
        On an argument out of its range; the mean of no rows, or of rows without weight, is refused too.

    Examples
    --------
    >>> from focal_boost import focal_loss
    >>> round(focal_loss([0, 1, 1], [-2.0, 0.5, 3.0]), 5)
    0.00609
    >>> focal_loss([0, 1, 1], [-2.0, 0.5, 3.0], alpha=None, reduction="none").round(5)
    array([0.0018 , 0.06757, 0.00011])
    """
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction must be 'mean', 'sum' or 'none'; got {reduction!r}.")
    binary = np.ndim(raw_prediction) == 1
    loss: FocalLoss
    if isinstance(alpha, str) and alpha == "default":
        alpha = 0.25 if binary else None
    if binary:
        loss = BinaryFocalLoss(gamma, alpha)
    else:
        shape = np.shape(raw_prediction)
        loss = MulticlassFocalLoss(shape[1] if len(shape) == 2 and shape[1] > 1 else None, gamma, alpha)
    values = loss.loss(y_true, raw_prediction, sample_weight)
    if reduction == "none":
        return values
    total = float(values.sum(dtype=np.float64))
    return total if reduction == "sum" else total / _total_weight(sample_weight, len(values))


def _total_weight(sample_weight: Any, n_samples: int) -> float:
    total = float(n_samples if sample_weight is None else np.sum(sample_weight, dtype=np.float64))
    if total <= 0:
        raise ValueError(f"sample_weight must have a positive sum for a mean; got {total} over {n_samples} rows.")
    return total


def log_loss_of(
    loss: FocalLoss, y_true: Any, raw_prediction: Any, sample_weight: Any = None, calibrated: bool = True
) -> float:
    """Return the weighted mean log loss of ``loss.predict_proba(raw_prediction, calibrated)``.

    Taken from log-probabilities, so that no row costs infinity.
    """
    log_proba = loss.predict_log_proba(np.asarray(raw_prediction, dtype=np.float64), calibrated)
    classes = check_labels(y_true, *log_proba.shape)
    weight = check_sample_weight(sample_weight, len(classes))
    values: Array = -log_proba[np.arange(len(classes)), classes.astype(np.intp, copy=False)]
    total = values.sum() if weight is None else weight @ values
    return float(total / _total_weight(weight, len(values)))
