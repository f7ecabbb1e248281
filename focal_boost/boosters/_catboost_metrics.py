"""Metrics in CatBoost's format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from focal_boost._data import Training
from focal_boost.boosters._metrics import FocalMetric, UserMetric, requested_metrics, watch_log_loss
from focal_boost.losses import FocalLoss

# CatBoost evaluates its own metrics on the plain sigmoid. Rank metrics do not change, because the correction of
# the probabilities is monotonic.
RANK_METRICS = ("AUC", "PRAUC")


class _Metric:
    """A metric in CatBoost's format; CatBoost reports it under its class name."""

    no_jit = True

    def __init__(self, metric: Any, training_rows: int) -> None:
        self.metric = metric
        self.training_rows = training_rows

    def is_max_optimal(self) -> bool:
        return False

    def evaluate(self, approxes: Sequence[Any], target: Any, weight: Any) -> tuple[float, float]:
        # CatBoost also evaluates the training rows. The result is not used and would take most of the time.
        if len(target) == self.training_rows:
            return 0.0, 1.0
        return float(self.metric.value(target.astype(np.intp), np.asarray(approxes[0]), weight)), 1.0

    def get_final_error(self, error: float, weight: float) -> float:
        return error


def metric_settings(metrics: list[Any], training: Training) -> dict[str, Any]:
    """Return CatBoost's parameters for the metrics to compute during training."""
    rows = len(training.labels)
    if any(len(eval_set.labels) == rows for eval_set in training.eval_sets):
        rows = -1  # ambiguous: an eval set has as many rows
    first, *others = metrics
    if not isinstance(first, str):
        first = type(first.name, (_Metric,), {})(first, rows)
    return {"eval_metric": first, **({"custom_metric": others} if others else {})}


def read_metrics(requested: list[Any], stop_on_log_loss: bool, loss: FocalLoss, calibrated: bool) -> list[Any]:
    """Return the requested metrics, the monitored one first; raise ValueError for an unsupported metric."""
    if stop_on_log_loss:
        requested = watch_log_loss(requested)
    metrics = requested_metrics(
        list(dict.fromkeys(requested)),
        RANK_METRICS,
        lambda name: FocalMetric(loss, name, calibrated),
        lambda function: UserMetric(function, loss, calibrated),
        "CatBoost evaluates its other metrics on the uncorrected sigmoid",
    )
    own = [metric for metric in metrics if not isinstance(metric, str)]
    if len(own) > 1:
        raise ValueError(
            "eval_metric must contain at most one of 'log_loss', 'focal_loss' and callables: CatBoost supports "
            f"only one custom metric; got {requested!r}."
        )
    return [*own, *(metric for metric in metrics if isinstance(metric, str))]
