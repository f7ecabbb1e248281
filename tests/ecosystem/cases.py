"""The estimator used in the integration tests, and a check of its probabilities; not a test module."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import log_loss

from focal_boost import FocalBoostClassifier

from ..cases import BOOSTERS, CATBOOST, booster, four_classes, rare

ROUNDS = 8
TABLE = (*BOOSTERS, pytest.param("catboost", marks=CATBOOST))  # the boosters that the tables cover


def model(name, **params):
    # CatBoost's symmetric trees learn less per round.
    return FocalBoostClassifier(booster(name, 4 * ROUNDS if name == "catboost" else ROUNDS), **params)


def data_sets(name):
    """Return the functions of the data sets that a booster supports: CatBoost's focal loss has two classes."""
    return (rare,) if name == "catboost" else (rare, four_classes)


def check_probabilities(fitted, X, y):
    """Check that rows sum to one and predict better than the class frequencies."""
    proba = fitted.predict_proba(X)
    assert_allclose(proba.sum(axis=1), 1, rtol=1e-6)
    prior = np.tile(np.bincount(y) / len(y), (len(y), 1))
    assert log_loss(y, proba) < 0.9 * log_loss(y, prior)
