"""Concurrent calls and fits give exactly the same results as sequential ones."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import numpy as np
import pytest
from joblib import Parallel, delayed
from numpy.testing import assert_array_equal
from xgboost import DMatrix

from focal_boost import BinaryFocalLoss, FocalBoostClassifier, MulticlassFocalLoss

from ..cases import ALL_BOOSTERS, BOOSTERS, booster, digit_eight, four_classes

LOSSES = [BinaryFocalLoss(1.5, 0.3), MulticlassFocalLoss(3, (0.5, 2, 1), (1.0, 2.0, 0.1))]


def rows(loss, n_samples, seed):
    rng = np.random.default_rng(seed)
    n_outputs = 1 if isinstance(loss, BinaryFocalLoss) else 3
    raw = rng.normal(scale=5, size=(n_samples, n_outputs)).astype(np.float32)
    return rng.integers(0, max(2, n_outputs), n_samples), raw[:, 0] if n_outputs == 1 else raw


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_eight_threads_share_a_loss(loss):
    data = [rows(loss, 70_000 + 1000 * seed, seed) for seed in range(8)]
    serial = [loss(*each) for each in data]
    together = Barrier(8)

    def work(each):
        together.wait()
        return loss(*each)

    for _ in range(3):
        with ThreadPoolExecutor(8) as pool:
            for (gradient, hessian), expected in zip(pool.map(work, data), serial, strict=True):
                assert_array_equal(gradient, expected[0])
                assert_array_equal(hessian, expected[1])


@pytest.mark.parametrize("name", ALL_BOOSTERS)
@pytest.mark.parametrize("data", [digit_eight, four_classes])
def test_simultaneous_fits_that_share_a_booster(name, data):
    X, y = data()
    X, y = X[:600], y[:600]
    estimator = booster(name, 8)
    gammas = [0.0, 0.5, 1.0, 2.0]

    def probabilities(gamma):
        return FocalBoostClassifier(estimator, gamma=gamma).fit(X, y).predict_proba(X)

    serial = [probabilities(gamma) for gamma in gammas]
    with ThreadPoolExecutor(2) as pool:
        for actual, expected in zip(pool.map(probabilities, gammas), serial, strict=True):
            assert_array_equal(actual, expected)


@pytest.mark.parametrize("name", BOOSTERS)
@pytest.mark.parametrize("data", [digit_eight, four_classes])
def test_simultaneous_fits_that_share_a_loss(name, data):
    X, y = data()
    loss = BinaryFocalLoss() if data is digit_eight else MulticlassFocalLoss(4, (0, 1, 2, 3))
    parts = [slice(0, 400), slice(200, 600)]

    def raw_predictions(part):
        model = booster(name, 8, objective=loss).fit(X[part], y[part])
        native = model.get_booster() if name == "xgboost" else model.booster_
        return native.predict(DMatrix(X) if name == "xgboost" else X)

    serial = [raw_predictions(part) for part in parts]
    with ThreadPoolExecutor(2) as pool:
        for actual, expected in zip(pool.map(raw_predictions, parts), serial, strict=True):
            assert_array_equal(actual, expected)


def probabilities_of(name, gamma, X, y):
    return FocalBoostClassifier(booster(name, 5), gamma=gamma).fit(X, y).predict_proba(X)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_joblib_back_ends(backend):
    X, y = digit_eight()
    X, y = X[:400], y[:400]
    jobs = [(name, gamma) for name in BOOSTERS for gamma in (0.5, 2.0)]
    serial = [probabilities_of(*job, X, y) for job in jobs]
    parallel = Parallel(n_jobs=2, backend=backend)(delayed(probabilities_of)(*job, X, y) for job in jobs)
    for actual, expected in zip(parallel, serial, strict=True):
        assert_array_equal(actual, expected)


@pytest.mark.parametrize("name", ALL_BOOSTERS)
def test_threads_predict_with_one_model(name):
    X, y = digit_eight()
    model = FocalBoostClassifier(booster(name, 8)).fit(X, y)
    expected = model.predict_proba(X)
    with ThreadPoolExecutor(8) as pool:
        for actual in pool.map(lambda _: model.predict_proba(X), range(16)):
            assert_array_equal(actual, expected)


@pytest.mark.parametrize("name", ALL_BOOSTERS)
def test_a_thread_that_predicts_during_a_refit_uses_one_model_with_its_classes(name, monkeypatch):
    X, y = digit_eight()
    X, y = X[:400], y[:400]
    model = FocalBoostClassifier(booster(name, 8)).fit(X, np.where(y, "yes", "no"))
    before = model.predict(X)
    reached, refitted = Event(), Event()
    original = type(model).decision_function

    def slowly(self, X):
        raw = original(self, X)
        reached.set()
        assert refitted.wait(60)
        return raw

    monkeypatch.setattr(type(model), "decision_function", slowly)
    with ThreadPoolExecutor(1) as pool:
        predicted = pool.submit(model.predict, X)
        assert reached.wait(60)
        model.fit(X, np.where(y, 7, 5))
        refitted.set()
        assert_array_equal(predicted.result(), before)
