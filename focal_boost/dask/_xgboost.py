"""XGBoost on Dask: distributed training and conversion to a local estimator."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from xgboost import XGBClassifier, XGBRFClassifier
from xgboost.callback import TrainingCallback
from xgboost.dask import DaskXGBRFClassifier

from focal_boost._data import Training
from focal_boost.boosters import WorkerObjective, XGBoost, check_one_callable, scale_of
from focal_boost.dask._partitions import persisted
from focal_boost.losses import FocalLoss


class DaskXGBoost:
    """A DaskXGBClassifier or DaskXGBRFClassifier."""

    def __init__(self, estimator: Any) -> None:
        self.booster = XGBoost(estimator)

    def check_parameters(self) -> None:
        """Raise ValueError for a parameter that the focal loss replaces or that XGBoost would misuse."""
        self.booster.check_parameters()

    def nearest_start(self, initial_raw_prediction: Any) -> Any:
        """Return the starting value nearest to the given one that XGBoost can store."""
        return self.booster.nearest_start(initial_raw_prediction)

    @property
    def unfitted_local(self) -> Any:
        """An unfitted XGBClassifier or XGBRFClassifier with the same parameters."""
        return _local(self.booster.clone())

    def train(
        self, training: Training, loss: FocalLoss, start: Any, calibrated: bool, fit_params: Mapping[str, Any]
    ) -> Any:
        """Return an XGBClassifier or XGBRFClassifier, trained on the cluster with the loss."""
        metrics = self.booster.metrics(training, loss, calibrated, fit_params)
        check_one_callable(metrics)
        estimator = self.booster.clone()
        if not isinstance(estimator, DaskXGBRFClassifier):  # does not support callbacks
            # This callback must run first, because early stopping may replace the model after training.
            estimator.set_params(callbacks=[_FeatureNamesUnchecked(), *(estimator.callbacks or [])])
        objective = WorkerObjective(loss, scale_of(loss, training))
        with persisted(training) as training:
            self.booster.fit(estimator, objective, metrics, training, start, fit_params)
        local = _local(estimator)
        local.load_model(bytearray(estimator.get_booster().save_raw()))
        # Restore the parameters that load_model overwrites.
        local.set_params(**_params(estimator))
        if training.eval_sets:
            local.evals_result_ = estimator.evals_result_
        return local


class _FeatureNamesUnchecked(TrainingCallback):
    """Callback that disables the check of feature names in predictions during training.

    On a worker that has no rows of a data frame, XGBoost creates an empty matrix without feature names. The check
    would then fail when XGBoost computes the raw predictions for a callable objective or metric.
    """

    def before_training(self, model: Any) -> Any:
        model.predict = partial(model.predict, validate_features=False)
        return model

    def after_training(self, model: Any) -> Any:
        del model.predict
        return model


def _params(estimator: Any) -> dict[str, Any]:
    params = estimator.get_params()
    del params["coll_cfg"]
    return params


def _local(estimator: Any) -> Any:
    local = XGBRFClassifier if isinstance(estimator, DaskXGBRFClassifier) else XGBClassifier
    return local(**_params(estimator))
