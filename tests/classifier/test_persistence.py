"""Estimators pickled by this and every earlier version load and make the same predictions as before."""

import copy
import json
import pickle
from importlib.metadata import version
from pathlib import Path

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import focal_boost
from focal_boost import FocalBoostClassifier

from ..cases import BOOSTERS, EVAL_BOOSTERS, booster, four_classes, rare

FILES = sorted((Path(__file__).parent / "data").glob("*.pkl"))


def release(text):
    return tuple(int(part) for part in text.split(".")[:2])


def test_there_is_a_file_of_this_version():
    names = {path.stem for path in FILES}
    assert {f"{focal_boost.__version__}-{name}-{k}" for name in BOOSTERS for k in (2, 3)} <= names


# XGBoost warns about every pickle of an earlier version but loads it.
@pytest.mark.filterwarnings("ignore:.*If you are loading a serialized model:UserWarning")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_pickle_of_this_or_an_earlier_version_makes_the_same_predictions(path):
    facts = json.loads(path.with_suffix(".json").read_text())
    for package, pickled_with in facts["versions"].items():
        if release(version(package)) < release(pickled_with):
            pytest.skip(f"pickled with {package} {pickled_with}, which is later than {version(package)}")
    try:
        model = pickle.loads(path.read_bytes())
        proba, log_proba = model.predict_proba(facts["X"]), model.predict_log_proba(facts["X"])
    except Exception as error:
        pytest.fail(
            f"{path.name}, a pickle of an earlier version, no longer loads: {error!r}. Keep reading it in "
            "FocalBoostClassifier.__setstate__, or raise there an error that tells users to refit or to load the "
            "native model that they saved."
        )
    assert model.classes_.tolist() == facts["classes"]
    assert_allclose(proba, facts["predict_proba"], rtol=1e-6)
    assert_allclose(log_proba, facts["predict_log_proba"], rtol=1e-6)


@pytest.mark.parametrize("name", EVAL_BOOSTERS)
@pytest.mark.parametrize("data", [rare, four_classes])
def test_copies_of_every_kind_make_identical_predictions(name, data, tmp_path):
    X, y = data()
    model = FocalBoostClassifier(booster(name, 5), alpha="balanced").fit(X, y, eval_set=[(X, y)])
    joblib.dump(model, tmp_path / "model.joblib")
    copies = [pickle.loads(pickle.dumps(model, protocol)) for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)]
    for other in (*copies, copy.deepcopy(model), joblib.load(tmp_path / "model.joblib")):
        assert_array_equal(other.predict_proba(X), model.predict_proba(X))
        assert_array_equal(other.estimator_.predict_proba(X), model.estimator_.predict_proba(X))
        assert_array_equal(other.predict(X), model.predict(X))
        assert other.loss_ == model.loss_
        assert other.evals_result_ == model.evals_result_
        assert_array_equal(other.initial_raw_prediction_, model.initial_raw_prediction_)
    assert other.set_params(gamma=0.5).fit(X, y).loss_.gamma == 0.5


def test_an_unfitted_estimator_pickles():
    model = FocalBoostClassifier(booster("xgboost"), gamma=np.float64(0.5), alpha={0: 1.0, 1: 2.0})
    assert repr(pickle.loads(pickle.dumps(model))) == repr(model)
