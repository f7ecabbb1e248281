"""The problems and their contenders. Other packages are used as documented, and skipped if not installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, ClassVar, TypeAlias

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

import focal_boost

# Functions that create the contender for a problem, or return None if it does not apply. The problem then turns
# the contender into the call to be timed.
Contenders: TypeAlias = dict[str, Callable[[Any], Any]]


def rows(n: int, n_classes: int, seed: int = 0, n_features: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Return float32 features, six of them informative, and labels; two classes: 5 % positives."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, n_features)).astype(np.float32)
    score = X[:, :6] @ rng.normal(size=(6, n_classes)) + rng.gumbel(size=(n, n_classes))
    if n_classes == 2:
        difference = score[:, 1] - score[:, 0]
        return X, (difference > np.quantile(difference, 0.95)).astype(np.int64)
    return X, score.argmax(axis=1)


def _peer(module: str, problem: Call | Training) -> ModuleType | None:
    """Return a module of a binary-only package, or None if it is not applicable or not installed."""
    applies = problem.n_classes == 2 and find_spec(module.partition(".")[0])
    return import_module(module) if applies else None


# --- one call of the objective --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Call:
    """One call on ``n`` rows of float32 raw predictions, for a rare positive class or for ``n_classes``."""

    name: str
    n: int
    gamma: float = 2.0
    n_classes: int = 2

    @property
    def n_calls(self) -> int:
        """The number of calls that are timed together."""
        return max(1, min(100, 1_000_000 // self.n))

    def work(self, objective: Callable[[np.ndarray, np.ndarray], Any]) -> Callable[[], Any]:
        """Return the call on labels and raw predictions, float32 as XGBoost passes them."""
        rng = np.random.default_rng(1)
        if self.n_classes == 2:
            y, raw = (rng.random(self.n) < 0.05), rng.normal(-3, 2, self.n)
        else:
            raw = rng.normal(0, 2, (self.n, self.n_classes))
            y = rng.integers(0, self.n_classes, self.n)
        return partial(objective, y.astype(np.float32), raw.astype(np.float32))


@dataclass(frozen=True)
class _Data:
    """The part of a booster's data set that native objectives use."""

    labels: np.ndarray

    def get_label(self) -> np.ndarray:
        return self.labels


def plain_log_loss(call: Call) -> Any:
    """The log loss in plain NumPy, a lower bound for the cost of a callable objective."""

    def binary(y: np.ndarray, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        p = 1 / (1 + np.exp(-raw))
        return p - y, p * (1 - p)

    def multiclass(y: np.ndarray, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        odds = np.exp(raw - raw.max(axis=1, keepdims=True))
        p = odds / odds.sum(axis=1, keepdims=True)
        hessian = 2 * p * (1 - p)
        p[np.arange(len(y)), y.astype(np.intp)] -= 1
        return p, hessian

    return binary if call.n_classes == 2 else multiclass


def loss_of(package: ModuleType, problem: Call | Training) -> Any:
    """The loss of this library."""
    if problem.n_classes == 2:
        return package.BinaryFocalLoss(problem.gamma, None)
    return package.MulticlassFocalLoss(problem.n_classes, problem.gamma)


def gbdtcbl_loss(problem: Call | Training) -> Any:
    """The loss of the package gbdtCBL."""
    module = _peer("gbdtCBL.binary", problem)
    return module and module.FLLoss(r1=problem.gamma)


def imlightgbm_call(call: Call) -> Any:
    """The objective of the package imlightgbm."""
    module = _peer("imlightgbm.objective", call)
    return module and partial(module.binary_focal_objective, gamma=call.gamma)


def bokbokbok_loss(problem: Call | Training) -> Any:
    """The native objective of the package bokbokbok."""
    module = _peer("bokbokbok.loss_functions.classification", problem)
    return module and module.WeightedFocalLoss(alpha=1.0, gamma=problem.gamma)


def bokbokbok_call(call: Call) -> Any:
    """The same, called with labels and raw predictions."""
    objective = bokbokbok_loss(call)
    return objective and (lambda y, raw: objective(raw, _Data(y)))


CALLS: Contenders = {
    "plain NumPy log loss": plain_log_loss,
    "focal_boost": partial(loss_of, focal_boost),
    "gbdtCBL": gbdtcbl_loss,
    "imlightgbm": imlightgbm_call,
    "bokbokbok": bokbokbok_call,
}


# --- training ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Training:
    """Training on ``n`` rows, with the first ``n_eval`` of them as an eval set."""

    name: str
    booster: str
    n: int
    n_classes: int = 2
    n_rounds: int = 50
    n_threads: int = 1
    gamma: float = 2.0
    n_features: int = 10
    n_eval: int = 0
    n_calls: ClassVar[int] = 1

    def work(self, model: Any) -> Callable[[], Any]:
        """Return the training."""
        X, y = rows(self.n, self.n_classes, n_features=self.n_features)
        fit_params: dict[str, Any] = {}
        if self.n_eval:
            fit_params = {"eval_X": X[: self.n_eval], "eval_y": y[: self.n_eval]}
            if self.booster != "lightgbm":
                fit_params = {"eval_set": [tuple(fit_params.values())], "verbose": False}

        def train() -> Any:
            with threadpool_limits(self.n_threads, user_api="openmp"):  # scikit-learn has no parameter for it
                return model.fit(X, y)

        return train if self.booster == "hist_gradient_boosting" else partial(model.fit, X, y, **fit_params)

    def estimator(self, **params: Any) -> Any:
        """Return the unfitted booster: depth 6 (XGBoost) or 63 leaves."""
        if self.booster == "hist_gradient_boosting":
            settings = {"max_iter": self.n_rounds, "max_leaf_nodes": 63, "early_stopping": False}
            return HistGradientBoostingClassifier(**settings, **params)
        if self.booster == "catboost":
            settings = {"iterations": self.n_rounds, "depth": 6, "thread_count": self.n_threads}
            settings |= {"verbose": False, "allow_writing_files": False}
            return import_module("catboost").CatBoostClassifier(**settings, **params)
        params |= {"n_estimators": self.n_rounds, "n_jobs": self.n_threads}
        if self.booster == "xgboost":
            return xgb.XGBClassifier(max_depth=6, tree_method="hist", **params)
        return lgb.LGBMClassifier(num_leaves=63, verbosity=-1, **params)


def focal_boost_training(package: ModuleType, training: Training) -> Any:
    """The estimator, including input validation and conversion to a native model."""
    return package.FocalBoostClassifier(training.estimator(), gamma=training.gamma)


def vector_leaf(training: Training) -> Any:
    """XGBoost with one tree for all classes."""
    applies = training.n_classes > 2 and tuple(map(int, xgb.__version__.split(".")[:2])) >= (3, 4)
    return training.estimator(multi_strategy="multi_output_tree") if applies else None


def vector_leaf_training(training: Training) -> Any:
    """The same with the focal loss."""
    estimator = vector_leaf(training)
    return estimator and focal_boost.FocalBoostClassifier(estimator, gamma=training.gamma)


def gbdtcbl_training(training: Training) -> Any:
    """The booster with the loss of the package gbdtCBL as its objective."""
    loss = gbdtcbl_loss(training)
    return loss and training.estimator(objective=loss)


def imlightgbm_training(training: Training) -> Any:
    """The classifier of the package imlightgbm."""
    module = _peer("imlightgbm", training)
    params = training.estimator().get_params() | {"objective": "binary_focal", "gamma": training.gamma}
    return module and module.ImbalancedLGBMClassifier(**params)


@dataclass(frozen=True)
class _Native:
    """The native interface of XGBoost with an objective."""

    training: Training
    objective: Any

    def fit(self, X: np.ndarray, y: np.ndarray) -> Any:
        params = {"max_depth": 6, "tree_method": "hist", "objective": "binary:logistic"}
        params["nthread"] = self.training.n_threads
        return xgb.train(params, xgb.QuantileDMatrix(X, y), self.training.n_rounds, obj=self.objective)


def bokbokbok_training(training: Training) -> Any:
    """XGBoost with the native objective of the package bokbokbok."""
    objective = bokbokbok_loss(training)
    return objective and _Native(training, objective)


def catboost(training: Training, **params: Any) -> Any:
    """CatBoost with one of its own losses."""
    return _peer("catboost", training) and training.estimator(**params)


FOCAL = "Focal:focal_alpha=0.5;focal_gamma=2"
_ALL_BOOSTERS: Contenders = {
    "built-in": Training.estimator,
    "focal_boost": partial(focal_boost_training, focal_boost),
    "focal_boost, objective alone": lambda training: training.estimator(objective=loss_of(focal_boost, training)),
    "gbdtCBL": gbdtcbl_training,
}
TRAININGS: dict[str, Contenders] = {
    "xgboost": {
        **_ALL_BOOSTERS,
        "built-in, vector leaf": vector_leaf,
        "focal_boost, vector leaf": vector_leaf_training,
        "bokbokbok": bokbokbok_training,
    },
    "lightgbm": {**_ALL_BOOSTERS, "imlightgbm": imlightgbm_training},
    "hist_gradient_boosting": {name: _ALL_BOOSTERS[name] for name in ("built-in", "focal_boost")},
    "catboost": {
        "built-in": partial(catboost, loss_function="Logloss"),
        "CatBoost Focal": partial(catboost, loss_function=FOCAL),
    },
}


# --- prediction -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Prediction:
    """predict_proba of a model of 100 rounds on ``n`` rows."""

    name: str
    booster: str
    n: int
    n_calls: ClassVar[int] = 1

    def work(self, model: Any) -> Callable[[], Any]:
        """Return the prediction."""
        return partial(model.predict_proba, rows(self.n, 2, seed=2)[0])


def calibrated(package: ModuleType, prediction: Prediction) -> Any:
    """The fitted estimator."""
    training = Training("", prediction.booster, min(20_000, prediction.n), n_rounds=100)
    return focal_boost_training(package, training).fit(*rows(training.n, 2))


PREDICTIONS: Contenders = {
    "built-in": lambda prediction: calibrated(focal_boost, prediction).estimator_,
    "focal_boost": partial(calibrated, focal_boost),
}


# --- all problems -----------------------------------------------------------------------------------------------


def problems(quick: bool) -> Iterator[tuple[Any, Contenders, int]]:
    """Yield each problem with its contenders and the number of repetitions."""
    million = 2_000 if quick else 1_000_000
    for gamma in (0.0, 2.0, 1.5, 5.0):
        yield Call(f"call, 1M rows, gamma {gamma:g}", million, gamma), CALLS, 31
    yield Call("call, 1000 rows, gamma 2", 1000), CALLS, 31
    yield Call("call, 200k rows, 7 classes, gamma 2", million // 5, n_classes=7), CALLS, 21
    for exponent in () if quick else (5, 6, 7, 8):
        yield Call(f"call, 10^{exponent} rows, gamma 2", 10**exponent), {"focal_boost": CALLS["focal_boost"]}, 7
    n_rounds = 2 if quick else 50
    for n_threads in (1,) if quick else (1, 2):
        threads = f"{n_threads} thread{'s' * (n_threads > 1)}"
        for booster, contenders in TRAININGS.items():
            name = f"{booster}, 1M x 10, {threads}"
            yield Training(name, booster, million, 2, n_rounds, n_threads), contenders, 3
            if booster != "catboost":
                n_classes = 5 if booster == "hist_gradient_boosting" else 7
                name = f"{booster}, 200k x 10, {n_classes} classes, {threads}"
                yield Training(name, booster, million // 5, n_classes, n_rounds, n_threads), contenders, 3
    for booster in ("xgboost", "lightgbm"):
        yield Prediction(f"predict_proba, {booster}, 1M rows", booster, million), PREDICTIONS, 5


def versions(base: ModuleType, quick: bool) -> Iterator[tuple[Any, Contenders, int]]:
    """Yield the problems with two versions of this library as contenders: ``base`` and the current one."""
    from benchmarks.speed import small

    kinds = {Call: loss_of, Training: focal_boost_training, Prediction: calibrated}
    kinds |= {small.Metric: small.metric_of, small.Search: small.search_of}
    packages = {"base": base, "focal_boost": focal_boost}
    for problem, contenders, repetitions in (*problems(quick), *small.problems(quick)):
        if "focal_boost" in contenders:
            make = kinds[type(problem)]
            yield problem, {name: partial(make, package) for name, package in packages.items()}, repetitions
