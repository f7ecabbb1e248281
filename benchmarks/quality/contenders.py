"""The contenders: each trains on the training rows, with early stopping if there are rows for it.

All use the booster's defaults but for the parameters of the study.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from scipy.special import softmax

from benchmarks.quality.hessians import HESSIANS
from benchmarks.quality.sets import SEED, Rows

PATIENCE, THREADS = 20, 1
STANDARD = {"n_estimators": 300, "learning_rate": 0.1}
DEFAULTS: dict[str, Any] = {}
VECTOR_LEAF = "vector leaf"
# The parameters of the booster that a variant adds to those of the study.
VARIANT_PARAMS = {VECTOR_LEAF: {"multi_strategy": "multi_output_tree"}}

Params: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Contender:
    """A model, with one row in the results per data set and booster.

    ``variant`` is empty, "weighted" (by inverse class frequencies), "vector leaf", the name of a Hessian, or a
    term of the study.
    """

    contender: str
    booster: str
    gamma: float = 0.0  # NaN: chosen
    variant: str = ""


@dataclass(frozen=True)
class Data:
    """Features and labels for training and for early stopping, None without early stopping."""

    train: Rows
    stop: Rows | None
    n_classes: int


@dataclass(frozen=True)
class Model:
    """A trained model: its raw prediction, the probabilities computed from it, and the number of rounds."""

    raw: Callable[[pd.DataFrame], np.ndarray]
    proba_of: Callable[[np.ndarray], np.ndarray]
    rounds: int

    def proba(self, X: pd.DataFrame) -> np.ndarray:
        """Return probabilities, (n, K)."""
        return self.proba_of(self.raw(X))


def label(contender: Any) -> str:
    """Return the name of a contender, or of a row of the results, in the tables."""
    if contender.contender == "log loss":
        name = "built-in log loss"
    else:
        name = contender.contender + (f" {contender.gamma:g}" if contender.gamma >= 0 else "")
    return f"{name}, {contender.variant}" if contender.variant else name


def probabilities(raw: np.ndarray) -> np.ndarray:
    """Return the sigmoid or the softmax of raw predictions, (n,) or (n, K), as (n, K)."""
    return softmax(np.column_stack([np.zeros_like(raw), raw]) if raw.ndim == 1 else raw, axis=1)


def estimator(booster: str, params: Params, **more: Any) -> Any:
    """Return an unfitted booster, single-threaded and with a seed."""
    params = {**params, **more, "random_state": SEED}
    if booster == "hist gradient boosting":
        from sklearn.ensemble import HistGradientBoostingClassifier

        if "n_estimators" in params:
            params["max_iter"] = params.pop("n_estimators")
        return HistGradientBoostingClassifier(**{"early_stopping": False, **params})
    if booster == "catboost":
        from catboost import CatBoostClassifier

        return CatBoostClassifier(thread_count=THREADS, verbose=False, allow_writing_files=False, **params)
    if booster == "xgboost":
        from xgboost import XGBClassifier

        return XGBClassifier(enable_categorical=True, tree_method="hist", n_jobs=THREADS, **params)
    from lightgbm import LGBMClassifier

    return LGBMClassifier(verbose=-1, n_jobs=THREADS, **params)


def with_missing_category(X: pd.DataFrame) -> pd.DataFrame:
    """Return the features with missing categories as a separate category, as CatBoost requires."""
    categorical = X.select_dtypes("category").columns
    filled = {
        name: X[name].astype(object).fillna("missing").astype(str).astype("category") for name in categorical
    }
    return X.assign(**filled)


def stopping(booster: str, stop: Rows | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return parameters and arguments of fit with which XGBoost or LightGBM stops early."""
    if stop is None:
        return {}, {}
    if booster == "xgboost":
        return {"early_stopping_rounds": PATIENCE}, {"eval_set": [stop], "verbose": False}
    from lightgbm import early_stopping

    return {}, {"eval_set": [stop], "callbacks": [early_stopping(PATIENCE, verbose=False)]}


def native(booster: str, model: Any, proba_of: Any = probabilities, start: Any = 0.0) -> Model:
    """Return a fitted XGBoost or LightGBM model, whose raw prediction does not contain ``start``."""
    keyword = {"output_margin": True} if booster == "xgboost" else {"raw_score": True}
    if booster == "xgboost":
        rounds = model.get_booster().num_boosted_rounds()
        if model.early_stopping_rounds:
            rounds = model.best_iteration + 1
    else:
        rounds = model.best_iteration_ or model.n_iter_
    return Model(lambda X: np.asarray(model.predict(X, **keyword), np.float64) + start, proba_of, int(rounds))


def log_loss_model(contender: Contender, data: Data, params: Params) -> Model:
    """Train with the booster's built-in log loss."""
    if contender.booster == "hist gradient boosting":
        return focal_boost(contender, data, params)  # gamma 0 without class weights is the built-in log loss
    more, arguments = stopping(contender.booster, data.stop)
    if contender.booster == "xgboost":
        more["eval_metric"] = "logloss" if data.n_classes == 2 else "mlogloss"
    model = estimator(contender.booster, params, **more).fit(*data.train, **arguments)
    return native(contender.booster, model)


def focal_boost(contender: Contender, data: Data, params: Params) -> Model:
    """Train with focal_boost."""
    from focal_boost import FocalBoostClassifier

    prepare = with_missing_category if contender.booster == "catboost" else lambda X: X
    model = FocalBoostClassifier(
        estimator(contender.booster, params),
        gamma=contender.gamma,
        alpha="balanced" if "weighted" in contender.variant else None,
        hessian=HESSIANS.get(contender.variant, "safeguarded"),
        early_stopping=data.stop is not None,
        n_iter_no_change=PATIENCE,
        calibrated="sigmoid" not in contender.variant,
    ).fit(
        prepare(data.train[0]),
        data.train[1],
        eval_set=None if data.stop is None else [(prepare(data.stop[0]), data.stop[1])],
    )

    def proba_of(raw: np.ndarray) -> np.ndarray:
        return model.loss_.predict_proba(raw, model.calibrated)

    return Model(lambda X: model.decision_function(prepare(X)), proba_of, model.n_iter_)
