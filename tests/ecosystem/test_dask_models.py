"""Packages for native models, with models trained on a Dask cluster."""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from ..boosters.test_vector_leaf import since_3_4
from ..cases import BOOSTERS, four_classes, rare
from ..classifier.test_native import LOAD_WITHOUT_FOCAL_BOOST
from .cases import ROUNDS
from .test_packages import onnx, shap_values, treelite, vector_leaf_model


@pytest.fixture(scope="module")
def dask_model():
    """Return a function like `model` whose estimator trains on Dask and returns the local model."""
    distributed = pytest.importorskip("distributed")
    da = pytest.importorskip("dask.array")
    pytest.importorskip("dask.dataframe")
    from lightgbm import DaskLGBMClassifier
    from xgboost.dask import DaskXGBClassifier

    from focal_boost.dask import DaskFocalBoostClassifier

    class TrainedOnDask:
        def __init__(self, name, **params):
            inner = DaskXGBClassifier if name == "xgboost" else DaskLGBMClassifier
            self.model = DaskFocalBoostClassifier(inner(n_estimators=ROUNDS), **params)

        def fit(self, X, y):
            chunks = len(y) // 2
            return self.model.fit(da.from_array(X, (chunks, X.shape[1])), da.from_array(y, chunks)).to_local()

    options = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster):
        yield TrainedOnDask


def native_file(name, X, y, model):
    with tempfile.TemporaryDirectory() as folder:
        expected = {}
        for data in (rare, four_classes):
            X, y = data()
            fitted = model(name, calibrated=False).fit(X, y)
            path = Path(folder) / f"{data.__name__}.{'json' if name == 'xgboost' else 'txt'}"
            np.save(path.with_suffix(".X.npy"), X)
            fitted.booster_.save_model(path)
            expected[path] = fitted.predict_proba(X)
        subprocess.run([sys.executable, "-c", LOAD_WITHOUT_FOCAL_BOOST, *expected], check=True)
        for path, plain in expected.items():
            proba = np.load(f"{path}.npy")
            assert_allclose(proba, plain if proba.ndim == 2 else plain[:, 1], atol=1e-6)


@pytest.mark.filterwarnings("ignore:Parameter n_jobs will be ignored:UserWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", BOOSTERS)
@pytest.mark.parametrize("check", [native_file, shap_values, onnx, treelite], ids=lambda check: check.__name__)
def test_the_local_model_of_a_dask_fit_can_be_exported(check, name, dask_model):
    check(name, *rare(), model=dask_model)


@since_3_4
@pytest.mark.filterwarnings("ignore:Parameter n_jobs will be ignored:UserWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_dask_trains_vector_leaf_trees(dask_model):
    fitted, X, y = vector_leaf_model()
    distributed = dask_model("xgboost", calibrated=False)
    distributed.model.estimator.set_params(multi_strategy="multi_output_tree")
    assert_allclose(distributed.fit(X, y).predict_proba(X), fitted.predict_proba(X), atol=1e-6)
