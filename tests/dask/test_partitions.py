"""DaskFocalBoostClassifier on small files, empty partitions and data larger than a worker's memory."""

import pickle
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from focal_boost import FocalBoostClassifier

from .clusters import (
    IGNORED,
    LIMIT,
    both,
    da,
    dask_booster,
    dd,
    distributed,
    filtered,
    labelled_rows,
    lightgbm,
    local_booster,
    split,
)

# The imports below need Dask; without it the module was skipped above.
# isort: split
import dask
from xgboost.dask import DaskXGBClassifier

from focal_boost.dask import DaskFocalBoostClassifier
from focal_boost.dask._partitions import label_statistics, partition_statistics

pytestmark = IGNORED


class TestSmallFiles:
    """Dask fuses the partitions of small files if few columns are read; the boosters fail on such data."""

    @pytest.fixture
    def data(self, tmp_path):
        X, y, w = labelled_rows(steps=2)
        frame = pd.DataFrame(X, columns=list("abcde")).assign(y=y, w=w)
        for i in range(8):
            frame[i * 500 : (i + 1) * 500].to_parquet(tmp_path / f"{i}.parquet")
        return dd.read_parquet(tmp_path)

    @both
    def test_columns_of_a_persisted_frame_keep_their_partitions(self, client, kind, data):
        data = data.persist()
        X, y, w = data[list("abcde")], data.y, data.w
        model = DaskFocalBoostClassifier(dask_booster(kind)).fit(
            X, y, w, eval_set=[(X, y)], eval_sample_weight=[w]
        )
        assert model.predict_proba(X).numblocks == (8, 1)
        frame = data.compute()
        proba = model.to_local().predict_proba(frame[list("abcde")])
        np.testing.assert_array_equal(model.predict_proba(X).compute(), proba)
        expected = FocalBoostClassifier(local_booster(dask_booster(kind))).fit(
            frame[list("abcde")], frame.y, frame.w
        )
        theirs = log_loss(frame.y, expected.predict_proba(frame[list("abcde")]), sample_weight=frame.w)
        assert log_loss(frame.y, proba, sample_weight=frame.w) == pytest.approx(theirs, rel=0.02)

    def test_errors_after_dask_fused_partitions_suggest_to_persist(self, client, data):
        X, y = data[list("abcde")], data.y
        labels = data.y.compute().to_numpy()
        cases = {
            r"y must have the 8 partitions of X; got \d after Dask fused partitions: persist": (X, y),
            r"X must have the 8 partitions of y; got \d after Dask fused partitions: persist": (
                data[list("abc")],
                da.from_array(labels, chunks=500),
            ),
            r"y must have as many rows as X in every partition; .* partition \d\. If Dask fused": tuple(
                column.repartition(npartitions=3) for column in (data[list("abcde")], data.y)
            ),
        }
        for message, (features, target) in cases.items():
            with pytest.raises(ValueError, match=message):
                DaskFocalBoostClassifier(dask_booster("xgboost")).fit(features, target)


class TestEmptyPartitions:
    @pytest.fixture
    def lengths(self, monkeypatch):
        """The partition lengths of every collection passed to a booster."""
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
    def test_boosters_receive_no_empty_partition(self, client, kind, container, lengths):
        X, y, w = labelled_rows()

        def with_empty_partitions(X, y, w):
            if container == "known":
                return split(X, y, w, chunk=(0, 1000, 0, 3000))
            features, *columns = filtered(X, y, w)
            return [features if container == "frame" else features.to_dask_array(), *columns]

        dX, dy, dw = with_empty_partitions(X, y, w)
        eval_X, eval_y, eval_w = with_empty_partitions(X[::-1], y[::-1], w[::-1])
        model = DaskFocalBoostClassifier(dask_booster(kind))
        model.fit(dX, dy, dw, eval_set=[(eval_X, eval_y)], eval_sample_weight=[eval_w])
        # X, y and weight, twice, and LightGBM's starting values.
        assert len(lengths) == (6 if kind == "xgboost" else 8)
        assert all(len(parts) == 2 and min(parts) > 0 for parts in lengths)
        assert roc_auc_score(dy.compute(), model.predict_proba(dX)[:, 1].compute()) > 0.8

    @both
    def test_a_worker_with_only_empty_partitions_does_not_train(self, client, kind):
        X, y, w = labelled_rows()
        workers = sorted(client.ncores())

        def placed(array, worker):
            return client.persist(array, workers=[worker], allow_other_workers=False)

        dX, dy, dw = (
            da.concatenate([placed(column.blocks[:2], workers[0]), placed(column.blocks[2:], workers[1])])
            for column in split(X, y, w, chunk=(0, 0, 3000, 1000))
        )
        evals = [tuple(placed(column, workers[0]) for column in split(X, y))]
        model = DaskFocalBoostClassifier(dask_booster(kind)).fit(dX, dy, dw, eval_set=evals)
        in_memory = FocalBoostClassifier(local_booster(dask_booster(kind))).fit(X, y, w)
        expected = log_loss(y, in_memory.predict_proba(X))
        (history,) = model.evals_result_.values()
        assert history["log_loss"][-1] == pytest.approx(expected, rel=0.02)

    def test_a_partition_without_labels_is_not_empty_but_an_error(self, client):
        X, y, w = labelled_rows()
        _, labels, weight = filtered(X, y, w)
        frame = dd.from_pandas(pd.DataFrame(X, columns=list("abcde")), npartitions=4)
        model = DaskFocalBoostClassifier(dask_booster("xgboost", n_estimators=2))
        for features in (frame, frame.to_dask_array()):
            with pytest.raises(ValueError, match=r"^y must have as many rows as X.*0 and 1000 in partition 0"):
                model.fit(features, labels, weight)
        with pytest.raises(ValueError, match=r"sample_weight must have shape \(0,\); got \(1000,\)"):
            model.fit(frame, labels, dd.from_pandas(pd.Series(w), npartitions=4))


class TestMemory:
    @both
    def test_a_failed_fit_releases_its_data_but_not_the_users(self, client, kind):
        X, y, _ = labelled_rows()
        frame = dd.from_pandas(pd.DataFrame(X, columns=list("abcde")), npartitions=4).persist()
        held = {str(future.key) for future in distributed.futures_of(frame)}
        (dy,) = split(y)
        fails = {"callbacks": [lambda env: 1 / 0]} if kind == "lightgbm" else {"verbose": "no such thing"}
        for features in (frame, *split(X)):
            with pytest.raises(Exception) as error:  # noqa: PT011
                DaskFocalBoostClassifier(dask_booster(kind)).fit(features, dy, **fails)
            assert "rows" not in str(error.value)
            deadline = time.monotonic() + 10
            while any(
                any(name in str(key) for name in ("check_block", "_check_partition", "_convert_partition"))
                for keys in client.has_what().values()
                for key in keys
            ):
                assert time.monotonic() < deadline
                time.sleep(0.05)
        assert held <= {str(key) for keys in client.has_what().values() for key in keys}


class TestStreaming:
    @pytest.mark.nightly
    def test_label_statistics_of_data_larger_than_memory_hold_few_partitions(self, client):
        from distributed.diagnostics import MemorySampler

        n_chunks, chunk = 48, (65_536, 64)
        X = da.random.default_rng(0).random((n_chunks * chunk[0], chunk[1]), dtype=np.float32, chunks=chunk)
        assert X.nbytes > 1.4 * LIMIT
        y = (X[:, 0] > 0.99) * 1 + (X[:, 1] > 0.5)
        sampler = MemorySampler()
        with sampler.sample("managed", measure="managed", interval=0.05):
            classes, counts, totals = label_statistics("", X, y, X[:, 2])
        managed = sampler.to_pandas()["managed"].max()
        assert managed < 0.1 * X.nbytes
        spilled = sum(
            w["metrics"]["spilled_bytes"]["disk"] for w in client.scheduler_info(n_workers=-1)["workers"].values()
        )
        # Data of other tests may be spilled to disk, but no whole partition of this one.
        assert spilled < X.blocks[0].nbytes
        assert classes.tolist() == [0, 1, 2]
        assert counts.sum() == len(X)
        assert counts[2] == pytest.approx(0.005 * len(X), rel=0.1)
        assert totals / counts == pytest.approx(0.5, rel=0.1)

    def test_partition_statistics_do_not_grow_with_the_number_of_rows(self, client):
        small, large = (partition_statistics(np.arange(n) % 3, np.ones(n)) for n in (10, 100_000))
        assert len(pickle.dumps(small)) == pytest.approx(len(pickle.dumps(large)), abs=16)
        assert len(pickle.dumps(large)) < 1000
