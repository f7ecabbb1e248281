"""The contenders: each trains, stops early on the inner split and returns probabilities.

All use the same maximum number of rounds, learning rate and patience; other settings are the booster's defaults.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import softmax
from sklearn.utils.class_weight import compute_class_weight

from benchmarks.quality.hessians import HESSIANS
from benchmarks.quality.sets import SEED, Fold, Table

ROUNDS, LEARNING_RATE, PATIENCE = 300, 0.1, 20
THREADS = 1
BOOSTERS = ("xgboost", "lightgbm")


@dataclass(frozen=True)
class Outcome:
    """The probabilities of the test rows and of the early-stopping rows, (n, K)."""

    proba: np.ndarray
    proba_stop: np.ndarray
    rounds: int
    largest_raw: float


@dataclass(frozen=True)
class Contender:
    """A model, with one row in the results per data set.

    ``variant`` is empty, "weighted" (by inverse class frequencies), "rescaled" (to the log loss's Hessian at the
    start), "vector leaf" (one tree for all classes, XGBoost) or the name of a Hessian.
    """

    contender: str
    booster: str
    gamma: float = 0.0  # NaN: chosen among those of the others
    variant: str = ""


def label(contender: Any) -> str:
    """Return the name of a contender, or of a row of the results, in the tables."""
    if contender.contender == "log loss":
        name = "built-in log loss"
    else:
        name = contender.contender + (f" {contender.gamma:g}" if contender.gamma >= 0 else "")
    return f"{name}, {contender.variant}" if contender.variant else name


def parts(table: Table, fold: Fold) -> list[tuple[pd.DataFrame, np.ndarray]]:
    """Return features and labels of the training, early-stopping and test rows."""
    return [(table.X.iloc[rows], table.y[rows]) for rows in (fold.train, fold.stop, fold.test)]


def estimator(booster: str, **params: Any) -> Any:
    """Return an unfitted booster with the shared settings."""
    params |= {"n_estimators": ROUNDS, "learning_rate": LEARNING_RATE, "n_jobs": THREADS, "random_state": SEED}
    if booster == "xgboost":
        from xgboost import XGBClassifier

        return XGBClassifier(enable_categorical=True, tree_method="hist", early_stopping_rounds=PATIENCE, **params)
    if booster == "catboost":
        from catboost import CatBoostClassifier

        params["thread_count"] = params.pop("n_jobs")
        return CatBoostClassifier(
            early_stopping_rounds=PATIENCE, verbose=False, allow_writing_files=False, **params
        )
    from lightgbm import LGBMClassifier

    return LGBMClassifier(verbose=-1, **params)


def _strategy(contender: Contender) -> dict[str, Any]:
    return {"multi_strategy": "multi_output_tree"} if contender.variant == "vector leaf" else {}


def _fit_arguments(booster: str, stop: tuple[pd.DataFrame, np.ndarray]) -> dict[str, Any]:
    if booster != "lightgbm":
        return {"eval_set": [stop], "verbose": False}
    from lightgbm import early_stopping

    return {"eval_set": [stop], "callbacks": [early_stopping(PATIENCE, verbose=False)]}


def rounds_of(booster: str, model: Any) -> int:
    """Return the number of rounds that a native model predicts with."""
    if booster == "catboost":
        return int(model.tree_count_)
    return int(model.best_iteration + 1 if booster == "xgboost" else model.best_iteration_)


def raw_prediction(booster: str, model: Any, X: pd.DataFrame) -> np.ndarray:
    """Return the raw prediction of a native model."""
    keyword = {"output_margin": True} if booster == "xgboost" else {"raw_score": True}
    return np.asarray(model.predict(X, **keyword), dtype=np.float64)


def with_missing_category(X: pd.DataFrame) -> pd.DataFrame:
    """Return the features with missing categories as a separate category, as CatBoost requires."""
    categorical = X.select_dtypes("category").columns
    filled = {
        name: X[name].astype(object).fillna("missing").astype(str).astype("category") for name in categorical
    }
    return X.assign(**filled)


def probabilities(raw: np.ndarray) -> np.ndarray:
    """Return the sigmoid or the softmax of raw predictions, (n,) or (n, K), as (n, K)."""
    return softmax(np.column_stack([np.zeros_like(raw), raw]) if raw.ndim == 1 else raw, axis=1)


def outcome(raw: np.ndarray, raw_stop: np.ndarray, rounds: int) -> Outcome:
    """Return the outcome of a model whose probabilities are the sigmoid or the softmax."""
    return Outcome(probabilities(raw), probabilities(raw_stop), int(rounds), float(np.abs(raw).max()))


def log_loss_model(contender: Contender, table: Table, fold: Fold) -> Outcome:
    """Train with the booster's built-in log loss, weighted as in the booster's documentation."""
    train, stop, test = parts(table, fold)
    params: dict[str, Any] = _strategy(contender)
    arguments = _fit_arguments(contender.booster, stop)
    if contender.variant == "weighted":
        if table.n_classes == 2:
            params["scale_pos_weight"] = float((train[1] == 0).sum() / (train[1] == 1).sum())
        else:
            weights = compute_class_weight("balanced", classes=np.unique(train[1]), y=train[1])
            arguments["sample_weight"] = weights[train[1]]
    if contender.booster == "xgboost":
        params["eval_metric"] = "logloss" if table.n_classes == 2 else "mlogloss"
    model = estimator(contender.booster, **params).fit(*train, **arguments)
    raws = (raw_prediction(contender.booster, model, X) for X, _ in (test, stop))
    return outcome(*raws, rounds_of(contender.booster, model))


def focal_boost(contender: Contender, table: Table, fold: Fold) -> Outcome:
    """Train with focal_boost."""
    from focal_boost import FocalBoostClassifier

    if contender.booster == "catboost":
        table = replace(table, X=with_missing_category(table.X))
    train, stop, test = parts(table, fold)
    arguments = _fit_arguments(contender.booster, stop)
    if contender.variant == "rescaled":
        arguments["sample_weight"] = np.full(len(train[1]), _scale(contender.gamma, train[1], table.n_classes))
    model = FocalBoostClassifier(
        estimator(contender.booster, **_strategy(contender)),
        gamma=contender.gamma,
        alpha="balanced" if contender.variant == "weighted" else None,
        hessian=HESSIANS.get(contender.variant, "safeguarded"),
    ).fit(*train, **arguments)
    return Outcome(
        model.predict_proba(test[0]),
        model.predict_proba(stop[0]),
        rounds_of(contender.booster, model.estimator_),
        float(np.abs(model.decision_function(test[0])).max()),
    )


def _scale(gamma: float, y: np.ndarray, n_classes: int) -> float:
    """Return the mean Hessian of the log loss over that of the focal loss, each at its own start."""
    from focal_boost import BinaryFocalLoss, MulticlassFocalLoss

    def mean_hessian(gamma: float) -> float:
        loss = BinaryFocalLoss(gamma, None) if n_classes == 2 else MulticlassFocalLoss(n_classes, gamma)
        start = np.asarray(loss.fit_intercept_only(y))
        return float(loss(y, np.broadcast_to(start, (len(y), *start.shape)).copy())[1].mean(dtype=np.float64))

    return mean_hessian(0.0) / mean_hessian(gamma)
