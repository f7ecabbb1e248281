"""LightGBM on Dask: distributed training and conversion to a local LGBMClassifier."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from lightgbm import DaskLGBMRegressor, LGBMClassifier
from sklearn.preprocessing import LabelEncoder

from focal_boost._data import Training
from focal_boost.boosters import LightGBM, WorkerObjective, derivative_settings, repeat, scale_of
from focal_boost.dask._early_stopping import averaged_over_workers
from focal_boost.dask._partitions import persisted
from focal_boost.losses import FocalLoss

# Parameters that are set only for Dask: those that LightGBM adds and the regressor's number of classes. They are
# removed, so that the local estimator can be fitted again.
_DASK_PARAMETERS = {"num_class", "num_threads", "time_out", "tree_learner"}


class DaskLightGBM:
    """A DaskLGBMClassifier."""

    def __init__(self, estimator: Any) -> None:
        self.booster = LightGBM(estimator)

    def check_parameters(self) -> None:
        """Raise ValueError for a parameter that the focal loss replaces or that LightGBM would misuse."""
        self.booster.check_parameters()

    def nearest_start(self, initial_raw_prediction: Any) -> Any:
        """Return the starting value unchanged: LightGBM can store any value."""
        return self.booster.nearest_start(initial_raw_prediction)

    @property
    def unfitted_local(self) -> Any:
        """An unfitted LGBMClassifier with the same parameters."""
        params = self.booster.clone().get_params()
        del params["client"]
        return LGBMClassifier(**params)

    def train(
        self, training: Training, loss: FocalLoss, start: Any, calibrated: bool, fit_params: Mapping[str, Any]
    ) -> Any:
        """Return an LGBMClassifier, trained on the cluster with the loss."""
        metrics = self.booster.metrics(training, loss, calibrated, fit_params)
        n_classes = len(training.classes)
        # LightGBM's Dask classifier would encode the labels of each worker separately: on a worker with a single
        # class, the label would become 0. A regressor keeps the labels and, with a callable objective, trains the
        # same model.
        regressor = DaskLGBMRegressor(**self.booster.clone().get_params())
        if n_classes > 2:
            regressor.set_params(num_class=n_classes)
        dtype, factor = derivative_settings(loss, n_classes)
        objective = WorkerObjective(loss, scale_of(loss, training, factor), dtype, factor)
        with (
            persisted(training) as training,
            averaged_over_workers(len(training.eval_sets), fit_params) as fit_params,
        ):
            self.booster.fit(regressor, objective, metrics, _init_score, training, start, fit_params)
        return self._classifier(regressor, n_classes)

    def _classifier(self, regressor: Any, n_classes: int) -> Any:
        """Return the fitted regressor as an LGBMClassifier of the labels 0 to K - 1."""
        added = _DASK_PARAMETERS - self.booster.estimator.get_params().keys()
        for params in (vars(regressor), regressor._other_params):
            for name in added:
                params.pop(name, None)
        classifier = regressor._lgb_dask_to_local(LGBMClassifier)
        classifier._classes = np.arange(n_classes)
        classifier._n_classes = n_classes
        classifier._le = LabelEncoder().fit(classifier._classes)
        return classifier


def _init_score(start: Any, labels: Any) -> Any:
    shape = {"new_axis": 1, "chunks": (labels.chunks[0], (len(start),))} if np.ndim(start) else {}
    return labels.map_blocks(partial(repeat, start), dtype=np.float64, **shape)
