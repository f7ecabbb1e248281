"""HistGradientBoostingClassifier: at gamma = 0 alpha is a sample weight."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from focal_boost import FocalBoostClassifier

from ..cases import booster, four_classes, rare, weights


@pytest.mark.parametrize("data", [rare, four_classes])
@pytest.mark.parametrize("weighted", [False, True])
def test_alpha_without_gamma_is_a_weight(data, weighted):
    X, y = data()
    X = X.round(1)  # fewer values than bins, whose limits depend on the sample weights from scikit-learn 1.9 on
    alpha = np.linspace(0.5, 4, len(np.unique(y)))
    weight = weights(len(y)) if weighted else np.ones(len(y))
    focal = FocalBoostClassifier(booster("hist_gradient_boosting"), gamma=0, alpha=alpha).fit(X, y, weight)
    built_in = booster("hist_gradient_boosting").fit(X, y, sample_weight=weight * alpha[y])
    assert_allclose(focal.decision_function(X), built_in.decision_function(X), rtol=0, atol=1e-12)


def test_a_function_as_the_hessian_is_used_at_gamma_zero():
    X, y = rare()
    inner = booster("hist_gradient_boosting", 3)
    default = FocalBoostClassifier(inner, gamma=0).fit(X, y)
    shorter_steps = FocalBoostClassifier(inner, gamma=0, hessian=lambda gauss_newton, *_: 100 * gauss_newton)
    assert np.ptp(shorter_steps.fit(X, y).decision_function(X)) < 0.2 * np.ptp(default.decision_function(X))
