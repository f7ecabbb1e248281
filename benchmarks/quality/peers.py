"""The focal losses of other packages at gamma 2, each used as in its documentation.

Packages without documented early stopping are stopped on the log loss of their documented probabilities, the
sigmoid or softmax of the raw prediction.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.quality.contenders import (
    LEARNING_RATE,
    PATIENCE,
    ROUNDS,
    THREADS,
    Contender,
    Outcome,
    estimator,
    outcome,
    parts,
    probabilities,
    raw_prediction,
    rounds_of,
    with_missing_category,
)
from benchmarks.quality.sets import SEED, Fold, Table
from focal_boost.comparison.scores import log_loss


def catboost(contender: Contender, table: Table, fold: Fold) -> Outcome:
    """Train CatBoost's log loss (gamma 0) or ``Focal``, with alpha 0.5: no class weight."""
    (X, y), (X_stop, y_stop), (X_test, _) = parts(replace(table, X=with_missing_category(table.X)), fold)
    built_in = "Logloss" if table.n_classes == 2 else "MultiClass"
    model = estimator(
        "catboost",
        loss_function=f"Focal:focal_alpha=0.5;focal_gamma={contender.gamma:g}" if contender.gamma else built_in,
        eval_metric=built_in,
        cat_features=list(X.select_dtypes("category").columns),
    ).fit(X, y, eval_set=(X_stop, y_stop))
    raws = (np.asarray(model.predict(X, prediction_type="RawFormulaVal")) for X in (X_test, X_stop))
    return outcome(*raws, rounds_of("catboost", model))


def _lightgbm_arguments(stop: tuple[pd.DataFrame, np.ndarray]) -> dict[str, Any]:
    from lightgbm import early_stopping

    def metric(y: np.ndarray, raw: np.ndarray) -> tuple[str, float, bool]:
        return "log_loss", log_loss(y.astype(int), probabilities(raw)), False

    return {"eval_set": [stop], "eval_metric": metric, "callbacks": [early_stopping(PATIENCE, verbose=False)]}


def gbdt_cbl(contender: Contender, table: Table, fold: Fold) -> Outcome:
    """Train with gbdtCBL, a callable for either booster that starts from a raw prediction of 0."""
    from gbdtCBL.binary import FLLoss
    from gbdtCBL.lgbmulti import LGBFLMulti
    from gbdtCBL.xgbmulti import XGBFLMulti

    train, stop, (X_test, _) = parts(table, fold)
    on_xgboost = contender.booster == "xgboost"
    multiclass = XGBFLMulti if on_xgboost else LGBFLMulti
    objective = (FLLoss if table.n_classes == 2 else multiclass)(contender.gamma)
    if on_xgboost:
        metric = "logloss" if table.n_classes == 2 else "mlogloss"
        model = estimator("xgboost", objective=objective, eval_metric=metric)
        model.fit(*train, eval_set=[stop], verbose=False)
    else:
        model = estimator("lightgbm", objective=objective, metric="None").fit(*train, **_lightgbm_arguments(stop))
    raws = (raw_prediction(contender.booster, model, X) for X in (X_test, stop[0]))
    return outcome(*raws, rounds_of(contender.booster, model))


def imlightgbm(contender: Contender, table: Table, fold: Fold) -> Outcome:
    """Train with imlightgbm, a classifier that wraps LightGBM."""
    from imlightgbm import ImbalancedLGBMClassifier

    train, stop, (X_test, _) = parts(table, fold)
    kind = {"objective": "binary_focal"}
    if table.n_classes > 2:
        kind = {"objective": "multiclass_focal", "num_class": table.n_classes}
    model = ImbalancedLGBMClassifier(
        gamma=contender.gamma,
        n_estimators=ROUNDS,
        learning_rate=LEARNING_RATE,
        n_jobs=THREADS,
        random_state=SEED,
        verbose=-1,
        metric="None",
        **kind,
    ).fit(*train, **_lightgbm_arguments(stop))
    largest = float(np.abs(model.predict(X_test, raw_score=True)).max())
    probas = (model.predict_proba(X) for X in (X_test, stop[0]))
    return Outcome(*probas, rounds_of("lightgbm", model), largest)


def bokbokbok(contender: Contender, table: Table, fold: Fold) -> Outcome:
    """Train with bokbokbok, an objective for the native interfaces, binary only."""
    import lightgbm
    from bokbokbok.loss_functions.classification import WeightedFocalLoss

    if table.n_classes > 2:
        raise NotImplementedError("bokbokbok has no focal loss for more than two classes")
    (X, y), (X_stop, y_stop), (X_test, _) = parts(table, fold)

    def metric(raw: np.ndarray, data: Any) -> tuple[str, float, bool]:
        return "log_loss", log_loss(data.get_label().astype(int), probabilities(raw)), False

    train = lightgbm.Dataset(X, y)
    model = lightgbm.train(
        {
            "objective": WeightedFocalLoss(alpha=1.0, gamma=contender.gamma),
            "metric": "None",
            "learning_rate": LEARNING_RATE,
            "num_threads": THREADS,
            "seed": SEED,
            "verbosity": -1,
        },
        train,
        num_boost_round=ROUNDS,
        valid_sets=[lightgbm.Dataset(X_stop, y_stop, reference=train)],
        feval=metric,
        callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
    )
    raws = (np.asarray(model.predict(X)) for X in (X_test, X_stop))
    return outcome(*raws, model.best_iteration)


PEERS = {"CatBoost": catboost, "gbdtCBL": gbdt_cbl, "imlightgbm": imlightgbm, "bokbokbok": bokbokbok}


def contenders() -> list[Contender]:
    """Return the models of other packages."""
    return [
        Contender("CatBoost", "catboost"),
        Contender("CatBoost", "catboost", 2.0),
        Contender("gbdtCBL", "xgboost", 2.0),
        Contender("gbdtCBL", "lightgbm", 2.0),
        Contender("imlightgbm", "lightgbm", 2.0),
        Contender("bokbokbok", "lightgbm", 2.0),
    ]
