"""Metrics of raw predictions, and the interpretation of the user's ``eval_metric``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from focal_boost._arguments import labels_first
from focal_boost.losses import FocalLoss
from focal_boost.metrics import focal_loss_of, log_loss_of

MetricName: TypeAlias = Literal["log_loss", "focal_loss"]

# Accepted names of the log loss of predict_proba.
LOG_LOSS = ("log_loss", "logloss", "mlogloss", "binary_logloss", "multi_logloss")


@dataclass(frozen=True)
class FocalMetric:
    """A metric of the raw predictions of a model trained with ``loss``."""

    loss: FocalLoss
    name: MetricName = "log_loss"
    calibrated: bool = True

    def __post_init__(self) -> None:
        if self.name not in ("log_loss", "focal_loss"):
            raise ValueError(f"name must be 'log_loss' or 'focal_loss'; got {self.name!r}.")

    def value(self, y_true: Any, raw_prediction: Any, sample_weight: Any) -> float:
        """Return the metric, for which lower is better."""
        if self.name == "log_loss":
            return log_loss_of(self.loss, y_true, raw_prediction, sample_weight, self.calibrated)
        return focal_loss_of(self.loss, y_true, raw_prediction, sample_weight)


class XGBoostMetric(FocalMetric):
    """A metric for XGBoost: ``eval_metric=`` of XGBClassifier, ``custom_metric=`` of ``xgboost.train``.

    Parameters
    ----------
    loss : BinaryFocalLoss or MulticlassFocalLoss
        The loss that the model is trained with.
    name : {"log_loss", "focal_loss"}, default="log_loss"
        The weighted mean of the log loss of ``loss.predict_proba``, or of the focal loss.
    calibrated : bool, default=True
        Whether the log loss is that of the posterior or that of the plain sigmoid or softmax.

    Examples
    --------
    >>> from focal_boost import BinaryFocalLoss
    >>> from focal_boost.boosters import XGBoostMetric
    >>> XGBoostMetric(BinaryFocalLoss(gamma=0, alpha=None))([0, 1], np.array([0.0, 0.0]))
    0.6931471805599453
    """

    @property
    def __name__(self) -> str:
        return self.name

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the metric, or (name, metric) in the native order (raw prediction, DMatrix)."""
        value = _mean_over_workers(self.value, *labels_first(y_true, y_pred, sample_weight))
        return (self.name, value) if hasattr(y_pred, "get_label") else value


class LightGBMMetric(FocalMetric):
    """A metric for LightGBM: ``eval_metric=`` of LGBMClassifier.fit, ``feval=`` of ``lightgbm.train``.

    The parameters are those of `XGBoostMetric`. Also set ``metric="None"``, because LightGBM would compute its
    default metric from raw scores as if they were probabilities.

    Examples
    --------
    >>> from focal_boost import BinaryFocalLoss
    >>> from focal_boost.boosters import LightGBMMetric
    >>> LightGBMMetric(BinaryFocalLoss(gamma=0, alpha=None))([0, 1], np.array([0.0, 0.0]))
    ('log_loss', 0.6931471805599453, False)
    """

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[str, float, bool]:
        """Return (name, metric, False); also for the native order (raw prediction, Dataset)."""
        return self.name, self.value(*labels_first(y_true, y_pred, sample_weight)), False


@dataclass(frozen=True)
class UserMetric:
    """A user's function of (y_true, probabilities[, sample_weight]), wrapped to accept raw predictions."""

    function: Callable[..., Any]
    loss: FocalLoss
    calibrated: bool

    @property
    def name(self) -> str:
        """The name under which the metric is reported."""
        return getattr(self.function, "__name__", type(self.function).__name__)

    def value(self, y_true: Any, raw_prediction: Any, sample_weight: Any) -> float:
        """Return the function's value; weights are passed to it only if there are any."""
        weight = {} if sample_weight is None else {"sample_weight": sample_weight}
        return float(self.function(y_true, self.probabilities(raw_prediction), **weight))

    def probabilities(self, raw_prediction: Any) -> np.ndarray:
        """Return probabilities, (n,) or (n, K), as built-in objectives pass them to a metric."""
        proba = self.loss.predict_proba(raw_prediction, self.calibrated)
        return proba[:, 1] if proba.shape[1] == 2 else proba


class XGBoostUserMetric(UserMetric):
    """A user's metric in XGBoost's format."""

    @property
    def __name__(self) -> str:
        return self.name

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        """Return the metric, averaged over the workers of a distributed training."""
        return _mean_over_workers(self.value, y_true, y_pred, sample_weight)


class LightGBMUserMetric(UserMetric):
    """A user's metric in LightGBM's format."""

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any) -> Any:
        """Return the function's result, (name, value, whether higher is better)."""
        # LightGBM passes weights to metrics with three parameters.
        arguments = (sample_weight,) if len(inspect.signature(self.function).parameters) > 2 else ()
        return self.function(y_true, self.probabilities(y_pred), *arguments)


def requested_metrics(
    requested: Sequence[Any],
    rank_metrics: tuple[str, ...],
    focal: Callable[[MetricName], FocalMetric],
    user: Callable[[Callable[..., Any]], UserMetric],
    reason: str,
) -> list[Any]:
    """Return the metrics of an ``eval_metric``: wrapped names and callables, and the booster's own rank metrics.

    ``reason`` explains in the error why the booster's other metrics are rejected.
    """
    metrics: list[Any] = []
    for metric in requested:
        if callable(metric):
            metrics.append(user(metric))
        elif metric in LOG_LOSS:
            metrics.append(focal("log_loss"))
        elif metric == "focal_loss":
            metrics.append(focal("focal_loss"))
        elif metric in rank_metrics:
            metrics.append(metric)
        else:
            raise ValueError(
                "eval_metric must be 'log_loss', 'focal_loss', a callable of probabilities or one of "
                f"{rank_metrics}: {reason}; got {metric!r}."
            )
    return metrics


def watch_log_loss(requested: list[Any]) -> list[Any]:
    """Return the requested metrics with the log loss, which early stopping monitors, in first place."""
    others = [metric for metric in requested if callable(metric) or metric not in LOG_LOSS]
    return ["log_loss", *others]


def _mean_over_workers(metric: Callable[..., float], y_true: Any, y_pred: Any, sample_weight: Any) -> float:
    """Return the metric's weighted mean over the workers of a distributed training.

    XGBoost then averages the workers' values without weights, so all workers return the same value.
    """
    from xgboost import collective

    if not collective.is_distributed():
        return metric(y_true, y_pred, sample_weight)
    weight = float(len(y_true) if sample_weight is None else np.sum(sample_weight, dtype=np.float64))
    value = metric(y_true, y_pred, sample_weight) if weight > 0 else 0.0
    total, weight = collective.allreduce(np.array([value * weight, weight]), collective.Op.SUM)
    return float(total / weight)
