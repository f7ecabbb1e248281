"""Focal losses trained with the boosters' own interfaces, with other constants, starts and Hessians.

The variants of the studies on the scale of the loss, for XGBoost and LightGBM. "constant" is what
`FocalBoostClassifier` does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.quality.contenders import Contender, Data, Model, Params, estimator, native, stopping
from focal_boost import BinaryFocalLoss, MulticlassFocalLoss
from focal_boost.boosters import LightGBMMetric, XGBoostMetric

SAMPLE = 4096  # number of evenly spaced rows from which the factor is computed in every round
VARIANTS: dict[str, dict[str, Any]] = {
    "constant": {},
    "no factor": {"scale": "none"},
    "factor of each round": {"scale": "each round"},
    "start of the log loss": {"prior_start": True},
    "Gauss-Newton Hessian": {"hessian": "gauss_newton"},
}


class ScaledObjective:
    """A loss times the factor with which its Hessian is the log loss's at the same posterior."""

    def __init__(self, loss: Any, scale: str, diagonal_factor: float) -> None:
        self.loss, self.scale, self.diagonal_factor = loss, scale, diagonal_factor
        self.factor: float | None = 1.0 if scale == "none" else None

    def __call__(self, y: Any, raw: np.ndarray, weight: Any = None) -> tuple[np.ndarray, np.ndarray]:
        """Return gradient and Hessian."""
        gradient, hessian = self.loss.objective(y, raw, weight, diagonal_factor=self.diagonal_factor)
        if self.factor is None or self.scale == "each round":
            rows = slice(None, None, -(-len(raw) // SAMPLE) if self.scale == "each round" else 1)
            p = self.loss.predict_proba(raw[rows])
            variance = p[:, 0] * p[:, 1] if raw.ndim == 1 else (p * (1 - p)).sum(axis=1)
            self.factor = float(self.diagonal_factor * variance.sum() / hessian[rows].sum(dtype=np.float64))
        return np.float32(self.factor) * gradient, np.float32(self.factor) * hessian


def train(contender: Contender, data: Data, params: Params) -> Model:
    """Train with the variant that the contender names."""
    return _train(contender, data, params, **VARIANTS[contender.variant])


def _train(
    contender: Contender,
    data: Data,
    params: Params,
    scale: str = "constant",
    prior_start: bool = False,
    hessian: str = "safeguarded",
) -> Model:
    booster, n_classes, (X, y) = contender.booster, data.n_classes, data.train
    binary, on_xgboost = n_classes == 2, booster == "xgboost"
    if binary:
        loss: Any = BinaryFocalLoss(contender.gamma, None, hessian)
        log_loss: Any = BinaryFocalLoss(0.0, None)
    else:
        loss = MulticlassFocalLoss(n_classes, contender.gamma, hessian=hessian)
        log_loss = MulticlassFocalLoss(n_classes, 0.0)
    start = (log_loss if prior_start else loss).fit_intercept_only(y)
    diagonal_factor = 1.0 if binary else 2.0 if on_xgboost else n_classes / (n_classes - 1)
    more, arguments = stopping(booster, data.stop)
    more["objective"] = ScaledObjective(loss, scale, diagonal_factor)
    if on_xgboost:
        more["base_score"] = float(1 / (1 + np.exp(-start))) if binary else [float(value) for value in start]
        if data.stop is not None:
            more["eval_metric"] = XGBoostMetric(loss)
        start = 0.0  # the model contains it
    else:
        arguments["init_score"] = np.full(len(y), start) if binary else np.tile(start, (len(y), 1))
        if data.stop is not None:
            n = len(data.stop[1])
            arguments["eval_init_score"] = [np.full(n, start) if binary else np.tile(start, (n, 1))]
            arguments["eval_metric"] = LightGBMMetric(loss)
            more["metric"] = "None"
    model = estimator(booster, params, **more)
    return native(booster, model.fit(X, y, **arguments), loss.predict_proba, start)
