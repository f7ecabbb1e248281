"""Is focal loss worth it? Cross-validates gamma and tabulates the scores. Knows nothing of the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold

from focal_boost.classifier import FocalBoostClassifier
from focal_boost.losses._kernel import Array
from focal_boost.objectives import default_estimator

SCORES: dict[str, Callable[[Array, Array], float]] = {
    "average precision": average_precision_score,
    "ROC AUC": roc_auc_score,
    "log loss": log_loss,
    "Brier": brier_score_loss,
}


def digit_against_the_rest(digit: int = 8) -> tuple[Array, Array]:
    """Return scikit-learn's handwritten digits, 1,797 rows of 64 features, and whether each is ``digit``."""
    X, y = load_digits(return_X_y=True)
    return X, y == digit


def cross_validate(
    X: Array, y: Array, gammas: Sequence[float], n_folds: int, seed: int, advance: Callable[[], Any]
) -> pd.DataFrame:
    """Return the scores of each gamma on each fold: the same folds for all, one row per gamma and fold."""
    estimator = default_estimator().set_params(
        n_estimators=100, learning_rate=0.1, max_depth=4, n_jobs=1, random_state=seed
    )
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    rows = []
    for fold, (train, test) in enumerate(folds.split(X, y)):
        for gamma in gammas:
            model = FocalBoostClassifier(clone(estimator), gamma=gamma).fit(X[train], y[train])
            proba = model.predict_proba(X[test])[:, 1]
            scores = {name: float(score(y[test], proba)) for name, score in SCORES.items()}
            rows.append({"gamma": gamma, "fold": fold, **scores})
            advance()
    return pd.DataFrame(rows)


def mean_and_spread(scores: pd.DataFrame) -> dict[float, dict[str, tuple[float, float]]]:
    """Return {gamma: {score: (mean over folds, standard deviation over folds)}}."""
    return {
        gamma: {name: (float(np.mean(of_gamma[name])), float(np.std(of_gamma[name], ddof=1))) for name in SCORES}
        for gamma, of_gamma in scores.groupby("gamma")
    }
