"""scikit-learn around the estimator: metadata routing, calibration, stacking, displays."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import sklearn
from lightgbm import LGBMClassifier
from numpy.testing import assert_array_equal
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay
from sklearn.ensemble import StackingClassifier
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.metrics import PrecisionRecallDisplay
from sklearn.model_selection import GridSearchCV, LearningCurveDisplay, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier, __version__

from focal_boost import FocalBoostClassifier

from ..cases import ALL_BOOSTERS, BOOSTERS, booster, rare, weights


def skip_without_eval_sets(name):
    if name == "hist_gradient_boosting" and tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 7):
        pytest.skip("scikit-learn 1.7 brought validation data")


mpl.use("Agg")


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def eval_curve(model):
    return next(iter(model.evals_result_.values()))["log_loss"]


def test_every_argument_of_fit_can_be_requested():
    names = (
        "eval_set",
        "eval_X",
        "eval_y",
        "eval_sample_weight",
        "eval_metric",
        "callbacks",
        "verbose",
        "sample_weight",
    )
    with sklearn.config_context(enable_metadata_routing=True):
        model = FocalBoostClassifier().set_fit_request(**dict.fromkeys(names, True))
        assert set(model.get_metadata_routing().fit.requests) == set(names)


@pytest.mark.parametrize("name", ALL_BOOSTERS)
def test_a_pipeline_transforms_the_eval_set_and_routes_its_labels(name, routing):
    skip_without_eval_sets(name)
    X, y = rare()
    X_train, X_eval, y_train, y_eval = train_test_split(X * 100, y, stratify=y, random_state=0)
    model = FocalBoostClassifier(booster(name, 40), early_stopping=True)
    model.set_fit_request(eval_X=True, eval_y=True, sample_weight=True)
    scaler = StandardScaler().set_fit_request(sample_weight=False)
    weight = weights(len(y_train))
    pipeline = make_pipeline(scaler, model, transform_input=["eval_X"])
    pipeline.fit(X_train, y_train, eval_X=X_eval, eval_y=y_eval, sample_weight=weight)
    scaled = StandardScaler().fit(X_train)
    by_hand = FocalBoostClassifier(booster(name, 40), early_stopping=True)
    by_hand.fit(scaled.transform(X_train), y_train, weight, eval_set=[(scaled.transform(X_eval), y_eval)])
    assert eval_curve(pipeline[-1]) == eval_curve(by_hand)
    assert pipeline[-1].n_iter_ == by_hand.n_iter_


@pytest.mark.parametrize("name", BOOSTERS)
def test_a_search_routes_weights_and_eval_metric(name, routing):
    X, y = rare()
    model = FocalBoostClassifier(booster(name, 10), early_stopping=True, random_state=0)
    model.set_fit_request(sample_weight=True, eval_metric=True).set_score_request(sample_weight=True)
    search = GridSearchCV(model, {"gamma": [0, 2]}, cv=2)
    search.fit(X, y, sample_weight=weights(len(y)), eval_metric="auc")
    assert set(next(iter(search.best_estimator_.evals_result_.values()))) == {"auc", "log_loss"}


def test_calibration_and_stacking_of_hist_gradient_boosting_with_early_stopping():
    name = "hist_gradient_boosting"  # the other boosters: tests/ecosystem/test_scikit_learn.py
    skip_without_eval_sets(name)
    X, y = rare()
    model = FocalBoostClassifier(booster(name, 15), early_stopping=True, random_state=0)
    for ensemble in (
        CalibratedClassifierCV(model, cv=3),
        StackingClassifier([("focal", model), ("plain", booster(name, 5))], cv=3),
    ):
        assert ensemble.fit(X, y).score(X, y) > 0.96


def test_the_displays_of_scikit_learn_draw_it():
    X, y = rare()
    model = FocalBoostClassifier(booster("lightgbm", 15)).fit(X[:, :2], y)
    CalibrationDisplay.from_estimator(model, X[:, :2], y)
    display = PrecisionRecallDisplay.from_estimator(model, X[:, :2], y)
    assert 0 < display.average_precision <= 1
    DecisionBoundaryDisplay.from_estimator(model, X[:, :2], grid_resolution=10)
    display = LearningCurveDisplay.from_estimator(model, X[:, :2], y, train_sizes=[0.5, 1.0], cv=2)
    assert display.test_scores.shape == (2, 2)
    mpl.pyplot.close("all")


@pytest.mark.parametrize("name", BOOSTERS)
@pytest.mark.parametrize(("verbose", "lines"), [(False, 0), (True, 6), (3, 2)])
def test_verbose_prints_the_metrics_of_the_eval_sets(name, verbose, lines, capfd):
    X, y = rare()
    FocalBoostClassifier(booster(name, 6)).fit(X, y, eval_set=[(X, y)], verbose=verbose)
    printed = [line for line in "".join(capfd.readouterr()).splitlines() if "log_loss" in line]
    # XGBoost counts rounds from 0 and adds the last one.
    assert len(printed) == lines + (name == "xgboost" and verbose == 3)


def test_categories_need_no_setting_of_the_default_booster():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=200), "b": pd.Categorical(rng.choice(["u", "v", "w"], 200))})
    y = (frame["b"] == "v") ^ (rng.random(200) < 0.1)
    assert FocalBoostClassifier().fit(frame, y).score(frame, y) > 0.85


@pytest.mark.skipif(
    not __version__.startswith(("3.1.", "3.2.")), reason="XGBoost takes categories by default from 3.3 on"
)
def test_categories_in_an_xgbclassifier_without_the_setting_are_rejected():
    frame = pd.DataFrame({"a": pd.Categorical(["u", "v"] * 20)})
    with pytest.raises(ValueError, match=r"^estimator must have enable_categorical=True for"):
        FocalBoostClassifier(XGBClassifier()).fit(frame, np.arange(40) % 2)


@pytest.mark.parametrize("name", BOOSTERS)
def test_callbacks_in_fit_are_added_to_those_of_the_estimator(name):
    X, y = rare()
    seen = []
    if name == "xgboost":
        from xgboost.callback import TrainingCallback

        class Watch(TrainingCallback):
            def after_iteration(self, model, epoch, evals_log):
                seen.append(epoch)
                return False

        watch = Watch()
    else:

        def watch(env):
            seen.append(env.iteration)

    model = FocalBoostClassifier(booster(name, 4)).fit(X, y, callbacks=[watch])
    assert seen == [0, 1, 2, 3]
    assert_array_equal(model.predict_proba(X), FocalBoostClassifier(booster(name, 4)).fit(X, y).predict_proba(X))
    assert isinstance(model.estimator_, XGBClassifier | LGBMClassifier)
