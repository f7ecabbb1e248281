"""Boosters and data sets shared by the tests; not a test module."""

from importlib.util import find_spec
from inspect import signature

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.datasets import load_breast_cancer, load_digits, load_wine, make_classification
from sklearn.ensemble import HistGradientBoostingClassifier
from xgboost import XGBClassifier

# Boosters with their own callbacks, metrics and file formats; all boosters; boosters that support eval sets.
BOOSTERS = ("xgboost", "lightgbm")
ALL_BOOSTERS = (*BOOSTERS, "hist_gradient_boosting")
EVAL_BOOSTERS = ALL_BOOSTERS if "X_val" in signature(HistGradientBoostingClassifier.fit).parameters else BOOSTERS
CATBOOST = pytest.mark.skipif(find_spec("catboost") is None, reason="catboost is not installed")
BINARY_BOOSTERS = (*ALL_BOOSTERS, pytest.param("catboost", marks=CATBOOST))


def booster(name, n_estimators=10, **params):
    """Return an unfitted classifier of the named booster."""
    if name == "xgboost":
        return XGBClassifier(n_estimators=n_estimators, n_jobs=1, **params)
    if name == "hist_gradient_boosting":
        return HistGradientBoostingClassifier(max_iter=n_estimators, random_state=0, **params)
    if name == "catboost":
        from catboost import CatBoostClassifier

        return CatBoostClassifier(iterations=n_estimators, thread_count=1, **params)
    return LGBMClassifier(n_estimators=n_estimators, n_jobs=1, verbosity=-1, **params)


def cancer():
    return load_breast_cancer(return_X_y=True)


def digit_eight():
    """One digit versus the rest: 10 % positives, many tied values."""
    X, y = digits()
    return X[:600], (y[:600] == 8).astype(int)


def rare():
    """Three percent positives, some of them mislabelled."""
    return make_classification(1500, 8, n_informative=5, weights=[0.97], flip_y=0.01, random_state=1)


def digits():
    return load_digits(return_X_y=True)


def wine():
    return load_wine(return_X_y=True)


def four_classes():
    return make_classification(
        800, 10, n_informative=6, n_classes=4, weights=[0.7, 0.2, 0.07], flip_y=0.05, random_state=4
    )


BINARY = (cancer, digit_eight, rare)
MULTICLASS = (digits, wine, four_classes)


def weights(n_samples, seed=0):
    """Return weights that are not integers."""
    return np.random.default_rng(seed).uniform(0.3, 3, n_samples)


def labelled_probabilities(n_classes, n=400, seed=0):
    """Return labels and the probabilities that they were drawn from."""
    random = np.random.default_rng(seed)
    proba = random.dirichlet(np.ones(n_classes), n)
    return np.array([random.choice(n_classes, p=p) for p in proba]), proba
