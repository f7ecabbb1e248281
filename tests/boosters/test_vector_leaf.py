"""Trees with a leaf value per class, multi_strategy="multi_output_tree" of XGBoost 3.4 and later."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import xgboost
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import log_loss
from xgboost import DMatrix

from focal_boost import FocalBoostClassifier

from ..cases import booster, digits, four_classes, rare, weights, wine
from ..classifier.test_native import LOAD_WITHOUT_FOCAL_BOOST

SINCE_3_4 = tuple(map(int, xgboost.__version__.split(".")[:2])) >= (3, 4)
since_3_4 = pytest.mark.skipif(not SINCE_3_4, reason="vector-leaf trees are fully supported from XGBoost 3.4 on")


def vector_leaf(n_estimators=10, **params):
    return booster("xgboost", n_estimators, multi_strategy="multi_output_tree", **params)


@pytest.mark.skipif(SINCE_3_4, reason="vector-leaf trees are fully supported from XGBoost 3.4 on")
def test_vector_leaves_need_xgboost_3_4():
    X, y = wine()
    with pytest.raises(
        ValueError, match=r"^estimator must have multi_strategy .* before XGBoost 3\.4.*; got 'mul"
    ):
        FocalBoostClassifier(vector_leaf()).fit(X, y)


@since_3_4
@pytest.mark.parametrize("tree_method", ["exact", "approx"])
def test_vector_leaves_need_the_hist_tree_method(tree_method, monkeypatch):
    X, y = wine()
    monkeypatch.setattr("xgboost.XGBClassifier.fit", None)
    with pytest.raises(ValueError, match=rf"^estimator must have tree_method 'hist'.*; got '{tree_method}'"):
        FocalBoostClassifier(vector_leaf(tree_method=tree_method)).fit(X, y)


# --- the built-in model at gamma = 0 ----------------------------------------------------------------------------


@since_3_4
@pytest.mark.parametrize("data", [digits, wine, four_classes])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "params",
    [{}, {"booster": "dart", "rate_drop": 0.3, "random_state": 0}, {"grow_policy": "lossguide", "max_leaves": 9}],
    ids=str,
)
def test_gamma_zero_is_the_built_in_model_from_the_same_start(data, weighted, params):
    X, y = data()
    weight = weights(len(y)) if weighted else None
    focal = FocalBoostClassifier(vector_leaf(**params), gamma=0).fit(X, y, weight)
    built_in = vector_leaf(base_score=focal.initial_raw_prediction_.tolist(), **params)
    built_in.fit(X, y, sample_weight=weight)
    assert_allclose(focal.predict_proba(X), built_in.predict_proba(X), atol=1e-6)
    assert_allclose(focal.estimator_.predict_proba(X), built_in.predict_proba(X), atol=1e-6)


@since_3_4
def test_two_classes_have_one_value_per_leaf_in_either_strategy():
    X, y = rare()
    one = FocalBoostClassifier(booster("xgboost")).fit(X, y)
    assert_array_equal(FocalBoostClassifier(vector_leaf()).fit(X, y).predict_proba(X), one.predict_proba(X))


# --- start, stages, early stopping ------------------------------------------------------------------------------


@since_3_4
def test_training_starts_at_the_class_prior_and_the_start_is_inside_the_model():
    X, y = four_classes()
    weight = weights(len(y))
    model = FocalBoostClassifier(vector_leaf(1, learning_rate=1e-9)).fit(X, y, weight)
    prior = np.bincount(y, weights=weight) / weight.sum()
    assert_allclose(model.predict_proba(X[:2]), np.tile(prior, (2, 1)), rtol=1e-5)
    assert_allclose(model.decision_function(X[:1])[0], model.initial_raw_prediction_, atol=1e-6)
    assert abs(model.initial_raw_prediction_).max() > 0.05


@since_3_4
@pytest.mark.parametrize("params", [{}, {"booster": "dart", "rate_drop": 0.3, "random_state": 0}], ids=str)
def test_contributions_sum_to_the_raw_prediction(params):
    X, y = four_classes()
    model = FocalBoostClassifier(vector_leaf(**params)).fit(X, y)
    contributions = model.booster_.predict(DMatrix(X), pred_contribs=True)
    assert contributions.shape == (len(y), 4, X.shape[1] + 1)
    assert_allclose(contributions.sum(axis=2), model.decision_function(X), atol=1e-5)


@since_3_4
@pytest.mark.parametrize("calibrated", [True, False])
def test_each_stage_equals_a_model_of_that_many_rounds(calibrated):
    X, y = four_classes()
    model = FocalBoostClassifier(vector_leaf(5), calibrated=calibrated).fit(X, y)
    stages = list(model.staged_predict_proba(X))
    assert len(stages) == model.n_iter_ == 5
    for n_rounds, proba in enumerate(stages, 1):
        smaller = FocalBoostClassifier(vector_leaf(n_rounds), calibrated=calibrated).fit(X, y)
        assert_allclose(proba, smaller.predict_proba(X), atol=1e-5)


@since_3_4
@pytest.mark.parametrize("by", ["estimator", "booster"])
def test_early_stopping_follows_the_log_loss_of_predict_proba(by):
    X, y = four_classes()
    fit, held_out = slice(0, 600), slice(600, None)
    inner, params = {"early_stopping_rounds": 5}, {}
    if by == "estimator":
        inner, params = {}, {"early_stopping": True, "n_iter_no_change": 5}
    model = FocalBoostClassifier(vector_leaf(300, learning_rate=0.5, **inner), **params)
    model.fit(X[fit], y[fit], eval_set=[(X[held_out], y[held_out])])
    curve = model.evals_result_["validation_0"]["log_loss"]
    assert model.n_iter_ == np.argmin(curve) + 1 < len(curve) < 300
    assert min(curve) == pytest.approx(log_loss(y[held_out], model.predict_proba(X[held_out])), abs=1e-6)


@since_3_4
def test_a_model_without_a_split_warns():
    X, y = four_classes()
    with pytest.warns(UserWarning, match="No split was made"):
        FocalBoostClassifier(vector_leaf(min_child_weight=1e6)).fit(X, y)


# --- data -------------------------------------------------------------------------------------------------------


@since_3_4
def test_categories_and_missing_values():
    rng = np.random.default_rng(0)
    c = rng.choice(list("uvwx"), 600)
    y = np.where(rng.random(600) < 0.1, rng.integers(0, 3, 600), np.searchsorted(list("uvw"), c) % 3)
    number = np.where(rng.random(600) < 0.2, np.nan, rng.normal(size=600))
    frame = pd.DataFrame({"a": number, "c": pd.Categorical(np.where(rng.random(600) < 0.1, None, c))})
    model = FocalBoostClassifier(vector_leaf(enable_categorical=True), gamma=0).fit(frame, y)
    assert model.booster_.feature_types == ["float", "c"]
    built_in = vector_leaf(enable_categorical=True, base_score=model.initial_raw_prediction_.tolist())
    assert_allclose(model.predict_proba(frame), built_in.fit(frame, y).predict_proba(frame), atol=1e-6)
    assert FocalBoostClassifier(vector_leaf(enable_categorical=True)).fit(frame, y).score(frame, y) > 0.8


# --- exported models ---------------------------------------------------------------------------------------


@since_3_4
@pytest.mark.parametrize("suffix", ["json", "ubj"])
def test_model_files_predict_the_same_without_focal_boost(tmp_path, suffix):
    X, y = four_classes()
    model = FocalBoostClassifier(vector_leaf(60, early_stopping_rounds=3, learning_rate=0.8), calibrated=False)
    model.fit(X[::2], y[::2], eval_set=[(X[1::2], y[1::2])])
    assert model.n_iter_ < model.booster_.num_boosted_rounds()
    np.save(tmp_path / "model.X.npy", X)
    path = tmp_path / f"model.{suffix}"
    model.booster_.save_model(path)
    subprocess.run([sys.executable, "-c", LOAD_WITHOUT_FOCAL_BOOST, path], check=True)
    assert_allclose(np.load(f"{path}.npy"), model.predict_proba(X), atol=1e-6)
