"""Undocumented behaviour of the boosters that focal_boost relies on, one test for each.

If a new version changes such behaviour, the test that fails here names the cause.
"""

import importlib
import inspect
import json
import pickle
import subprocess
import sys
import textwrap

import lightgbm
import numpy as np
import pytest
import sklearn
import xgboost
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.utils.validation import validate_data

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 3))
Y = (X[:, 0] > 0).astype(int)
Y3 = np.digitize(X[:, 0], [-0.5, 0.5])
XGBOOST, LIGHTGBM = f"XGBoost {xgboost.__version__}", f"LightGBM {lightgbm.__version__}"


def squared(y_true, y_pred, sample_weight=None):
    """A simple objective, for one or several raw predictions per row."""
    target = np.asarray(y_true)[:, None] == np.arange(y_pred.shape[1]) if y_pred.ndim == 2 else y_true
    gradient = np.asarray(y_pred - target, dtype=np.float32)
    return gradient, np.ones_like(gradient)


# --- XGBoost ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("y", "objective"), [(Y, "binary:logistic"), (Y3, "multi:softprob")])
def test_xgboost_stores_the_native_objective_beside_a_callable(y, objective):
    model = xgboost.XGBClassifier(n_estimators=2, objective=squared).fit(X, y)
    stored = json.loads(model.get_booster().save_config())["learner"]["objective"]["name"]
    assert stored == objective, f"{XGBOOST} stores {stored!r} when it trains with a callable objective"


def test_xgboost_expects_the_binary_base_score_as_a_probability_and_others_as_margins():
    seen = []

    def watch(y_true, y_pred):
        seen.append(y_pred[0].copy())
        return squared(y_true, y_pred)

    xgboost.XGBClassifier(n_estimators=1, objective=watch, base_score=0.2).fit(X, Y)
    xgboost.XGBClassifier(n_estimators=1, objective=watch, base_score=[0.1, 0.2, -0.3]).fit(X, Y3)
    message = f"{XGBOOST} reads base_score in another space: the first raw predictions are {seen}"
    np.testing.assert_allclose(seen[0], np.log(0.25), rtol=1e-5, err_msg=message)
    np.testing.assert_allclose(seen[1], [0.1, 0.2, -0.3], rtol=1e-5, err_msg=message)


def test_xgboost_passes_weights_to_a_callable_as_sample_weight():
    seen = []

    def watch(y_true, y_pred, sample_weight=None):
        seen.append(sample_weight)
        return squared(y_true, y_pred)

    xgboost.XGBClassifier(n_estimators=1, objective=watch).fit(X, Y, sample_weight=np.full(80, 2.0))
    assert seen[0] is not None, f"{XGBOOST} no longer passes weights to a parameter named sample_weight"
    assert (seen[0] == 2).all()


def test_xgboost_passes_raw_predictions_to_a_callable_metric():
    seen = []

    def metric(y_true, y_pred):
        seen.append(y_pred.copy())
        return 0.0

    model = xgboost.XGBClassifier(n_estimators=3, objective=squared, base_score=0.5, eval_metric=metric)
    model.fit(X, Y, eval_set=[(X, Y)], verbose=False)
    raw = model.predict(X, output_margin=True)
    np.testing.assert_allclose(
        seen[-1],
        raw,
        rtol=1e-5,
        err_msg=f"{XGBOOST} no longer passes margins to a metric if the objective is a callable",
    )


def test_xgboost_rejects_an_empty_array_at_an_unaligned_address():
    odd = np.ndarray((0, 5), np.float64, buffer=bytearray(64), offset=3)
    assert odd.flags.aligned, f"NumPy {np.__version__} no longer considers an empty array aligned at every address"
    # If this no longer raises, XGBoost does not need empty Dask partitions to be dropped.
    with pytest.raises(xgboost.core.XGBoostError, match="misalignment"):
        xgboost.DMatrix(odd)


# --- LightGBM ---------------------------------------------------------------------------------------------------


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


# --- CatBoost ---------------------------------------------------------------------------------------------------


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
    catboost = pytest.importorskip("catboost")
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


# --- scikit-learn -----------------------------------------------------------------------------------------------


def test_scikit_learn_checks_names_and_numbers_without_touching_the_data():
    assert "skip_check_array" in inspect.signature(validate_data).parameters, f"scikit-learn {sklearn.__version__}"
    estimator = BaseEstimator()
    untouched = object.__new__(type("Frame", (), {"shape": (2, 3), "columns": ["a", "b", "c"]}))
    assert validate_data(estimator, untouched, skip_check_array=True) is untouched
    assert estimator.n_features_in_ == 3


SKLEARN = f"scikit-learn {sklearn.__version__}"


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


# --- damaged model files --------------------------------------------------------------------------

LOAD = textwrap.dedent("""
    import sys
    import lightgbm
    import xgboost

    for path in sys.argv[1:]:
        module = xgboost if path.endswith("json") else lightgbm
        try:
            module.Booster(model_file=path)
        except (xgboost.core.XGBoostError, lightgbm.basic.LightGBMError, ValueError):
            print("refused", path, flush=True)
        else:
            print("loaded", path, flush=True)
""")


def test_boosters_reject_damaged_models(tmp_path):
    lgb = lightgbm.LGBMClassifier(n_estimators=3, verbosity=-1, min_child_samples=5).fit(X, Y)
    xgb = xgboost.XGBClassifier(n_estimators=3).fit(X, Y)
    text, document = lgb.booster_.model_to_string(), xgb.get_booster().save_raw("json").decode()
    damaged = {
        "short.json": document[: len(document) // 2],
        "edited.json": document.replace('"num_trees":"3"', '"num_trees":"three"'),
        "swapped.json": text,
        "empty.json": "",
        "short.txt": text[: len(text) // 3],
        "swapped.txt": document,
        "empty.txt": "",
    }
    assert damaged["edited.json"] != document
    for name, content in damaged.items():
        (tmp_path / name).write_text(content)
    # LightGBM 4.7 crashes on a text truncated inside a tree, so this file comes last; it must not load either.
    names = [*(name for name in damaged if name != "short.txt"), "short.txt"]
    command = [sys.executable, "-c", LOAD, *names]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    refused = run.stdout.splitlines()
    assert refused[:6] == [f"refused {name}" for name in names[:6]], f"the process ended: {run.stderr}"
    assert "loaded" not in run.stdout
