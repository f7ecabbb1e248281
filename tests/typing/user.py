"""A typed script that uses the library correctly: type checkers accept it, and it runs."""

from types import MappingProxyType

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import xgboost as xgb
from lightgbm import LGBMClassifier
from xgboost import XGBClassifier

from focal_boost import (
    BinaryFocalLoss,
    FocalBoostClassifier,
    MulticlassFocalLoss,
    PriorCorrectedClassifier,
    focal_loss,
)
from focal_boost.boosters import LightGBMMetric, XGBoostMetric
from focal_boost.losses import FocalLoss, Gamma, Hessian, posterior
from focal_boost.metrics import expected_calibration_error


def losses() -> list[FocalLoss]:
    exponents = [0.5, 2.0]
    hessian: Hessian = "exact"
    gamma: Gamma = np.float32(1.5)
    return [
        BinaryFocalLoss(),
        BinaryFocalLoss(2, [1, 2]),
        BinaryFocalLoss(np.array([1.0, 2.0]), None, "exact"),
        BinaryFocalLoss(np.arange(2), 0.25, hessian="gauss_newton"),
        BinaryFocalLoss(exponents, alpha=(1, 2.5), hessian=hessian),
        BinaryFocalLoss(gamma, [np.float64(1), np.int64(2)]),
        MulticlassFocalLoss(),
        MulticlassFocalLoss(3, gamma=[0, 1, 2]),
        MulticlassFocalLoss(n_classes=3, gamma=1.5, alpha=np.ones(3), hessian="safeguarded"),
    ]


def numbers(loss: FocalLoss, y: list[int], raw: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    rows: npt.NDArray[np.float32] = loss.loss(y, raw, sample_weight=[1.0] * len(y))
    gradient, hessian = loss.gradient_hessian(y, raw)
    assert gradient.shape == hessian.shape == loss.gradient(np.array(y), raw.tolist()).shape
    mean: float = focal_loss(y, raw, loss.gamma, loss.alpha)
    total: float = focal_loss(y, raw.tolist(), gamma=[1, 2], alpha=None, reduction="sum")
    each: npt.NDArray[np.float64] = focal_loss(np.array(y), raw, 2, 0.25, np.ones(len(y)), reduction="none")
    proba = loss.predict_proba(raw, calibrated=False)
    error: float = expected_calibration_error(y, proba, n_bins=2, strategy="uniform", sample_weight=[1] * len(y))
    assert mean + total + error + rows.sum() + each.sum() > 0
    return posterior(proba[:, 1], gamma=loss.gamma, alpha=loss.alpha) - posterior([0.5] * len(y), 2, (1, 2))


def estimators(X: npt.NDArray[np.float64], y: npt.NDArray[np.str_]) -> list[npt.NDArray[np.float64]]:
    booster = XGBClassifier(n_estimators=2)
    models = [
        FocalBoostClassifier(booster, gamma=2, alpha="balanced"),
        FocalBoostClassifier(LGBMClassifier(n_estimators=2, min_child_samples=1), alpha={"a": 1.0}),
        FocalBoostClassifier(booster, alpha=MappingProxyType({"b": 2})),
        FocalBoostClassifier(booster, gamma=[0, 2], alpha=0.25, calibrated=False, hessian="gauss_newton"),
        FocalBoostClassifier(estimator=booster, gamma=np.array([1.0, 2.0]), alpha=[1, 2], hessian="exact"),
    ]
    fitted: FocalBoostClassifier = models[0].fit(X, y.tolist(), np.ones(len(y)), eval_set=[(X, y)], verbose=False)
    rounds: int = fitted.n_iter_ + len(fitted.classes_) + fitted.n_classes_ + fitted.n_features_in_
    plain = fitted.estimator_.predict_proba(X)[:, 1]
    assert rounds
    assert fitted.evals_result_
    assert fitted.decision_function(X).shape == posterior(plain, fitted.loss_.gamma, fitted.loss_.alpha).shape
    trees = LGBMClassifier(n_estimators=2, min_child_samples=1)
    corrected: PriorCorrectedClassifier = PriorCorrectedClassifier(trees, training_weight="balanced")
    corrected = corrected.fit(X, y.tolist())
    assert corrected.training_weight_.shape == corrected.classes_.shape == corrected.predict(X[:2]).shape
    weighted = PriorCorrectedClassifier(trees, training_weight={"a": 1, "b": np.float64(2)}).fit(X, y)
    return [model.fit(X, y).predict_proba(X) for model in models] + [
        fitted.predict_log_proba(X),
        corrected.predict_proba(X),
        weighted.predict_proba(X),
    ]


def objectives(X: npt.NDArray[np.float64], y: npt.NDArray[np.int64]) -> None:
    loss = BinaryFocalLoss(gamma=2.0, alpha=None)
    start: float = loss.fit_intercept_only(y)
    XGBClassifier(n_estimators=2, objective=loss, eval_metric=XGBoostMetric(loss)).fit(X, y)
    LGBMClassifier(n_estimators=2, objective=loss).fit(X, y, eval_metric=LightGBMMetric(loss))
    data = xgb.DMatrix(X, y)
    xgb.train({"base_score": start}, data, 2, obj=loss, custom_metric=XGBoostMetric(loss, "focal_loss"))
    lgb.train(
        {"objective": loss, "verbosity": -1}, lgb.Dataset(X, y), 2, feval=LightGBMMetric(loss, calibrated=True)
    )
