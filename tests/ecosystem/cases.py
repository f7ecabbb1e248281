"""The estimator used in the integration tests, and a check of its probabilities; not a test module."""

import numpy as np
from numpy.testing import assert_allclose
from sklearn.metrics import log_loss

from focal_boost import FocalBoostClassifier

from ..cases import booster

ROUNDS = 8


def model(name, **params):
    return FocalBoostClassifier(booster(name, ROUNDS), **params)


def check_probabilities(fitted, X, y):
    """Check that rows sum to one and predict better than the class frequencies."""
    proba = fitted.predict_proba(X)
    assert_allclose(proba.sum(axis=1), 1, rtol=1e-6)
    prior = np.tile(np.bincount(y) / len(y), (len(y), 1))
    assert log_loss(y, proba) < 0.9 * log_loss(y, prior)
