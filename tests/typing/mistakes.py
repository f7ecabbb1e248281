"""Mistakes in calls of the library: the marked lines, and no others, are type errors. Never executed."""

import numpy as np

from focal_boost import (
    BinaryFocalLoss,
    FocalBoostClassifier,
    MulticlassFocalLoss,
    PriorCorrectedClassifier,
    focal_loss,
)
from focal_boost.boosters import LightGBMMetric, XGBoostMetric
from focal_boost.losses import Hessian, posterior
from focal_boost.metrics import expected_calibration_error


def mistakes() -> None:
    X, y, raw = np.zeros((2, 1)), [0, 1], [0.5, -0.5]
    strings = np.array(["1", "2"], dtype=np.str_)

    BinaryFocalLoss("2")  # error
    BinaryFocalLoss(None)  # error
    BinaryFocalLoss(["1", "2"])  # error
    BinaryFocalLoss(strings)  # error
    BinaryFocalLoss(2.0, "balanced")  # error
    BinaryFocalLoss(2.0, {0: 1.0, 1: 2.0})  # error
    BinaryFocalLoss(2.0, None, "dominant")  # error
    BinaryFocalLoss(gama=2.0)  # error
    BinaryFocalLoss().gamma = 1.0  # error
    MulticlassFocalLoss("3")  # error
    MulticlassFocalLoss(3, gamma="2")  # error
    MulticlassFocalLoss(3, hessian=True)  # error
    BinaryFocalLoss().loss(y)  # error
    BinaryFocalLoss().predict_proba(raw, calibrated="no")  # error
    hessian: Hessian = "newton"  # error

    FocalBoostClassifier(None, 2.0)  # error
    FocalBoostClassifier(gamma="two")  # error
    FocalBoostClassifier(alpha="balance")  # error
    FocalBoostClassifier(alpha={"a": "1"})  # error
    FocalBoostClassifier(calibrated="yes")  # error
    FocalBoostClassifier(hessian="foo")  # error
    FocalBoostClassifier(hessian=hessian, focusing=2.0)  # error
    FocalBoostClassifier().fit(X)  # error
    FocalBoostClassifier().fit(X, None)  # error
    FocalBoostClassifier().fit(X, y, eval_set=X)  # error
    FocalBoostClassifier().predict_proba()  # error

    PriorCorrectedClassifier(None)  # error
    PriorCorrectedClassifier(None, "balanced")  # error
    PriorCorrectedClassifier(None, training_weight="auto")  # error
    PriorCorrectedClassifier(None, training_weight=None)  # error
    PriorCorrectedClassifier(None, training_weight=[1, 2])  # error
    PriorCorrectedClassifier(None, training_weight="balanced").fit(X)  # error

    focal_loss(y)  # error
    focal_loss(y, raw, "2")  # error
    focal_loss(y, raw, alpha="balanced")  # error
    focal_loss(y, raw, reduction="max")  # error
    mean: float = focal_loss(y, raw, reduction="none")  # error
    posterior(mean, gamma="2")  # error
    posterior(raw, alpha="balanced")  # error
    posterior(None)  # error
    expected_calibration_error(y, raw, 10)  # error
    expected_calibration_error(y, raw, n_bins=2.5)  # error
    expected_calibration_error(y, raw, strategy="kmeans")  # error
    XGBoostMetric("log_loss")  # error
    XGBoostMetric(BinaryFocalLoss(), name="auc")  # error
    LightGBMMetric(BinaryFocalLoss(), name="auc")  # error
