"""Metrics of an XGBoost training in memory, computed by a callback from raw predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xgboost import Booster, DMatrix
from xgboost.callback import TrainingCallback

from focal_boost._data import EvalSet


class Evaluation(TrainingCallback):
    """Records metrics of every eval set after every round.

    XGBoost itself takes one callable metric, fetches labels and weights anew for every call, rounds the value to
    six digits, and beside a native objective passes float32 probabilities, whose improbable class is lost.
    """

    def __init__(self, metrics: Sequence[Any], data: Sequence[DMatrix], eval_sets: Sequence[EvalSet]) -> None:
        super().__init__()
        self.metrics = metrics
        self.data = data
        self.eval_sets = eval_sets

    def after_iteration(self, model: Booster, epoch: int, evals_log: dict[str, dict[str, Any]]) -> bool:
        """Append the metrics of the round to the log that early stopping and other callbacks read."""
        for i, (data, (_, labels, weight)) in enumerate(zip(self.data, self.eval_sets, strict=True)):
            raw = model.predict(data, output_margin=True, validate_features=False)
            log = evals_log.setdefault(f"validation_{i}", {})
            for metric in self.metrics:
                log.setdefault(metric.__name__, []).append(metric.value(labels, raw, weight))
        return False
