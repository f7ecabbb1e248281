"""XGBoost on Dask: the local adapter, for the booster's Dask estimators."""

from __future__ import annotations

from typing import Any

from focal_boost.objectives._adapter import DaskAdapter
from focal_boost.objectives._xgboost import XGBoostAdapter


class XGBoostDaskAdapter(DaskAdapter, XGBoostAdapter):
    """Translates for DaskXGBClassifier and DaskXGBRFClassifier."""

    def to_local(self, estimator: Any) -> Any:
        """Return a fitted XGBClassifier or XGBRFClassifier."""
        from xgboost import XGBClassifier, XGBRFClassifier
        from xgboost.dask import DaskXGBRFClassifier

        params = estimator.get_params()
        del params["coll_cfg"]
        local = (XGBRFClassifier if isinstance(estimator, DaskXGBRFClassifier) else XGBClassifier)(**params)
        local.load_model(bytearray(self.booster(estimator).save_raw()))
        # Loading sets parameters from the model: those that were given are put back.
        local.set_params(**params)
        if self.evals_result(estimator):
            local.evals_result_ = self.evals_result(estimator)
        return local
