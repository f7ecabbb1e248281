"""Early stopping on held-out rows, with the parameters of HistGradientBoostingClassifier."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBRFClassifier
from xgboost.callback import EarlyStopping

from focal_boost import FocalBoostClassifier

from ..cases import ALL_BOOSTERS, BOOSTERS, EVAL_BOOSTERS, booster, four_classes, rare, weights


def stopped(name, data=rare, fit=None, **params):
    """Return a model fitted with early stopping, and its training data."""
    X, y = data()
    params = {"early_stopping": True, "n_iter_no_change": 5, "random_state": 3, **params}
    model = FocalBoostClassifier(booster(name, 400, learning_rate=0.5), **params)
    return model.fit(X, y, **(fit or {})), X, y


def reported(model):
    return next(iter(model.evals_result_.values()))["log_loss"]


@pytest.mark.parametrize("name", EVAL_BOOSTERS)
@pytest.mark.parametrize("data", [rare, four_classes])
def test_training_stops_on_the_log_loss_of_a_stratified_part_and_uses_the_best_round(name, data):
    model, X, y = stopped(name, data)
    rows, held_out = train_test_split(np.arange(len(y)), test_size=0.1, stratify=y, random_state=3)
    curve = reported(model)
    assert len(curve) < 400
    assert model.n_iter_ == np.argmin(curve) + 1 == len(curve) - 5
    assert model.best_score_ == pytest.approx(min(curve), rel=1e-4)  # XGBoost keeps five digits
    proba = model.predict_proba(X[np.sort(held_out)])
    assert log_loss(y[np.sort(held_out)], proba, labels=model.classes_) == pytest.approx(min(curve), abs=1e-6)
    by_hand = FocalBoostClassifier(booster(name, model.n_iter_, learning_rate=0.5))
    by_hand.fit(X[np.sort(rows)], y[np.sort(rows)])
    assert_array_equal(model.predict_proba(X), by_hand.predict_proba(X))


@pytest.mark.parametrize("name", EVAL_BOOSTERS)
def test_a_given_eval_set_is_used_instead(name):
    X, y = rare()
    model, _X, _y = stopped(name, fit={"eval_set": [(X[:500], y[:500])]}, validation_fraction=0.5)
    curve = reported(model)
    assert curve[model.n_iter_ - 1] == pytest.approx(log_loss(y[:500], model.predict_proba(X[:500])), abs=1e-6)


@pytest.mark.parametrize("name", EVAL_BOOSTERS)
def test_weights_and_alpha_are_those_of_the_rows_that_remain(name):
    X, y = rare()
    weight = weights(len(y))
    model, _X, _y = stopped(name, fit={"sample_weight": weight}, alpha="balanced")
    rows, held_out = map(np.sort, train_test_split(np.arange(len(y)), test_size=0.1, stratify=y, random_state=3))
    counts = np.bincount(y[rows])
    assert model.loss_.alpha == pytest.approx(tuple(len(rows) / (2 * counts)))
    proba = model.predict_proba(X[held_out])
    assert min(reported(model)) == pytest.approx(
        log_loss(y[held_out], proba, sample_weight=weight[held_out]), abs=1e-6
    )


@pytest.mark.parametrize("name", EVAL_BOOSTERS)
def test_the_split_depends_on_the_seed(name):
    first, again, other = (stopped(name, random_state=seed)[0].evals_result_ for seed in (3, 3, 4))
    assert first == again != other


@pytest.mark.parametrize("name", BOOSTERS)
@pytest.mark.parametrize(
    "container", [pd.DataFrame, lambda X: pl.DataFrame(X, schema=[f"c{i}" for i in range(8)]), sparse.csr_array]
)
def test_rows_of_any_container_are_held_out(name, container):
    X, y = rare()
    expected = reported(stopped(name)[0])
    model = FocalBoostClassifier(
        booster(name, 400, learning_rate=0.5), early_stopping=True, n_iter_no_change=5, random_state=3
    )
    assert reported(model.fit(container(X), y)) == pytest.approx(expected, rel=1e-6)


def test_rows_of_a_pyarrow_table_are_held_out():
    X, y = rare()
    table = pa.table({f"c{i}": column for i, column in enumerate(X.T)})
    model = FocalBoostClassifier(booster("xgboost", 50), early_stopping=True, random_state=3).fit(table, y)
    assert len(reported(model)) < 50


@pytest.mark.parametrize("name", BOOSTERS)
def test_other_metrics_are_reported_and_the_log_loss_is_watched(name):
    model, _X, _y = stopped(name, fit={"eval_metric": ["auc"]})
    curves = next(iter(model.evals_result_.values()))
    assert set(curves) == {"auc", "log_loss"}
    assert model.n_iter_ == np.argmin(curves["log_loss"]) + 1


@pytest.mark.parametrize("name", BOOSTERS)
def test_of_several_eval_sets_the_last_one_is_watched(name):
    X, y = rare()
    sets = [(X[:400], y[:400]), (X[400:900], y[400:900])]
    model, _X, _y = stopped(name, fit={"eval_set": sets})
    *_, last = model.evals_result_.values()
    assert model.n_iter_ == np.argmin(last["log_loss"]) + 1
    assert model.best_score_ == pytest.approx(min(last["log_loss"]), rel=1e-4)


def test_it_works_in_pipelines_searches_and_cross_validation():
    X, y = rare()
    model = FocalBoostClassifier(booster("lightgbm", 60), early_stopping=True, random_state=0)
    pipeline = make_pipeline(StandardScaler(), model)
    search = GridSearchCV(pipeline, {"focalboostclassifier__gamma": [0, 2]}, cv=3, scoring="neg_log_loss")
    best = search.fit(X, y).best_estimator_[-1]
    assert best.n_iter_ < 60
    assert (cross_val_score(pipeline, X, y, cv=3, scoring="neg_log_loss") > -0.2).all()


@pytest.mark.parametrize("name", ALL_BOOSTERS)
def test_without_early_stopping_there_is_no_best_score(name):
    X, y = rare()
    model = FocalBoostClassifier(booster(name, 3)).fit(X, y)
    assert not hasattr(model, "best_score_")
    assert model.evals_result_ == {}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"early_stopping": "auto"}, "early_stopping must be True or False; got 'auto'"),
        ({"validation_fraction": 0.0}, "validation_fraction == 0.0, must be > 0"),
        ({"validation_fraction": 1}, "validation_fraction == 1, must be < 1"),
        ({"n_iter_no_change": 0}, "n_iter_no_change == 0, must be >= 1"),
        ({"n_iter_no_change": 2.5}, "n_iter_no_change must be an instance of"),
    ],
)
def test_parameters_are_checked(params, message):
    X, y = rare()
    with pytest.raises((TypeError, ValueError), match=message):
        FocalBoostClassifier(booster("xgboost"), **params).fit(X, y)


@pytest.mark.parametrize("name", ALL_BOOSTERS)
def test_a_class_of_one_row_cannot_be_held_out(name):
    X, y = rare()
    y = np.where(np.arange(len(y)) == 0, 2, y)
    with pytest.raises(
        ValueError, match=r"^early_stopping=True cannot hold out rows of every class: pass an eval_set"
    ):
        FocalBoostClassifier(booster(name), early_stopping=True).fit(X, y)


def test_other_early_stopping_of_xgboost_is_rejected():
    X, y = rare()
    for inner, message in (
        (booster("xgboost", early_stopping_rounds=5), "must not be combined with early_stopping_rounds"),
        (
            booster("xgboost", callbacks=[EarlyStopping(rounds=5)]),
            "must not be combined with an EarlyStopping callback",
        ),
        (XGBRFClassifier(), "must be False for an XGBRFClassifier"),
    ):
        with pytest.raises(ValueError, match=f"^early_stopping.* {message}"):
            FocalBoostClassifier(inner, early_stopping=True).fit(X, y)
