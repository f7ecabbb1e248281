"""What is timed: each contender makes, for a problem, a function without arguments that does the work once.

A contender that is not installed, or that has no answer to a problem, returns None. The peers are called as their
own documentation calls them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import lightgbm as lgb
import numpy as np
import xgboost as xgb

import focal_boost

Work = Callable[[], Any]


def rows(n: int, n_classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Ten float32 features of which six matter, and labels; two classes: 5 % positives."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 10)).astype(np.float32)
    score = X[:, :6] @ rng.normal(size=(6, n_classes)) + rng.gumbel(size=(n, n_classes))
    if n_classes == 2:
        difference = score[:, 1] - score[:, 0]
        return X, (difference > np.quantile(difference, 0.95)).astype(np.int64)
    return X, score.argmax(axis=1)


# --- one call of the objective --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Call:
    """One call on ``n`` rows of float32 raw predictions of a rare positive class, or of ``n_classes``."""

    name: str
    n: int
    gamma: float = 2.0
    n_classes: int = 2

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Return labels and raw predictions, float32 as XGBoost hands them."""
        rng = np.random.default_rng(1)
        if self.n_classes == 2:
            return (rng.random(self.n) < 0.05).astype(np.float32), rng.normal(-3, 2, self.n).astype(np.float32)
        raw = rng.normal(0, 2, (self.n, self.n_classes)).astype(np.float32)
        return rng.integers(0, self.n_classes, self.n).astype(np.float32), raw


class _Data:
    """As much of a booster's data set as the peers' native objectives ask for."""

    def __init__(self, labels: np.ndarray) -> None:
        self._labels = labels

    def get_label(self) -> np.ndarray:
        return self._labels


def plain_log_loss(call: Call) -> Work:
    """The log loss in plain NumPy: the least that a callable objective can cost."""
    y, raw = call.data()

    def binary() -> tuple[np.ndarray, np.ndarray]:
        p = 1 / (1 + np.exp(-raw))
        return p - y, p * (1 - p)

    def multiclass() -> tuple[np.ndarray, np.ndarray]:
        odds = np.exp(raw - raw.max(axis=1, keepdims=True))
        p = odds / odds.sum(axis=1, keepdims=True)
        hessian = 2 * p * (1 - p)
        p[np.arange(len(y)), y.astype(np.intp)] -= 1
        return p, hessian

    return binary if call.n_classes == 2 else multiclass


def _loss(package: ModuleType, gamma: float, n_classes: int) -> Any:
    return (
        package.BinaryFocalLoss(gamma, None) if n_classes == 2 else package.MulticlassFocalLoss(n_classes, gamma)
    )


def focal_boost_call(package: ModuleType, call: Call) -> Work:
    """This library."""
    y, raw = call.data()
    loss = _loss(package, call.gamma, call.n_classes)
    return lambda: loss(y, raw)


def gbdtcbl_call(call: Call) -> Work | None:
    """The package gbdtCBL."""
    if call.n_classes > 2 or not find_spec("gbdtCBL"):
        return None
    from gbdtCBL.binary import FLLoss

    y, raw = call.data()
    loss = FLLoss(r1=call.gamma)
    return lambda: loss(y, raw)


def imlightgbm_call(call: Call) -> Work | None:
    """The package imlightgbm."""
    if call.n_classes > 2 or not find_spec("imlightgbm"):
        return None
    from imlightgbm.objective import binary_focal_objective

    y, raw = call.data()
    return lambda: binary_focal_objective(y, raw, gamma=call.gamma)


def bokbokbok_call(call: Call) -> Work | None:
    """The package bokbokbok."""
    if call.n_classes > 2 or not find_spec("bokbokbok"):
        return None
    from bokbokbok.loss_functions.classification import WeightedFocalLoss

    y, raw = call.data()
    objective, data = WeightedFocalLoss(alpha=1.0, gamma=call.gamma), _Data(y)
    return lambda: objective(raw, data)


CALLS: dict[str, Callable[[Call], Work | None]] = {
    "plain NumPy log loss": plain_log_loss,
    "focal_boost": partial(focal_boost_call, focal_boost),
    "gbdtCBL": gbdtcbl_call,
    "imlightgbm": imlightgbm_call,
    "bokbokbok": bokbokbok_call,
}


# --- training ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Training:
    """Training on ``n`` rows of 10 features."""

    name: str
    booster: str
    n: int
    n_classes: int = 2
    n_rounds: int = 50
    n_threads: int = 1
    gamma: float = 2.0

    def estimator(self, objective: Any = None) -> Any:
        """Return the unfitted booster: depth 6 (XGBoost) or 63 leaves (LightGBM)."""
        common = {"n_estimators": self.n_rounds, "n_jobs": self.n_threads}
        if objective is not None:
            common["objective"] = objective
        if self.booster == "xgboost":
            return xgb.XGBClassifier(max_depth=6, tree_method="hist", **common)
        return lgb.LGBMClassifier(num_leaves=63, verbosity=-1, **common)


def built_in(training: Training) -> Work:
    """The booster's own log loss."""
    X, y = rows(training.n, training.n_classes)
    return lambda: training.estimator().fit(X, y)


def focal_boost_training(package: ModuleType, training: Training) -> Work | None:
    """The estimator, from checking the input to the native model."""
    if training.booster == "catboost":
        return None
    X, y = rows(training.n, training.n_classes)
    model = package.FocalBoostClassifier(training.estimator(), gamma=training.gamma)
    return lambda: model.fit(X, y)


def focal_boost_objective(training: Training) -> Work | None:
    """The loss passed to the booster by hand."""
    if training.booster == "catboost":
        return None
    X, y = rows(training.n, training.n_classes)
    return lambda: training.estimator(_loss(focal_boost, training.gamma, training.n_classes)).fit(X, y)


def gbdtcbl_training(training: Training) -> Work | None:
    """The package gbdtCBL, its loss passed by hand."""
    if training.booster == "catboost" or training.n_classes > 2 or not find_spec("gbdtCBL"):
        return None
    from gbdtCBL.binary import FLLoss

    X, y = rows(training.n, 2)
    return lambda: training.estimator(FLLoss(r1=training.gamma)).fit(X, y)


def imlightgbm_training(training: Training) -> Work | None:
    """The package imlightgbm, its classifier."""
    if training.booster != "lightgbm" or training.n_classes > 2 or not find_spec("imlightgbm"):
        return None
    from imlightgbm import ImbalancedLGBMClassifier

    X, y = rows(training.n, 2)
    params = training.estimator().get_params()
    del params["objective"]
    return lambda: ImbalancedLGBMClassifier(objective="binary_focal", gamma=training.gamma, **params).fit(X, y)


def bokbokbok_training(training: Training) -> Work | None:
    """The package bokbokbok, its objective passed to the native interface of XGBoost."""
    if training.booster != "xgboost" or training.n_classes > 2 or not find_spec("bokbokbok"):
        return None
    from bokbokbok.loss_functions.classification import WeightedFocalLoss

    X, y = rows(training.n, 2)
    params = {"max_depth": 6, "tree_method": "hist", "nthread": training.n_threads, "objective": "binary:logistic"}

    def train() -> Any:
        data = xgb.QuantileDMatrix(X, y)
        return xgb.train(params, data, training.n_rounds, obj=WeightedFocalLoss(1.0, training.gamma))

    return train


def _catboost(training: Training, loss: str) -> Work | None:
    if training.booster != "catboost" or training.n_classes > 2 or not find_spec("catboost"):
        return None
    from catboost import CatBoostClassifier

    X, y = rows(training.n, 2)
    return lambda: CatBoostClassifier(
        iterations=training.n_rounds,
        depth=6,
        thread_count=training.n_threads,
        loss_function=loss,
        verbose=False,
        allow_writing_files=False,
    ).fit(X, y)


TRAININGS: dict[str, Callable[[Training], Work | None]] = {
    "built-in": lambda t: _catboost(t, "Logloss") if t.booster == "catboost" else built_in(t),
    "focal_boost": partial(focal_boost_training, focal_boost),
    "focal_boost, objective alone": focal_boost_objective,
    "gbdtCBL": gbdtcbl_training,
    "imlightgbm": imlightgbm_training,
    "bokbokbok": bokbokbok_training,
    "CatBoost Focal": lambda t: _catboost(t, f"Focal:focal_alpha=0.5;focal_gamma={t.gamma}"),
}


# --- prediction -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Prediction:
    """predict_proba of a model of 100 rounds on ``n`` rows."""

    name: str
    booster: str
    n: int
    n_threads: int = 1

    def model(self, package: ModuleType) -> tuple[Any, np.ndarray]:
        """Return a fitted model and the rows to predict."""
        training = Training("", self.booster, 20_000, n_rounds=100, n_threads=self.n_threads)
        X, y = rows(training.n, 2)
        return package.FocalBoostClassifier(training.estimator()).fit(X, y), rows(self.n, 2, seed=2)[0]


def native_prediction(prediction: Prediction) -> Work:
    """The booster's own predict_proba."""
    model, X = prediction.model(focal_boost)
    return lambda: model.estimator_.predict_proba(X)


def calibrated_prediction(package: ModuleType, prediction: Prediction) -> Work:
    """The calibrated predict_proba."""
    model, X = prediction.model(package)
    return lambda: model.predict_proba(X)


PREDICTIONS: dict[str, Callable[[Prediction], Work | None]] = {
    "built-in": native_prediction,
    "focal_boost": partial(calibrated_prediction, focal_boost),
}


# --- two versions -----------------------------------------------------------------------------------------------


def versions(base: ModuleType) -> dict[type, dict[str, Callable[[Any], Work | None]]]:
    """Return, for each kind of problem, this library as ``base`` has it and as it is here."""
    kinds = {Call: focal_boost_call, Training: focal_boost_training, Prediction: calibrated_prediction}
    packages = {"base": base, "focal_boost": focal_boost}
    return {
        kind: {name: partial(make, package) for name, package in packages.items()} for kind, make in kinds.items()
    }
