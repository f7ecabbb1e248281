"""CatBoost: its own Focal and Logloss, started at the class prior and stopped on the posterior."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import train_test_split

from focal_boost import FocalBoostClassifier
from focal_boost.losses import posterior

from ..cases import booster, cancer, rare, weights, wine

catboost = pytest.importorskip("catboost")

FIXED = {"learning_rate": 0.1, "leaf_estimation_iterations": 1}


def raw(model, X):
    return model.predict(X, prediction_type="RawFormulaVal")


def native(loss_function, X, y, start, rounds=10, weight=None, **params):
    """CatBoost's own model started at ``start``, and its raw prediction with the start added."""
    model = catboost.CatBoostClassifier(
        loss_function=loss_function,
        iterations=rounds,
        thread_count=1,
        verbose=False,
        allow_writing_files=False,
        **params,
    )
    model.fit(catboost.Pool(X, y, weight=weight, baseline=np.full(len(y), start)))
    return model, raw(model, X) + start


# --- identities -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("rounds", [10, 200])  # 10 leaf iterations from 200 rounds on, else one
def test_gamma_zero_is_the_model_of_logloss_from_the_prior(rounds, weighted):
    X, y = rare()
    weight = weights(len(y)) if weighted else None
    model = FocalBoostClassifier(booster("catboost", rounds, depth=2), gamma=0).fit(X, y, weight)
    _, expected = native("Logloss", X, y, model.initial_raw_prediction_, rounds, weight, depth=2)
    assert_allclose(model.decision_function(X), expected, atol=1e-9)


def test_gamma_zero_is_the_model_that_boosts_from_the_average():
    """To the precision of a baseline, a float32; the features are continuous, so that no two splits tie."""
    X, y = rare()
    model = FocalBoostClassifier(booster("catboost", **FIXED), gamma=0).fit(X, y)
    own = booster("catboost", **FIXED, boost_from_average=True, verbose=False, allow_writing_files=False).fit(X, y)
    assert_allclose(model.decision_function(X), raw(own, X), atol=1e-6)


@pytest.mark.parametrize("gamma", [1.5, 2.0])
@pytest.mark.parametrize(("alpha", "focal_alpha"), [(None, 0.5), (0.25, 0.25), ([1.0, 3.0], 0.75)])
def test_one_leaf_iteration_is_the_built_in_focal(gamma, alpha, focal_alpha):
    X, y = rare()
    weight = weights(len(y))
    model = FocalBoostClassifier(booster("catboost", **FIXED), gamma=gamma, alpha=alpha).fit(X, y, weight)
    focal = f"Focal:focal_alpha={focal_alpha};focal_gamma={gamma}"
    own, expected = native(focal, X, y, model.initial_raw_prediction_, weight=weight, **FIXED)
    assert_allclose(model.decision_function(X), expected, atol=1e-12)
    assert_allclose(model.feature_importances_, own.feature_importances_, rtol=1e-9)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_a_leaf_value_is_the_newton_step_of_the_loss(gamma):
    X, y = rare()
    params = {"depth": 2, "learning_rate": 1, "bootstrap_type": "No", "random_strength": 0, "l2_leaf_reg": 3}
    model = FocalBoostClassifier(booster("catboost", 1, **params), gamma=gamma, alpha=0.25).fit(X, y)
    start = model.initial_raw_prediction_
    gradient, hessian = model.loss_.gradient_hessian(y, np.full(len(y), start))
    leaf = model.estimator_.calc_leaf_indexes(X)[:, 0]
    step = -np.bincount(leaf, gradient) / (np.bincount(leaf, hessian) + 3)
    assert_allclose(model.decision_function(X), start + step[leaf], rtol=1e-6)


@pytest.mark.parametrize(("rounds", "settings"), [(10, {}), (200, {}), (10, {"learning_rate": 0.2}), (200, FIXED)])
@pytest.mark.parametrize("stop", [False, True])
def test_default_settings_are_those_of_logloss(rounds, settings, stop):
    X, y = rare()
    inner = booster("catboost", rounds, **settings, depth=1)
    model = FocalBoostClassifier(inner).fit(X, y, eval_set=[(X, y)] if stop else None)
    own = booster("catboost", rounds, **settings, depth=1, allow_writing_files=False, verbose=False)
    own.fit(X, y, eval_set=(X, y) if stop else None)
    for name in ("learning_rate", "leaf_estimation_iterations", "leaf_estimation_backtracking", "l2_leaf_reg"):
        assert model.estimator_.get_all_params()[name] == own.get_all_params()[name]
    assert own.get_all_params()["leaf_estimation_iterations"] == (10 if rounds == 200 and not settings else 1)


@pytest.mark.parametrize("gamma", [0, 2.0])
@pytest.mark.parametrize("alpha", [None, "balanced", 0.25, [1.0, 3.0], {1: 2.0}])
def test_training_starts_at_the_prior_which_is_in_the_first_tree(gamma, alpha):
    X, y = rare()
    model = FocalBoostClassifier(booster("catboost", 2, learning_rate=2e-6), gamma=gamma, alpha=alpha).fit(X, y)
    assert_allclose(model.predict_proba(X)[:, 1], y.mean(), rtol=1e-3)
    inner = model.estimator_
    first = inner.get_tree_leaf_counts()[0]
    assert_allclose(inner.get_leaf_values()[:first], model.initial_raw_prediction_, atol=1e-4)
    assert_allclose(inner.get_leaf_values()[first:], 0, atol=1e-4)
    assert inner.get_scale_and_bias() == (1.0, 0.0)


def test_alpha_without_gamma_is_a_weight():
    X, y = rare()
    weight = weights(len(y))
    model = FocalBoostClassifier(booster("catboost"), gamma=0, alpha=[0.5, 4.0]).fit(X, y, weight)
    by_label = weight * np.where(y == 1, 4.0, 0.5)
    _, expected = native("Logloss", X, y, model.initial_raw_prediction_, weight=by_label)
    assert_allclose(model.decision_function(X), expected, atol=1e-9)
    assert_allclose(
        posterior(model.estimator_.predict_proba(X), 0, [0.5, 4.0]), model.predict_proba(X), atol=1e-12
    )


# --- eval sets --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("gamma", [0, 2.0])
def test_the_reported_value_is_the_log_loss_of_predict_proba_and_training_stops_on_it(gamma, weighted):
    X, X_eval, y, y_eval = train_test_split(*rare(), stratify=rare()[1], test_size=0.4, random_state=0)
    weight = weights(len(y_eval)) if weighted else None
    inner = booster("catboost", 300, learning_rate=0.5, early_stopping_rounds=5)
    model = FocalBoostClassifier(inner, gamma=gamma, alpha="balanced")
    model.fit(X, y, eval_set=[(X_eval, y_eval)], eval_sample_weight=[weight])
    ((name, curves),) = model.evals_result_.items()
    assert (name, list(curves)) == ("validation", ["log_loss"])
    best = int(np.argmin(curves["log_loss"]))
    assert len(curves["log_loss"]) == best + 6 < 300
    assert model.n_iter_ == model.best_iteration_ + 1 == best + 1
    stages = [log_loss(y_eval, p, sample_weight=weight) for p in model.staged_predict_proba(X_eval)]
    assert_allclose(stages, curves["log_loss"][: best + 1], atol=1e-6)
    assert model.best_score_ == curves["log_loss"][best]


def test_held_out_rows_stop_the_training():
    X, y = rare()
    model = FocalBoostClassifier(booster("catboost", 300, learning_rate=0.5), early_stopping=True, random_state=0)
    curve = model.fit(X, y).evals_result_["validation"]["log_loss"]
    assert model.n_iter_ == np.argmin(curve) + 1 == len(curve) - model.n_iter_no_change
    assert model.best_score_ == min(curve)


def test_of_several_eval_sets_the_last_one_is_watched():
    X, y = rare()
    sets = [(X[:400], y[:400]), (X[400:900], y[400:900]), (X, 1 - y)]
    model = FocalBoostClassifier(booster("catboost", 50, early_stopping_rounds=3)).fit(X, y, eval_set=sets)
    assert list(model.evals_result_) == ["validation_0", "validation_1", "validation_2"]
    assert model.n_iter_ == 1  # the flipped labels never improve
    # An eval set as large as the training set is evaluated too.
    for (X_eval, y_eval), curves in zip(sets, model.evals_result_.values(), strict=True):
        assert curves["log_loss"][0] == pytest.approx(log_loss(y_eval, model.predict_proba(X_eval)), abs=1e-6)


def mean_probability(y_true, proba, sample_weight=None):
    return float(np.average(proba, weights=sample_weight))


def test_other_metrics_on_request():
    X, y = rare()
    X_eval, y_eval, weight = X[:500], y[:500], weights(500)
    model = FocalBoostClassifier(booster("catboost", 3, custom_metric=["AUC"]), alpha=0.25)
    fit = {"eval_set": [(X_eval, y_eval)], "eval_sample_weight": [weight]}
    curves = model.fit(X, y, eval_metric=["PRAUC", "focal_loss"], **fit).evals_result_["validation"]
    assert set(curves) == {"focal_loss", "AUC", "PRAUC"}
    loss = model.loss_.loss(y_eval, model.decision_function(X_eval))
    assert model.best_score_ == pytest.approx(np.average(loss, weights=weight), rel=1e-5)
    curves = model.fit(X, y, eval_metric=mean_probability, **fit).evals_result_["validation"]
    used = curves["mean_probability"][model.best_iteration_]
    assert used == pytest.approx(mean_probability(y_eval, model.predict_proba(X_eval)[:, 1], weight), rel=1e-5)
    model = FocalBoostClassifier(booster("catboost", 3, eval_metric="AUC")).fit(X, y, eval_set=[(X_eval, y_eval)])
    assert list(model.evals_result_["validation"]) == ["AUC"]
    assert model.best_score_ == pytest.approx(roc_auc_score(y_eval, model.decision_function(X_eval)), abs=1e-6)


@pytest.mark.parametrize(
    ("inner", "metric", "message"),
    [
        ({}, "BrierScore", "eval_metric must be 'log_loss'.*uncorrected sigmoid; got 'BrierScore'"),
        ({"custom_metric": ["Accuracy"]}, None, "eval_metric must be 'log_loss'.*; got 'Accuracy'"),
        ({}, ["log_loss", "focal_loss"], "eval_metric must contain at most one of"),
    ],
)
def test_metrics_that_catboost_would_compute_on_the_sigmoid_are_rejected(inner, metric, message):
    X, y = cancer()
    with pytest.raises(ValueError, match=message):
        FocalBoostClassifier(booster("catboost", **inner)).fit(X, y, eval_set=[(X, y)], eval_metric=metric)


@pytest.mark.parametrize(
    ("inner", "fit"),
    [({"early_stopping_rounds": 5}, {}), ({"od_wait": 5}, {}), ({}, {"early_stopping_rounds": 5})],
)
def test_other_early_stopping_parameters_are_rejected(inner, fit):
    X, y = cancer()
    with pytest.raises(ValueError, match=r"^early_stopping=True must not be combined with .*set n_iter_no_change"):
        FocalBoostClassifier(booster("catboost", **inner), early_stopping=True).fit(X, y, **fit)


# --- rejected ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "data", "message"),
    [
        (
            {},
            wine,
            "^Only binary classification is supported with a CatBoostClassifier.*use an XGB.*got 3 classes",
        ),
        (
            {"gamma": [1.0, 2.0]},
            cancer,
            r"^gamma must be a single number with a CatBoost.*use an XGB.*got \(1.0, 2.0\)",
        ),
        ({"hessian": "exact"}, cancer, "^hessian must be 'safeguarded' with a CatBoost.*use an XGB.*got 'exact'"),
    ],
)
def test_a_loss_that_catboost_does_not_have_is_rejected(params, data, message, monkeypatch):
    monkeypatch.setattr(catboost.CatBoostClassifier, "fit", None)
    with pytest.raises(ValueError, match=message):
        FocalBoostClassifier(booster("catboost"), **params).fit(*data())


def test_the_error_on_dask_names_the_supported_estimators():
    dask = pytest.importorskip("focal_boost.dask")
    with pytest.raises(TypeError, match=r"^estimator must be a DaskXGBClassifier.*; got .*CatBoostClassifier"):
        dask.DaskFocalBoostClassifier(booster("catboost")).fit(None, None)
