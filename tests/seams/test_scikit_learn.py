"""Undocumented behaviour of scikit-learn."""

import importlib
import inspect

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.utils.validation import validate_data

from .cases import Y3, X, Y

SKLEARN = f"scikit-learn {sklearn.__version__}"


def test_scikit_learn_checks_names_and_numbers_without_touching_the_data():
    assert "skip_check_array" in inspect.signature(validate_data).parameters, SKLEARN
    estimator = BaseEstimator()
    untouched = object.__new__(type("Frame", (), {"shape": (2, 3), "columns": ["a", "b", "c"]}))
    assert validate_data(estimator, untouched, skip_check_array=True) is untouched
    assert estimator.n_features_in_ == 3


@pytest.mark.parametrize("y", [Y, Y3])
def test_scikit_learn_trains_with_a_private_loss_that_replaces_four_methods(y):
    loss = importlib.import_module("sklearn._loss.loss")
    native = loss.HalfBinomialLoss() if y is Y else loss.HalfMultinomialLoss(n_classes=3)
    calls = []

    class Watch(loss.BaseLoss):
        is_multiclass = y is Y3

        def __init__(self):
            super().__init__(native.closs, native.link, native.n_classes)

        def fit_intercept_only(self, y_true, sample_weight=None):
            calls.append(("start", y_true, None))
            return native.fit_intercept_only(y_true, sample_weight)

        def gradient_hessian(self, y_true, raw_prediction, sample_weight, gradient_out, hessian_out, n_threads):
            calls.append(("derivatives", y_true, raw_prediction))
            assert gradient_out.dtype == hessian_out.dtype == np.float32
            shape = (len(y_true), 3)[: 1 + self.is_multiclass]
            assert gradient_out.shape == shape, f"{SKLEARN} wants derivatives of shape {gradient_out.shape}"
            return native.gradient_hessian(
                y_true, raw_prediction, sample_weight, gradient_out, hessian_out, n_threads
            )

        def __call__(self, y_true, raw_prediction, sample_weight=None, n_threads=1):
            calls.append(("loss", y_true, raw_prediction))
            return native(y_true, np.ascontiguousarray(raw_prediction), sample_weight, n_threads=n_threads)

        def predict_proba(self, raw_prediction):
            return native.predict_proba(raw_prediction)

    params = {"max_iter": 2, "early_stopping": True, "random_state": 0, "min_samples_leaf": 5}
    model = HistGradientBoostingClassifier(loss=Watch(), **params).fit(X, y)
    names = [name for name, *_ in calls]
    assert names == ["start", "loss", "loss", *["derivatives", "loss", "loss"] * 2], (
        f"{SKLEARN} calls its loss otherwise: {names}"
    )
    assert all(labels is calls[0][1] for name, labels, _ in calls if name == "derivatives"), (
        f"{SKLEARN} passes other labels to the derivatives than those from which it computes the start"
    )
    for _name, labels, raw in calls[1:]:
        assert raw.shape == (len(labels), 1 if y is Y else 3)
        assert raw.dtype == np.float64
        assert raw.flags.f_contiguous, f"{SKLEARN}: raw predictions are no longer in Fortran order"
    built_in = HistGradientBoostingClassifier(**params).fit(X, y)
    np.testing.assert_allclose(model.decision_function(X), built_in.decision_function(X), atol=1e-12)
    np.testing.assert_allclose(model.validation_score_, built_in.validation_score_, atol=1e-12)


def test_scikit_learn_predicts_with_the_trees_and_the_loss_of_its_private_attributes():
    model = HistGradientBoostingClassifier(max_iter=4, min_samples_leaf=5).fit(X, Y)
    _first, second, *_others = model.staged_decision_function(X)
    assert model._baseline_prediction.shape == (1, 1), f"{SKLEARN} stores the start in another shape"
    assert all(tree.get_n_leaf_nodes() > 1 for trees in model._predictors for tree in trees)
    del model._predictors[2:]
    message = f"{SKLEARN} does not predict with the trees in _predictors alone: early stopping keeps later rounds"
    assert model.n_iter_ == 2, message
    np.testing.assert_array_equal(model.decision_function(X), second, err_msg=message)
    model._loss = importlib.import_module("sklearn._loss.loss").HalfBinomialLoss()
    np.testing.assert_allclose(
        model.predict_proba(X)[:, 1],
        1 / (1 + np.exp(-second)),
        err_msg=f"{SKLEARN}: predict_proba does not follow the private _loss, set after fit",
    )
