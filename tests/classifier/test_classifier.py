"""The estimator: the built-in model at gamma = 0, weights, labels, classes, copies, searches."""

import numpy as np
import pytest
import xgboost
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_class_weight

from focal_boost import BinaryFocalLoss, FocalBoostClassifier, MulticlassFocalLoss

from ..cases import (
    ALL_BOOSTERS,
    BINARY,
    BINARY_BOOSTERS,
    BOOSTERS,
    MULTICLASS,
    booster,
    cancer,
    digit_eight,
    digits,
    rare,
    weights,
    wine,
)


def absolute_gradient(gauss_newton, curvature, share, absolute_gradient):
    return absolute_gradient


def built_in_policy(name, data):
    """The Hessian policy of the built-in objective: XGBoost's softmax has the absolute gradient after 3.2."""
    if name != "xgboost" or data in BINARY:
        return "safeguarded"
    y = np.array([0, 0, 1, 2])
    params = {"objective": "multi:softprob", "num_class": 3, "base_score": [0.0] * 3, "max_depth": 1}
    first = xgboost.train(params, xgboost.DMatrix(y[:, None], y), 1).trees_to_dataframe()
    hessian = first["Cover"][0]  # of the tree of class 0, at probabilities of 1/3
    policies = {4 * 2 * (1 / 3) * (2 / 3): "safeguarded", 2 * (2 / 3) + 2 * (1 / 3): absolute_gradient}
    return policies[min(policies, key=lambda expected: abs(expected - hessian))]


def built_in_start(name, data, y, weight):
    """XGBoost 3.1 starts its softmax from the class frequencies, later versions from their logarithms."""
    if name != "xgboost" or data in BINARY or not xgboost.__version__.startswith("3.1."):
        return {}
    log_frequency = np.log(np.bincount(y, weights=weight))
    return {"base_score": (log_frequency - log_frequency.mean()).tolist()}


def agree(data, name, weighted, atol, ours, **params):
    """Compare with the built-in model; ``ours``: use focal_boost's derivatives, not the built-in objective."""
    X, y = data()
    weight = weights(len(y)) if weighted else None
    built_in = booster(name, **params, **built_in_start(name, data, y, weight)).fit(X, y, sample_weight=weight)
    by_hand = {"alpha": np.ones(len(np.unique(y))), "hessian": built_in_policy(name, data)} if ours else {}
    focal = FocalBoostClassifier(booster(name, **params), gamma=0, **by_hand)
    focal.fit(X, y, sample_weight=weight)
    assert_allclose(focal.predict_proba(X), built_in.predict_proba(X), atol=atol)
    assert_allclose(focal.estimator_.predict_proba(X), built_in.predict_proba(X), atol=atol)
    assert_array_equal(focal.predict(X), built_in.predict(X))


@pytest.mark.parametrize("ours", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", BOOSTERS)
@pytest.mark.parametrize("data", BINARY)
def test_gamma_zero_is_the_built_in_binary_model(data, name, weighted, ours):
    agree(data, name, weighted, atol=1e-6, ours=ours)


@pytest.mark.parametrize("ours", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", BOOSTERS)
@pytest.mark.parametrize("data", MULTICLASS)
def test_gamma_zero_is_the_built_in_multiclass_model(data, name, weighted, ours):
    agree(data, name, weighted, atol=1e-5, ours=ours)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("xgboost", {"tree_method": "exact", "max_depth": 3}),
        ("xgboost", {"tree_method": "approx", "reg_lambda": 3, "subsample": 0.8, "random_state": 3}),
        ("xgboost", {"booster": "dart", "rate_drop": 0.2, "random_state": 3}),
        ("xgboost", {"booster": "gblinear", "updater": "coord_descent"}),
        ("xgboost", {"grow_policy": "lossguide", "max_leaves": 9, "colsample_bytree": 0.5, "random_state": 1}),
        ("lightgbm", {"subsample": 0.7, "subsample_freq": 1, "random_state": 3}),
        ("lightgbm", {"data_sample_strategy": "goss", "random_state": 3}),
        ("lightgbm", {"extra_trees": True, "num_leaves": 7, "reg_lambda": 1.0}),
    ],
    ids=str,
)
@pytest.mark.parametrize("data", [cancer, wine])
def test_gamma_zero_is_the_built_in_model_with_other_settings(data, name, params):
    for ours in (False, True):
        agree(data, name, weighted=True, atol=1e-6, ours=ours, **params)


# --- weights ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BOOSTERS)
@pytest.mark.parametrize("data", [digit_eight, digits])
def test_a_weight_of_two_equals_two_copies(data, name):
    X, y = data()
    rows = np.arange(len(y)) % 3 == 0
    one_value_per_bin = {"min_child_samples": 0, "min_child_weight": 3, "min_data_in_bin": 1, "reg_lambda": 1.0}
    params = one_value_per_bin if name == "lightgbm" else {"min_child_weight": 3}
    model = FocalBoostClassifier(booster(name, max_bin=1024, **params))
    weighted = model.fit(X, y, sample_weight=np.where(rows, 2.0, 1.0)).decision_function(X)
    copied = model.fit(np.concatenate([X, X[rows]]), np.concatenate([y, y[rows]])).decision_function(X)
    assert_allclose(weighted, copied, atol=2e-5)
    assert abs(weighted - model.fit(X, y).decision_function(X)).max() > 0.01


@pytest.mark.parametrize("name", BOOSTERS)
def test_alpha_multiplies_sample_weight(name):
    X, y = rare()
    weight, alpha = weights(len(y)), np.array([0.5, 4.0])
    params = {"tree_method": "exact"} if name == "xgboost" else {}  # no bins, which would depend on the weights
    by_alpha = FocalBoostClassifier(booster(name, **params), alpha=tuple(alpha)).fit(X, y, sample_weight=weight)
    by_weight = FocalBoostClassifier(booster(name, **params)).fit(X, y, sample_weight=weight * alpha[y])
    assert_allclose(by_alpha.decision_function(X), by_weight.decision_function(X), atol=1e-4)
    # The posterior corrects for alpha, while a sample weight is part of the prior.
    posterior, plain = (
        by_alpha.predict_proba(X)[:, 1],
        by_alpha.set_params(calibrated=False).predict_proba(X)[:, 1],
    )
    assert posterior.mean() < plain.mean()


@pytest.mark.parametrize("name", ALL_BOOSTERS)
def test_balanced_alpha_is_the_inverse_class_frequency(name):
    X, y = wine()
    expected = compute_class_weight("balanced", classes=np.arange(3), y=y)
    model = FocalBoostClassifier(booster(name, 5), alpha="balanced").fit(X, y)
    assert model.loss_ == MulticlassFocalLoss(3, 2.0, expected)


def test_alpha_by_class_label_follows_the_labels_not_their_order():
    X, y = wine()
    names = np.array(["b", "c", "a"])[y]
    model = FocalBoostClassifier(booster("xgboost", 5), alpha={"c": 3.0, "a": 0.5}).fit(X, names)
    assert model.loss_.alpha == (0.5, 1.0, 3.0)
    model = FocalBoostClassifier(booster("xgboost", 5), alpha=[0.5, 1, 3]).fit(X, names)
    assert model.loss_.alpha == (0.5, 1.0, 3.0)


def test_a_float_alpha_weighs_the_second_class():
    X, y = cancer()
    model = FocalBoostClassifier(booster("xgboost", 5), alpha=0.3).fit(X, np.where(y == 1, "a", "b"))
    assert model.loss_ == BinaryFocalLoss(2.0, 0.3)
    assert_array_equal(model.classes_, ["a", "b"])
    with pytest.raises(ValueError, match=r"alpha must be None or one positive number per class.*; got 0\.3"):
        model.fit(*wine())


@pytest.mark.skipif(not hasattr(np.dtypes, "StringDType"), reason="NumPy 2 brought StringDType")
def test_labels_of_variable_width_strings():
    X, y = cancer()
    labels = np.where(y == 1, "malignant", "b")
    model = FocalBoostClassifier(booster("xgboost", 3)).fit(X, labels.astype(np.dtypes.StringDType()))
    expected = FocalBoostClassifier(booster("xgboost", 3)).fit(X, labels)
    assert model.classes_.tolist() == ["b", "malignant"]
    assert model.predict(X).tolist() == expected.predict(X).tolist()


# --- predict --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "relabel",
    [
        lambda y: y == 1,
        lambda y: np.where(y == 1, "yes", "no").astype(object),
        lambda y: np.where(y == 1, -7, 40),
        lambda y: y.astype(np.float32) + 1,
        lambda y: list(y),
        lambda y: y.astype(object),
        lambda y: (y == 1).astype(object),
    ],
    ids=["bool", "object", "int", "float", "list", "Python integers", "Python booleans"],
)
def test_labels_of_any_type(relabel):
    check_labels("lightgbm", relabel)


@pytest.mark.parametrize("name", BINARY_BOOSTERS)
def test_labels_that_are_strings(name):
    check_labels(name, lambda y: np.where(y == 1, "yes", "no"))


def check_labels(name, relabel):
    X, y = cancer()
    labels = relabel(y)
    model = FocalBoostClassifier(booster(name)).fit(X, labels)
    classes = np.unique(np.asarray(labels).tolist())
    assert_array_equal(model.classes_, classes)
    predicted = model.predict(X)
    assert predicted.dtype == classes.dtype or predicted.dtype == np.asarray(labels).dtype
    assert (predicted == np.asarray(labels)).mean() > 0.97
    assert_array_equal(predicted, model.classes_[model.predict_proba(X).argmax(axis=1)])


@pytest.mark.parametrize("name", ALL_BOOSTERS)
@pytest.mark.parametrize("data", [rare, wine])
@pytest.mark.parametrize("alpha", [None, "balanced"])
def test_the_native_model_predicts_the_plain_probabilities(data, name, alpha):
    X, y = data()
    model = FocalBoostClassifier(booster(name), alpha=alpha).fit(X, y)
    raw = model.decision_function(X).astype(np.float64)
    assert raw.shape == ((len(y),) if data is rare else (len(y), 3))
    assert_allclose(model.predict_proba(X), model.loss_.predict_proba(raw), rtol=1e-12)
    assert_allclose(model.predict_log_proba(X), np.log(model.predict_proba(X)), atol=1e-12)
    assert_allclose(model.predict_proba(X).sum(axis=1), 1, rtol=1e-12)
    model.set_params(calibrated=False)
    assert_allclose(model.predict_proba(X), model.loss_.predict_proba(raw, calibrated=False), rtol=1e-12)
    assert_allclose(model.estimator_.predict_proba(X), model.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("name", ALL_BOOSTERS)
@pytest.mark.parametrize("data", [rare, wine])
def test_training_starts_at_the_class_prior(data, name):
    """The posterior of the initial raw prediction is the weighted class prior: an untrained model predicts it."""
    X, y = data()
    weight = weights(len(y))
    model = FocalBoostClassifier(booster(name, 1, learning_rate=1e-9), alpha="balanced")
    model.fit(X, y, sample_weight=weight)
    prior = np.bincount(y, weights=weight) / weight.sum()
    assert_allclose(model.predict_proba(X), np.tile(prior, (len(y), 1)), rtol=1e-5)
    assert np.ndim(model.initial_raw_prediction_) == (0 if data is rare else 1)
    assert np.sum(model.initial_raw_prediction_) == pytest.approx(0, abs=1e-12) or data is rare


@pytest.mark.parametrize("name", BOOSTERS)
def test_two_classes_with_a_softmax_objective_equal_the_binary_model(name):
    """An objective in the parameters, as in a clone of a fitted XGBClassifier, is replaced."""
    X, y = cancer()
    objective = {"xgboost": "multi:softprob", "lightgbm": "multiclass"}[name]
    plain = FocalBoostClassifier(booster(name)).fit(X, y).predict_proba(X)
    other = FocalBoostClassifier(booster(name, objective=objective)).fit(X, y).predict_proba(X)
    assert_array_equal(plain, other)


# --- copies and searches ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BINARY_BOOSTERS)
def test_fit_does_not_change_the_given_booster_and_can_be_repeated(name):
    X, y = digit_eight()
    given = booster(name)
    before = given.get_params()
    model = FocalBoostClassifier(given)
    first = model.fit(X, y).predict_proba(X)
    assert given.get_params() == before
    assert getattr(given, "classes_", None) is None
    assert_array_equal(model.fit(X, y).predict_proba(X), first)
    assert_array_equal(clone(model).fit(X, y).predict_proba(X), first)
    again = FocalBoostClassifier(clone(model.estimator_)).fit(X, y)
    assert_array_equal(again.predict_proba(X), first)
    assert not hasattr(clone(model), "classes_")


@pytest.mark.parametrize("name", ALL_BOOSTERS)
def test_grid_search_over_gamma_in_a_pipeline_with_two_jobs(name):
    X, y = digit_eight()
    model = FocalBoostClassifier(booster(name, 5))
    leaves = {"xgboost": "max_depth", "lightgbm": "num_leaves", "hist_gradient_boosting": "max_leaf_nodes"}[name]
    search = GridSearchCV(
        Pipeline([("scale", StandardScaler()), ("model", model)]),
        {"model__gamma": [0.0, 1.0, 3.0], f"model__estimator__{leaves}": [2, 5]},
        scoring="neg_log_loss",
        cv=2,
        n_jobs=2,
        error_score="raise",
    ).fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert len(np.unique(scores)) == 6
    best = search.best_estimator_["model"]
    assert best.loss_.gamma == search.best_params_["model__gamma"]
    assert best.estimator_.get_params()[leaves] == search.best_params_[f"model__estimator__{leaves}"]
    assert search.score(X, y) > -0.5
