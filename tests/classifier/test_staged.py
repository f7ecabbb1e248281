"""Staged predictions equal the predictions of models with fewer rounds."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from focal_boost import FocalBoostClassifier

from ..cases import ALL_BOOSTERS, CATBOOST, EVAL_BOOSTERS, booster, four_classes, rare


@pytest.mark.parametrize("name", ALL_BOOSTERS)
@pytest.mark.parametrize("data", [rare, four_classes])
@pytest.mark.parametrize("calibrated", [True, False])
def test_each_stage_equals_a_model_of_that_many_rounds(name, data, calibrated):
    X, y = data()
    model = FocalBoostClassifier(booster(name, 3), calibrated=calibrated).fit(X, y)
    stages = list(zip(model.staged_decision_function(X), model.staged_predict_proba(X), strict=True))
    assert len(stages) == model.n_iter_ == 3
    for n_rounds, (raw, proba) in enumerate(stages, 1):
        smaller = FocalBoostClassifier(booster(name, n_rounds), calibrated=calibrated).fit(X, y)
        assert raw.dtype == np.float64
        assert_allclose(raw, smaller.decision_function(X), atol=1e-5)
        assert_allclose(proba, smaller.predict_proba(X), atol=1e-5)
    assert_allclose(stages[-1][1], model.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize("name", [*EVAL_BOOSTERS, pytest.param("catboost", marks=CATBOOST)])
def test_the_stages_of_an_early_stopped_model_end_at_the_best_round(name):
    X, y = rare()
    model = FocalBoostClassifier(booster(name, 200, learning_rate=0.5), early_stopping=True, random_state=0)
    *_, last = model.fit(X, y).staged_predict_proba(X)
    assert_allclose(last, model.predict_proba(X), atol=1e-5)


def test_stages_do_not_share_memory():
    X, y = rare()
    for name in ALL_BOOSTERS:
        model = FocalBoostClassifier(booster(name, 3)).fit(X, y)
        first, *others = model.staged_decision_function(X)
        before = first.copy()
        others[0][:] = 0
        assert_allclose(first, before)


def test_a_linear_booster_has_no_stages():
    X, y = rare()
    model = FocalBoostClassifier(booster("xgboost", 3, booster="gblinear")).fit(X, y)
    with pytest.raises(
        ValueError, match=r"^estimator must use a tree booster for staged predictions; got booster='gblinear'"
    ):
        next(model.staged_predict_proba(X))
