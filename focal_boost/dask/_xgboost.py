"""XGBoost on Dask: the local adapter, for the booster's Dask estimators."""

from __future__ import annotations

from functools import partial
from typing import Any

from focal_boost.objectives._adapter import DaskAdapter, EvalSet
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

    def _train(
        self, estimator: Any, X: Any, y: Any, sample_weight: Any, eval_set: EvalSet, fit_params: dict[str, Any]
    ) -> None:
        from xgboost.callback import TrainingCallback
        from xgboost.dask import DaskXGBRFClassifier

        class NamesUnchecked(TrainingCallback):
            """Predicts during training also on a worker without rows of a frame.

            XGBoost gives such a worker an empty matrix without names, and a callable objective or metric raw
            predictions of it, for which it then misses the names.
            """

            def before_training(self, model: Any) -> Any:
                model.predict = partial(model.predict, validate_features=False)
                return model

            def after_training(self, model: Any) -> Any:
                del model.predict
                return model

        if not isinstance(estimator, DaskXGBRFClassifier):  # which takes no callbacks
            # The first one: early stopping may exchange the model at the end.
            estimator.set_params(callbacks=[NamesUnchecked(), *(estimator.callbacks or [])])
        with self.read(X, y, sample_weight, eval_set) as data:
            super()._train(estimator, *data, fit_params)
