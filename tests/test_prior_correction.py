"""`PriorCorrectedClassifier` applies `posterior` to the probabilities of any classifier."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from lightgbm import LGBMClassifier
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier
from sklearn.datasets import make_classification
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV, cross_val_predict
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.estimator_checks import check_estimator
from xgboost import XGBClassifier

from focal_boost import PriorCorrectedClassifier
from focal_boost.losses import posterior

X, y = make_classification(n_samples=400, n_informative=3, weights=[0.8], random_state=0)
X3, y3 = make_classification(n_samples=400, n_informative=4, n_classes=3, weights=[0.7, 0.2], random_state=0)
LOGISTIC = LogisticRegression()

# --- what it predicts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("estimator", "training_weight"),
    [
        (LogisticRegression(class_weight={1: 9}), {1: 9}),
        (XGBClassifier(n_estimators=5, scale_pos_weight=9), {1: 9.0}),
        (LGBMClassifier(n_estimators=5, verbosity=-1, class_weight={0: 1, 1: 9}), {0: 1, 1: 9}),
        (make_pipeline(StandardScaler(), LogisticRegression(class_weight={1: 9})), {1: 9}),
    ],
    ids=["scikit-learn", "XGBoost", "LightGBM", "pipeline"],
)
def test_the_probabilities_are_the_posterior_of_those_of_the_estimator(estimator, training_weight):
    model = PriorCorrectedClassifier(estimator, training_weight=training_weight).fit(X, y)
    plain = estimator.fit(X, y).predict_proba(X)
    assert_array_equal(model.estimator_.predict_proba(X), plain)
    assert_array_equal(model.training_weight_, [1, 9])
    assert_allclose(model.predict_proba(X), posterior(plain, gamma=0, alpha=(1, 9)), rtol=1e-12)
    assert_array_equal(model.predict(X), model.predict_proba(X)[:, 1] > 0.5)


def test_balanced_is_that_of_scikit_learn():
    labels = np.array(["a", "b", "c"])[y3]
    estimator = LogisticRegression(class_weight="balanced")
    model = PriorCorrectedClassifier(estimator, training_weight="balanced").fit(X3, labels)
    weight = compute_class_weight("balanced", classes=model.classes_, y=labels)
    assert_allclose(model.training_weight_, weight)
    assert_allclose(model.predict_proba(X3), posterior(model.estimator_.predict_proba(X3), 0, weight), rtol=1e-12)
    assert_array_equal(model.predict(X3), model.classes_[model.predict_proba(X3).argmax(axis=1)])


def test_the_mean_probability_is_the_share_of_each_class():
    estimator = LogisticRegression(C=np.inf, class_weight="balanced")
    weighted = estimator.fit(X3, y3).predict_proba(X3).mean(axis=0)
    corrected = (
        PriorCorrectedClassifier(estimator, training_weight="balanced").fit(X3, y3).predict_proba(X3).mean(axis=0)
    )
    share = np.bincount(y3) / len(y3)
    assert abs(weighted - share).max() > 0.15
    assert_allclose(corrected, share, atol=0.01)


def test_without_weights_nothing_changes():
    model = PriorCorrectedClassifier(LOGISTIC, training_weight={}).fit(X, y)
    assert_allclose(model.predict_proba(X), model.estimator_.predict_proba(X), rtol=1e-12)


def test_a_fitted_classifier_is_not_trained_again():
    labels = np.array(["no", "yes"])[y]
    fitted = LogisticRegression(class_weight={"yes": 9}).fit(X, labels)
    model = PriorCorrectedClassifier(FrozenEstimator(fitted), training_weight={"yes": 9}).fit(X[:1], labels[:1])
    assert model.estimator_.coef_ is fitted.coef_
    assert_allclose(model.predict_proba(X), posterior(fitted.predict_proba(X), 0, (1, 9)), rtol=1e-12)


# --- scikit-learn ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "estimator", [LogisticRegression(class_weight="balanced"), DecisionTreeClassifier(random_state=0)]
)
def test_scikit_learn_checks(estimator):
    results = check_estimator(PriorCorrectedClassifier(estimator, training_weight="balanced"), on_skip=None)
    assert len(results) > 40
    assert not [result["check_name"] for result in results if result["status"] == "failed"]


def test_it_is_cloned_pickled_searched_and_cross_validated():
    model = PriorCorrectedClassifier(LogisticRegression(class_weight={1: 9}), training_weight={1: 9})
    assert is_classifier(model)
    assert clone(model).get_params()["estimator__class_weight"] == {1: 9}
    search = GridSearchCV(model, {"estimator__C": [0.1, 1]}, scoring="neg_log_loss").fit(X, y)
    restored = pickle.loads(pickle.dumps(search.best_estimator_))
    assert_array_equal(restored.predict_proba(X), search.predict_proba(X))
    proba = cross_val_predict(model, X, y, method="predict_proba")[:, 1]
    assert proba.mean() == pytest.approx(y.mean(), abs=0.03)


def test_a_threshold_applies_to_the_corrected_probability():
    model = PriorCorrectedClassifier(LogisticRegression(class_weight={1: 9}), training_weight={1: 9})
    flagged = FixedThresholdClassifier(model, threshold=0.1, response_method="predict_proba").fit(X, y).predict(X)
    assert_array_equal(flagged, model.fit(X, y).predict_proba(X)[:, 1] >= 0.1)


def test_names_of_the_features_are_those_of_the_estimator():
    frame = pd.DataFrame(X).add_prefix("x")
    model = PriorCorrectedClassifier(LOGISTIC, training_weight={}).fit(frame, y)
    assert model.feature_names_in_.tolist() == list(frame)
    assert model.n_features_in_ == X.shape[1]


def test_missing_values_reach_the_estimator():
    X_missing = np.where(np.arange(X.size).reshape(X.shape) % 7 == 0, np.nan, X)
    model = PriorCorrectedClassifier(XGBClassifier(n_estimators=2), training_weight={1: 2}).fit(X_missing, y)
    assert model.predict_proba(X_missing).shape == (400, 2)


def test_weights_of_rows_are_passed_on_and_routed():
    weight = np.linspace(1, 2, len(y))
    expected = LogisticRegression(class_weight={1: 9}).fit(X, y, sample_weight=weight).coef_
    estimator = LogisticRegression(class_weight={1: 9})
    model = PriorCorrectedClassifier(estimator, training_weight={1: 9})
    assert_allclose(model.fit(X, y, sample_weight=weight).estimator_.coef_, expected)
    with sklearn.config_context(enable_metadata_routing=True):
        with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError, match="sample_weight"):
            model.fit(X, y, sample_weight=weight)
        estimator.set_fit_request(sample_weight=True)
        pipeline = make_pipeline(FunctionTransformer(), model)
        assert_allclose(pipeline.fit(X, y, sample_weight=weight)[-1].estimator_.coef_, expected)


# --- errors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("training_weight", "error", "message"),
    [
        ({2: 9}, ValueError, r"training_weight must name classes of y, \[0, 1\]; got 2"),
        ({1: 0}, ValueError, r"training_weight must be from 1e-15 to 1e8; got 0\.0"),
        ({1: -1}, ValueError, r"training_weight must be from 1e-15 to 1e8; got -1\.0"),
        ({1: np.inf}, ValueError, r"training_weight must be from 1e-15 to 1e8; got inf"),
        ({1: np.nan}, ValueError, r"training_weight must be from 1e-15 to 1e8; got nan"),
        ({1: "9"}, TypeError, r"training_weight must contain real numbers; got .*'9'"),
        (
            "balance",
            TypeError,
            r"training_weight must be a dict or 'balanced'; got 'balance'",
        ),
        (None, TypeError, "training_weight must be a dict or 'balanced'; got None"),
        (9.0, TypeError, r"training_weight must be a dict or 'balanced'; got 9\.0"),
        ([1, 9], TypeError, r"training_weight must be a dict or 'balanced'; got \[1, 9\]"),
        (
            np.array([1, 9]),
            TypeError,
            r"training_weight must be a dict or 'balanced'; got array",
        ),
    ],
)
def test_invalid_weights_are_rejected_before_training(training_weight, error, message):
    model = PriorCorrectedClassifier(GaussianNB(), training_weight=training_weight)
    with pytest.raises(error, match=f"^{message}"):
        model.fit("never read", y)


def test_balanced_weights_that_do_not_follow_from_the_labels_are_rejected():
    frozen = FrozenEstimator(LogisticRegression(class_weight="balanced").fit(X, y))
    with pytest.raises(
        ValueError, match=r"^training_weight must be a dict for a frozen estimator; got 'balanced'"
    ):
        PriorCorrectedClassifier(frozen, training_weight="balanced").fit(X, y)
    model = PriorCorrectedClassifier(LOGISTIC, training_weight="balanced")
    with pytest.raises(ValueError, match=r"^training_weight must be a dict with sample_weight; got 'balanced'"):
        model.fit(X, y, sample_weight=np.ones(len(y)))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(len(y)), r"y must contain at least two classes; got one class: \[0\.0\]"),
        (np.linspace(0, 1, len(y)), "y must contain class labels"),
        (np.stack([y, y], axis=1), "y must be one column of class labels"),
    ],
    ids=["one class", "continuous", "two columns"],
)
def test_labels_that_are_not_classes_are_rejected(labels, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        PriorCorrectedClassifier(LOGISTIC, training_weight={}).fit(X, labels)


def test_a_classifier_without_probabilities_is_rejected_before_training():
    with pytest.raises(TypeError, match=r"^estimator must have predict_proba; got LinearSVC\(\)"):
        PriorCorrectedClassifier(LinearSVC(), training_weight={}).fit("never read", y)
