"""Adapters for the boosters: shapes, starting values, metrics and native models.

Each booster is imported, and its own terminology used, only in its own modules.
"""

from focal_boost.boosters._booster import (
    Booster,
    Trainer,
    booster_of,
    default_estimator,
    only_binary,
    unfitted_copy,
)
from focal_boost.boosters._lightgbm import LightGBM, derivative_settings, repeat
from focal_boost.boosters._metrics import LightGBMMetric, XGBoostMetric
from focal_boost.boosters._objective import WorkerObjective, scale_of
from focal_boost.boosters._xgboost import XGBoost, check_one_callable

__all__ = [
    "Booster",
    "LightGBM",
    "LightGBMMetric",
    "Trainer",
    "WorkerObjective",
    "XGBoost",
    "XGBoostMetric",
    "booster_of",
    "check_one_callable",
    "default_estimator",
    "derivative_settings",
    "only_binary",
    "repeat",
    "scale_of",
    "unfitted_copy",
]
