"""Rejected boosters, booster settings and fit arguments that would bias the posterior."""

import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import clone
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from xgboost import XGBClassifier, XGBRegressor

from focal_boost import FocalBoostClassifier

from ..cases import ALL_BOOSTERS, CATBOOST, booster
from .test_bad_input import WEIGHT, Y3, X, Y, assert_rejected


@pytest.mark.parametrize(
    "estimator",
    [
        XGBClassifier,
        LGBMClassifier,
        HistGradientBoostingClassifier,
        XGBRegressor(),
        LGBMRegressor(),
        HistGradientBoostingRegressor(),
        RandomForestClassifier(),
        "xgboost",
        3,
        {},
    ],
)
def test_objects_that_are_not_supported_estimators(estimator):
    with pytest.raises(TypeError, match=r"(?s)^estimator must be an XGBClassifier.*; got ") as error:
        FocalBoostClassifier(estimator).fit(X, Y)
    assert ("not the class" in str(error.value)) == isinstance(estimator, type)


def focal_objective(y_true, y_pred):
    return y_pred, y_pred


XGBOOST = [
    {"objective": focal_objective},
    {"objective": "reg:squarederror"},
    {"objective": "rank:pairwise"},
    {"scale_pos_weight": 3.0},
    {"base_score": 0.3},
    {"base_score": 0},
]
LIGHTGBM = [
    {"objective": focal_objective},
    {"objective": "regression"},
    {"objective": "multiclassova"},
    {"class_weight": "balanced"},
    {"class_weight": {0: 1, 1: 2}},
    {"scale_pos_weight": 3.0},
    {"is_unbalance": True},
    {"sigmoid": 2.0},
    {"boosting_type": "rf"},
    {"boosting": "rf"},
    {"linear_tree": True},
    {"objective_type": "binary"},
    {"app": "binary"},
    {"application": "multiclass"},
    {"loss": "binary"},
]
CATBOOST_SETTINGS = [
    {"loss_function": "CrossEntropy"},
    {"loss_function": "Focal:focal_alpha=0.5;focal_gamma=2"},
    {"loss_function": focal_objective},
    {"objective": "MultiClass"},
    {"task_type": "GPU"},
    {"auto_class_weights": "Balanced"},
    {"class_weights": [1, 2]},
    {"class_weights": {0: 1, 1: 2}},
    {"scale_pos_weight": 3.0},
    {"boost_from_average": True},
    {"class_names": ["a", "b"]},
    {"target_border": 0.5},
    {"langevin": True},
    {"posterior_sampling": True},
    {"model_shrink_rate": 0.1},
    {"eval_fraction": 0.2},
    {"save_snapshot": True},
]
HIST_GRADIENT_BOOSTING = [
    {"loss": None},
    {"class_weight": "balanced"},
    {"class_weight": {0: 1, 1: 2}},
    {"warm_start": True},
    {"scoring": "roc_auc"},
    {"scoring": None},
]
INNER = [
    pytest.param(name, {key: value}, marks=marks, id=f"{name}-{key}={getattr(value, '__name__', value)}")
    for name, settings, *marks in (
        ("xgboost", XGBOOST),
        ("lightgbm", LIGHTGBM),
        ("hist_gradient_boosting", HIST_GRADIENT_BOOSTING),
        ("catboost", CATBOOST_SETTINGS, CATBOOST),
    )
    for params in settings
    for key, value in params.items()
]


@pytest.mark.parametrize(("name", "params"), INNER)
def test_booster_settings_that_bias_the_posterior_are_rejected(name, params, no_training):
    model = FocalBoostClassifier(booster(name, **params))
    ((setting, value),) = params.items()
    got = "" if callable(value) else str(value).strip("{}")
    assert_rejected(model, f"estimator must .*{setting.split('_type')[0]}", got)


@pytest.mark.parametrize(
    ("name", "params", "instead"),
    [
        ("xgboost", {"scale_pos_weight": 10}, r"alpha=\[1, 10\]"),
        ("lightgbm", {"scale_pos_weight": 10}, r"alpha=\[1, 10\]"),
        ("lightgbm", {"is_unbalance": True}, "alpha='balanced'"),
        ("lightgbm", {"class_weight": "balanced"}, "alpha='balanced'"),
        ("lightgbm", {"class_weight": {0: 1, 1: 3}}, r"alpha=\{0: 1, 1: 3\}"),
        ("lightgbm", {"app": "binary"}, "objective='binary'"),
        ("hist_gradient_boosting", {"class_weight": "balanced"}, "alpha='balanced'"),
        ("hist_gradient_boosting", {"class_weight": {0: 1, 1: 3}}, r"alpha=\{0: 1, 1: 3\}"),
        pytest.param("catboost", {"scale_pos_weight": 10}, r"alpha=\[1, 10\]", marks=CATBOOST),
        pytest.param("catboost", {"auto_class_weights": "Balanced"}, "alpha='balanced'", marks=CATBOOST),
        pytest.param("catboost", {"class_weights": [1, 3]}, r"alpha=\[1, 3\]", marks=CATBOOST),
    ],
)
def test_errors_of_rejected_settings_name_the_equivalent(name, params, instead, no_training):
    with pytest.raises(ValueError, match=f"^estimator must .*{instead}"):
        FocalBoostClassifier(booster(name, **params)).fit(X, Y)


@pytest.mark.parametrize("objective", [None, "binary:logistic", "multi:softprob", "multi:softmax"])
def test_native_objectives_of_xgboost_are_accepted(objective):
    assert FocalBoostClassifier(booster("xgboost", 2, objective=objective)).fit(X, Y).n_features_in_ == 3


def test_a_clone_of_a_fitted_booster_is_accepted():
    for name in ALL_BOOSTERS:
        fitted = booster(name, 2).fit(X, Y3)
        model = FocalBoostClassifier(clone(fitted)).fit(X, Y)
        assert model.predict_proba(X).shape == (60, 2)


FIT_PARAMS = [
    *[
        ("xgboost", name)
        for name in ("xgb_model", "base_margin", "base_margin_eval_set", "sample_weight_eval_set")
    ],
    *[("lightgbm", name) for name in ("init_model", "init_score", "eval_init_score", "eval_class_weight")],
    *[
        ("hist_gradient_boosting", name)
        for name in ("X_val", "y_val", "sample_weight_val", "callbacks", "verbose")
    ],
    *[pytest.param("catboost", name, marks=CATBOOST) for name in ("init_model", "baseline", "save_snapshot")],
]


@pytest.mark.parametrize(("name", "argument"), FIT_PARAMS)
def test_user_defined_starting_values_are_rejected(name, argument, no_training):
    assert_rejected(
        FocalBoostClassifier(booster(name)), f"{argument} is not supported", "", **{argument: [WEIGHT]}
    )
