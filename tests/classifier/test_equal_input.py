"""Equivalent input gives the same model and predictions; smallest training sets."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import clone

from focal_boost import FocalBoostClassifier

from ..cases import ALL_BOOSTERS, BOOSTERS, booster
from .test_bad_input import RNG, Y3, X, Y

SPARSE = ("csr", "csc", "coo", "lil", "dok", "bsr")


def backwards(layout):
    """Return X as a sparse matrix with the entries of each row in reverse order."""
    matrix = scipy.sparse.csr_array(X).asformat(layout)
    data, indices = (
        part.reshape(matrix.indptr.size - 1, -1)[:, ::-1].ravel() for part in (matrix.data, matrix.indices)
    )
    reverse = type(matrix)((data, indices, matrix.indptr), shape=X.shape)
    np.testing.assert_array_equal(reverse.toarray(), X)
    return reverse


def in_halves(layout):
    """Return X as a sparse matrix in which every entry is stored as two halves."""
    matrix = scipy.sparse.csr_array(X).asformat(layout)
    halves = np.repeat(matrix.data / 2, 2), np.repeat(matrix.indices, 2), 2 * matrix.indptr
    return type(matrix)(halves, shape=X.shape)


@pytest.mark.parametrize("name", ALL_BOOSTERS)
def test_equivalent_layouts_predict_the_same(name, tmp_path):
    model = FocalBoostClassifier(booster(name, 5)).fit(X, Y)
    expected = model.predict_proba(X)
    frozen = X.copy()
    frozen.flags.writeable = False
    X.tofile(tmp_path / "X")
    mapped = np.memmap(tmp_path / "X", dtype=X.dtype, mode="r", shape=X.shape)
    twice = np.repeat(np.repeat(X, 2, axis=0), 2, axis=1)
    for same in (
        np.asfortranarray(X),
        X[::-1][::-1],
        X[:, ::-1][:, ::-1],
        twice[::2, ::2],
        frozen,
        mapped,
        X.astype(">f8"),
        X.astype(object),
        X.astype(np.longdouble),
        X.tolist(),
        pd.DataFrame(X).to_numpy(),
        np.ma.array(X),
    ):
        np.testing.assert_array_equal(model.predict_proba(same), expected)
        again = clone(model).fit(same, Y)
        np.testing.assert_allclose(again.predict_proba(X), expected, rtol=1e-6)
    single, half = X.astype(np.float32), X.astype(np.float16)
    for low, exact in (
        (single, single.astype(float)),
        (half, half.astype(float)),
        (half, half.astype(np.float32)),
    ):
        np.testing.assert_array_equal(model.predict_proba(low), model.predict_proba(exact))
        trained = [clone(model).fit(data, Y).predict_proba(low) for data in (low, exact)]
        np.testing.assert_array_equal(*trained)


@pytest.mark.parametrize("name", BOOSTERS)
def test_sparse_layouts_predict_the_same(name):
    model = FocalBoostClassifier(booster(name, 5)).fit(X, Y)
    expected = model.predict_proba(X)
    formats = [f"{layout}_{kind}" for layout in SPARSE for kind in ("matrix", "array")]
    irregular = [entries(layout) for layout in ("csr", "csc") for entries in (backwards, in_halves)]
    for same in (*(getattr(scipy.sparse, container)(X) for container in formats), *irregular):
        np.testing.assert_array_equal(model.predict_proba(same), expected)
        again = clone(model).fit(same, Y, eval_set=[(same, Y)])
        np.testing.assert_allclose(again.predict_proba(X), expected, rtol=1e-6)
    assert not any(same.has_canonical_format for same in irregular)


@pytest.mark.parametrize(
    "relabel",
    [
        lambda y: y.tolist(),
        lambda y: y.astype(">i2"),
        lambda y: y.astype(np.float16),
        lambda y: y[::-1].copy()[::-1],
        lambda y: pd.Series(y, index=RNG.permutation(60)),
        lambda y: pd.Series(y, dtype="Int64"),
        lambda y: pd.Series(y, dtype="category"),
        lambda y: np.ma.array(y, mask=False),
        lambda y: y.astype(np.uint64),
    ],
)
def test_equivalent_labels_and_weights_train_the_same_model(relabel):
    name = "lightgbm"
    weight = 1.0 + Y3
    expected = FocalBoostClassifier(booster(name, 5)).fit(X, Y, weight).predict_proba(X)
    for same_weight in (
        weight,
        weight.astype(">f8"),
        weight.astype(object),
        weight.astype(np.float16),
        relabel(1 + Y3),
    ):
        model = FocalBoostClassifier(booster(name, 5)).fit(X, relabel(Y), same_weight)
        np.testing.assert_array_equal(model.predict_proba(X), expected)
        np.testing.assert_array_equal(model.predict(X), Y[0] * 0 + expected.argmax(axis=1))


@pytest.mark.parametrize("name", ALL_BOOSTERS)
def test_the_sum_of_weights_may_exceed_the_largest_allowed_weight(name):
    start = FocalBoostClassifier(booster(name)).fit(X, Y).initial_raw_prediction_
    large = FocalBoostClassifier(booster(name)).fit(X, Y, np.full(60, 2.0**49)).initial_raw_prediction_
    np.testing.assert_allclose(large, start, rtol=1e-12)


@pytest.mark.parametrize("name", ALL_BOOSTERS)
def test_the_smallest_training_sets(name):
    for n, width in ((2, 1), (3, 1), (2, 5)):
        with pytest.warns(UserWarning, match="No split was made"):
            model = FocalBoostClassifier(booster(name)).fit(np.ones((n, width)), np.arange(n) % 2)
        np.testing.assert_allclose(model.predict_proba(np.ones((1, width)))[0, 1], (n // 2) / n, rtol=1e-5)


@pytest.mark.parametrize("name", ALL_BOOSTERS)
def test_a_gamma_that_leaves_no_gradient_warns(name):
    with pytest.warns(UserWarning, match="No split was made.*gamma=200"):
        FocalBoostClassifier(booster(name), gamma=200).fit(X, Y)


@pytest.mark.parametrize("name", BOOSTERS)
def test_systems_without_sched_getaffinity(name, monkeypatch):
    monkeypatch.delattr("os.sched_getaffinity")  # there is none on macOS and Windows
    model = FocalBoostClassifier(booster(name, 2).set_params(n_jobs=None)).fit(X, Y)
    assert model.predict_proba(X).shape == (60, 2)
