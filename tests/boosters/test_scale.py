"""Regularisation has the same effect at every gamma."""

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from scipy.special import logit
from sklearn.ensemble import HistGradientBoostingClassifier
from xgboost import XGBClassifier

from focal_boost import FocalBoostClassifier
from focal_boost.losses._hessian import second_derivative

PENALTY = 900.0  # the summed Hessian of the log loss in each of the two leaves
ESTIMATORS = [
    XGBClassifier(n_estimators=1, max_depth=1, learning_rate=1, reg_lambda=PENALTY, n_jobs=1),
    LGBMClassifier(n_estimators=1, num_leaves=2, learning_rate=1, reg_lambda=PENALTY, verbosity=-1, n_jobs=1),
    HistGradientBoostingClassifier(
        max_iter=1, max_leaf_nodes=2, learning_rate=1, l2_regularization=PENALTY, early_stopping=False
    ),
]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: type(estimator).__name__)
@pytest.mark.parametrize("alpha", [None, (1.0, 4.0)])
def test_a_penalised_leaf_moves_the_posterior_like_that_of_the_log_loss(estimator, alpha):
    X = np.repeat([[0.0], [1.0]], 10_000, axis=0)
    y = np.zeros(20_000, int)
    y[:990] = y[10_000:11_010] = 1

    def step(gamma):
        model = FocalBoostClassifier(estimator, gamma=gamma, alpha=alpha, hessian=second_derivative).fit(X, y)
        return np.diff(logit(model.predict_proba([[0.0], [1.0]])[:, 1]))[0]

    unpenalised = logit(0.101) - logit(0.099)
    assert 0.4 * unpenalised < step(0) < 0.8 * unpenalised
    for gamma in (1, 2, 5, (0.5, 3)):
        assert step(gamma) == pytest.approx(step(0), rel=0.02)
