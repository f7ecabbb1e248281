"""Undocumented behaviour of CatBoost."""

import json
import pickle

import numpy as np
import pytest
from sklearn.base import clone

from .cases import X, Y

catboost = pytest.importorskip("catboost")


class ClassName:
    """A metric, 0.5 in every round."""

    no_jit = True
    seen = ()  # a class attribute, because CatBoost copies the metric

    def is_max_optimal(self):
        return False

    def evaluate(self, approxes, target, weight):
        ClassName.seen += ((np.array(approxes[0]), len(target)),)
        return 0.5, 1.0

    def get_final_error(self, error, weight):
        return error


def catboost_model(rounds=3, **params):
    quiet = {"thread_count": 1, "verbose": False, "allow_writing_files": False}
    return catboost.CatBoostClassifier(iterations=rounds, **quiet, **params)


def test_catboost_chooses_the_settings_of_logloss_in_the_first_round():
    class Stop:
        def after_iteration(self, info):
            return False

    model = catboost_model(1000).fit(X, Y, callbacks=[Stop()])
    assert model.tree_count_ == 1, "CatBoost trains on after a callback has returned False"
    chosen = model.get_all_params()
    assert (chosen["learning_rate"], chosen["leaf_estimation_iterations"]) != (0.03, 1), (
        "CatBoost no longer chooses learning rate and leaf iterations by rows, rounds and features"
    )
    focal = catboost_model(1000, loss_function="Focal:focal_alpha=0.5;focal_gamma=2.0").fit(
        X, Y, callbacks=[Stop()]
    )
    chosen = focal.get_all_params()
    assert (round(chosen["learning_rate"], 6), chosen["leaf_estimation_iterations"]) == (0.03, 1), (
        "CatBoost's Focal now chooses for itself: focal_boost need not train a round of Logloss"
    )


def test_catboost_calls_a_metric_once_per_set_with_raw_predictions_and_names_it_by_its_class():
    ClassName.seen = ()
    model = catboost_model(eval_metric=ClassName()).fit(X, Y, eval_set=(X[:50], Y[:50]))
    rows = [n for _, n in ClassName.seen]
    assert rows == [80, 50] * 3, "CatBoost calls a metric in parts, or not for the training rows"
    raw = model.predict(X[:50], prediction_type="RawFormulaVal", ntree_end=1)
    np.testing.assert_allclose(
        ClassName.seen[1][0], raw, atol=1e-12, err_msg="a metric no longer gets raw predictions"
    )
    assert "ClassName" in model.get_evals_result()["validation"], (
        "CatBoost names a metric otherwise than by its class"
    )


def test_catboost_pickles_the_parameters_apart_from_the_model_and_records_the_metric():
    model = catboost_model(eval_metric=ClassName()).fit(X, Y, eval_set=(X[:50], Y[:50]))
    state = model.__getstate__()
    of_the_model = {name for name in state if name.startswith("_")}
    assert set(state) - of_the_model == set(model.get_params()), "the parameters in a pickle have other names"
    assert "__model" in of_the_model
    recorded = json.loads(model.get_metadata()["params"])
    assert recorded["metrics"]["eval_metric"]["type"].startswith("PythonUserDefined")
    assert {"objective_metric"} <= recorded["metrics"].keys()
    assert "flat_params" in recorded
    restored = type(model)()
    restored.__setstate__({name: value for name, value in state.items() if name in of_the_model})
    np.testing.assert_array_equal(restored.predict_proba(X), model.predict_proba(X))
    assert restored.get_evals_result()["validation"]["ClassName"] == [0.5] * 3, "results are not kept in the model"


def test_catboost_orders_leaf_values_by_tree_and_predicts_with_new_ones_once_restored():
    model = catboost_model().fit(X, Y)
    before, values = model.predict(X, prediction_type="RawFormulaVal"), np.array(model.get_leaf_values())
    values[: model.get_tree_leaf_counts()[0]] += 1.5
    model.set_leaf_values(values)
    # A model that has predicted would keep using its cached leaf values.
    restored = pickle.loads(pickle.dumps(model)).predict(X, prediction_type="RawFormulaVal")
    np.testing.assert_allclose(restored, before + 1.5, rtol=1e-12)


def test_scikit_learn_cannot_clone_a_catboostclassifier_with_a_list():
    # If this no longer raises, FocalBoostClassifier does not need __sklearn_clone__.
    with pytest.raises(RuntimeError, match="Cannot clone"):
        clone(catboost_model(cat_features=[0]))
