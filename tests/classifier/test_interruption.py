"""Interrupted training does not change the estimator and leaves no objective in the booster."""

import copy

import numpy as np
import pytest
import xgboost
from numpy.testing import assert_array_equal

from focal_boost import BinaryFocalLoss, FocalBoostClassifier
from focal_boost.boosters._objective import BoundObjective

from ..cases import BOOSTERS, booster, digit_eight

X, Y = digit_eight()
X, Y = X[:400], Y[:400]


class _Stop(xgboost.callback.TrainingCallback):
    def __init__(self, error):
        self.error = error

    def after_iteration(self, model, epoch, evals_log):
        if epoch == 2:
            raise self.error
        return False


def broken_fit(model, name, error):
    """Fit with a callback that raises in the third round."""
    if name == "xgboost":
        model.set_params(estimator__callbacks=[_Stop(error)])
        return model.fit(X, Y)

    def stop(environment):
        if environment.iteration == 2:
            raise error

    return model.fit(X, Y, callbacks=[stop])


ERRORS = [KeyboardInterrupt(), RuntimeError("a callback failed")]


@pytest.mark.parametrize("name", BOOSTERS)
@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_an_unfitted_estimator_stays_unfitted(name, error):
    model = FocalBoostClassifier(booster(name))
    inner = model.estimator
    with pytest.raises(type(error)):
        broken_fit(model, name, error)
    assert [attribute for attribute in vars(model) if attribute.endswith("_")] == []
    assert model.estimator is inner
    assert not hasattr(inner, "n_classes_")
    assert not any(isinstance(value, BoundObjective | BinaryFocalLoss) for value in vars(inner).values())
    if name == "xgboost":
        model.set_params(estimator__callbacks=None)
    assert model.fit(X, Y).predict_proba(X).shape == (400, 2)


@pytest.mark.parametrize("name", BOOSTERS)
@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_a_fitted_estimator_does_not_change(name, error):
    model = FocalBoostClassifier(booster(name), gamma=1.0).fit(X, Y)
    before, fitted = model.predict_proba(X), model.estimator_
    params = copy.deepcopy(fitted.get_params())
    model.set_params(gamma=5.0)
    with pytest.raises(type(error)):
        broken_fit(model, name, error)
    assert model.estimator_ is fitted
    assert model.loss_.gamma == 1.0
    np.testing.assert_equal(fitted.get_params(), params)
    assert_array_equal(model.predict_proba(X), before)


@pytest.mark.parametrize("name", BOOSTERS)
def test_an_error_of_the_objective_itself_is_raised_unchanged(name, monkeypatch):
    def fail(self, y_true, y_pred, sample_weight=None):
        raise FloatingPointError("of the objective")

    monkeypatch.setattr(BoundObjective, "__call__", fail)
    model = FocalBoostClassifier(booster(name))
    with pytest.raises(FloatingPointError, match="of the objective"):
        model.fit(X, Y)
    assert not hasattr(model, "estimator_")


@pytest.mark.parametrize("name", BOOSTERS)
def test_an_error_of_a_metric_is_raised_unchanged(name):
    def metric(y_true, y_pred):
        raise ZeroDivisionError("of the metric")

    at_fit = {"eval_metric": metric} if name == "lightgbm" else {}
    model = FocalBoostClassifier(booster(name, **({} if at_fit else {"eval_metric": metric})))
    with pytest.raises(ZeroDivisionError, match="of the metric"):
        model.fit(X, Y, eval_set=[(X, Y)], **at_fit)
    assert not hasattr(model, "classes_")


@pytest.mark.parametrize("name", BOOSTERS)
def test_a_fitted_booster_keeps_no_custom_objective(name):
    model = FocalBoostClassifier(booster(name), gamma=2.0).fit(X, Y)
    for value in vars(model.estimator_).values():
        assert not isinstance(value, BoundObjective | BinaryFocalLoss)
    assert isinstance(model.estimator_.objective, str)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_loss_can_be_called_again(error, monkeypatch):
    raw = np.linspace(-5, 5, 100_000, dtype=np.float32)
    loss = BinaryFocalLoss()
    y = np.ones(100_000)
    expected = loss(y, raw)
    with monkeypatch.context() as patch:

        def interrupted(*args):
            raise error

        patch.setattr("focal_boost.losses._focal.derivatives", interrupted)
        with pytest.raises(error):
            loss(y, raw)
    assert_array_equal(loss(y, raw), expected)
