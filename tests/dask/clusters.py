"""Clusters of two worker processes, and data and boosters for them; not a test module.

If Dask or a booster is missing, importing this module skips the importing test module.
"""

import multiprocessing
import multiprocessing.forkserver

import numpy as np
import pandas as pd
import pytest

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")
distributed = pytest.importorskip("distributed")
lightgbm = pytest.importorskip("lightgbm")
xgboost = pytest.importorskip("xgboost")

from xgboost.dask import DaskXGBClassifier  # noqa: E402

from ..cases import BOOSTERS  # noqa: E402

IGNORED = [
    # LightGBM warns for every Dask estimator, because n_jobs is a parameter but the workers' threads are used.
    pytest.mark.filterwarnings("ignore:Parameter n_jobs will be ignored:UserWarning"),
    # LightGBM warns if an eval set has fewer partitions than there are workers.
    pytest.mark.filterwarnings("ignore:Worker .* was not allocated eval_set data:UserWarning"),
    # Dask leaves some sockets and event loops to be closed by garbage collection.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

LIMIT = 512 * 2**20  # bytes of memory of each worker


def start_cluster():
    """Start a cluster with workers forked from one process that has already imported the packages."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(["lightgbm", "focal_boost.dask"])
    multiprocessing.forkserver.ensure_running()
    with dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}):
        return distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            memory_limit=LIMIT,
            dashboard_address=":0",
            worker_dashboard_address=":0",
            silence_logs=30,
        )


def dask_booster(kind, **params):
    params = {"n_estimators": 15, "learning_rate": 0.3, **params}
    if kind == "xgboost":
        return DaskXGBClassifier(max_depth=4, **params)
    return lightgbm.DaskLGBMClassifier(num_leaves=15, verbosity=-1, **params)


def local_booster(estimator):
    if isinstance(estimator, DaskXGBClassifier):
        params = estimator.get_params()
        del params["coll_cfg"]
        return xgboost.XGBClassifier(**{**params, "n_jobs": 1})
    params = estimator.get_params()
    del params["client"]
    return lightgbm.LGBMClassifier(**{**params, "n_jobs": 1})


both = pytest.mark.parametrize("kind", BOOSTERS)
N = 4000


def labelled_rows(n_classes=2, n=N, steps=None):
    """Return features with NaN, string labels and weights.

    Features rounded to a few ``steps`` have the same histogram bins on every worker, so that results do not depend
    on where Dask places the partitions.
    """
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 5))
    X = X if steps is None else np.clip(np.round(X * steps) / steps, -2, 2)
    z = X[:, 0] + X[:, 1] ** 2 + rng.normal(scale=0.7, size=n)
    X[rng.random(X.shape) < 0.05] = np.nan
    y = np.array(["often", "rare", "scarce"])[np.digitize(z, [2.5, 4.0][: n_classes - 1])]
    return X, y, rng.uniform(0.5, 1.5, size=n)


def split(*arrays, chunk=1000):
    return [da.from_array(array, chunks=(chunk, *array.shape[1:])) for array in arrays]


def filtered(X, y, w):
    """Return a frame, labels and weights in partitions of unknown length, the first and the third empty."""
    frame = pd.DataFrame(X, columns=list("abcde")).assign(y=y, w=w, keep=np.arange(len(X)) % 2000 >= 1000)
    data = dd.from_pandas(frame, npartitions=4)
    data = data[data.keep]
    return data[list("abcde")], data.y, data.w
