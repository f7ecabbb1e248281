"""Metrics: focal loss, log loss of raw predictions and expected calibration error."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any, Literal, overload

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from focal_boost._arguments import check_labels, check_sample_weight, float_array
from focal_boost.losses import BinaryFocalLoss, FocalLoss, Gamma, MulticlassFocalLoss


@overload
def focal_loss(
    y_true: ArrayLike,
    raw_prediction: ArrayLike,
    gamma: Gamma = ...,
    alpha: Gamma | Literal["default"] | None = ...,
    sample_weight: ArrayLike | None = ...,
    reduction: Literal["mean", "sum"] = ...,
) -> float: ...
@overload
def focal_loss(
    y_true: ArrayLike,
    raw_prediction: ArrayLike,
    gamma: Gamma = ...,
    alpha: Gamma | Literal["default"] | None = ...,
    sample_weight: ArrayLike | None = ...,
    *,
    reduction: Literal["none"],
) -> npt.NDArray[Any]: ...
def focal_loss(
    y_true: ArrayLike,
    raw_prediction: ArrayLike,
    gamma: Gamma = 2.0,
    alpha: Gamma | Literal["default"] | None = "default",
    sample_weight: ArrayLike | None = None,
    reduction: Literal["mean", "sum", "none"] = "mean",
) -> float | npt.NDArray[Any]:
    """Compute the focal loss of raw predictions (Lin et al. 2017, eq. 5).

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Labels: 0 or 1 for raw predictions of shape (n,), 0 to K - 1 for (n, K).
    raw_prediction : array-like of shape (n_samples,) or (n_samples, n_classes)
        Model output before sigmoid or softmax.
    gamma : float or one per class, default=2.0
        Focusing parameter, >= 0.
    alpha : None, float in (0, 1) (two classes) or one positive number per class, default="default"
        Class weight. The default is that of the loss objects: 0.25 for (n,), as in the paper, and None for (n, K).
        For the value that a fitted `FocalBoostClassifier` reports, pass ``model.loss_.gamma`` and
        ``model.loss_.alpha``.
    sample_weight : array-like of shape (n_samples,), optional
        Finite and non-negative.
    reduction : {"mean", "sum", "none"}, default="mean"
        The weighted mean, the weighted sum, or the weighted loss of each row.

    Returns
    -------
    loss : float, or ndarray of shape (n_samples,) for "none"
        The loss in nats.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range, or if the mean is requested and the total weight is zero.

    Warns
    -----
    UserWarning
        If the raw predictions look like probabilities: the rows of a 2-D array sum to one, or a 1-D array has at
        least 20 values, all of them in [0, 1].

    Examples
    --------
    >>> from focal_boost import focal_loss
    >>> round(focal_loss([0, 1, 1], [-2.0, 0.5, 3.0]), 5)
    0.00609
    >>> focal_loss([0, 1, 1], [-2.0, 0.5, 3.0], alpha=None, reduction="none").round(5)
    array([0.0018 , 0.06757, 0.00011])
    """
    if not isinstance(reduction, str) or reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction must be 'mean', 'sum' or 'none'; got {reduction!r}.")
    raw = float_array("raw_prediction", raw_prediction)
    binary = raw.ndim == 1
    loss: FocalLoss
    class_weight = (0.25 if binary else None) if isinstance(alpha, str) and alpha == "default" else alpha
    if binary:
        loss = BinaryFocalLoss(gamma, class_weight)
    else:
        n_classes = raw.shape[1] if raw.ndim == 2 and raw.shape[1] > 1 else None
        loss = MulticlassFocalLoss(n_classes, gamma, class_weight)
    value: float | np.ndarray
    if reduction == "mean":
        value = focal_loss_of(loss, y_true, raw, sample_weight)
    else:
        values = loss.loss(y_true, raw, sample_weight)
        value = values if reduction == "none" else float(values.sum(dtype=np.float64))
    if _look_like_probabilities(raw):
        warnings.warn(
            "raw_prediction looks like probabilities. Pass the output of decision_function, or logarithms of "
            "probabilities; losses.posterior corrects the probabilities of a focal model.",
            UserWarning,
            stacklevel=2,
        )
    return value


def _look_like_probabilities(raw: np.ndarray) -> bool:
    """Return whether rows sum to one, or many different values all lie in [0, 1]."""
    if raw.size == 0 or raw.min() < 0 or raw.max() > 1:
        return False
    if raw.ndim == 2:
        return bool((abs(raw.sum(axis=1) - 1) < 1e-3).all())
    return len(raw) >= 20 and bool(raw.min() < raw.max())


def focal_loss_of(loss: FocalLoss, y_true: Any, raw_prediction: Any, sample_weight: Any = None) -> float:
    """Return the weighted mean of the loss."""
    values = loss.loss(y_true, raw_prediction, sample_weight)
    weight = check_sample_weight(sample_weight, len(values))
    return float(values.sum(dtype=np.float64)) / _total_weight(weight, len(values))


def _total_weight(sample_weight: Any, n_samples: int) -> float:
    total = float(n_samples if sample_weight is None else np.sum(sample_weight, dtype=np.float64))
    if total <= 0:
        raise ValueError(f"sample_weight must have a positive sum for a mean; got {total} over {n_samples} rows.")
    return total


def expected_calibration_error(
    y_true: ArrayLike,
    y_proba: ArrayLike,
    *,
    n_bins: int = 10,
    strategy: Literal["quantile", "uniform"] = "quantile",
    sample_weight: ArrayLike | None = None,
) -> float:
    """Compute the expected calibration error.

    It is the sum over bins b of ``s_b * abs(mean label - mean probability)``, where s_b is the share of bin b in
    the total weight (Naeini et al. 2015). For more than two classes it is the mean of the one-vs-rest errors (Kull
    et al. 2019).

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Labels: 0 or 1, or 0 to K - 1.
    y_proba : array-like of shape (n_samples,) or (n_samples, n_classes)
        Probability of class 1, or of every class; in [0, 1]. If there are two columns, the second is used.
    n_bins : int, default=10
        Number of bins, at least 1. Fewer bins are used if quantiles coincide.
    strategy : {"quantile", "uniform"}, default="quantile"
        "quantile": bins with equally many rows. "uniform": bins of equal width, of which the lowest then contains
        nearly all predictions for a rare class.
    sample_weight : array-like of shape (n_samples,), optional
        Finite, non-negative and not all 0.

    Returns
    -------
    error : float
        Between 0 and 1. On few rows even the true probabilities have an error above 0, so compare errors only on
        the same rows and bins.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    M. P. Naeini, G. Cooper, M. Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI
    2015, `doi:10.1609/aaai.v29i1.9602 <https://doi.org/10.1609/aaai.v29i1.9602>`_.
    M. Kull et al., "Beyond temperature scaling: Obtaining well-calibrated multi-class probabilities with Dirichlet
    calibration", NeurIPS 2019.

    Examples
    --------
    >>> from focal_boost.metrics import expected_calibration_error
    >>> expected_calibration_error([0, 0, 0, 1], [0.25, 0.25, 0.25, 0.25])
    0.0
    >>> expected_calibration_error([0, 0, 1, 1], [0.1, 0.3, 0.7, 0.9], n_bins=2)
    0.2
    """
    proba = float_array("y_proba", y_proba).astype(np.float64, copy=False)
    if proba.ndim not in (1, 2) or (proba.ndim == 2 and proba.shape[1] < 2):
        raise ValueError(f"y_proba must have shape (n,) or (n, K) with K at least 2; got {proba.shape}.")
    outside = ~((proba >= 0) & (proba <= 1))
    if outside.any():
        raise ValueError(f"y_proba must lie in [0, 1]; got {proba[outside][0]!s}.")
    if isinstance(n_bins, bool) or not isinstance(n_bins, Integral) or n_bins < 1:
        raise ValueError(f"n_bins must be an integer >= 1; got {n_bins!r}.")
    if not isinstance(strategy, str) or strategy not in ("quantile", "uniform"):
        raise ValueError(f"strategy must be 'quantile' or 'uniform'; got {strategy!r}.")
    if proba.ndim == 2 and proba.shape[1] == 2:
        proba = proba[:, 1]
    classes = check_labels(y_true, len(proba), 2 if proba.ndim == 1 else proba.shape[1])
    weight = check_sample_weight(sample_weight, len(classes))
    total = _total_weight(weight, len(classes))
    errors = []
    for label, p in enumerate(proba.T) if proba.ndim == 2 else [(1, proba)]:
        edges = np.linspace(0, 1, n_bins + 1)[1:-1]
        bins = np.searchsorted(np.quantile(p, edges) if strategy == "quantile" else edges, p, side="right")
        residual = (classes == label) - p
        errors.append(np.abs(np.bincount(bins, residual if weight is None else weight * residual)).sum() / total)
    return float(np.mean(errors))


def log_loss_of(
    loss: FocalLoss,
    y_true: ArrayLike,
    raw_prediction: ArrayLike,
    sample_weight: ArrayLike | None = None,
    calibrated: bool = True,
) -> float:
    """Return the weighted mean log loss of ``loss.predict_proba(raw_prediction, calibrated)``.

    It is computed from log-probabilities and is therefore always finite.
    """
    values = loss.log_likelihood(y_true, np.asarray(raw_prediction, dtype=np.float64), calibrated)
    weight = check_sample_weight(sample_weight, len(values))
    total = values.sum() if weight is None else weight @ values
    return -float(total) / _total_weight(weight, len(values))
