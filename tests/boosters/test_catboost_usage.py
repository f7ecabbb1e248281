"""CatBoost: input containers, categories, the native model, copies and output."""

import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV

from focal_boost import BinaryFocalLoss, FocalBoostClassifier

from ..cases import booster, rare

catboost = pytest.importorskip("catboost")


# --- data -------------------------------------------------------------------------------------------------------


def frame():
    """Return numbers with missing values, and string and integer categories that carry most of the signal."""
    X, y = rare()
    random = np.random.default_rng(0)
    letters = np.where(random.random(len(y)) < 0.1, "c", np.where(y == 1, "a", "b"))
    data = pd.DataFrame(X, columns=[f"x{i}" for i in range(8)])
    data.loc[::7, "x0"] = np.nan
    data.insert(2, "letter", pd.Categorical(letters))
    data["number"] = pd.Categorical(random.integers(3, size=len(y)))
    return data, y


def test_categories_of_a_frame_need_no_setting_and_explicit_ones_are_respected():
    data, y = frame()
    model = FocalBoostClassifier(booster("catboost")).fit(data, y, eval_set=[(data[::2], y[::2])])
    assert model.estimator_.get_cat_feature_indices() == [2, 9]
    for inner, fit in (
        ({"cat_features": ["letter", "number"]}, {}),
        ({}, {"cat_features": ["letter", "number"]}),
        ({"cat_features": [2, 9]}, {}),
    ):
        for columns in (data, data.astype({"letter": object, "number": int})):
            same = FocalBoostClassifier(booster("catboost", **inner))
            same.fit(columns, y, eval_set=[(columns[::2], y[::2])], **fit)
            assert_array_equal(same.predict_proba(columns), model.predict_proba(data))
    assert log_loss(y, model.predict_proba(data)) < log_loss(y, np.full(len(y), y.mean())) / 2


@pytest.mark.parametrize("convert", [pl.from_pandas, lambda data: pl.from_pandas(data).to_arrow()])
def test_frames_of_polars_and_pyarrow(convert):
    data, y = frame()
    data["number"] = data["number"].astype(int)
    expected = FocalBoostClassifier(booster("catboost")).fit(data, y).predict_proba(data)
    converted = convert(data)
    model = FocalBoostClassifier(booster("catboost")).fit(converted, y)
    assert_array_equal(model.predict_proba(converted), expected)


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_array, sparse.csr_matrix])
def test_sparse_features(container):
    X, y = rare()
    X = np.where(abs(X) < 0.5, 0, X)
    X[::9, 1] = np.nan
    expected = FocalBoostClassifier(booster("catboost")).fit(X, y).predict_proba(X)
    model = FocalBoostClassifier(booster("catboost")).fit(container(X), y)
    assert_allclose(model.predict_proba(container(X)), expected, atol=1e-12)


def test_missing_categories_are_rejected_by_name_before_training(monkeypatch):
    data, y = frame()
    model = FocalBoostClassifier(booster("catboost", 2)).fit(data, y)
    gap, floats = data.copy(), data.copy()
    gap.loc[3, "letter"] = None
    floats["number"] = pd.Categorical(data["number"].astype(float) + 0.5)
    monkeypatch.setattr(catboost.CatBoostClassifier, "fit", None)
    unfitted = FocalBoostClassifier(booster("catboost"))
    missing = r"^X must not contain missing values in the categorical.*X\['letter'\].*fillna.*got .* in 'letter'"
    for call in (
        lambda: unfitted.fit(gap, y),
        lambda: unfitted.fit(data, y, eval_set=[(gap, y)]),
        lambda: model.predict_proba(gap),
    ):
        with pytest.raises(ValueError, match=missing):
            call()
    with pytest.raises(
        ValueError, match=r"^X must contain integers or strings in the categorical columns.*floats in 'number'"
    ):
        unfitted.fit(floats, y)
    with pytest.raises(ValueError, match=r"^cat_features requires a data frame.*\[0\] with X of type ndarray"):
        unfitted.fit(np.zeros((len(y), 2)), y, cat_features=[0])


# --- native model, copies ---------------------------------------------------------------------------------------

LOAD_WITHOUT_FOCAL_BOOST = textwrap.dedent("""
    import sys

    sys.modules["focal_boost"] = None  # importing it raises ImportError
    import catboost
    import numpy as np

    for suffix in ("cbm", "json"):
        model = catboost.CatBoostClassifier().load_model(f"model.{suffix}", format=suffix)
        np.save(f"{suffix}.npy", model.predict_proba(np.load("X.npy")))
        assert model.classes_.tolist() == [0, 1]
        assert "Python" not in str(model.get_params()), model.get_params()
    np.save("pickle.npy", np.load("model.pkl", allow_pickle=True).predict_proba(np.load("X.npy")))
""")


def test_model_files_and_pickles_predict_the_same_without_focal_boost(tmp_path):
    X, y = rare()
    model = FocalBoostClassifier(booster("catboost"), calibrated=False).fit(X, y, eval_set=[(X[::2], y[::2])])
    np.save(tmp_path / "X.npy", X)
    for suffix in ("cbm", "json"):
        model.booster_.save_model(tmp_path / f"model.{suffix}", format=suffix)
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model.estimator_))
    subprocess.run([sys.executable, "-c", LOAD_WITHOUT_FOCAL_BOOST], check=True, cwd=tmp_path)
    for name in ("cbm", "json", "pickle"):
        assert_allclose(np.load(tmp_path / f"{name}.npy"), model.predict_proba(X), atol=1e-12)


def test_the_native_model_is_a_plain_classifier_of_0_and_1_with_the_given_parameters():
    X, y = rare()
    given = booster("catboost", depth=3)
    model = FocalBoostClassifier(given, calibrated=False).fit(X, np.where(y == 1, "yes", "no"))
    assert_array_equal(model.predict(X), model.classes_[model.estimator_.predict(X)])
    assert_allclose(model.estimator_.predict_proba(X), model.predict_proba(X), atol=1e-12)
    assert given.get_params() == model.estimator_.get_params()
    assert not given.is_fitted()
    again = FocalBoostClassifier(clone(model.estimator_), calibrated=False).fit(X, y)
    assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def test_onnx(tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    X, y = rare()
    X = X.astype(np.float32)
    model = FocalBoostClassifier(booster("catboost"), calibrated=False).fit(X, y)
    model.booster_.save_model(tmp_path / "model.onnx", format="onnx")
    session = runtime.InferenceSession(tmp_path / "model.onnx")
    labels, rows = session.run(None, {"features": X})
    assert_allclose([[row[0], row[1]] for row in rows], model.predict_proba(X), atol=1e-5)
    assert_array_equal(labels, model.predict(X))


def test_shap_values_sum_to_the_raw_prediction():
    X, y = rare()
    model = FocalBoostClassifier(booster("catboost", 5)).fit(X, y)
    own = model.booster_.get_feature_importance(catboost.Pool(X), type="ShapValues")
    assert_allclose(own.sum(axis=1), model.decision_function(X), atol=1e-9)
    shap = pytest.importorskip("shap")
    explanation = shap.TreeExplainer(model.estimator_)(X[:50])
    total = explanation.values.sum(axis=1) + explanation.base_values
    assert_allclose(total, model.decision_function(X[:50]), atol=1e-6)


LISTS = {"cat_features": [8], "custom_metric": ["AUC"], "ignored_features": [0], "monotone_constraints": {"1": 1}}


def test_parameters_that_are_lists_survive_clones_and_searches():
    data, y = frame()
    data = data[[f"x{i}" for i in range(8)] + ["letter"]]
    model = FocalBoostClassifier(booster("catboost", 3, **LISTS))
    assert clone(model).estimator.get_params() == model.estimator.get_params()
    assert clone(model).estimator is not model.estimator
    search = GridSearchCV(model, {"gamma": [0, 2.0], "estimator__depth": [2, 4]}, cv=2, n_jobs=2).fit(data, y)
    assert len(search.cv_results_["params"]) == 4
    best = search.best_estimator_
    assert best.estimator_.get_params()["depth"] == search.best_params_["estimator__depth"]
    assert best.loss_ == BinaryFocalLoss(search.best_params_["gamma"], None)


# --- output -----------------------------------------------------------------------------------------------------


def test_training_is_silent_and_writes_no_files_unless_the_user_asks(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    X, y = rare()
    fit = {"eval_set": [(X[:500], y[:500])]}
    model = FocalBoostClassifier(booster("catboost", 3, monotone_constraints=[1, *[0] * 7]))
    quiet = model.fit(X, y, **fit).predict_proba(X)
    assert capfd.readouterr() == ("", "")
    assert not list(tmp_path.iterdir())
    assert model.fit(X, y, **fit, verbose=True).predict_proba(X) == pytest.approx(quiet, abs=0)
    assert capfd.readouterr().out.count("learn: ") == 3
    model = FocalBoostClassifier(booster("catboost", 3, allow_writing_files=True, logging_level="Verbose"))
    model.fit(X, y, **fit)
    assert "learn: " in capfd.readouterr().out
    assert (tmp_path / "catboost_info").is_dir()


def test_callbacks_see_every_round():
    class Count:
        rounds = 0

        def after_iteration(self, info):
            self.rounds += 1
            return True

    X, y = rare()
    count = Count()
    FocalBoostClassifier(booster("catboost", 4)).fit(X, y, callbacks=[count])
    assert count.rounds == 4
