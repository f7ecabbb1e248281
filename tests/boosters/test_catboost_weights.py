"""CatBoost: the settings taken from Logloss and the class weights that its Focal supports."""

import numpy as np
import pytest

from focal_boost import FocalBoostClassifier

from ..cases import booster, rare

catboost = pytest.importorskip("catboost")

CHOSEN = ("learning_rate", "leaf_estimation_iterations", "leaf_estimation_backtracking", "l2_leaf_reg")


# --- learning rate and leaf iterations --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params",
    [
        {"border_count": 32},
        {"max_bin": 32},
        {"feature_border_type": "Median"},
        {"per_float_feature_quantization": ["0:border_count=200"]},
        {"nan_mode": "Max"},
        {"grow_policy": "Lossguide", "max_leaves": 5},
        {"grow_policy": "Depthwise", "min_data_in_leaf": 20},
        {"monotone_constraints": [1, *[0] * 7]},
        {"ignored_features": [1, 2]},
        {"n_estimators": 250},
    ],
    ids=str,
)
def test_settings_are_those_of_logloss_for_any_quantization(params):
    X, y = rare()
    X[::5] = np.nan
    rounds = {"n_estimators": 30} | params
    given = {"thread_count": 1, "allow_writing_files": False, "verbose": False} | rounds
    own = catboost.CatBoostClassifier(**given, model_shrink_rate=0).fit(X, y)
    model = FocalBoostClassifier(catboost.CatBoostClassifier(**given)).fit(X, y)
    settings, expected = model.estimator_.get_all_params(), own.get_all_params()
    assert {name: settings[name] for name in CHOSEN} == {name: expected[name] for name in CHOSEN}
    for name in ("border_count", "feature_border_type"):
        assert settings[name] == expected[name]


# --- class weights ----------------------------------------------------------------------------------------------


def test_catboost_stores_focal_alpha_in_single_precision():
    """If this fails, CatBoost supports more extreme class weights than _check_loss allows."""
    X, y = rare()
    model = catboost.CatBoostClassifier(loss_function="Focal:focal_alpha=0.999999999;focal_gamma=2", verbose=False)
    with pytest.raises(catboost.CatBoostError, match=r"Focal metric is defined for 0 < focal_alpha < 1, got 1"):
        model.set_params(iterations=1, allow_writing_files=False).fit(X, y)


@pytest.mark.parametrize("alpha", [[1.0, 1.01e5], [1e-8, 1e8], 1 - 1e-12, {0: 1e-6}])
def test_weights_that_catboost_cannot_store_are_rejected_before_training(alpha, monkeypatch):
    monkeypatch.setattr(catboost.CatBoostClassifier, "fit", None)
    message = (
        r"^alpha must give the second class at most 100000 times the weight of the first with a CatBoost"
        r".*: use an XGBClassifier or an LGBMClassifier; got "
    )
    with pytest.raises(ValueError, match=message):
        FocalBoostClassifier(booster("catboost"), alpha=alpha).fit(*rare())


@pytest.mark.parametrize(
    ("gamma", "alpha"), [(2.0, [1.0, 1e5]), (2.0, [1e8, 1e-15]), (2.0, 1e-15), (0, [1e-8, 1e8]), (0, 1 - 1e-12)]
)
def test_other_weights_train_from_the_class_prior(gamma, alpha):
    X, y = rare()
    inner = booster("catboost", 2, learning_rate=2e-6)
    model = FocalBoostClassifier(inner, gamma=gamma, alpha=alpha).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], y.mean(), rtol=1e-3)
