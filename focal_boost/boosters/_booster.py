"""The interface of the booster adapters, and their lookup by estimator."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np
from sklearn.base import clone

from focal_boost._data import Training
from focal_boost._features import Features
from focal_boost.boosters._catboost import CatBoost
from focal_boost.boosters._hist_gradient_boosting import HistGradientBoosting
from focal_boost.boosters._lightgbm import LightGBM
from focal_boost.boosters._xgboost import XGBoost
from focal_boost.losses import FocalLoss


class Trainer(Protocol):
    """Adapter that trains a booster's estimator with a focal loss, locally or on a cluster."""

    def check_parameters(self) -> None:
        """Raise ValueError for a parameter that the focal loss replaces or that the booster would misuse."""

    def nearest_start(self, initial_raw_prediction: Any) -> Any:
        """Return the starting value nearest to the given one that the booster can store."""

    def train(
        self, training: Training, loss: FocalLoss, start: Any, calibrated: bool, fit_params: Mapping[str, Any]
    ) -> Any:
        """Return a clone of the estimator that is trained with the loss and holds a plain native model."""


class Booster(Trainer, Protocol):
    """Adapter that trains a booster's estimator and reads the fitted one."""

    estimator: Any
    reads_sparse: bool

    def model_start(self, start: Any) -> Any:
        """Return the starting value of the fitted model, given the requested one."""

    def raw_prediction(self, features: Features) -> np.ndarray:
        """Return raw predictions, (n,) or (n, K)."""

    def staged_raw_prediction(self, features: Features) -> Iterator[np.ndarray]:
        """Yield the raw predictions after each round."""

    @property
    def native(self) -> Any:
        """The booster's own model."""

    @property
    def evals_result(self) -> dict[str, dict[str, list[float]]]:
        """{set: {metric: [value per round]}}, empty without eval sets."""

    @property
    def best_iteration(self) -> int | None:
        """The best iteration as the booster counts it, None without early stopping."""

    @property
    def best_score(self) -> float | None:
        """The monitored metric in the best iteration, None without early stopping."""

    @property
    def n_iter(self) -> int:
        """The number of boosting rounds used for prediction."""

    @property
    def made_a_split(self) -> bool:
        """Whether any tree has more than one leaf."""


def booster_of(estimator: Any) -> Booster:
    """Return the adapter of an estimator; raise TypeError for an unsupported one."""
    # An instance implies that its package is already imported.
    xgboost, lightgbm = sys.modules.get("xgboost"), sys.modules.get("lightgbm")
    ensemble = sys.modules.get("sklearn.ensemble")
    if xgboost is not None and isinstance(estimator, xgboost.XGBClassifier):
        return XGBoost(estimator)
    if (
        lightgbm is not None
        and isinstance(estimator, lightgbm.LGBMClassifier)
        and not isinstance(estimator, lightgbm.DaskLGBMClassifier)
    ):
        return LightGBM(estimator)
    if ensemble is not None and isinstance(estimator, ensemble.HistGradientBoostingClassifier):
        return HistGradientBoosting(estimator)
    if _is_catboost(estimator):
        return CatBoost(estimator)
    hint = ": an instance, not the class" if isinstance(estimator, type) else ""
    raise TypeError(
        "estimator must be an XGBClassifier, XGBRFClassifier, LGBMClassifier, HistGradientBoostingClassifier, "
        f"CatBoostClassifier or None (an XGBClassifier){hint}; got {estimator!r}."
    )


def unfitted_copy(estimator: Any) -> Any:
    """Return an unfitted copy, also of a CatBoostClassifier that `sklearn.base.clone` cannot copy."""
    return CatBoost(estimator).clone() if _is_catboost(estimator) else clone(estimator, safe=False)


def only_binary(estimator: Any) -> bool:
    """Return whether the estimator supports binary classification only."""
    return _is_catboost(estimator)


def _is_catboost(estimator: Any) -> bool:
    catboost = sys.modules.get("catboost")
    return catboost is not None and isinstance(estimator, catboost.CatBoostClassifier)


def default_estimator() -> Any:
    """Return an XGBClassifier; raise ImportError if XGBoost is not installed."""
    try:
        from xgboost import XGBClassifier
    except ImportError as error:
        raise ImportError(
            "estimator=None requires XGBoost, which is not installed: pip install xgboost, "
            "or pass an LGBMClassifier or scikit-learn's HistGradientBoostingClassifier."
        ) from error
    return XGBClassifier(enable_categorical=True)
