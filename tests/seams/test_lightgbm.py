"""Undocumented behaviour of LightGBM."""

import lightgbm
import numpy as np
import pytest

from .cases import Y3, X, Y, squared

LIGHTGBM = f"LightGBM {lightgbm.__version__}"


@pytest.mark.parametrize("y", [Y, Y3])
def test_lightgbm_writes_a_model_text_to_which_the_objective_can_be_added(y):
    model = lightgbm.LGBMClassifier(n_estimators=2, objective=squared, verbosity=-1, min_child_samples=5).fit(X, y)
    text = model.booster_.model_to_string()
    for landmark in ("\nmax_feature_idx=", "[objective: custom]"):
        assert landmark in text, (
            f"the model text of {LIGHTGBM} has no {landmark!r}: _store_objective must learn the new one"
        )
    assert "\nobjective=" not in text, (
        f"{LIGHTGBM} names an objective for a callable: _store_objective would add another"
    )
    built_in = lightgbm.LGBMClassifier(n_estimators=2, verbosity=-1).fit(X, y).booster_.model_to_string()
    line = "objective=binary sigmoid:1\n" if y is Y else "objective=multiclass num_class:3\n"
    assert line in built_in, f"{LIGHTGBM} writes its objectives otherwise than {line!r}"


def test_lightgbm_counts_the_parameters_of_a_callable():
    seen = []

    def watch(y_true, y_pred, weight):
        seen.append(weight)
        return squared(y_true, y_pred)

    model = lightgbm.LGBMClassifier(n_estimators=1, objective=watch, verbosity=-1, min_child_samples=5)
    model.fit(X, Y, sample_weight=np.full(80, 2.0))
    assert (seen[0] == 2).all(), f"{LIGHTGBM} no longer passes weights to an objective of three parameters"


def test_lightgbm_predicts_with_a_private_attribute_that_set_params_sets():
    model = lightgbm.LGBMClassifier(n_estimators=1, objective=squared, verbosity=-1, min_child_samples=5).fit(X, Y)
    model.set_params(objective="binary")
    assert getattr(model, "_objective", None) == "binary", (
        f"{LIGHTGBM}: set_params after fit no longer reaches the private _objective, which decides what "
        "LGBMClassifier.predict_proba returns"
    )
    assert model.predict_proba(X).shape == (80, 2)


def test_lightgbm_predicts_with_the_values_of_set_leaf_output():
    model = lightgbm.LGBMClassifier(n_estimators=2, verbosity=-1, min_child_samples=5).fit(X, Y)
    booster = model.booster_
    before = booster.predict(X, raw_score=True)
    for leaf in range(booster.dump_model(num_iteration=1)["tree_info"][0]["num_leaves"]):
        booster.set_leaf_output(0, leaf, booster.get_leaf_output(0, leaf) + 1.5)
    np.testing.assert_allclose(booster.predict(X, raw_score=True), before + 1.5, rtol=1e-12, err_msg=LIGHTGBM)


def test_lightgbm_copies_a_fitted_dask_regressor_into_a_local_classifier():
    pytest.importorskip("dask.array")
    regressor = lightgbm.DaskLGBMRegressor(n_estimators=2)
    assert hasattr(regressor, "_lgb_dask_to_local"), (
        f"{LIGHTGBM} has no _lgb_dask_to_local: focal_boost.dask trains a DaskLGBMRegressor, because "
        "DaskLGBMClassifier encodes the labels of each worker separately, and needs it to make an LGBMClassifier"
    )
    model = lightgbm.LGBMRegressor(n_estimators=2, verbosity=-1, min_child_samples=5).fit(X, Y)
    vars(regressor).update(vars(model), client=None)
    classifier = regressor._lgb_dask_to_local(lightgbm.LGBMClassifier)
    assert type(classifier) is lightgbm.LGBMClassifier
    assert classifier.booster_ is model.booster_, f"{LIGHTGBM}: _lgb_dask_to_local no longer copies the model"
    classifier._classes, classifier._n_classes = np.arange(2), 2
    classifier.set_params(objective="binary")
    assert classifier.classes_.tolist() == [0, 1], f"{LIGHTGBM}: a classifier has other attributes for its classes"
    assert classifier.predict_proba(X).shape == (80, 2), f"{LIGHTGBM}: what was copied does not predict"
