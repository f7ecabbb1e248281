"""scikit-learn's tools: a table of those that the estimator works with, for each booster.

The same table is in docs/integrations.md, which goes on with the packages of test_packages.py.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401  (makes HalvingGridSearchCV importable)
from sklearn.feature_selection import SelectFromModel
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, get_scorer
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    HalvingGridSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from focal_boost import FocalBoostClassifier

from ..cases import BOOSTERS, booster, four_classes, rare, weights
from .cases import ROUNDS, TABLE, check_probabilities, model


def calibrated(method):
    def check(name, X, y):
        check_probabilities(CalibratedClassifierCV(model(name), method=method, cv=3).fit(X, y), X, y)

    return check


def temperature(name, X, y):
    try:
        check = calibrated("temperature")
        check(name, X, y)
    except ValueError as error:
        if "temperature" in str(error):
            pytest.skip("scikit-learn has temperature scaling from 1.8")
        raise


def tuned_threshold(name, X, y):
    tuned = TunedThresholdClassifierCV(model(name), scoring="balanced_accuracy", cv=3).fit(X, y)
    assert balanced_accuracy_score(y, tuned.predict(X)) >= balanced_accuracy_score(
        y, model(name).fit(X, y).predict(X)
    )


def fixed_threshold(name, X, y):
    fitted = FixedThresholdClassifier(model(name), threshold=0.1, response_method="predict_proba").fit(X, y)
    assert_array_equal(fitted.predict(X), fitted.estimator_.predict_proba(X)[:, 1] >= 0.1)


def stacking(name, X, y):
    stack = StackingClassifier([("focal", model(name)), ("linear", LogisticRegression(max_iter=1000))], cv=3)
    check_probabilities(stack.fit(X, y), X, y)


def voting(name, X, y):
    vote = VotingClassifier([("one", model(name)), ("other", model(name, gamma=0.5))], voting="soft").fit(X, y)
    expected = np.mean([member.predict_proba(X) for member in vote.estimators_], axis=0)
    assert_allclose(vote.predict_proba(X), expected)


def bagging(name, X, y):
    check_probabilities(BaggingClassifier(model(name), n_estimators=3, random_state=0).fit(X, y), X, y)


def one_versus_rest(name, X, y):
    X, y = four_classes()
    check_probabilities(OneVsRestClassifier(model(name)).fit(X, y), X, y)


def permutation(name, X, y):
    X = np.column_stack([X, np.zeros(len(y))])
    result = permutation_importance(
        model(name).fit(X, y), X, y, scoring="neg_log_loss", n_repeats=2, random_state=0
    )
    assert result.importances_mean[-1] == 0
    assert result.importances_mean.max() > 0.01


def dependence(name, X, y):
    result = partial_dependence(model(name).fit(X, y), X, [0], grid_resolution=5, response_method="predict_proba")
    assert result["average"].shape == (1, 5)
    assert np.ptp(result["average"]) > 0


def halving(name, X, y):
    search = HalvingGridSearchCV(
        model(name), {"gamma": [0.0, 1.0, 2.0]}, cv=2, min_resources=300, scoring="neg_log_loss", random_state=0
    ).fit(X, y)
    assert search.best_params_["gamma"] in (0.0, 1.0, 2.0)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def frames_through_a_pipeline(name, X, y):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=[f"column {i}" for i in range(X.shape[1])])
    pipeline = make_pipeline(StandardScaler(), model(name)).set_output(transform="pandas").fit(frame, y)
    assert_array_equal(pipeline[-1].feature_names_in_, frame.columns)
    assert_allclose(
        pipeline.predict_proba(frame), make_pipeline(StandardScaler(), model(name)).fit(X, y).predict_proba(X)
    )


def selection(name, X, y):
    selected = SelectFromModel(model(name), threshold="median").fit(X, y)
    assert selected.transform(X).shape[1] <= (X.shape[1] + 1) // 2


INTEGRATIONS = {
    "CalibratedClassifierCV, sigmoid": calibrated("sigmoid"),
    "CalibratedClassifierCV, isotonic": calibrated("isotonic"),
    "CalibratedClassifierCV, temperature": temperature,
    "TunedThresholdClassifierCV": tuned_threshold,
    "FixedThresholdClassifier": fixed_threshold,
    "StackingClassifier": stacking,
    "VotingClassifier": voting,
    "BaggingClassifier": bagging,
    "OneVsRestClassifier": one_versus_rest,
    "HalvingGridSearchCV": halving,
    "SelectFromModel": selection,
    "permutation_importance": permutation,
    "partial_dependence": dependence,
    "set_output": frames_through_a_pipeline,
}


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("integration", INTEGRATIONS)
def test_works_with(integration, name):
    INTEGRATIONS[integration](name, *rare())


@pytest.mark.parametrize("name", BOOSTERS)
def test_weights_are_routed_through_search_and_pipeline(name):
    X, y = rare()
    weight = weights(len(y))
    with config_context(enable_metadata_routing=True):
        routed = model(name).set_fit_request(sample_weight=True)
        scorer = get_scorer("neg_log_loss").set_score_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, routed)
        search = GridSearchCV(pipeline, {"focalboostclassifier__gamma": [1.0]}, scoring=scorer, cv=2)
        search.fit(X, y, sample_weight=weight)
    scaled = StandardScaler().fit_transform(X)
    expected = model(name, gamma=1.0).fit(scaled, y, sample_weight=weight)
    assert_array_equal(search.predict_proba(X), expected.predict_proba(scaled))
    assert (
        abs(model(name, gamma=1.0).fit(scaled, y).predict_proba(scaled) - expected.predict_proba(scaled)).max()
        > 1e-3
    )


@pytest.mark.parametrize("name", BOOSTERS)
def test_a_subclass_with_fewer_parameters(name):
    class Focused(FocalBoostClassifier):
        def __init__(self, gamma=1.0):
            super().__init__(booster(name, ROUNDS), gamma=gamma)

    X, y = rare()
    fitted = Focused(gamma=3.0).fit(X, y)
    assert fitted.loss_.gamma == 3.0
    assert_array_equal(fitted.predict_proba(X), model(name, gamma=3.0).fit(X, y).predict_proba(X))


@pytest.mark.parametrize("name", BOOSTERS)
def test_the_notebook_repr_shows_the_nested_estimator(name):
    html = model(name, gamma=3.0)._repr_html_()
    assert "FocalBoostClassifier" in html
    assert type(booster(name)).__name__ in html
    assert "gamma" in html
    assert f"estimator={type(booster(name)).__name__}" in repr(model(name)).replace("\n", "").replace(" ", "")
    X, y = rare()
    assert "FocalBoostClassifier" in model(name).fit(X, y)._repr_html_()
