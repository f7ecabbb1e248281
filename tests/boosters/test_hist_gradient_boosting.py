"""HistGradientBoostingClassifier: log loss at gamma 0, early stopping, constraints and the native model."""

import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.utils import get_tags

from focal_boost import FocalBoostClassifier

from ..cases import EVAL_BOOSTERS, booster, cancer, four_classes, rare, weights, wine

NAME = "hist_gradient_boosting"
needs_eval_sets = pytest.mark.skipif(NAME not in EVAL_BOOSTERS, reason="scikit-learn takes eval sets from 1.7 on")


def fit(data, rounds=10, weighted=False, eval_set=None, model=None, **params):
    X, y = data()
    weight = weights(len(y)) if weighted else None
    classifier = FocalBoostClassifier(booster(NAME, rounds, **params), **(model or {}))
    return classifier.fit(X, y, weight, eval_set=eval_set), X, y


# --- the built-in model at gamma = 0 ----------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("data", [cancer, rare, wine, four_classes])
@pytest.mark.parametrize("alpha", [None, "ones"])
def test_gamma_zero_is_the_built_in_model(data, weighted, alpha):
    """alpha=None trains with scikit-learn's own loss, a weight of 1 for every class with the focal loss."""
    X, y = data()
    n_classes = len(np.unique(y))
    alpha = None if alpha is None else np.ones(n_classes)
    focal, _X, _y = fit(data, weighted=weighted, model={"gamma": 0, "alpha": alpha})
    built_in = booster(NAME).fit(X, y, sample_weight=weights(len(y)) if weighted else None)
    tolerance = 1e-12 if n_classes == 2 else 1e-8
    assert_allclose(focal.decision_function(X), built_in.decision_function(X), rtol=0, atol=tolerance)
    assert_allclose(focal.predict_proba(X), built_in.predict_proba(X), rtol=0, atol=tolerance)


@pytest.mark.parametrize("data", [rare, four_classes])
@pytest.mark.parametrize("params", [{"validation_fraction": 0.2}, {"validation_fraction": None}], ids=str)
def test_gamma_zero_stops_where_the_built_in_model_does(data, params):
    params = {"early_stopping": True, "learning_rate": 0.5, "tol": 1e-3, "n_iter_no_change": 3, **params}
    focal, X, y = fit(data, 200, model={"gamma": 0, "alpha": np.ones(len(np.unique(data()[1])))}, **params)
    built_in = booster(NAME, 200, **params).fit(X, y)
    assert focal.n_iter_ == built_in.n_iter_ < 200
    assert_allclose(focal.decision_function(X), built_in.decision_function(X), rtol=0, atol=1e-8)
    for score in ("train_score_", "validation_score_"):
        assert_allclose(getattr(focal.estimator_, score), getattr(built_in, score), atol=1e-10)
    assert_allclose(focal.initial_raw_prediction_, built_in._baseline_prediction.squeeze(), atol=1e-12)


# --- its own early stopping -------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [rare, four_classes])
@pytest.mark.parametrize("calibrated", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_its_own_early_stopping_follows_the_log_loss_of_predict_proba(data, calibrated, weighted):
    model = {"alpha": "balanced", "calibrated": calibrated}
    stop = {"early_stopping": True, "learning_rate": 0.5, "n_iter_no_change": 4}
    fitted, X, y = fit(data, 200, weighted, model=model, **stop)
    weight = weights(len(y)) if weighted else np.ones(len(y))
    rows, held_out = train_test_split(
        np.arange(len(y)), test_size=0.1, stratify=y, random_state=fitted.estimator_._random_seed
    )
    curve = fitted.evals_result_["validation_0"]["log_loss"]
    expected = [
        log_loss(y[held_out], proba, sample_weight=weight[held_out])
        for proba in fitted.staged_predict_proba(X[held_out])
    ]
    assert_allclose(curve, expected, rtol=1e-9)
    # scikit-learn keeps the rounds after the best one.
    assert fitted.n_iter_ == len(curve) < 200
    assert fitted.best_iteration_ == np.argmin(curve) + 1 < fitted.n_iter_
    assert fitted.best_score_ == min(curve)
    start = fitted.loss_.fit_intercept_only(y[rows], weight[rows])
    assert_allclose(fitted.initial_raw_prediction_, start, atol=1e-12)


def test_without_validation_data_early_stopping_watches_the_training_rows():
    stop = {"early_stopping": True, "validation_fraction": None, "tol": 1e-2, "n_iter_no_change": 3}
    fitted, X, y = fit(rare, 200, **stop)
    expected = [log_loss(y, proba) for proba in fitted.staged_predict_proba(X)]
    assert_allclose(-fitted.estimator_.train_score_[1:], expected, rtol=1e-9)
    assert fitted.n_iter_ < 200
    assert fitted.evals_result_ == {}
    assert not hasattr(fitted, "best_iteration_")


@pytest.mark.parametrize("weighted", [False, True])
def test_with_validation_data_the_training_loss_uses_at_most_ten_thousand_rows(weighted):
    X = np.random.default_rng(0).normal(size=(24_000, 2))
    y = (X[:, 0] + X[:, 1] ** 2 > 1).astype(int)
    weight = np.where(np.arange(24_000) % 3 == 0, 0.0, 1.0) if weighted else None
    model = FocalBoostClassifier(booster(NAME, 2)).fit(X, y, weight)
    assert model.estimator_.do_early_stopping_
    loss = -model.estimator_.train_score_[-1]
    assert loss == pytest.approx(log_loss(y, model.predict_proba(X), sample_weight=weight), rel=0.03)


# --- eval sets --------------------------------------------------------------------------------------------------


@needs_eval_sets
@pytest.mark.parametrize("data", [rare, four_classes])
@pytest.mark.parametrize("early_stopping", [False, "auto"])
def test_an_eval_set_is_reported_and_changes_nothing(data, early_stopping):
    X, y = data()
    alone, _X, _y = fit(data, 12)
    watched, _X, _y = fit(data, 12, eval_set=[(X, y)], early_stopping=early_stopping)
    (curve,) = watched.evals_result_["validation_0"].values()
    assert_allclose(curve, [log_loss(y, proba) for proba in alone.staged_predict_proba(X)], rtol=1e-9)
    assert_array_equal(watched.decision_function(X), alone.decision_function(X))
    assert not hasattr(watched, "best_iteration_")
    assert (
        watched.estimator_.get_params()
        == alone.set_params(estimator__early_stopping=early_stopping).estimator.get_params()
    )


@needs_eval_sets
@pytest.mark.parametrize("gamma", [0, 2])
def test_weights_of_the_eval_set(gamma):
    X, y = rare()
    weight = weights(len(y))
    model = FocalBoostClassifier(booster(NAME, 5), gamma=gamma)
    model.fit(X, y, eval_set=[(X, y)], eval_sample_weight=[weight])
    curve = model.evals_result_["validation_0"]["log_loss"]
    assert curve[-1] == pytest.approx(log_loss(y, model.predict_proba(X), sample_weight=weight), rel=1e-9)


@needs_eval_sets
def test_its_own_early_stopping_uses_the_eval_set():
    X, y = rare()
    stop = {"early_stopping": True, "n_iter_no_change": 4, "learning_rate": 0.5}
    model = FocalBoostClassifier(booster(NAME, 200, **stop)).fit(X[:900], y[:900], eval_set=[(X[900:], y[900:])])
    curve = model.evals_result_["validation_0"]["log_loss"]
    assert model.n_iter_ == len(curve) < 200
    assert model.best_iteration_ == np.argmin(curve) + 1 < model.n_iter_
    assert model.estimator_.n_iter_no_change == 4


@needs_eval_sets
def test_more_than_ten_thousand_rows_stop_on_the_eval_set_by_default():
    X = np.random.default_rng(0).normal(size=(10_001, 2))
    y = (X[:, 0] > 0).astype(int)
    model = FocalBoostClassifier(booster(NAME, 30, n_iter_no_change=2, tol=0.5))
    assert model.fit(X, y, eval_set=[(X[:50], y[:50])]).n_iter_ < 30
    assert model.fit(X[1:], y[1:], eval_set=[(X[:50], y[:50])]).n_iter_ == 30


@needs_eval_sets
def test_only_one_eval_set():
    X, y = rare()
    with pytest.raises(ValueError, match=r"^eval_set must be one \(X, y\) pair for a HistGrad.*; got 2"):
        FocalBoostClassifier(booster(NAME)).fit(X, y, eval_set=[(X, y), (X, y)])


def test_two_kinds_of_early_stopping_are_rejected():
    X, y = rare()
    model = FocalBoostClassifier(booster(NAME, early_stopping=True), early_stopping=True)
    with pytest.raises(ValueError, match=r"^early_stopping=True must not be combined with early_stopping=True of"):
        model.fit(X, y)


@pytest.mark.skipif(NAME in EVAL_BOOSTERS, reason="scikit-learn takes eval sets from 1.7 on")
def test_eval_sets_need_a_recent_scikit_learn():
    X, y = rare()
    for model, eval_set in ((FocalBoostClassifier(booster(NAME), early_stopping=True), None), (None, [(X, y)])):
        with pytest.raises(ValueError, match=r"^early_stopping=True and eval_set need scikit-learn 1\.7"):
            (model or FocalBoostClassifier(booster(NAME))).fit(X, y, eval_set=eval_set)


# --- constraints and data ---------------------------------------------------------------------------------------


def test_monotone_constraints_hold_for_the_posterior():
    X, y = rare()
    free, constrained = (
        FocalBoostClassifier(booster(NAME, 20, monotonic_cst=cst)).fit(X, y) for cst in (None, [1] + [0] * 7)
    )
    grid = np.repeat(X[:1], 200, axis=0)
    grid[:, 0] = np.linspace(X[:, 0].min(), X[:, 0].max(), 200)
    assert (np.diff(free.predict_proba(grid)[:, 1]) < 0).any()
    assert (np.diff(constrained.predict_proba(grid)[:, 1]) >= 0).all()


def test_without_interactions_raw_predictions_are_sums_over_features():
    X, y = rare()
    model = FocalBoostClassifier(booster(NAME, 20, interaction_cst="no_interactions")).fit(X, y)
    one, other = X[:300].copy(), X[300:600].copy()
    total = model.decision_function(one) + model.decision_function(other)
    one[:, 0], other[:, 0] = other[:, 0].copy(), one[:, 0].copy()
    assert_allclose(model.decision_function(one) + model.decision_function(other), total, atol=1e-9)


def test_monotone_constraints_of_many_classes_are_rejected_by_scikit_learn():
    with pytest.raises(ValueError, match="not supported for multiclass"):
        fit(wine, monotonic_cst=[1] * 13)


def test_string_columns_in_categorical_features():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=400), "b": rng.choice(["u", "v", "w"], 400)})
    y = (frame["b"] == "v") ^ (rng.random(400) < 0.1)
    for inner in (booster(NAME, categorical_features=["b"]), booster(NAME, categorical_features=[False, True])):
        model = FocalBoostClassifier(inner).fit(frame, y)
        assert model.score(frame, y) > 0.85
        expected = FocalBoostClassifier(booster(NAME)).fit(frame.astype({"b": "category"}), y)
        assert_array_equal(model.predict_proba(frame), expected.predict_proba(frame.astype({"b": "category"})))


@pytest.mark.parametrize("layout", ["csr_matrix", "csc_array"])
def test_sparse_data_are_rejected_before_training_and_before_prediction(layout, monkeypatch):
    X, y = rare()
    model, _X, _y = fit(rare)
    matrix = getattr(sparse, layout)(X)
    message = rf"^X must be dense for a HistGradientBoostingClassifier.*toarray\(\); got {layout}"
    with pytest.raises(ValueError, match=message):
        model.predict_proba(matrix)
    monkeypatch.setattr(HistGradientBoostingClassifier, "fit", None)
    with pytest.raises(ValueError, match=message):
        FocalBoostClassifier(booster(NAME)).fit(matrix, y)
    assert not get_tags(model).input_tags.sparse
    assert get_tags(FocalBoostClassifier(booster("lightgbm"))).input_tags.sparse


def test_there_are_no_feature_importances():
    model, _X, _y = fit(rare)
    assert not hasattr(model, "feature_importances_")


# --- the native model -------------------------------------------------------------------------------------------

LOAD_WITHOUT_FOCAL_BOOST = textwrap.dedent("""
    import pickle
    import sys

    sys.modules["focal_boost"] = None  # importing it raises ImportError
    with open(sys.argv[1], "rb") as file:
        cases = pickle.load(file)
    for model, X, raw, plain in cases:
        assert abs(model.decision_function(X) - raw).max() == 0
        assert abs(model.predict_proba(X) - plain).max() < 1e-12
    model.set_params(max_iter=1).fit(X, [i % 2 for i in range(len(X))])
    print(len(cases))
""")


def test_the_native_model_loads_without_focal_boost(tmp_path):
    cases = []
    stops = [{"estimator__early_stopping": True}]
    if NAME in EVAL_BOOSTERS:
        stops.append({"early_stopping": True, "random_state": 0})
    for data in (rare, four_classes):
        X, y = data()
        for params in ({}, {"gamma": 0}, *stops):
            model = FocalBoostClassifier(booster(NAME, 40, learning_rate=0.5), calibrated=False)
            model.set_params(**params).fit(X, y)
            cases.append((model.estimator_, X, model.decision_function(X), model.predict_proba(X)))
    frame = pd.DataFrame({"a": X[:, 0], "b": pd.Categorical(np.where(X[:, 1] > 0, "u", "v"))})
    model = FocalBoostClassifier(booster(NAME, 5), calibrated=False).fit(frame, y)
    cases.append((model.estimator_, frame, model.decision_function(frame), model.predict_proba(frame)))
    (tmp_path / "cases.pkl").write_bytes(pickle.dumps(cases))
    command = [sys.executable, "-c", LOAD_WITHOUT_FOCAL_BOOST, "cases.pkl"]
    run = subprocess.run(command, check=True, cwd=tmp_path, capture_output=True, text=True)
    assert run.stdout.split() == [str(len(cases))]


@pytest.mark.parametrize("data", [rare, wine])
@pytest.mark.parametrize("gamma", [0, 2])
def test_the_native_model_has_scikit_learns_own_loss(data, gamma):
    model, X, y = fit(data, model={"gamma": gamma})
    inner = model.estimator_
    assert type(inner) is HistGradientBoostingClassifier
    assert model.booster_ is inner
    assert inner.get_params() == booster(NAME).get_params()
    assert type(inner._loss) is type(booster(NAME).fit(X, y)._loss)
    assert inner.classes_.tolist() == list(range(len(np.unique(y))))


# --- without any other booster ----------------------------------------------------------------------------------

WITHOUT_BOOSTERS = textwrap.dedent("""
    import sys

    sys.modules["xgboost"] = sys.modules["lightgbm"] = None
    from sklearn.datasets import load_iris
    from sklearn.ensemble import HistGradientBoostingClassifier

    from focal_boost import FocalBoostClassifier

    X, y = load_iris(return_X_y=True)
    assert FocalBoostClassifier(HistGradientBoostingClassifier(max_iter=5)).fit(X, y).score(X, y) > 0.9
    try:
        FocalBoostClassifier().fit(X, y)
    except ImportError as error:
        print(error)
""")


def test_without_boosters_the_error_suggests_hist_gradient_boosting():
    run = subprocess.run([sys.executable, "-c", WITHOUT_BOOSTERS], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == (
        "estimator=None requires XGBoost, which is not installed: pip install xgboost, or pass an "
        "LGBMClassifier or scikit-learn's HistGradientBoostingClassifier."
    )


# --- other tools ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [rare, four_classes])
def test_shap_values_sum_to_the_raw_prediction(data):
    shap = pytest.importorskip("shap")
    model, X, _y = fit(data)
    explanation = shap.TreeExplainer(model.estimator_)(X[:50])
    assert_allclose(explanation.values.sum(axis=1) + explanation.base_values, model.decision_function(X[:50]))


@pytest.mark.parametrize("data", [rare, four_classes])
def test_treelite_predicts_the_plain_probabilities(data):
    treelite = pytest.importorskip("treelite")
    model, X, _y = fit(data, model={"calibrated": False})
    proba = treelite.gtil.predict(treelite.sklearn.import_model(model.estimator_), X)[:, 0]
    assert_allclose(proba, model.predict_proba(X)[:, -proba.shape[1] :], atol=1e-5)


def test_skops_restores_the_estimator():
    skops = pytest.importorskip("skops.io")
    model, X, _y = fit(four_classes)
    dumped = skops.dumps(model)
    trusted = skops.get_untrusted_types(data=dumped)
    assert not any("_scikit_learn_loss" in name for name in trusted)
    assert_array_equal(skops.loads(dumped, trusted=trusted).predict_proba(X), model.predict_proba(X))
