"""Evaluation of metrics and early stopping during XGBoost training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xgboost import Booster, DMatrix
from xgboost.callback import EarlyStopping, TrainingCallback

from focal_boost._data import EvalSet


class Evaluation(TrainingCallback):
    """A callback that records the metrics of every eval set after every round.

    XGBoost itself supports only one callable metric, copies labels and weights for every call and rounds the value
    to six digits. With a native objective it passes float32 probabilities, which round to 1 for confident
    predictions.
    """

    def __init__(self, metrics: Sequence[Any], data: Sequence[DMatrix], eval_sets: Sequence[EvalSet]) -> None:
        super().__init__()
        self.metrics = metrics
        self.data = data
        self.eval_sets = eval_sets

    def __hash__(self) -> int:
        # This callback must run first, because early stopping and other callbacks read the metrics it records.
        # XGBoost 3.1 stores callbacks in a set, which yields the hash 0 first; later versions keep their order.
        return 0

    def after_iteration(self, model: Booster, epoch: int, evals_log: dict[str, dict[str, Any]]) -> bool:
        """Append the metrics of the round to the log that early stopping and other callbacks read."""
        for i, (data, (_, labels, weight)) in enumerate(zip(self.data, self.eval_sets, strict=True)):
            raw = model.predict(data, output_margin=True, validate_features=False)
            log = evals_log.setdefault(f"validation_{i}", {})
            for metric in self.metrics:
                log.setdefault(metric.__name__, []).append(metric.value(labels, raw, weight))
        return False


def set_metrics(estimator: Any, metrics: Sequence[Any]) -> None:
    """Set the metrics that XGBoost computes on its eval sets."""
    if len(metrics) == 1 and callable(metrics[0]):
        # In a list, a callable would be stored by name, which a restored model cannot resolve. By default XGBoost
        # adds the log loss of the plain sigmoid or softmax.
        estimator.set_params(eval_metric=metrics[0], disable_default_eval_metric=True)
    else:
        estimator.set_params(eval_metric=metrics or None)


def stop_early(estimator: Any, metrics: Sequence[Any], n_iter_no_change: int | None) -> None:
    """Add early stopping on the log loss or, with ``early_stopping_rounds``, on the last requested metric."""
    rounds = estimator.early_stopping_rounds if n_iter_no_change is None else n_iter_no_change
    if rounds is None:
        return
    # By default XGBoost monitors the metric recorded last, which is a callable regardless of the requested order.
    monitored = metrics[-1] if n_iter_no_change is None else metrics[0]
    stop = EarlyStopping(rounds=rounds, metric_name=getattr(monitored, "__name__", monitored))
    estimator.set_params(early_stopping_rounds=None, callbacks=[*(estimator.callbacks or []), stop])
