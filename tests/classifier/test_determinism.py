"""The same seed gives the same model, bit for bit, in this process and in another."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from focal_boost import FocalBoostClassifier

from ..cases import ALL_BOOSTERS, BOOSTERS, booster

SAMPLING = {
    "xgboost": {"subsample": 0.7, "colsample_bytree": 0.7, "random_state": 7},
    "lightgbm": {"subsample": 0.7, "subsample_freq": 1, "colsample_bytree": 0.7, "random_state": 7},
    "hist_gradient_boosting": {"max_features": 0.7, "random_state": 7},
}


def fingerprint(name, n_classes, **changes):
    """Hash of the probabilities and of the initial raw prediction of a model trained on made-up data."""
    rng = np.random.default_rng(11)
    X = rng.normal(size=(500, 6))
    y = np.digitize(X[:, 0] + 0.3 * rng.normal(size=500), np.linspace(-1, 1, n_classes - 1))
    estimator = booster(name, 10).set_params(**{**SAMPLING[name], **changes})
    model = FocalBoostClassifier(estimator, gamma=1.5, alpha="balanced").fit(X, y, rng.gamma(1, size=500))
    digest = hashlib.sha256(model.predict_proba(X).tobytes())
    digest.update(np.asarray(model.initial_raw_prediction_).tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize("name", ALL_BOOSTERS)
@pytest.mark.parametrize("n_classes", [2, 4])
def test_the_same_seed_gives_the_same_model(name, n_classes):
    first = fingerprint(name, n_classes)
    assert fingerprint(name, n_classes) == first
    assert fingerprint(name, n_classes, random_state=8) != first


def test_another_process_trains_the_same_models():
    jobs = [(name, n_classes) for name in ALL_BOOSTERS for n_classes in (2, 4)]
    imports = "from tests.classifier.test_determinism import fingerprint"
    program = f"{imports}; print(*[fingerprint(*job) for job in {jobs!r}])"
    here = [fingerprint(*job) for job in jobs]
    seed = "1" if os.environ.get("PYTHONHASHSEED") == "0" else "0"
    env = {**os.environ, "PYTHONHASHSEED": seed}
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=env)
    assert run.stdout.split() == here


@pytest.mark.parametrize("name", BOOSTERS)
@pytest.mark.parametrize("n_classes", [2, 4])
def test_the_number_of_jobs_does_not_change_the_objective(name, n_classes):
    """The boosters guarantee identical histograms, so the gradients must be identical too."""
    deterministic = {} if name == "xgboost" else {"deterministic": True, "force_row_wise": True}
    one = fingerprint(name, n_classes, **deterministic)
    assert fingerprint(name, n_classes, n_jobs=2, **deterministic) == one
