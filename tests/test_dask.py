"""DaskFocalBoostClassifier on a real cluster of two worker processes."""

import json
import os
import pickle
import signal
import time

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.metrics import log_loss, roc_auc_score

from focal_boost import BinaryFocalLoss, FocalBoostClassifier, MulticlassFocalLoss

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")
lightgbm = pytest.importorskip("lightgbm")
xgboost = pytest.importorskip("xgboost")

from xgboost.dask import DaskXGBClassifier, DaskXGBRFClassifier  # noqa: E402

from focal_boost.dask import DaskFocalBoostClassifier, _statistics  # noqa: E402

pytestmark = [
    # LightGBM says so of every Dask estimator: n_jobs is in its own parameters and it takes the workers' threads.
    pytest.mark.filterwarnings("ignore:Parameter n_jobs will be ignored:UserWarning"),
    # LightGBM's word for eval sets with fewer partitions than there are workers.
    pytest.mark.filterwarnings("ignore:Worker .* was not allocated eval_set data:UserWarning"),
    # Sockets and event loops of Dask's own that are closed by the collector, at a time of its choosing.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

LIMIT = 512 * 2**20  # bytes of memory of each worker


def start_cluster(**options):
    return distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        memory_limit=LIMIT,
        dashboard_address=":0",
        worker_dashboard_address=":0",
        silence_logs=30,
        **options,
    )


@pytest.fixture(scope="module")
def client():
    with start_cluster() as cluster, distributed.Client(cluster) as client:
        yield client


def booster(kind, **params):
    params = {"n_estimators": 15, "learning_rate": 0.3, **params}
    if kind == "xgboost":
        return DaskXGBClassifier(max_depth=4, **params)
    return lightgbm.DaskLGBMClassifier(num_leaves=15, verbosity=-1, **params)


def local(estimator):
    if isinstance(estimator, DaskXGBClassifier):
        params = estimator.get_params()
        del params["coll_cfg"]
        return xgboost.XGBClassifier(**{**params, "n_jobs": 1})
    params = estimator.get_params()
    del params["client"]
    return lightgbm.LGBMClassifier(**{**params, "n_jobs": 1})


both = pytest.mark.parametrize("kind", ["xgboost", "lightgbm"])
N = 4000


def rows(n_classes=2, n=N, steps=None):
    """Return features with NaN, string labels and weights.

    Features in a few ``steps`` make the same histogram bins of any part of the rows: Dask places the partitions
    on the workers as it likes, and both boosters, LightGBM most, make the bins of what each worker has.
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


class TestParity:
    @both
    @pytest.mark.parametrize("n_classes", [2, 3])
    @pytest.mark.parametrize("order", ["shuffled", "sorted"])
    def test_statistics_and_quality_are_the_local_ones_also_where_a_worker_sees_one_class(
        self, client, kind, n_classes, order
    ):
        X, y, w = rows(n_classes)
        if order == "sorted":
            X, y, w = (array[np.argsort(y, kind="stable")] for array in (X, y, w))
        dX, dy, dw = split(X, y, w)
        estimator = booster(kind, learning_rate=0.1)
        model = DaskFocalBoostClassifier(estimator, gamma=2.0, alpha="balanced").fit(dX, dy, dw)
        expected = FocalBoostClassifier(local(estimator), gamma=2.0, alpha="balanced").fit(X, y, w)
        assert model.classes_.tolist() == expected.classes_.tolist()
        np.testing.assert_allclose(model.loss_.alpha, expected.loss_.alpha, rtol=1e-9)
        np.testing.assert_allclose(model.initial_raw_prediction_, expected.initial_raw_prediction_, rtol=1e-9)
        assert type(model.loss_) is (BinaryFocalLoss if n_classes == 2 else MulticlassFocalLoss)
        if order == "shuffled":
            ours = log_loss(y, model.predict_proba(dX).compute(), sample_weight=w)
            theirs = log_loss(y, expected.predict_proba(X), sample_weight=w)
            assert ours == pytest.approx(theirs, rel=0.02)

    @both
    @pytest.mark.parametrize("n_classes", [2, 3])
    # So many partitions Dask spreads over both workers; LightGBM on one alone learns another model.
    @pytest.mark.parametrize(("chunk", "order"), [(400, "shuffled"), (500, "shuffled"), (500, "sorted")])
    def test_gamma_0_is_the_boosters_own_dask_model_however_the_rows_are_split(
        self, client, kind, n_classes, chunk, order
    ):
        X, y, w = rows(n_classes, steps=2)
        if order == "sorted":
            X, y, w = (array[np.argsort(y, kind="stable")] for array in (X, y, w))
        codes = np.unique(y, return_inverse=True)[1]
        dX, dy, dw = split(X, codes, w, chunk=chunk)
        model = DaskFocalBoostClassifier(booster(kind), gamma=0.0).fit(dX, dy, dw)
        if kind == "xgboost":
            if n_classes == 3 and xgboost.__version__.startswith("3.1"):
                pytest.skip("XGBoost 3.1 starts its softmax from class frequencies, by a worker's rows")
            own = booster(kind).fit(dX, dy, sample_weight=dw)
            expected = np.asarray(own.predict_proba(dX).compute())
        else:
            # LightGBM's Dask classifier numbers the labels of each worker apart, and LightGBM starts from the mean
            # of the workers' log-odds: its regressor of the same objective from the start of all rows.
            assert "[num_machines: 2]" in model.booster_.model_to_string()
            start = model.initial_raw_prediction_
            native = {"objective": "binary"} if n_classes == 2 else {"objective": "multiclass", "num_class": 3}
            own = lightgbm.DaskLGBMRegressor(**{**booster(kind).get_params(), **native})
            (starts,) = split(np.full(N, start) if n_classes == 2 else np.tile(start, (N, 1)), chunk=chunk)
            own.fit(dX, dy, sample_weight=dw, init_score=starts)
            raw = own.predict(dX, raw_score=True).compute() + start
            expected = model.loss_.predict_proba(raw, calibrated=False)
        np.testing.assert_allclose(model.predict_proba(dX).compute(), expected, atol=1e-4)

    @both
    def test_data_frames_with_categories_are_learned_as_in_memory(self, client, kind):
        X, y, w = rows(steps=2)
        frame = pd.DataFrame(X, columns=list("abcde"))
        frame["kind"] = pd.Categorical(np.where(y == "rare", "u", "v")).set_categories(["u", "v", "w"])
        frame.loc[::3, "kind"] = "w"
        data = dd.from_pandas(frame.assign(y=y, w=w), npartitions=4)
        estimator = booster(kind, **({"enable_categorical": True} if kind == "xgboost" else {}))
        model = DaskFocalBoostClassifier(estimator).fit(data[list(frame)], data.y, data.w)
        expected = FocalBoostClassifier(local(estimator)).fit(frame, y, w)
        assert model.feature_names_in_.tolist() == list(frame)
        assert len(model.feature_importances_) == 6
        proba = model.predict_proba(data[list(frame)])
        assert isinstance(proba, da.Array)
        theirs = log_loss(y, expected.predict_proba(frame), sample_weight=w)
        assert log_loss(y, proba.compute(), sample_weight=w) == pytest.approx(theirs, rel=0.02)
        assert model.predict(data[list(frame)]).compute().tolist() == model.to_local().predict(frame).tolist()


class TestSmallFiles:
    """Dask joins partitions of small files when it reads few of their columns, on which the boosters fail."""

    @pytest.fixture
    def data(self, tmp_path):
        X, y, w = rows(steps=2)
        frame = pd.DataFrame(X, columns=list("abcde")).assign(y=y, w=w)
        for i in range(8):
            frame[i * 500 : (i + 1) * 500].to_parquet(tmp_path / f"{i}.parquet")
        return dd.read_parquet(tmp_path)

    @both
    def test_columns_of_a_persisted_frame_stay_together(self, client, kind, data):
        data = data.persist()
        X, y, w = data[list("abcde")], data.y, data.w
        model = DaskFocalBoostClassifier(booster(kind)).fit(X, y, w, eval_set=[(X, y)], eval_sample_weight=[w])
        assert model.predict_proba(X).numblocks == (8, 1)
        frame = data.compute()
        proba = model.to_local().predict_proba(frame[list("abcde")])
        np.testing.assert_array_equal(model.predict_proba(X).compute(), proba)
        expected = FocalBoostClassifier(local(booster(kind))).fit(frame[list("abcde")], frame.y, frame.w)
        theirs = log_loss(frame.y, expected.predict_proba(frame[list("abcde")]), sample_weight=frame.w)
        assert log_loss(frame.y, proba, sample_weight=frame.w) == pytest.approx(theirs, rel=0.02)

    def test_the_way_out_is_told_where_dask_has_joined_partitions(self, client, data):
        X, y = data[list("abcde")], data.y
        labels = data.y.compute().to_numpy()
        cases = {
            r"y must be partitioned as X, into 8 parts; got 3 after Dask has joined some: persist": (X, y),
            r"X must be partitioned as y, into 8 parts; got 4 after Dask has joined some: persist": (
                data[list("abc")],
                da.from_array(labels, chunks=500),
            ),
            r"y must have as many rows as X in every partition; .* partition \d\. If Dask has joined": tuple(
                column.repartition(npartitions=3) for column in (data[list("abcde")], data.y)
            ),
        }
        for message, (features, target) in cases.items():
            with pytest.raises(ValueError, match=message):
                DaskFocalBoostClassifier(booster("xgboost")).fit(features, target)


class TestSparseBlocks:
    @both
    @pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csr_array, sparse.csc_array])
    def test_they_are_learned_and_predicted_as_dense_ones(self, client, kind, container):
        X, y, w = rows(steps=2)
        X = np.nan_to_num(X)
        dX, dy, dw = split(X, y, w)
        stored = dX.map_blocks(container)
        # What is left out is zero to LightGBM and missing to XGBoost.
        dense = dX if kind == "lightgbm" else da.where(dX == 0, np.nan, dX)
        evals = [(stored, dy)]
        model = DaskFocalBoostClassifier(booster(kind)).fit(stored, dy, dw, eval_set=evals)
        expected = DaskFocalBoostClassifier(booster(kind)).fit(dense, dy, dw, eval_set=[(dense, dy)])
        proba = model.predict_proba(stored).compute()
        np.testing.assert_allclose(proba, expected.predict_proba(dense).compute(), atol=1e-4)
        np.testing.assert_array_equal(proba, model.to_local().predict_proba(container(X)))
        (history,), (theirs,) = (each.evals_result_.values() for each in (model, expected))
        np.testing.assert_allclose(history["log_loss"], theirs["log_loss"], atol=1e-4)


class TestLazyPrediction:
    @both
    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_results_are_lazy_arrays_in_the_chunks_of_X_that_say_what_the_local_model_says(
        self, client, kind, n_classes
    ):
        X, y, _ = rows(n_classes)
        dX, dy = split(X, y)
        model = DaskFocalBoostClassifier(booster(kind, n_estimators=3)).fit(dX, dy)
        in_memory = model.to_local()
        assert type(in_memory) is FocalBoostClassifier
        for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
            lazy, expected = getattr(model, method)(dX), getattr(in_memory, method)(X)
            assert isinstance(lazy, da.Array)
            assert lazy.chunks[0] == dX.chunks[0]
            assert lazy.shape == expected.shape
            computed = lazy.compute()
            assert computed.dtype == lazy.dtype
            assert (computed == expected).all()

    def test_calibrated_is_read_at_predict_time(self, client):
        X, y, _ = rows()
        dX, dy = split(X, y)
        model = DaskFocalBoostClassifier(booster("xgboost", n_estimators=2)).fit(dX, dy)
        posterior = model.predict_proba(dX).compute()
        plain = model.set_params(calibrated=False).predict_proba(dX).compute()
        np.testing.assert_allclose(plain, model.estimator_.predict_proba(dX).compute(), atol=1e-6)
        assert np.abs(plain - posterior).max() > 0.05

    def test_partitions_of_unknown_length_and_split_columns_are_taken(self, client):
        X, y, w = rows()
        features, labels, weight = filtered(X, y, w)
        for columns in (features, features.to_dask_array()):
            model = DaskFocalBoostClassifier(booster("xgboost", n_estimators=2)).fit(columns, labels, weight)
            assert model.predict(columns).compute().shape == (2000,)
        whole, labels = split(X, y)
        model.fit(whole.rechunk((1000, 2)), labels)
        assert model.predict_proba(whole.rechunk((1000, 2))).compute().shape == (N, 2)


class TestEmptyPartitions:
    @pytest.fixture
    def lengths(self, monkeypatch):
        """The rows in each partition of every collection that a booster was given."""
        seen = []

        def record(fit):
            def recorded(self, *args, **kwargs):
                for collection in dask.base.unpack_collections(args, kwargs)[0]:
                    parts = np.ravel(collection.to_delayed())
                    seen.append(dask.compute(*(dask.delayed(len)(part) for part in parts)))
                return fit(self, *args, **kwargs)

            return recorded

        for estimator in (DaskXGBClassifier, lightgbm.DaskLGBMRegressor):
            monkeypatch.setattr(estimator, "fit", record(estimator.fit))
        return seen

    @both
    @pytest.mark.parametrize("container", ["known", "unknown", "frame"])
    def test_no_booster_is_given_one(self, client, kind, container, lengths):
        X, y, w = rows()

        def gaps(X, y, w):
            if container == "known":
                return split(X, y, w, chunk=(0, 1000, 0, 3000))
            features, *columns = filtered(X, y, w)
            return [features if container == "frame" else features.to_dask_array(), *columns]

        dX, dy, dw = gaps(X, y, w)
        eval_X, eval_y, eval_w = gaps(X[::-1], y[::-1], w[::-1])
        model = DaskFocalBoostClassifier(booster(kind))
        model.fit(dX, dy, dw, eval_set=[(eval_X, eval_y)], eval_sample_weight=[eval_w])
        # X, y and weight, twice, and LightGBM's starting values.
        assert len(lengths) == (6 if kind == "xgboost" else 8)
        assert all(len(parts) == 2 and min(parts) > 0 for parts in lengths)
        assert roc_auc_score(dy.compute(), model.predict_proba(dX)[:, 1].compute()) > 0.8

    @both
    def test_a_worker_that_has_no_others_takes_no_part(self, client, kind):
        X, y, w = rows()
        workers = sorted(client.scheduler_info(n_workers=-1)["workers"])

        def placed(array, worker):
            return client.persist(array, workers=[worker], allow_other_workers=False)

        dX, dy, dw = (
            da.concatenate([placed(column.blocks[:2], workers[0]), placed(column.blocks[2:], workers[1])])
            for column in split(X, y, w, chunk=(0, 0, 3000, 1000))
        )
        evals = [tuple(placed(column, workers[0]) for column in split(X, y))]
        model = DaskFocalBoostClassifier(booster(kind)).fit(dX, dy, dw, eval_set=evals)
        in_memory = FocalBoostClassifier(local(booster(kind))).fit(X, y, w)
        expected = log_loss(y, in_memory.predict_proba(X))
        (history,) = model.evals_result_.values()
        assert history["log_loss"][-1] == pytest.approx(expected, rel=0.02)

    def test_rows_without_labels_are_not_taken_for_an_empty_partition(self, client):
        X, y, w = rows()
        _, labels, weight = filtered(X, y, w)
        frame = dd.from_pandas(pd.DataFrame(X, columns=list("abcde")), npartitions=4)
        model = DaskFocalBoostClassifier(booster("xgboost", n_estimators=2))
        for features in (frame, frame.to_dask_array()):
            with pytest.raises(ValueError, match=r"^y must have as many rows as X.*0 and 1000 in partition 0"):
                model.fit(features, labels, weight)
        with pytest.raises(ValueError, match=r"sample_weight must have shape \(0,\); got \(1000,\)"):
            model.fit(frame, labels, dd.from_pandas(pd.Series(w), npartitions=4))


class TestMemory:
    @both
    def test_what_was_read_for_a_failed_fit_goes_and_what_the_user_holds_stays(self, client, kind):
        X, y, _ = rows()
        frame = dd.from_pandas(pd.DataFrame(X, columns=list("abcde")), npartitions=4).persist()
        held = {str(future.key) for future in distributed.futures_of(frame)}
        (dy,) = split(y)
        fails = {"callbacks": [lambda env: 1 / 0]} if kind == "lightgbm" else {"verbose": "no such thing"}
        for features in (frame, *split(X)):
            with pytest.raises(Exception) as error:  # noqa: PT011
                DaskFocalBoostClassifier(booster(kind)).fit(features, dy, **fails)
            assert "rows" not in str(error.value)
            deadline = time.monotonic() + 10
            while any(
                any(name in str(key) for name in ("_check_block", "_check_part", "_convert"))
                for keys in client.has_what().values()
                for key in keys
            ):
                assert time.monotonic() < deadline
                time.sleep(0.05)
        assert held <= {str(key) for keys in client.has_what().values() for key in keys}


class TestEvalSets:
    @both
    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_the_metric_is_that_of_all_rows_and_training_stops_on_it(self, client, kind, n_classes):
        X, y, w = rows(n_classes)
        dX, dy, dw = split(X, y, w, chunk=500)
        stop = {"early_stopping_rounds": 3} if kind == "xgboost" else {"early_stopping_round": 3}
        estimator = booster(kind, n_estimators=60, learning_rate=0.6, **stop)
        model = DaskFocalBoostClassifier(estimator).fit(
            dX[:2000],
            dy[:2000],
            # One partition, on one worker alone; and three, unevenly spread; the last is the one stopped on.
            eval_set=[(dX[2000:2500], dy[2000:2500]), (dX[2500:], dy[2500:])],
            eval_sample_weight=[None, dw[2500:]],
        )
        first, last = (history["log_loss"] for history in model.evals_result_.values())
        best = model.best_iteration_ - (kind == "lightgbm")
        assert len(last) < 60
        in_memory = model.to_local()
        # XGBoost writes six decimals.
        expected = log_loss(y[2000:2500], in_memory.predict_proba(X[2000:2500]))
        assert first[best] == pytest.approx(expected, abs=1e-6)
        expected = log_loss(y[2500:], in_memory.predict_proba(X[2500:]), sample_weight=w[2500:])
        assert last[best] == pytest.approx(expected, abs=1e-6)

    @both
    def test_a_users_metric_is_given_probabilities_and_averaged_by_weight(self, client, kind):
        X, y, _ = rows()
        dX, dy = split(X, y)

        def brier(y_true, proba):
            return np.mean((proba - y_true) ** 2)

        ours = (lambda y, p: ("brier", brier(y, p), False)) if kind == "lightgbm" else brier
        estimator = booster(kind, n_estimators=4)
        fit_params = {"eval_metric": ours} if kind == "lightgbm" else {}
        if kind == "xgboost":
            estimator.set_params(eval_metric=ours)
        model = DaskFocalBoostClassifier(estimator).fit(dX, dy, eval_set=[(dX, dy)], **fit_params)
        (history,) = model.evals_result_.values()
        expected = brier(y == "rare", model.to_local().predict_proba(X)[:, 1])
        assert history["brier"][-1] == pytest.approx(expected, abs=1e-6)

    @both
    def test_frames_are_evaluated_wherever_they_lie(self, client, kind):
        X, y, _ = rows()
        frame = pd.DataFrame(X, columns=list("abcde")).assign(y=y)
        train, valid = (
            dd.from_pandas(frame, npartitions=2).persist(workers=[worker], allow_other_workers=False)
            for worker in client.scheduler_info(n_workers=-1)["workers"]
        )
        model = DaskFocalBoostClassifier(booster(kind, n_estimators=3))
        model.fit(train[list("abcde")], train.y, eval_set=[(valid[list("abcde")], valid.y)])
        (history,) = model.evals_result_.values()
        expected = log_loss(y, model.to_local().predict_proba(frame[list("abcde")]))
        assert history["log_loss"][-1] == pytest.approx(expected, abs=1e-6)

    def test_an_error_in_a_metric_on_one_worker_leaves_nobody_waiting(self, client):
        X, y, _ = rows()
        dX, dy = split(X, y)
        first = sorted(client.scheduler_info(n_workers=-1)["workers"])[0]

        def fails_on_one(y_true, proba):
            if distributed.get_worker().address == first:
                raise ArithmeticError("no metric here")
            return "fails", 0.0, False

        model = DaskFocalBoostClassifier(booster("lightgbm"))
        with pytest.raises(ArithmeticError, match="no metric here"):
            model.fit(dX, dy, eval_set=[(dX, dy)], eval_metric=fails_on_one)
        assert not hasattr(model, "classes_")
        model.fit(dX, dy)


class TestNativeModel:
    @both
    def test_the_inner_estimator_is_a_native_one_and_the_local_one_saves_and_loads(self, client, kind, tmp_path):
        X, y, _ = rows(3)
        dX, dy = split(X, y)
        model = DaskFocalBoostClassifier(booster(kind, n_estimators=3), gamma=1.0, alpha="balanced").fit(dX, dy)
        plain = model.loss_.predict_proba(model.decision_function(dX).compute(), calibrated=False)
        np.testing.assert_allclose(np.asarray(model.estimator_.predict_proba(dX).compute()), plain, atol=1e-6)
        in_memory = model.to_local()
        path = tmp_path / "model.json"
        in_memory.booster_.save_model(path)
        if kind == "xgboost":
            assert json.loads(in_memory.booster_.save_config())["learner"]["objective"]["name"] == "multi:softprob"
            restored = xgboost.Booster(model_file=path).predict(xgboost.DMatrix(X))
        else:
            assert "objective=multiclass num_class:3" in path.read_text()
            restored = lightgbm.Booster(model_file=path).predict(X)
        np.testing.assert_allclose(restored, plain, atol=1e-6)
        np.testing.assert_allclose(in_memory.estimator_.predict_proba(X), plain, atol=1e-6)
        again = clone(in_memory).set_params(estimator__n_estimators=2).fit(X, y)
        assert again.score(X, y) > 0.8
        copied = pickle.loads(pickle.dumps(model))
        assert (copied.predict(dX).compute() == in_memory.predict(X)).all()

    def test_a_random_forest_is_taken_and_none_means_xgboost(self, client):
        X, y, _ = rows()
        dX, dy = split(X, y)
        forest = DaskFocalBoostClassifier(DaskXGBRFClassifier(n_estimators=5, max_depth=3)).fit(dX, dy)
        assert type(forest.to_local().estimator_) is xgboost.XGBRFClassifier
        default = DaskFocalBoostClassifier(gamma=1.0).fit(dX, dy)
        assert type(default.estimator_) is DaskXGBClassifier
        assert roc_auc_score(y, default.predict_proba(dX)[:, 1].compute()) > 0.8


class TestStreaming:
    def test_the_pass_over_the_labels_holds_a_few_partitions_of_data_larger_than_a_workers_memory(self, client):
        from distributed.diagnostics import MemorySampler

        n_chunks, chunk = 48, (65_536, 64)
        X = da.random.default_rng(0).random((n_chunks * chunk[0], chunk[1]), dtype=np.float32, chunks=chunk)
        assert X.nbytes > 1.4 * LIMIT
        y = (X[:, 0] > 0.99) * 1 + (X[:, 1] > 0.5)
        sampler = MemorySampler()
        with sampler.sample("managed", measure="managed", interval=0.05):
            classes, counts, totals = _statistics("", X, y, X[:, 2])
        managed = sampler.to_pandas()["managed"].max()
        assert managed < 0.1 * X.nbytes
        spilled = sum(
            w["metrics"]["spilled_bytes"]["disk"] for w in client.scheduler_info(n_workers=-1)["workers"].values()
        )
        # What other tests left may be written to disk when a worker's process fills up, but no partition is.
        assert spilled < X.blocks[0].nbytes
        assert classes.tolist() == [0, 1, 2]
        assert counts.sum() == len(X)
        assert counts[2] == pytest.approx(0.005 * len(X), rel=0.1)
        assert totals / counts == pytest.approx(0.5, rel=0.1)

    def test_what_a_partition_sends_home_does_not_grow_with_its_rows(self, client):
        from focal_boost.dask import _of_partition

        small, large = (_of_partition(np.arange(n) % 3, np.ones(n)) for n in (10, 100_000))
        assert len(pickle.dumps(small)) == pytest.approx(len(pickle.dumps(large)), abs=16)
        assert len(pickle.dumps(large)) < 1000


class TestRefusals:
    def refused(self, X, y, match, sample_weight=None, error=ValueError, model=None, **fit_params):
        model = model or DaskFocalBoostClassifier(booster("xgboost", n_estimators=1))
        with pytest.raises(error, match=match):
            model.fit(X, y, sample_weight, **fit_params)
        assert not hasattr(model, "estimator_")

    def test_arrays_that_do_not_fit_together(self, client):
        X, y, w = rows(n=400)
        dX, dy, dw = split(X, y, w, chunk=100)
        self.refused(dX, dy.rechunk(200), r"y must be partitioned as X, into 4 parts; got 2")
        self.refused(dX, dy, r"sample_weight must be partitioned as X, into 4 parts; got 2", dw.rechunk(200))
        self.refused(
            dX, dy.rechunk(((50, 150, 100, 100),)), r"y must have the chunks of X, \(100, 100, 100, 100\)"
        )
        self.refused(dX, dy, r"sample_weight must have shape \(100,\)", dw.rechunk(((50, 150, 100, 100),)))
        self.refused(X, dy, "X must be a Dask data frame or a Dask array", error=TypeError)
        self.refused(dX, y, "y must be a Dask array or a Dask series", error=TypeError)

    def test_labels_and_weights_that_nothing_can_be_learned_from(self, client):
        X, y, w = rows(n=400)
        dX, dy, dw = split(X, y, w, chunk=100)
        self.refused(dX, da.full_like(dy, "often"), "at least two classes; got one class: \\['often'\\]")
        self.refused(dX, dX[:, 0], "NaN|missing or infinite")
        self.refused(dX, dy, "positive somewhere in every class", da.where(dy == "rare", 0.0, dw))
        self.refused(dX, dy, "finite and >= 0", -dw)
        named = DaskFocalBoostClassifier(booster("xgboost"), alpha={"never": 2.0})
        self.refused(dX, dy, "alpha must name classes of y", model=named)

    def test_eval_sets(self, client):
        X, y, w = rows(n=400)
        dX, dy, dw = split(X, y, w, chunk=100)
        self.refused(
            dX, dy, r"eval_set\[0\] must hold classes of y.*never", eval_set=[(dX, da.full_like(dy, "never"))]
        )
        self.refused(dX, dy, "features", eval_set=[(dX[:, :3], dy)])
        self.refused(dX, dy, "positive weight", eval_set=[(dX, dy)], eval_sample_weight=[dw * 0])

    def test_categories_that_differ_between_partitions(self, client):
        X, y, _ = rows(n=400)
        data = dd.from_pandas(pd.DataFrame({"a": X[:, 0], "y": y, "c": y}), npartitions=4)
        data = data.assign(c=data.c.astype("category"))
        self.refused(data[["a", "c"]], data.y, r"known categories.*\['c'\]")

    def test_local_boosters_here_and_dask_boosters_there(self, client):
        X, y, _ = rows(n=400)
        dX, dy = split(X, y, chunk=100)
        for estimator in (lightgbm.LGBMClassifier(), xgboost.XGBClassifier(), DaskXGBClassifier):
            self.refused(
                dX, dy, "must be a DaskXGBClassifier", error=TypeError, model=DaskFocalBoostClassifier(estimator)
            )
        for estimator in (lightgbm.DaskLGBMClassifier(), DaskXGBClassifier()):
            with pytest.raises(TypeError, match="must be an XGBClassifier"):
                FocalBoostClassifier(estimator).fit(X, y)

    def test_prediction_from_other_features_and_before_fit(self, client):
        X, y, _ = rows(n=400)
        dX, dy = split(X, y, chunk=100)
        model = DaskFocalBoostClassifier(booster("xgboost", n_estimators=1))
        for method in ("predict", "predict_proba", "predict_log_proba", "decision_function", "to_local"):
            with pytest.raises(ValueError, match="not fitted"):
                getattr(model, method)(*() if method == "to_local" else (dX,))
        model.fit(dX, dy)
        with pytest.raises(ValueError, match="features"):
            model.predict(dX[:, :3])


class TestWithoutTheModulesCluster:
    def test_no_client(self, monkeypatch):
        X, y, _ = rows(n=400)
        dX, dy = split(X, y, chunk=100)

        def nobody():
            raise ValueError("No global client found and no address provided")

        monkeypatch.setattr(distributed, "get_client", nobody)
        with pytest.raises(ValueError, match=r"fit needs a Dask client: create one first"):
            DaskFocalBoostClassifier(booster("xgboost")).fit(dX, dy)

    def test_a_lost_worker_ends_the_training_of_either_booster_soon(self):
        X, y, _ = rows(n=2000)
        with start_cluster() as cluster, distributed.Client(cluster) as client:
            for kind, where, which in (
                ("xgboost", "metric", 0),
                ("lightgbm", "metric", 0),  # on the first worker they meet
                ("lightgbm", "metric", 1),
                ("lightgbm", "callback", 0),
            ):
                client.wait_for_workers(2)
                dX, dy = split(X, y, chunk=500)
                victim = list(client.scheduler_info(n_workers=-1)["workers"])[which]
                calls = []

                def die_in_round_3(*_, victim=victim, calls=calls):
                    calls.append(None)
                    if len(calls) == 3 and distributed.get_worker().address == victim:
                        os.kill(os.getpid(), signal.SIGKILL)
                    return ("metric", 0.0, False)

                estimator, fit_params = booster(kind, n_estimators=1_000_000), {}
                if where == "callback":  # the others wait in LightGBM's sockets
                    fit_params["callbacks"] = [die_in_round_3]
                elif kind == "lightgbm":  # the others wait for its metrics
                    fit_params = {"eval_set": [(dX, dy)], "eval_metric": die_in_round_3}
                else:
                    fit_params = {"eval_set": [(dX, dy)]}
                    estimator.set_params(eval_metric=lambda *rows, die=die_in_round_3: die(*rows)[1])
                model = DaskFocalBoostClassifier(estimator)
                start = time.monotonic()
                with pytest.raises((RuntimeError, lightgbm.basic.LightGBMError, xgboost.core.XGBoostError)):
                    model.fit(dX, dy, **fit_params)
                assert time.monotonic() - start < 30
                assert not hasattr(model, "estimator_")
