"""What XGBoost and LightGBM want of an objective: shapes, intercepts, metrics, the native finish. No arithmetic.

Each booster has one module, which alone imports it and alone uses its words.
"""

from __future__ import annotations

import sys
from typing import Any

from focal_boost.objectives._adapter import BoosterAdapter, DaskAdapter
from focal_boost.objectives._lightgbm import LightGBMAdapter, LightGBMMetric
from focal_boost.objectives._lightgbm_dask import LightGBMDaskAdapter
from focal_boost.objectives._xgboost import XGBoostAdapter, XGBoostMetric
from focal_boost.objectives._xgboost_dask import XGBoostDaskAdapter

__all__ = [
    "LightGBMMetric",
    "XGBoostMetric",
    "adapter_for",
    "dask_adapter_for",
    "default_dask_estimator",
    "default_estimator",
]


def adapter_for(estimator: Any) -> BoosterAdapter:
    """Return the adapter of an XGBClassifier, XGBRFClassifier or LGBMClassifier; TypeError for all else."""
    # Whoever has such an estimator has imported its booster: there is nothing to import here.
    xgboost, lightgbm = sys.modules.get("xgboost"), sys.modules.get("lightgbm")
    if xgboost is not None and isinstance(estimator, xgboost.XGBClassifier):
        return XGBoostAdapter()
    if (
        lightgbm is not None
        and isinstance(estimator, lightgbm.LGBMClassifier)
        and not isinstance(estimator, lightgbm.DaskLGBMClassifier)
    ):
        return LightGBMAdapter()
    hint = ": an instance, not the class" if isinstance(estimator, type) else ""
    raise TypeError(
        "estimator must be an XGBClassifier, XGBRFClassifier, LGBMClassifier or None (an XGBClassifier)"
        f"{hint}; got {estimator!r}."
    )


def dask_adapter_for(estimator: Any) -> DaskAdapter:
    """Return the adapter of a DaskXGB(RF)Classifier or DaskLGBMClassifier; TypeError for all else."""
    xgboost_dask, lightgbm = sys.modules.get("xgboost.dask"), sys.modules.get("lightgbm")
    if xgboost_dask is not None and isinstance(estimator, xgboost_dask.DaskXGBClassifier):
        return XGBoostDaskAdapter()
    if lightgbm is not None and isinstance(estimator, lightgbm.DaskLGBMClassifier):
        return LightGBMDaskAdapter()
    hint = ": an instance, not the class" if isinstance(estimator, type) else ""
    raise TypeError(
        "estimator must be a DaskXGBClassifier, DaskXGBRFClassifier, DaskLGBMClassifier or None "
        f"(a DaskXGBClassifier){hint}; got {estimator!r}."
    )


def default_estimator() -> Any:
    """Return an XGBClassifier; ImportError that names the extra if XGBoost is not installed."""
    try:
        from xgboost import XGBClassifier
    except ImportError as error:
        raise ImportError(
            "estimator=None means an XGBClassifier, and XGBoost is not installed: "
            "pip install 'focal-boost[xgboost]', or pass an LGBMClassifier."
        ) from error
    return XGBClassifier()


def default_dask_estimator() -> Any:
    """Return a DaskXGBClassifier; ImportError that names the extra if XGBoost is not installed."""
    try:
        from xgboost.dask import DaskXGBClassifier
    except ImportError as error:
        raise ImportError(
            "estimator=None means a DaskXGBClassifier, and XGBoost is not installed: "
            "pip install 'focal-boost[xgboost,dask]', or pass a DaskLGBMClassifier."
        ) from error
    return DaskXGBClassifier()
