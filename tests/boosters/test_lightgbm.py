"""The fitted LightGBM model is native, with the starting value in its first trees."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from focal_boost import FocalBoostClassifier
from focal_boost.boosters._lightgbm import _store_objective

from ..cases import booster, cancer, rare, wine


@pytest.mark.parametrize(("data", "objective"), [(rare, "binary"), (wine, "multiclass")])
@pytest.mark.parametrize("boosting", ["gbdt", "dart"])
def test_parameters_and_model_are_native_after_fit(data, objective, boosting):
    X, y = data()
    model = FocalBoostClassifier(booster("lightgbm", 5, boosting_type=boosting)).fit(X, y)
    inner = model.estimator_
    assert inner.objective_ == objective
    assert inner.get_params()["objective"] == objective
    text = model.booster_.model_to_string()
    assert "objective: custom" not in text
    assert f"\nobjective={objective} " in text
    assert inner.predict_proba(X).shape == (len(y), len(np.unique(y)))
    plain = model.set_params(calibrated=False).predict_proba(X)
    assert_allclose(inner.predict_proba(X), plain, rtol=1e-12)
    assert_array_equal(inner.predict(X), plain.argmax(axis=1))


@pytest.mark.parametrize("data", [rare, wine])
def test_the_initial_raw_prediction_is_in_the_first_trees(data):
    X, y = data()
    model = FocalBoostClassifier(booster("lightgbm", 3, learning_rate=1e-9)).fit(X, y)
    trees = model.booster_.trees_to_dataframe()
    leaves = trees[trees.left_child.isna()]
    start = np.atleast_1d(model.initial_raw_prediction_)
    for tree, values in leaves.groupby("tree_index")["value"]:
        assert_allclose(values, start[tree] if tree < len(start) else 0, atol=1e-6)


@pytest.mark.parametrize("with_eval_set", [False, True])
def test_gamma_zero_filters_the_features_that_the_built_in_model_filters(with_eval_set):
    # LightGBM estimates the rows of a leaf from the Hessian: without its filter, it could split off the 15 rows.
    rng = np.random.default_rng(0)
    common, rare_value = rng.normal(size=1000), np.arange(1000) < 15
    y = (common > 1.5) | (rare_value & (rng.random(1000) < 0.5))
    X = np.column_stack([common, rare_value])
    estimator = booster("lightgbm", 30)
    model = FocalBoostClassifier(estimator, gamma=0).fit(X, y, eval_set=[(X, y)] if with_eval_set else None)
    assert_allclose(model.predict_proba(X), estimator.fit(X, y).predict_proba(X), atol=1e-12)


@pytest.mark.parametrize("gamma", [0, 2])
@pytest.mark.parametrize("with_eval_set", [False, True])
def test_data_in_which_no_feature_passes_the_filter_trains_a_constant(gamma, with_eval_set):
    X, y = np.arange(60.0).reshape(30, 2), np.arange(30) % 3 == 0
    model = FocalBoostClassifier(booster("lightgbm", 3), gamma=gamma)
    with pytest.warns(UserWarning, match="No split was made"):
        model.fit(X, y, eval_set=[(X, y)] if with_eval_set else None)
    assert_allclose(model.predict_proba(X)[:, 1], 1 / 3, rtol=1e-9)


def test_an_unknown_model_text_format_raises():
    class Unknown:
        def model_to_string(self, num_iteration):
            return "version=v9"

    with pytest.raises(RuntimeError, match=r"version of LightGBM: no max_feature_idx"):
        _store_objective(Unknown(), 2)


@pytest.mark.parametrize("metric", ["binary_error", "rmse", "l2"])
def test_built_in_metrics_that_are_not_rank_metrics_are_rejected(metric):
    X, y = cancer()
    with pytest.raises(ValueError, match=f"eval_metric must be 'log_loss'.* got '{metric}'"):
        FocalBoostClassifier(booster("lightgbm")).fit(X, y, eval_set=[(X, y)], eval_metric=metric)


@pytest.mark.parametrize("param", ["pos_bagging_fraction", "neg_bagging_fraction"])
def test_class_bagging_which_lightgbm_would_ignore_is_rejected(param):
    X, y = cancer()
    with pytest.raises(ValueError, match=f"estimator must not set {param}: LightGBM ignores it for a custom loss"):
        FocalBoostClassifier(booster("lightgbm", **{param: 0.5})).fit(X, y)


@pytest.mark.parametrize("character", ["\\", "\t", "\x01", "é"])
def test_feature_names_with_special_characters(character):
    X, y = wine()
    frame = pd.DataFrame(X, columns=[f"a{character}{i}" for i in range(X.shape[1])])
    named = FocalBoostClassifier(booster("lightgbm", 3)).fit(frame, y)
    plain = FocalBoostClassifier(booster("lightgbm", 3)).fit(X, y)
    assert_array_equal(named.predict_proba(frame), plain.predict_proba(X))
