"""A loss object in the four interfaces of the boosters: two of scikit-learn, two native ones."""

import copy
import pickle
from inspect import signature

import lightgbm
import numpy as np
import pytest
import xgboost
from lightgbm import LGBMClassifier
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import log_loss
from xgboost import XGBClassifier

from focal_boost import BinaryFocalLoss, FocalBoostClassifier, MulticlassFocalLoss, focal_loss
from focal_boost.boosters import LightGBMMetric, XGBoostMetric

from ..cases import digit_eight, four_classes, weights

ROUNDS = 8
SINCE_4_7 = "eval_X" in signature(LGBMClassifier.fit).parameters
# One value per bin, and leaves limited only by the sum of their Hessian, which is exact. Otherwise row counts,
# which LightGBM estimates from the Hessian, would differ between a weight and copies.
XGBOOST = {"max_depth": 4, "max_bin": 4096, "min_child_weight": 3, "nthread": 1}
LIGHTGBM = {
    "num_leaves": 10,
    "max_bin": 4096,
    "min_data_in_bin": 1,
    "min_child_samples": 0,
    "min_child_weight": 3,
    "reg_lambda": 1.0,
    "feature_pre_filter": False,
    "num_threads": 1,
    "verbosity": -1,
}


def xgb_native_params(y):
    n_classes = len(np.unique(y))
    native = {"objective": "multi:softprob", "num_class": n_classes} if n_classes > 2 else {}
    return {"objective": "binary:logistic", "base_score": 0.5, **XGBOOST, **native}


def lgb_native_params(loss, y):
    n_classes = len(np.unique(y))
    return {"objective": loss, "metric": "None", **LIGHTGBM, "num_class": n_classes if n_classes > 2 else 1}


def xgb_sklearn(loss, X, y, weight=None):
    model = XGBClassifier(objective=loss, n_estimators=ROUNDS, base_score=0.5, **XGBOOST)
    return model.fit(X, y, sample_weight=weight).predict(X, output_margin=True)


def xgb_native(loss, X, y, weight=None):
    model = xgboost.train(xgb_native_params(y), xgboost.DMatrix(X, y, weight=weight), ROUNDS, obj=loss)
    return model.predict(xgboost.DMatrix(X), output_margin=True)


def lgb_sklearn(loss, X, y, weight=None):
    model = LGBMClassifier(objective=loss, n_estimators=ROUNDS, **LIGHTGBM)
    return model.fit(X, y, sample_weight=weight).predict(X, raw_score=True)


def lgb_native(loss, X, y, weight=None):
    model = lightgbm.train(lgb_native_params(loss, y), lightgbm.Dataset(X, y, weight=weight), ROUNDS)
    return model.predict(X, raw_score=True)


ENTRY_POINTS = (xgb_sklearn, xgb_native, lgb_sklearn, lgb_native)
CASES = (
    pytest.param(digit_eight, BinaryFocalLoss(gamma=2.0, alpha=0.25), id="binary"),
    pytest.param(four_classes, MulticlassFocalLoss(gamma=1.0), id="multiclass"),
    pytest.param(four_classes, MulticlassFocalLoss(4, (0, 1, 2, 3), (1, 2, 3, 4)), id="multiclass-per-class"),
)


@pytest.mark.parametrize(("data", "loss"), CASES)
@pytest.mark.parametrize("pair", [(xgb_sklearn, xgb_native), (lgb_sklearn, lgb_native)])
@pytest.mark.parametrize("weighted", [False, True])
def test_both_interfaces_of_a_booster_train_the_same_model(data, loss, pair, weighted):
    X, y = data()
    weight = weights(len(y)) if weighted else None
    one, other = (fit(loss, X, y, weight) for fit in pair)
    assert_array_equal(one, other)
    assert one.shape == (len(y), 4)[: 1 if isinstance(loss, BinaryFocalLoss) else 2]


@pytest.mark.parametrize(("data", "loss"), CASES)
@pytest.mark.parametrize("fit", ENTRY_POINTS)
def test_training_lowers_the_focal_loss(data, loss, fit):
    X, y = data()
    raw = fit(loss, X, y)
    start = np.zeros_like(raw)
    assert loss.loss(y, raw).mean() < 0.75 * loss.loss(y, start).mean()


@pytest.mark.parametrize(("data", "loss"), CASES)
@pytest.mark.parametrize("fit", ENTRY_POINTS)
def test_a_weight_of_two_equals_two_copies(data, loss, fit):
    X, y = data()
    X = X.round(1)
    rows = np.arange(len(y)) % 3 == 0
    weighted = fit(loss, X, y, np.where(rows, 2.0, 1.0))
    copied = fit(loss, np.concatenate([X, X[rows]]), np.concatenate([y, y[rows]]))[: len(y)]
    assert abs(weighted - fit(loss, X, y)).max() > 0.01
    assert_allclose(weighted, copied, atol=1e-6)


@pytest.mark.parametrize(("data", "loss"), CASES)
@pytest.mark.parametrize("fit", ENTRY_POINTS)
def test_alpha_equals_a_sample_weight_by_class(data, loss, fit):
    X, y = data()
    n_classes = len(np.unique(y))
    by_class = np.linspace(0.25, 1, n_classes)
    plain = type(loss)(gamma=1.0, alpha=None)
    weighted = type(loss)(gamma=1.0, alpha=tuple(by_class))
    assert_allclose(fit(plain, X, y, by_class[y]), fit(weighted, X, y), atol=1e-6)


@pytest.mark.parametrize(("data", "loss"), CASES)
def test_the_documented_recipe_equals_the_estimator(data, loss):
    """Start, scaled weights and probabilities by hand."""
    X, y = data()
    start, weight = loss.fit_intercept_only(y), np.full(len(y), loss.scale(y))
    binary = np.ndim(start) == 0
    base_score = float(1 / (1 + np.exp(-start))) if binary else start.tolist()
    params = {**xgb_native_params(y), "base_score": base_score}
    model = xgboost.train(params, xgboost.DMatrix(X, y, weight=weight), ROUNDS, obj=loss)
    by_hand = loss.predict_proba(model.predict(xgboost.DMatrix(X), output_margin=True))
    estimator = FocalBoostClassifier(
        XGBClassifier(n_estimators=ROUNDS, **XGBOOST), gamma=loss.gamma, alpha=loss.alpha
    )
    assert_allclose(estimator.fit(X, y).predict_proba(X), by_hand, atol=2e-6)


def test_lightgbm_recipe_without_the_estimator():
    X, y = digit_eight()
    loss = BinaryFocalLoss(gamma=2.0)
    start = loss.fit_intercept_only(y)
    weight = np.full(len(y), loss.scale(y))
    data = lightgbm.Dataset(X, y, weight=weight, init_score=np.full(len(y), start))
    model = lightgbm.train(lgb_native_params(loss, y), data, ROUNDS)
    by_hand = loss.predict_proba(start + model.predict(X, raw_score=True))
    estimator = FocalBoostClassifier(LGBMClassifier(n_estimators=ROUNDS, **LIGHTGBM), gamma=2.0, alpha=0.25)
    assert_allclose(estimator.fit(X, y).predict_proba(X), by_hand, atol=1e-12)


# --- metric objects --------------------------------------------------------------------------------------


def evaluate_xgb_sklearn(loss, metric, X, y, weight):
    model = XGBClassifier(objective=loss, n_estimators=ROUNDS, eval_metric=metric, **XGBOOST)
    model.fit(X, y, sample_weight=weight, eval_set=[(X, y)], sample_weight_eval_set=[weight], verbose=False)
    return model.evals_result_["validation_0"][metric.name], model.predict(X, output_margin=True)


def evaluate_xgb_native(loss, metric, X, y, weight):
    data, history = xgboost.DMatrix(X, y, weight=weight), {}
    model = xgboost.train(
        xgb_native_params(y),
        data,
        ROUNDS,
        obj=loss,
        custom_metric=metric,
        evals=[(data, "train")],
        evals_result=history,
        verbose_eval=False,
    )
    return history["train"][metric.name], model.predict(data, output_margin=True)


def evaluate_lgb_sklearn(loss, metric, X, y, weight):
    model = LGBMClassifier(objective=loss, n_estimators=ROUNDS, metric="None", **LIGHTGBM)
    eval_set = {"eval_X": X, "eval_y": y} if SINCE_4_7 else {"eval_set": [(X, y)]}
    model.fit(X, y, weight, **eval_set, eval_sample_weight=[weight], eval_metric=metric)
    (reported,) = (
        model.evals_result_.values()
    )  # named "training" by LightGBM 4.6, which recognises the training data
    return reported[metric.name], model.predict(X, raw_score=True)


def evaluate_lgb_native(loss, metric, X, y, weight):
    data, history = lightgbm.Dataset(X, y, weight=weight), {}
    model = lightgbm.train(
        lgb_native_params(loss, y),
        data,
        ROUNDS,
        valid_sets=[data],
        valid_names=["train"],
        feval=metric,
        callbacks=[lightgbm.record_evaluation(history)],
    )
    return history["train"][metric.name], model.predict(X, raw_score=True)


EVALUATIONS = (
    (evaluate_xgb_sklearn, XGBoostMetric),
    (evaluate_xgb_native, XGBoostMetric),
    (evaluate_lgb_sklearn, LightGBMMetric),
    (evaluate_lgb_native, LightGBMMetric),
)


@pytest.mark.parametrize(("data", "loss"), CASES)
@pytest.mark.parametrize(("evaluate", "metric"), EVALUATIONS)
@pytest.mark.parametrize(("calibrated", "weighted"), [(True, False), (True, True), (False, True)])
def test_metric_object_reports_the_log_loss_of_the_probabilities(
    data, loss, evaluate, metric, calibrated, weighted
):
    X, y = data()
    weight = weights(len(y)) if weighted else np.ones(len(y))
    reported, raw = evaluate(loss, metric(loss, calibrated=calibrated), X, y, weight)
    proba = loss.predict_proba(np.asarray(raw, dtype=np.float64), calibrated)
    assert len(reported) == ROUNDS
    assert reported[-1] == pytest.approx(log_loss(y, proba, sample_weight=weight), abs=1e-6)


@pytest.mark.parametrize(("data", "loss"), CASES)
@pytest.mark.parametrize(("evaluate", "metric"), EVALUATIONS)
def test_metric_object_reports_the_focal_loss(data, loss, evaluate, metric):
    X, y = data()
    weight = weights(len(y))
    reported, raw = evaluate(loss, metric(loss, "focal_loss"), X, y, weight)
    expected = focal_loss(y, raw, loss.gamma, loss.alpha, sample_weight=weight)
    assert reported[-1] == pytest.approx(expected, abs=1e-6)


def test_metric_name_is_checked():
    with pytest.raises(ValueError, match="name must be 'log_loss' or 'focal_loss'; got 'auc'"):
        XGBoostMetric(BinaryFocalLoss(), "auc")


# --- copies -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", [XGBClassifier, LGBMClassifier])
@pytest.mark.parametrize("loss", [BinaryFocalLoss(1.5, (1, 3)), MulticlassFocalLoss(3, [0, 1, 2])])
def test_a_loss_survives_copies_of_the_estimator_that_holds_it(estimator, loss):
    model = estimator(objective=loss)
    for copied in (clone(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert copied.get_params()["objective"] == loss
        assert hash(copied.get_params()["objective"]) == hash(loss)


@pytest.mark.parametrize("estimator", [XGBClassifier, LGBMClassifier])
def test_a_fitted_model_that_holds_a_loss_survives_pickle(estimator):
    X, y = digit_eight()
    model = estimator(objective=BinaryFocalLoss(), n_estimators=3, n_jobs=1).fit(X, y)
    restored = pickle.loads(pickle.dumps(model))
    raw = {"raw_score": True} if estimator is LGBMClassifier else {"output_margin": True}
    assert_array_equal(restored.predict(X, **raw), model.predict(X, **raw))
