"""Errors specific to Dask: rejected collections, no client and a lost worker."""

import os
import signal
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from focal_boost import FocalBoostClassifier

from .clusters import (
    IGNORED,
    both,
    da,
    dask_booster,
    dd,
    distributed,
    labelled_rows,
    lightgbm,
    split,
    start_cluster,
    xgboost,
)

# The imports below need Dask; without it the module was skipped above.
# isort: split
from xgboost.dask import DaskXGBClassifier

from focal_boost.dask import DaskFocalBoostClassifier

pytestmark = IGNORED

FITTED = (
    *("local_", "classes_", "n_classes_", "n_features_in_", "feature_names_in_", "loss_", "booster_", "n_iter_"),
    *(
        "initial_raw_prediction_",
        "estimator_",
        "feature_importances_",
        "best_iteration_",
        "best_score_",
        "evals_result_",
    ),
)


class TestRejectedInput:
    def rejected(self, X, y, match, sample_weight=None, error=ValueError, model=None, **fit_params):
        model = model or DaskFocalBoostClassifier(dask_booster("xgboost", n_estimators=1))
        with pytest.raises(error, match=match):
            model.fit(X, y, sample_weight, **fit_params)
        assert not hasattr(model, "estimator_")

    def test_arrays_of_different_partitions(self, client):
        X, y, w = labelled_rows(n=400)
        dX, dy, dw = split(X, y, w, chunk=100)
        self.rejected(dX, dy.rechunk(200), r"y must have the 4 partitions of X; got 2")
        self.rejected(dX, dy, r"sample_weight must have the 4 partitions of X; got 2", dw.rechunk(200))
        self.rejected(
            dX, dy.rechunk(((50, 150, 100, 100),)), r"y must have the chunks of X, \(100, 100, 100, 100\)"
        )
        self.rejected(dX, dy, r"sample_weight must have shape \(100,\)", dw.rechunk(((50, 150, 100, 100),)))
        self.rejected(X, dy, "X must be a Dask data frame or a Dask array", error=TypeError)
        self.rejected(dX, y, "y must be a Dask array or a Dask series", error=TypeError)

    def test_invalid_labels_and_weights(self, client):
        X, y, w = labelled_rows(n=400)
        dX, dy, dw = split(X, y, w, chunk=100)
        self.rejected(dX, da.full_like(dy, "often"), "at least two classes; got one class: \\['often'\\]")
        self.rejected(dX, dX[:, 0], "NaN|missing or infinite")
        self.rejected(dX, dy, "positive for at least one row of every class", da.where(dy == "rare", 0.0, dw))
        self.rejected(dX, dy, "finite and >= 0", -dw)

    def test_labels_of_different_types_by_partition(self, client):
        X, y, _ = labelled_rows(n=400)
        dX, dy = split(X, y, chunk=100)
        integers, strings = (y == "rare").astype(int), (y == "rare").astype(int).astype(str)

        def halves(first, second):
            rows = da.arange(400, chunks=100)
            return rows.map_blocks(lambda row: (first if row[0] < 200 else second)[row], dtype=first.dtype)

        message = "y must contain labels of the same type in all partitions; got "
        self.rejected(dX, halves(integers, strings), f"^{message}numbers, strings")
        self.rejected(dX, halves(strings.astype(object), integers == 1), f"^{message}booleans, strings")
        self.rejected(dX, halves(integers == 1, integers), f"^{message}booleans, numbers")
        evals = [(dX, halves(y, integers))]
        self.rejected(dX, dy, rf"^eval_set\[0\]: {message}numbers, strings", eval_set=evals)
        model = DaskFocalBoostClassifier(dask_booster("xgboost", n_estimators=1))
        for one_type in (halves(integers, integers.astype(np.uint8)), halves(integers * 1.0, integers)):
            assert model.fit(dX, one_type).classes_.tolist() == [0, 1]
        assert model.fit(dX, halves(strings, strings.astype(object))).classes_.tolist() == ["0", "1"]

    def test_eval_sets(self, client):
        X, y, w = labelled_rows(n=400)
        dX, dy, dw = split(X, y, w, chunk=100)
        self.rejected(
            dX,
            dy,
            r"eval_set\[0\] must contain only classes of y.*never",
            eval_set=[(dX, da.full_like(dy, "never"))],
        )
        self.rejected(dX, dy, "features", eval_set=[(dX[:, :3], dy)])
        self.rejected(dX, dy, "positive weight", eval_set=[(dX, dy)], eval_sample_weight=[dw * 0])

    def test_categories_that_differ_between_partitions(self, client):
        X, y, _ = labelled_rows(n=400)
        data = dd.from_pandas(pd.DataFrame({"a": X[:, 0], "y": y, "c": y}), npartitions=4)
        data = data.assign(c=data.c.astype("category"))
        self.rejected(data[["a", "c"]], data.y, r"known categories.*\['c'\]")

    def test_local_and_dask_boosters_are_not_interchangeable(self, client):
        X, y, _ = labelled_rows(n=400)
        dX, dy = split(X, y, chunk=100)
        for estimator in (lightgbm.LGBMClassifier(), xgboost.XGBClassifier(), DaskXGBClassifier):
            self.rejected(
                dX, dy, "must be a DaskXGBClassifier", error=TypeError, model=DaskFocalBoostClassifier(estimator)
            )
        for estimator in (lightgbm.DaskLGBMClassifier(), DaskXGBClassifier()):
            with pytest.raises(TypeError, match="must be an XGBClassifier"):
                FocalBoostClassifier(estimator).fit(X, y)

    def test_prediction_from_other_features_and_before_fit(self, client):
        X, y, _ = labelled_rows(n=400)
        dX, dy = split(X, y, chunk=100)
        model = DaskFocalBoostClassifier(dask_booster("xgboost", n_estimators=1))
        for method in ("predict", "predict_proba", "predict_log_proba", "decision_function", "to_local"):
            with pytest.raises(ValueError, match="not fitted"):
                getattr(model, method)(*() if method == "to_local" else (dX,))
        for name in FITTED:
            assert not hasattr(model, name)
        with pytest.raises(NotFittedError):
            _ = model.classes_
        model.fit(dX, dy)
        with pytest.raises(ValueError, match="features"):
            model.predict(dX[:, :3])

    @both
    def test_invalid_parameters_are_rejected_before_features_are_read(self, client, kind):
        X, y, _ = labelled_rows(n=400)
        dX, dy = split(X, y, chunk=100)
        unread = dX.map_blocks(lambda block: 1 / 0, dtype=float, meta=np.empty((0, 5)))
        estimator, fit_params = dask_booster(kind), {}
        if kind == "xgboost":
            estimator.set_params(eval_metric="error")
        else:
            fit_params["eval_metric"] = "error"
        self.rejected(unread, dy, "eval_metric must be", model=DaskFocalBoostClassifier(estimator), **fit_params)
        for params in ({"gamma": -1}, {"alpha": 2}):
            model = DaskFocalBoostClassifier(dask_booster(kind), **params)
            self.rejected(unread, dy, f"{next(iter(params))} must be", model=model)
        start = "base_margin" if kind == "xgboost" else "init_score"
        model = DaskFocalBoostClassifier(dask_booster(kind))
        self.rejected(unread, dy, f"{start} is not supported", model=model, **{start: dX[:, 0]})


class TestWithoutTheSharedCluster:
    def test_no_client(self, monkeypatch):
        X, y, _ = labelled_rows(n=400)
        dX, dy = split(X, y, chunk=100)

        def no_client():
            raise ValueError("No global client found and no address provided")

        monkeypatch.setattr(distributed, "get_client", no_client)
        with pytest.raises(ValueError, match=r"fit needs a Dask client: create one first"):
            DaskFocalBoostClassifier(dask_booster("xgboost")).fit(dX, dy)

    @pytest.mark.parametrize(
        ("kind", "where", "which"),
        [
            ("xgboost", "metric", 0),
            ("lightgbm", "metric", 0),  # on the first worker they meet
            pytest.param("lightgbm", "metric", 1, marks=pytest.mark.nightly),
            pytest.param("lightgbm", "callback", 0, marks=pytest.mark.nightly),
        ],
    )
    def test_a_lost_worker_stops_training_soon(self, kind, where, which):
        X, y, _ = labelled_rows(n=2000)
        with start_cluster() as cluster, distributed.Client(cluster) as client:
            dX, dy = split(X, y, chunk=500)
            victim = list(client.ncores())[which]
            calls = []

            def die_in_round_3(*_):
                calls.append(None)
                if len(calls) == 3 and distributed.get_worker().address == victim:
                    os.kill(os.getpid(), signal.SIGKILL)
                return ("metric", 0.0, False)

            estimator, fit_params = dask_booster(kind, n_estimators=1_000_000), {}
            if where == "callback":  # the others wait in LightGBM's sockets
                fit_params["callbacks"] = [die_in_round_3]
            elif kind == "lightgbm":  # the others wait for its metrics
                fit_params = {"eval_set": [(dX, dy)], "eval_metric": die_in_round_3}
            else:
                fit_params = {"eval_set": [(dX, dy)]}
                estimator.set_params(eval_metric=lambda *rows: die_in_round_3(*rows)[1])
            model = DaskFocalBoostClassifier(estimator)
            start = time.monotonic()
            with pytest.raises((RuntimeError, lightgbm.basic.LightGBMError, xgboost.core.XGBoostError)):
                model.fit(dX, dy, **fit_params)
            assert time.monotonic() - start < 30
            assert not hasattr(model, "estimator_")
