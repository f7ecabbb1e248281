"""`posterior` corrects the probabilities of models trained elsewhere with class weights or sampled classes.

The simulated data have a few distinct rows and the models one free parameter for each of them. A corrected model
must therefore equal the model trained without weights, and both must be close to the true probabilities.
"""

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import CategoricalNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils.class_weight import compute_class_weight
from xgboost import XGBClassifier

from focal_boost.losses import posterior

ROWS = np.arange(5)[:, None]  # the distinct rows
TWO = np.array([0.01, 0.03, 0.05, 0.1, 0.4])
TWO = np.stack([1 - TWO, TWO], axis=1)
TEN = np.array([np.r_[0.6, 0.4 * np.roll(np.arange(1, 10), k) / 45] for k in range(5)])
THREE = np.array([[0.9, 0.07, 0.03], [0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.5, 0.45, 0.05], [0.8, 0.05, 0.15]])


def simulate(true, n_samples=20_000):
    """Rows and labels drawn from the true probabilities."""
    rng = np.random.default_rng(0)
    level = rng.integers(len(true), size=n_samples)
    y = (rng.uniform(size=n_samples)[:, None] > true[level].cumsum(axis=1)).sum(axis=1)
    return level[:, None], y


def logistic(**params):
    return make_pipeline(OneHotEncoder(), LogisticRegression(C=np.inf, tol=1e-8, **params))


def xgboost(**params):
    return XGBClassifier(n_estimators=60, reg_lambda=0, min_child_weight=0, n_jobs=1, **params)


def lightgbm(**params):
    return LGBMClassifier(
        n_estimators=60,
        learning_rate=0.3,
        min_child_weight=0,
        n_jobs=1,
        verbosity=-1,
        force_row_wise=True,
        **params,
    )


def hist(**params):
    return HistGradientBoostingClassifier(max_iter=60, learning_rate=0.3, early_stopping=False, **params)


def balanced(y):
    return compute_class_weight("balanced", classes=np.unique(y), y=y)


def inverse_odds(y):
    return 1, (y == 0).sum() / (y == 1).sum()


WEIGHTED = {
    "XGBoost, scale_pos_weight": (TWO, xgboost, {"scale_pos_weight": 20}, (1, 20)),
    "LightGBM, scale_pos_weight": (TWO, lightgbm, {"scale_pos_weight": 20}, (1, 20)),
    "LightGBM, is_unbalance": (TWO, lightgbm, {"is_unbalance": True}, inverse_odds),
    "LightGBM, balanced": (TWO, lightgbm, {"class_weight": "balanced"}, balanced),
    "LightGBM, three classes": (THREE, lightgbm, {"class_weight": {0: 1, 1: 3, 2: 9}}, (1, 3, 9)),
    "scikit-learn, balanced": (TWO, logistic, {"class_weight": "balanced"}, balanced),
    "scikit-learn, three classes": (THREE, logistic, {"class_weight": "balanced"}, balanced),
    "HistGradientBoosting, balanced": (TWO, hist, {"class_weight": "balanced"}, balanced),
}


@pytest.mark.parametrize(("true", "model", "weights", "alpha"), WEIGHTED.values(), ids=WEIGHTED)
def test_class_weights_are_undone(true, model, weights, alpha):
    X, y = simulate(true)
    weighted = model(**weights).fit(X, y).predict_proba(ROWS)
    corrected = posterior(weighted, gamma=0, alpha=alpha(y) if callable(alpha) else alpha)
    assert_allclose(corrected, model().fit(X, y).predict_proba(ROWS), atol=1e-3)
    assert_allclose(corrected, true, atol=0.02)
    assert abs(weighted - true).max() > 0.3


@pytest.mark.parametrize("model", [xgboost, lightgbm, logistic])
def test_the_weight_of_each_row_by_its_class_is_undone(model):
    X, y = simulate(THREE)
    alpha = np.array([1.0, 3.0, 9.0])
    fit_params = {"logisticregression__sample_weight" if model is logistic else "sample_weight": alpha[y]}
    weighted = model().fit(X, y, **fit_params).predict_proba(ROWS)
    corrected = posterior(weighted, gamma=0, alpha=alpha)
    assert_allclose(corrected, model().fit(X, y).predict_proba(ROWS), atol=1e-3)
    assert_allclose(corrected, THREE, atol=0.02)


@pytest.mark.parametrize("model", [xgboost, lightgbm, logistic])
@pytest.mark.parametrize(("true", "share"), [(TWO, (0.1, 1)), (THREE, (0.1, 0.5, 1))], ids=["two", "three"])
def test_sampling_by_class_is_undone(true, share, model):
    X, y = simulate(true, 60_000)
    keep = np.random.default_rng(1).uniform(size=len(y)) < np.take(share, y)
    sampled = model().fit(X[keep], y[keep]).predict_proba(ROWS)
    corrected = posterior(sampled, gamma=0, alpha=share)
    assert_allclose(corrected, model().fit(X, y).predict_proba(ROWS), atol=0.02)
    assert_allclose(corrected, true, atol=0.02)
    assert abs(sampled - true).max() > 0.3


def test_sampling_of_ten_classes_is_undone():
    X, y = simulate(TEN, 400_000)
    share = np.geomspace(0.1, 1, 10)
    keep = np.random.default_rng(1).uniform(size=len(y)) < share[y]
    model = CategoricalNB(alpha=1e-10)  # with one column, the class frequencies of each distinct row
    sampled = model.fit(X[keep], y[keep]).predict_proba(ROWS)
    corrected = posterior(sampled, gamma=0, alpha=share)
    assert_allclose(corrected, model.fit(X, y).predict_proba(ROWS), atol=0.01)
    assert_allclose(corrected, TEN, atol=0.01)
    assert abs(sampled - TEN).max() > 0.3


@pytest.mark.parametrize(
    ("true", "deployed"), [(TWO, (0.5, 0.5)), (THREE, (0.2, 0.2, 0.6))], ids=["two classes", "three classes"]
)
def test_probabilities_are_converted_to_another_class_prior(true, deployed):
    X, y = simulate(true, 60_000)
    prior = true.mean(axis=0)  # every distinct row is equally frequent
    moved = posterior(logistic().fit(X, y).predict_proba(ROWS), gamma=0, alpha=prior / deployed)

    expected = true * deployed / prior  # Bayes' theorem: the distribution within a class does not change
    assert_allclose(moved, expected / expected.sum(axis=1, keepdims=True), atol=0.02)

    rng = np.random.default_rng(1)
    drawn = rng.choice(len(y), 60_000, p=(deployed / np.bincount(y))[y])
    assert_allclose(moved, logistic().fit(X[drawn], y[drawn]).predict_proba(ROWS), atol=0.02)


def test_the_correction_divides_the_odds_by_the_ratio_of_the_weights():
    p = np.linspace(0.01, 0.99, 9)
    corrected = posterior(p, gamma=0, alpha=(1, 20))
    assert_allclose(corrected / (1 - corrected), p / (1 - p) / 20, rtol=1e-12)
    assert_allclose(posterior(p, gamma=0, alpha=(0.05, 1)), corrected, rtol=1e-12)  # 1 in 20 negatives kept


# --- decisions --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def predicted():
    """Probabilities of positive rows: as a weighted model predicts them, and corrected."""
    weighted = xgboost(scale_pos_weight=20).fit(*simulate(TWO)).predict_proba(ROWS)[:, 1]
    return weighted, posterior(weighted, gamma=0, alpha=(1, 20))


@pytest.mark.parametrize("miss", [4, 13, 24, 60])
def test_the_threshold_from_costs_is_optimal_for_corrected_probabilities(predicted, miss):
    weighted, corrected = predicted
    threshold = 1 / (1 + miss)  # a false alarm costs 1
    optimal = TWO[:, 1] * miss > 1 - TWO[:, 1]
    assert_array_equal(corrected > threshold, optimal)
    assert (weighted > threshold).all()
    assert not optimal.all()


def test_costs_of_each_row_decide_with_corrected_probabilities(predicted):
    weighted, corrected = predicted
    miss = np.array([150, 20, 40, 5, 1])
    optimal = TWO[:, 1] * miss > 1 - TWO[:, 1]
    assert_array_equal(corrected * miss > 1 - corrected, optimal)
    assert (weighted * miss > 1 - weighted).sum() > optimal.sum()


def test_a_cost_matrix_decides_with_corrected_probabilities():
    cost = np.array([[0, 1, 1], [1, 0, 1], [8, 8, 0]])  # by true class and decision
    optimal = (THREE @ cost).argmin(axis=1)
    assert_array_equal(optimal, [0, 2, 2, 0, 2])
    alpha = (1, 3, 9)
    weighted = lightgbm(class_weight=dict(enumerate(alpha))).fit(*simulate(THREE)).predict_proba(ROWS)
    corrected = posterior(weighted, gamma=0, alpha=alpha)
    assert_array_equal((corrected @ cost).argmin(axis=1), optimal)
    assert ((weighted @ cost).argmin(axis=1) != optimal).any()
