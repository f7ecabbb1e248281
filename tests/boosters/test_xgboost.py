"""The fitted XGBoost model is native, with no focal_boost object in its parameters."""

import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import log_loss
from xgboost import DMatrix, XGBRFClassifier, __version__

from focal_boost import FocalBoostClassifier

from ..cases import booster, cancer, rare, wine


@pytest.mark.parametrize(("data", "objective"), [(rare, "binary:logistic"), (wine, "multi:softprob")])
@pytest.mark.parametrize("eval_metric", [None, "focal_loss", ["auc", "log_loss"]])
def test_parameters_and_model_are_native_after_fit(data, objective, eval_metric):
    X, y = data()
    model = FocalBoostClassifier(booster("xgboost", 5, eval_metric=eval_metric)).fit(X, y, eval_set=[(X, y)])
    inner = model.estimator_
    assert inner.objective == objective
    assert inner.base_score is None
    assert inner.eval_metric == ("auc" if isinstance(eval_metric, list) else None)
    assert "disable_default_eval_metric" not in inner.get_params()
    config = json.loads(model.booster_.save_config())["learner"]
    assert config["objective"]["name"] == objective
    before = inner.predict_proba(X)
    inner.set_params(n_jobs=2)  # passes all parameters to the model
    assert_allclose(inner.predict_proba(X), before, atol=1e-7)


@pytest.mark.parametrize("data", [rare, wine])
def test_the_initial_raw_prediction_is_inside_the_model(data):
    X, y = data()
    model = FocalBoostClassifier(booster("xgboost", 5)).fit(X, y)
    if data is rare or not __version__.startswith("3.1."):  # 3.1 adds the start of the first class to every class
        contributions = model.booster_.predict(DMatrix(X), pred_contribs=True)
        assert_allclose(contributions.sum(axis=-1), model.decision_function(X), atol=1e-5)
    config = json.loads(model.booster_.save_config())["learner"]["learner_model_param"]
    stored = np.atleast_1d(json.loads(config["base_score"]))
    if data is rare:
        stored = np.log(stored / (1 - stored))
    assert_allclose(stored, np.atleast_1d(model.initial_raw_prediction_), rtol=1e-4, atol=1e-6)
    assert abs(stored).max() > 0.05


def test_random_forest():
    X, y = cancer()
    forest = XGBRFClassifier(n_estimators=20, n_jobs=1, random_state=0)
    model = FocalBoostClassifier(forest, gamma=0).fit(X, y)
    built_in = XGBRFClassifier(n_estimators=20, n_jobs=1, random_state=0).fit(X, y)
    assert_allclose(model.predict_proba(X), built_in.predict_proba(X), atol=1e-6)
    assert isinstance(model.estimator_, XGBRFClassifier)
    focal = FocalBoostClassifier(forest, gamma=2.0).fit(X, y)
    assert log_loss(y, focal.predict_proba(X)) < 0.2


def test_a_start_out_of_range_for_xgboost_is_clipped():
    X, y = rare()
    model = FocalBoostClassifier(booster("xgboost", 5), gamma=0, alpha=(1e5, 1.0)).fit(X, y)
    assert model.initial_raw_prediction_ == pytest.approx(-np.log((1 - 1e-6) / 1e-6))
    assert np.isfinite(model.decision_function(X)).all()


@pytest.mark.parametrize("metric", ["error", "rmse", "aucpr@3"])
def test_built_in_metrics_that_are_not_rank_metrics_are_rejected(metric):
    X, y = cancer()
    with pytest.raises(ValueError, match=f"eval_metric must be 'log_loss'.* got '{metric}'"):
        FocalBoostClassifier(booster("xgboost", eval_metric=metric)).fit(X, y, eval_set=[(X, y)])


def test_a_forest_evaluates_one_custom_metric():
    X, y = cancer()
    forest = XGBRFClassifier(n_estimators=3, n_jobs=1, eval_metric=["log_loss", "focal_loss"])
    with pytest.raises(ValueError, match=r"at most one of .* got \['log_loss', 'focal_loss'\]"):
        FocalBoostClassifier(forest).fit(X, y, eval_set=[(X, y)])
    model = FocalBoostClassifier(forest.set_params(eval_metric="log_loss"), gamma=0).fit(X, y, eval_set=[(X, y)])
    reported = model.evals_result_["validation_0"]["log_loss"]
    assert reported == pytest.approx([log_loss(y, model.predict_proba(X))], abs=1e-6)


def test_categories_of_an_eval_set_may_be_in_another_order():
    X, y = cancer()
    frame = pd.DataFrame({"radius": pd.cut(X[:, 0], 6, labels=list("abcdef")), "texture": X[:, 1]})
    other = frame.assign(radius=frame["radius"].cat.reorder_categories(list("fdbeca")))
    model = FocalBoostClassifier(booster("xgboost", 5, enable_categorical=True))
    expected = model.fit(frame, y, eval_set=[(frame, y)]).evals_result_
    assert model.fit(frame, y, eval_set=[(other, y)]).evals_result_ == expected
