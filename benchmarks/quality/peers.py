"""The focal losses of other packages at gamma 2, each used as in its documentation.

Packages without documented early stopping are stopped on the log loss of their documented probabilities, the
sigmoid or softmax of the raw prediction.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.quality.contenders import (
    PATIENCE,
    THREADS,
    Contender,
    Data,
    Model,
    Params,
    estimator,
    native,
    probabilities,
    stopping,
    with_missing_category,
)
from benchmarks.quality.sets import SEED, Rows
from focal_boost.comparison.scores import log_loss


def catboost(contender: Contender, data: Data, params: Params) -> Model:
    """Train CatBoost's log loss, or its ``Focal`` with alpha 0.5, which is without class weights; two classes."""
    (X, y), (X_stop, y_stop) = data.train, data.stop
    focal = f"Focal:focal_alpha=0.5;focal_gamma={contender.gamma:g}"
    model = estimator(
        "catboost",
        params,
        loss_function=focal if contender.gamma else "Logloss",
        eval_metric="Logloss",
        early_stopping_rounds=PATIENCE,
        cat_features=list(X.select_dtypes("category").columns),
    ).fit(with_missing_category(X), y, eval_set=(with_missing_category(X_stop), y_stop))

    def raw(X: Any) -> np.ndarray:
        return np.asarray(model.predict(with_missing_category(X), prediction_type="RawFormulaVal"))

    return Model(raw, probabilities, int(model.tree_count_))


def _lightgbm_arguments(stop: Rows) -> dict[str, Any]:
    from lightgbm import early_stopping

    def metric(y: np.ndarray, raw: np.ndarray) -> tuple[str, float, bool]:
        return "log_loss", log_loss(y.astype(int), probabilities(raw)), False

    return {"eval_set": [stop], "eval_metric": metric, "callbacks": [early_stopping(PATIENCE, verbose=False)]}


def gbdt_cbl(contender: Contender, data: Data, params: Params) -> Model:
    """Train with gbdtCBL, a callable for either booster that starts from a raw prediction of 0."""
    from gbdtCBL.binary import FLLoss
    from gbdtCBL.lgbmulti import LGBFLMulti
    from gbdtCBL.xgbmulti import XGBFLMulti

    on_xgboost, binary = contender.booster == "xgboost", data.n_classes == 2
    objective = (FLLoss if binary else XGBFLMulti if on_xgboost else LGBFLMulti)(contender.gamma)
    if on_xgboost:
        more, arguments = stopping("xgboost", data.stop)
        more["eval_metric"] = "logloss" if binary else "mlogloss"
    else:
        more, arguments = {"metric": "None"}, _lightgbm_arguments(data.stop)
    model = estimator(contender.booster, params, objective=objective, **more).fit(*data.train, **arguments)
    return native(contender.booster, model)


def imlightgbm(contender: Contender, data: Data, params: Params) -> Model:
    """Train with imlightgbm, a classifier that wraps LightGBM."""
    from imlightgbm import ImbalancedLGBMClassifier

    kind = {"objective": "binary_focal"}
    if data.n_classes > 2:
        kind = {"objective": "multiclass_focal", "num_class": data.n_classes}
    shared = {"n_jobs": THREADS, "random_state": SEED, "verbose": -1, "metric": "None"}
    model = ImbalancedLGBMClassifier(gamma=contender.gamma, **shared, **params, **kind)
    model.fit(*data.train, **_lightgbm_arguments(data.stop))
    return Model(model.predict_proba, lambda proba: proba, int(model.best_iteration_))


def bokbokbok(contender: Contender, data: Data, params: Params) -> Model:
    """Train with bokbokbok, an objective for the native interfaces, binary only."""
    import lightgbm
    from bokbokbok.loss_functions.classification import WeightedFocalLoss

    if data.n_classes > 2:
        raise NotImplementedError("bokbokbok has no focal loss for more than two classes")

    def metric(raw: np.ndarray, rows: Any) -> tuple[str, float, bool]:
        return "log_loss", log_loss(rows.get_label().astype(int), probabilities(raw)), False

    train = lightgbm.Dataset(*data.train)
    shared = {"num_threads": THREADS, "seed": SEED, "metric": "None", "verbosity": -1}
    objective = WeightedFocalLoss(alpha=1.0, gamma=contender.gamma)
    model = lightgbm.train(
        {"learning_rate": params["learning_rate"], "objective": objective, **shared},
        train,
        num_boost_round=params["n_estimators"],
        valid_sets=[lightgbm.Dataset(*data.stop, reference=train)],
        feval=metric,
        callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
    )
    return Model(lambda X: np.asarray(model.predict(X)), probabilities, int(model.best_iteration))


PEERS = {"CatBoost": catboost, "gbdtCBL": gbdt_cbl, "imlightgbm": imlightgbm, "bokbokbok": bokbokbok}


def contenders(booster: str) -> list[Contender]:
    """Return the models of other packages on a booster."""
    if booster == "catboost":
        return [Contender("CatBoost", booster, gamma) for gamma in (1.0, 2.0)]
    names = {"xgboost": ["gbdtCBL"], "lightgbm": ["gbdtCBL", "imlightgbm", "bokbokbok"]}
    return [Contender(name, booster, 2.0) for name in names.get(booster, [])]
