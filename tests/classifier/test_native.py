"""The fitted booster is a native model, which loads and predicts without focal_boost."""

import subprocess
import sys
import textwrap

import lightgbm
import numpy as np
import pytest
import xgboost
from numpy.testing import assert_allclose

from focal_boost import FocalBoostClassifier
from focal_boost.losses import posterior

from ..cases import BOOSTERS, booster, four_classes, rare

LOAD_WITHOUT_FOCAL_BOOST = textwrap.dedent("""
    import sys

    sys.modules["focal_boost"] = None  # importing it raises ImportError
    import numpy as np
    import lightgbm
    import xgboost

    for path in sys.argv[1:]:
        X = np.load(path.rpartition(".")[0] + ".X.npy")
        if path.endswith(".txt"):
            proba = lightgbm.Booster(model_file=path).predict(X)
        else:
            model = xgboost.XGBClassifier()
            model.load_model(path)
            proba = model.predict_proba(X)
        np.save(path + ".npy", proba)
""")


def one_tiny_class():
    """Three classes, the last so rare that its first tree stays one leaf."""
    X, y = rare()
    y = y.copy()
    y[1:13:3] = 2
    return X, y


def cases():
    stop = {"xgboost": {"early_stopping_rounds": 3}, "lightgbm": {}}
    dart = {"xgboost": {"booster": "dart", "rate_drop": 0.3}, "lightgbm": {"boosting_type": "dart"}}
    few_splits = {"min_child_weight": 8}
    for name in BOOSTERS:
        for data in (rare, four_classes):
            yield f"{name}-{data.__name__}-plain", name, data, {}, False
            yield f"{name}-{data.__name__}-stopped", name, data, stop[name], True
            yield f"{name}-{data.__name__}-dart", name, data, dart[name], False
        yield f"{name}-one-leaf", name, one_tiny_class, few_splits, False


CASES = {title: case for title, *case in cases()}
FORMATS = {"xgboost": ("json", "ubj"), "lightgbm": ("txt",)}


def train(name, data, params, stop):
    X, y = data()
    fit_params = {"eval_set": [(X[::3], y[::3])]} if stop else {}
    if stop and name == "lightgbm":
        fit_params["callbacks"] = [lightgbm.early_stopping(3, verbose=False)]
    model = FocalBoostClassifier(
        booster(name, 60 if stop else 12, learning_rate=0.8, random_state=0, **params), calibrated=False
    )
    return model.fit(X[1::3], y[1::3], **fit_params), X


@pytest.fixture(scope="module")
def reloaded(tmp_path_factory):
    """Return the fitted models and the predictions of another process without focal_boost."""
    folder = tmp_path_factory.mktemp("models")
    models, paths = {}, []
    for title, (name, *case) in CASES.items():
        model, X = train(name, *case)
        models[title] = model, X
        np.save(folder / f"{title}.X.npy", X)
        for suffix in FORMATS[name]:
            paths.append(folder / f"{title}.{suffix}")
            model.booster_.save_model(paths[-1])
    subprocess.run([sys.executable, "-c", LOAD_WITHOUT_FOCAL_BOOST, *map(str, paths)], check=True, cwd=folder)
    return models, {path.name: np.load(f"{path}.npy") for path in paths}


@pytest.mark.parametrize("title", CASES)
def test_model_files_predict_the_same_without_focal_boost(reloaded, title):
    models, predictions = reloaded
    model, X = models[title]
    plain = model.predict_proba(X)
    for suffix in FORMATS[CASES[title][0]]:
        proba = predictions[f"{title}.{suffix}"]
        if proba.ndim == 1:
            proba = np.stack([1 - proba, proba], axis=1)
        assert_allclose(proba, plain, atol=1e-6)
    assert_allclose(model.estimator_.predict_proba(X), plain, atol=1e-6)


def test_after_early_stopping_a_slice_of_the_booster_has_the_rounds_that_prediction_uses(tmp_path):
    """XGBoost saves the later rounds as well, and its Booster predicts with them."""
    model, X = train("xgboost", rare, {"early_stopping_rounds": 3}, True)
    model.booster_.save_model(tmp_path / "all.json")
    model.booster_[: model.n_iter_].save_model(tmp_path / "best.json")
    every, best = (xgboost.Booster(model_file=tmp_path / f"{name}.json") for name in ("all", "best"))
    assert (best.num_boosted_rounds(), every.num_boosted_rounds()) == (model.n_iter_, model.n_iter_ + 3)
    plain, rows = model.predict_proba(X)[:, 1], xgboost.DMatrix(X)
    assert_allclose(best.predict(rows), plain, atol=1e-6)
    assert_allclose(every.predict(rows, iteration_range=(0, model.n_iter_)), plain, atol=1e-6)
    assert abs(every.predict(rows) - plain).max() > 1e-3


def test_the_file_of_a_random_forest_predicts_the_same(tmp_path):
    X, y = rare()
    forest = xgboost.XGBRFClassifier(n_estimators=10, n_jobs=1)
    model = FocalBoostClassifier(forest, calibrated=False).fit(X, y)
    model.booster_.save_model(tmp_path / "forest.json")
    served = xgboost.Booster(model_file=tmp_path / "forest.json")
    assert_allclose(served.predict(xgboost.DMatrix(X)), model.predict_proba(X)[:, 1], atol=1e-6)


def test_the_cases_have_the_properties_in_their_names(reloaded):
    models, _predictions = reloaded
    for title, (model, _X) in models.items():
        if title.endswith("stopped"):
            rounds = len(next(iter(model.evals_result_.values()))["log_loss"])
            assert model.best_iteration_ < rounds < 60
        if title.endswith("one-leaf"):
            trees = model.booster_.trees_to_dataframe()
            name, first = ("Tree", 3) if title.startswith("xgboost") else ("tree_index", 3)
            nodes = trees[trees[name] < first].groupby(name).size()
            assert (nodes == 1).any(), nodes
            assert (nodes > 1).any(), nodes


@pytest.mark.parametrize("name", BOOSTERS)
@pytest.mark.parametrize("data", [rare, four_classes])
def test_the_posterior_from_plain_probabilities_is_predict_proba(name, data):
    X, y = data()
    model = FocalBoostClassifier(booster(name), gamma=1.5, alpha="balanced").fit(X, y)
    plain = model.estimator_.predict_proba(X)
    calibrated = posterior(plain, model.loss_.gamma, model.loss_.alpha)
    assert_allclose(calibrated, model.predict_proba(X), atol=1e-5)
    if data is rare:
        positive = posterior(plain[:, 1], model.loss_.gamma, model.loss_.alpha)
        assert_allclose(positive, model.predict_proba(X)[:, 1], atol=1e-5)
    assert abs(plain - calibrated).max() > 0.1


@pytest.mark.parametrize("name", BOOSTERS)
def test_early_stopping_at_the_first_round(name):
    """The labels of the eval set are flipped, so that no round improves on the first."""
    X, y = rare()
    fit_params = {"eval_set": [(X, 1 - y)]}
    params = {"early_stopping_rounds": 2} if name == "xgboost" else {}
    if name == "lightgbm":
        fit_params["callbacks"] = [lightgbm.early_stopping(2, verbose=False)]
    model = FocalBoostClassifier(booster(name, 50, **params), calibrated=False).fit(X, y, **fit_params)
    assert model.best_iteration_ == (0 if name == "xgboost" else 1)
    first = FocalBoostClassifier(booster(name, 1), calibrated=False).fit(X, y)
    assert_allclose(model.predict_proba(X), first.predict_proba(X), atol=1e-7)
    assert_allclose(model.estimator_.predict_proba(X), first.predict_proba(X), atol=1e-7)


@pytest.mark.parametrize("name", BOOSTERS)
@pytest.mark.parametrize("data", [rare, four_classes])
def test_a_model_without_a_split_is_the_prior_and_warns(name, data):
    X, y = data()
    params = {"min_child_weight": 1e6}
    with pytest.warns(UserWarning, match="No split was made"):
        model = FocalBoostClassifier(booster(name, 5, **params), alpha="balanced").fit(X, y)
    assert_allclose(model.predict_proba(X[:2]), np.tile(np.bincount(y) / len(y), (2, 1)), rtol=1e-4)
    plain = model.set_params(calibrated=False).predict_proba(X[:2])
    assert_allclose(model.estimator_.predict_proba(X[:2]), plain, atol=1e-6)
