"""The contenders that every set is given: each trains, stops on the inner split and returns log-probabilities.

All share one budget of rounds, one learning rate and one patience; all else is the booster's default.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.class_weight import compute_class_weight

from benchmarks.quality._sets import SEED, Fold, Table

ROUNDS, LEARNING_RATE, PATIENCE = 300, 0.1, 20
THREADS = 1
GAMMAS = (0.5, 1.0, 2.0, 3.0, 5.0)


@dataclass(frozen=True)
class Outcome:
    """What a fitted contender says: log-probabilities of the tested and of the stopping rows."""

    log_proba: np.ndarray
    log_proba_stop: np.ndarray
    rounds: int
    largest_raw: float


@dataclass(frozen=True)
class Contender:
    """One row of the results: who trains (``family``) on which booster with which loss."""

    family: str
    booster: str
    gamma: float = 0.0
    alpha: str | None = None
    hessian: str = "dominant"
    rescaled: bool = False

    @property
    def name(self) -> str:
        parts = [self.family, self.booster, f"gamma={self.gamma:g}", f"alpha={self.alpha}", self.hessian]
        return " | ".join([*parts, "rescaled"] if self.rescaled else parts)

    @property
    def record(self) -> dict[str, Any]:
        return asdict(self)


def parts(table: Table, fold: Fold) -> list[tuple[pd.DataFrame, np.ndarray]]:
    return [(table.X.iloc[rows], table.y[rows]) for rows in (fold.train, fold.stop, fold.test)]


def estimator(booster: str, **params: Any) -> Any:
    if booster == "xgboost":
        from xgboost import XGBClassifier

        shared = {"enable_categorical": True, "tree_method": "hist", "early_stopping_rounds": PATIENCE}
        return XGBClassifier(
            n_estimators=ROUNDS, learning_rate=LEARNING_RATE, n_jobs=THREADS, random_state=SEED, **shared, **params
        )
    from lightgbm import LGBMClassifier

    return LGBMClassifier(
        n_estimators=ROUNDS, learning_rate=LEARNING_RATE, n_jobs=THREADS, random_state=SEED, verbose=-1, **params
    )


def _fit_arguments(booster: str, stop: tuple[pd.DataFrame, np.ndarray]) -> dict[str, Any]:
    if booster == "xgboost":
        return {"eval_set": [stop], "verbose": False}
    from lightgbm import early_stopping

    return {"eval_set": [stop], "callbacks": [early_stopping(PATIENCE, verbose=False)]}


def raw_prediction(booster: str, model: Any, X: pd.DataFrame) -> np.ndarray:
    keyword = {"output_margin": True} if booster == "xgboost" else {"raw_score": True}
    return np.asarray(model.predict(X, **keyword), dtype=np.float64)


def log_softmax(raw: np.ndarray) -> np.ndarray:
    """Return log-probabilities, (n, K), of raw predictions, (n,) or (n, K)."""
    if raw.ndim == 1:
        raw = np.stack([np.zeros_like(raw), raw], axis=1)
    raw = raw - raw.max(axis=1, keepdims=True)
    return raw - np.log(np.exp(raw).sum(axis=1, keepdims=True))


def _class_weights(y: np.ndarray) -> np.ndarray:
    return compute_class_weight("balanced", classes=np.unique(y), y=y)


def log_loss_model(contender: Contender, table: Table, fold: Fold) -> Outcome:
    """Train the booster's built-in log loss; balanced weights as its own documentation sets them."""
    train, stop, test = parts(table, fold)
    params: dict[str, Any] = {}
    arguments = _fit_arguments(contender.booster, stop)
    if contender.alpha == "balanced":
        if table.n_classes == 2:
            params["scale_pos_weight"] = float((train[1] == 0).sum() / (train[1] == 1).sum())
        else:
            arguments["sample_weight"] = _class_weights(train[1])[train[1]]
    if contender.booster == "xgboost":
        params["eval_metric"] = "logloss" if table.n_classes == 2 else "mlogloss"
    model = estimator(contender.booster, **params).fit(*train, **arguments)
    rounds = model.best_iteration + 1 if contender.booster == "xgboost" else model.best_iteration_
    raw, raw_stop = (raw_prediction(contender.booster, model, X) for X, _ in (test, stop))
    return Outcome(log_softmax(raw), log_softmax(raw_stop), int(rounds), float(np.abs(raw).max()))


def focal_boost(contender: Contender, table: Table, fold: Fold) -> Outcome:
    from focal_boost import FocalBoostClassifier

    train, stop, test = parts(table, fold)
    arguments = _fit_arguments(contender.booster, stop)
    if contender.rescaled:
        arguments["sample_weight"] = np.full(len(train[1]), _scale(contender, train[1], table.n_classes))
    model = FocalBoostClassifier(
        estimator(contender.booster), gamma=contender.gamma, alpha=contender.alpha, hessian=contender.hessian
    ).fit(*train, **arguments)
    rounds = model.best_iteration_ + (contender.booster == "xgboost")
    largest = np.abs(model.decision_function(test[0])).max()
    return Outcome(model.predict_log_proba(test[0]), model.predict_log_proba(stop[0]), int(rounds), float(largest))


def _scale(contender: Contender, y: np.ndarray, n_classes: int) -> float:
    """Return the mean Hessian of the log loss over that of the contender's loss, each at its own start."""
    from focal_boost import BinaryFocalLoss, MulticlassFocalLoss

    def mean_hessian(gamma: float) -> float:
        binary = n_classes == 2
        loss = BinaryFocalLoss(gamma, None) if binary else MulticlassFocalLoss(n_classes, gamma)
        raw = (
            np.full(len(y), 1.0) * loss.fit_intercept_only(y)
            if binary
            else np.tile(loss.fit_intercept_only(y), (len(y), 1))
        )
        return float(loss(y, raw)[1].mean(dtype=np.float64))

    return mean_hessian(0.0) / mean_hessian(contender.gamma)


BOOSTERS = ("xgboost", "lightgbm")


def standard() -> list[Contender]:
    """Return the contenders of the benchmark."""
    own = [Contender("log loss", booster, alpha=alpha) for booster in BOOSTERS for alpha in (None, "balanced")]
    focal = [
        Contender("focal_boost", booster, gamma, alpha)
        for booster in BOOSTERS
        for alpha in (None, "balanced")
        for gamma in GAMMAS
    ]
    return own + focal


def scales(gammas: tuple[float, ...]) -> list[Contender]:
    """Return the built-in log loss and, for every gamma, the loss as it is and rescaled."""
    return [Contender("log loss", booster) for booster in BOOSTERS] + [
        Contender("focal_boost", booster, gamma, rescaled=rescaled)
        for booster in BOOSTERS
        for gamma in gammas
        for rescaled in (False, True)
    ]


def policies(names: tuple[str, ...], gammas: tuple[float, ...]) -> list[Contender]:
    """Return the built-in log loss and every Hessian policy at every gamma."""
    focal = Contender("focal_boost", "")
    return [Contender("log loss", booster) for booster in BOOSTERS] + [
        replace(focal, booster=booster, gamma=gamma, hessian=name)
        for booster in BOOSTERS
        for gamma in gammas
        for name in names
    ]
