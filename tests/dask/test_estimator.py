"""DaskFocalBoostClassifier on a real cluster of two worker processes."""

import copy
import json
import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.metrics import log_loss, roc_auc_score

from focal_boost import BinaryFocalLoss, FocalBoostClassifier, MulticlassFocalLoss

from .clusters import (
    IGNORED,
    N,
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
    xgboost,
)

# The imports below need Dask; without it the module was skipped above.
# isort: split
from xgboost.dask import DaskXGBRFClassifier

from focal_boost.dask import DaskFocalBoostClassifier

pytestmark = IGNORED


class TestParity:
    @both
    @pytest.mark.parametrize(("n_classes", "order"), [(2, "shuffled"), (3, "shuffled"), (3, "sorted")])
    def test_statistics_and_quality_are_the_local_ones_even_if_a_worker_has_one_class(
        self, client, kind, n_classes, order
    ):
        X, y, w = labelled_rows(n_classes)
        if order == "sorted":
            X, y, w = (array[np.argsort(y, kind="stable")] for array in (X, y, w))
        dX, dy, dw = split(X, y, w)
        estimator = dask_booster(kind, learning_rate=0.1)
        model = DaskFocalBoostClassifier(estimator, gamma=2.0, alpha="balanced").fit(dX, dy, dw)
        expected = FocalBoostClassifier(local_booster(estimator), gamma=2.0, alpha="balanced").fit(X, y, w)
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
    # Enough partitions that Dask uses both workers; on a single one LightGBM trains another model.
    @pytest.mark.parametrize(("chunk", "order"), [(400, "shuffled"), (500, "sorted")])
    def test_gamma_0_is_the_boosters_own_dask_model_for_every_split_of_the_rows(
        self, client, kind, n_classes, chunk, order
    ):
        X, y, w = labelled_rows(n_classes, steps=2)
        if order == "sorted":
            X, y, w = (array[np.argsort(y, kind="stable")] for array in (X, y, w))
        codes = np.unique(y, return_inverse=True)[1]
        dX, dy, dw = split(X, codes, w, chunk=chunk)
        model = DaskFocalBoostClassifier(dask_booster(kind), gamma=0.0).fit(dX, dy, dw)
        if kind == "xgboost":
            if n_classes == 3 and xgboost.__version__.startswith("3.1"):
                pytest.skip("XGBoost 3.1 starts its softmax from class frequencies, by a worker's rows")
            own = dask_booster(kind).fit(dX, dy, sample_weight=dw)
            expected = np.asarray(own.predict_proba(dX).compute())
        else:
            # LightGBM's Dask classifier encodes the labels of each worker separately and starts at the mean of the
            # workers' log-odds. So compare with its regressor, started at the log-odds of all rows.
            assert "[num_machines: 2]" in model.booster_.model_to_string()
            start = model.initial_raw_prediction_
            native = {"objective": "binary"} if n_classes == 2 else {"objective": "multiclass", "num_class": 3}
            own = lightgbm.DaskLGBMRegressor(**{**dask_booster(kind).get_params(), **native})
            (starts,) = split(np.full(N, start) if n_classes == 2 else np.tile(start, (N, 1)), chunk=chunk)
            own.fit(dX, dy, sample_weight=dw, init_score=starts)
            raw = own.predict(dX, raw_score=True).compute() + start
            expected = model.loss_.predict_proba(raw, calibrated=False)
        np.testing.assert_allclose(model.predict_proba(dX).compute(), expected, atol=1e-4)

    @both
    def test_data_frames_with_categories_train_like_local_ones(self, client, kind):
        X, y, w = labelled_rows(steps=2)
        frame = pd.DataFrame(X, columns=list("abcde"))
        frame["kind"] = pd.Categorical(np.where(y == "rare", "u", "v")).set_categories(["u", "v", "w"])
        frame.loc[::3, "kind"] = "w"
        data = dd.from_pandas(frame.assign(y=y, w=w), npartitions=4)
        estimator = dask_booster(kind, **({"enable_categorical": True} if kind == "xgboost" else {}))
        model = DaskFocalBoostClassifier(estimator).fit(data[list(frame)], data.y, data.w)
        expected = FocalBoostClassifier(local_booster(estimator)).fit(frame, y, w)
        assert model.feature_names_in_.tolist() == list(frame)
        assert len(model.feature_importances_) == 6
        proba = model.predict_proba(data[list(frame)])
        assert isinstance(proba, da.Array)
        theirs = log_loss(y, expected.predict_proba(frame), sample_weight=w)
        assert log_loss(y, proba.compute(), sample_weight=w) == pytest.approx(theirs, rel=0.02)
        assert model.predict(data[list(frame)]).compute().tolist() == model.to_local().predict(frame).tolist()


class TestSparseBlocks:
    @pytest.mark.parametrize(
        ("kind", "container"), [("xgboost", sparse.csr_matrix), ("lightgbm", sparse.csc_array)]
    )
    def test_sparse_and_dense_blocks_give_the_same_model(self, client, kind, container):
        X, y, w = labelled_rows(steps=2)
        X = np.nan_to_num(X)
        dX, dy, dw = split(X, y, w)
        stored = dX.map_blocks(container)
        # Implicit entries are zero for LightGBM and missing for XGBoost.
        dense = dX if kind == "lightgbm" else da.where(dX == 0, np.nan, dX)
        evals = [(stored, dy)]
        model = DaskFocalBoostClassifier(dask_booster(kind)).fit(stored, dy, dw, eval_set=evals)
        expected = DaskFocalBoostClassifier(dask_booster(kind)).fit(dense, dy, dw, eval_set=[(dense, dy)])
        proba = model.predict_proba(stored).compute()
        np.testing.assert_allclose(proba, expected.predict_proba(dense).compute(), atol=1e-4)
        np.testing.assert_array_equal(proba, model.to_local().predict_proba(container(X)))
        (history,), (theirs,) = (each.evals_result_.values() for each in (model, expected))
        np.testing.assert_allclose(history["log_loss"], theirs["log_loss"], atol=1e-4)


class TestLazyPrediction:
    @both
    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_results_are_lazy_arrays_in_the_chunks_of_X_equal_to_the_local_model(self, client, kind, n_classes):
        X, y, _ = labelled_rows(n_classes)
        dX, dy = split(X, y)
        model = DaskFocalBoostClassifier(dask_booster(kind, n_estimators=3)).fit(dX, dy)
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
        X, y, _ = labelled_rows()
        dX, dy = split(X, y)
        model = DaskFocalBoostClassifier(dask_booster("xgboost", n_estimators=2)).fit(dX, dy)
        posterior = model.predict_proba(dX).compute()
        plain = model.set_params(calibrated=False).predict_proba(dX).compute()
        np.testing.assert_allclose(plain, model.estimator_.predict_proba(X), atol=1e-6)
        assert np.abs(plain - posterior).max() > 0.05
        np.testing.assert_array_equal(model.to_local().predict_proba(X), plain)
        assert model.local_.calibrated  # as it was trained

    def test_partitions_of_unknown_length_and_split_columns_are_accepted(self, client):
        X, y, w = labelled_rows()
        features, labels, weight = filtered(X, y, w)
        for columns in (features, features.to_dask_array()):
            model = DaskFocalBoostClassifier(dask_booster("xgboost", n_estimators=2)).fit(columns, labels, weight)
            assert model.predict(columns).compute().shape == (2000,)
        whole, labels = split(X, y)
        model.fit(whole.rechunk((1000, 2)), labels)
        assert model.predict_proba(whole.rechunk((1000, 2))).compute().shape == (N, 2)


class TestEvalSets:
    @both
    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_the_metric_covers_all_rows_and_stops_training(self, client, kind, n_classes):
        X, y, w = labelled_rows(n_classes)
        dX, dy, dw = split(X, y, w, chunk=500)
        stop = {"early_stopping_rounds": 3} if kind == "xgboost" else {"early_stopping_round": 3}
        estimator = dask_booster(kind, n_estimators=60, learning_rate=0.6, **stop)
        model = DaskFocalBoostClassifier(estimator).fit(
            dX[:2000],
            dy[:2000],
            # One partition on a single worker, and three, unevenly spread. Early stopping watches the last set.
            eval_set=[(dX[2000:2500], dy[2000:2500]), (dX[2500:], dy[2500:])],
            eval_sample_weight=[None, dw[2500:]],
        )
        first, last = (history["log_loss"] for history in model.evals_result_.values())
        best = model.best_iteration_ - (kind == "lightgbm")
        assert len(last) < 60
        in_memory = model.to_local()
        assert model.best_score_ == in_memory.best_score_
        # XGBoost writes six decimals.
        expected = log_loss(y[2000:2500], in_memory.predict_proba(X[2000:2500]))
        assert first[best] == pytest.approx(expected, abs=1e-6)
        expected = log_loss(y[2500:], in_memory.predict_proba(X[2500:]), sample_weight=w[2500:])
        assert last[best] == pytest.approx(expected, abs=1e-6)

    @both
    def test_a_callable_metric_receives_probabilities_and_is_averaged_by_weight(self, client, kind):
        X, y, _ = labelled_rows()
        dX, dy = split(X, y)

        def brier(y_true, proba):
            return np.mean((proba - y_true) ** 2)

        ours = (lambda y, p: ("brier", brier(y, p), False)) if kind == "lightgbm" else brier
        estimator = dask_booster(kind, n_estimators=4)
        fit_params = {"eval_metric": ours} if kind == "lightgbm" else {}
        if kind == "xgboost":
            estimator.set_params(eval_metric=ours)
        model = DaskFocalBoostClassifier(estimator).fit(dX, dy, eval_set=[(dX, dy)], **fit_params)
        (history,) = model.evals_result_.values()
        expected = brier(y == "rare", model.to_local().predict_proba(X)[:, 1])
        assert history["brier"][-1] == pytest.approx(expected, abs=1e-6)

    @both
    @pytest.mark.parametrize(("n_classes", "container"), [(2, "frame"), (3, "array")])
    def test_eval_rows_may_be_on_a_worker_without_training_rows(self, client, kind, n_classes, container):
        X, y, _ = labelled_rows(n_classes)
        first, second = client.scheduler_info(n_workers=-1)["workers"]

        def placed(worker, X, y):
            columns = split(X, y, chunk=1000)
            if container == "frame":
                columns[0] = columns[0].to_dask_dataframe(columns=list("abcde"))
            return [client.persist(column, workers=[worker], allow_other_workers=False) for column in columns]

        model = DaskFocalBoostClassifier(dask_booster(kind, n_estimators=3))
        # Different rows: identical ones would have the same keys and would not be moved.
        model.fit(*placed(first, X[:2000], y[:2000]), eval_set=[tuple(placed(second, X[2000:], y[2000:]))])
        (history,) = model.evals_result_.values()
        data = pd.DataFrame(X[2000:], columns=list("abcde")) if container == "frame" else X[2000:]
        expected = log_loss(y[2000:], model.to_local().predict_proba(data))
        assert history["log_loss"][-1] == pytest.approx(expected, abs=1e-6)

    def test_an_error_in_a_metric_on_one_worker_does_not_block_the_others(self, client):
        X, y, _ = labelled_rows()
        dX, dy = split(X, y)
        first = sorted(client.scheduler_info(n_workers=-1)["workers"])[0]

        def fails_on_one(y_true, proba):
            if distributed.get_worker().address == first:
                raise ArithmeticError("no metric here")
            return "fails", 0.0, False

        model = DaskFocalBoostClassifier(dask_booster("lightgbm"))
        with pytest.raises(ArithmeticError, match="no metric here"):
            model.fit(dX, dy, eval_set=[(dX, dy)], eval_metric=fails_on_one)
        assert not hasattr(model, "classes_")
        model.fit(dX, dy)


class TestFittedAttributes:
    @both
    def test_they_are_those_of_the_local_model(self, client, kind):
        X, y, _ = labelled_rows(3)
        frame = pd.DataFrame(X, columns=list("abcde"))
        dX, (dy,) = dd.from_pandas(frame, npartitions=4), split(y)
        model = DaskFocalBoostClassifier(dask_booster(kind, n_estimators=3)).fit(dX, dy, eval_set=[(dX, dy)])
        assert not hasattr(clone(model), "classes_")
        for fitted in (model, pickle.loads(pickle.dumps(model)), copy.copy(model)):
            in_memory = fitted.to_local()
            assert fitted.classes_.tolist() == in_memory.classes_.tolist() == ["often", "rare", "scarce"]
            assert fitted.n_classes_ == in_memory.n_classes_ == 3
            assert fitted.n_features_in_ == in_memory.n_features_in_ == 5
            assert fitted.feature_names_in_.tolist() == in_memory.feature_names_in_.tolist() == list("abcde")
            assert fitted.loss_ == in_memory.loss_ == MulticlassFocalLoss(3, 2.0)
            assert fitted.initial_raw_prediction_.tolist() == in_memory.initial_raw_prediction_.tolist()
            assert fitted.estimator_ is in_memory.estimator_
            assert type(fitted.booster_) is (xgboost.Booster if kind == "xgboost" else lightgbm.Booster)
            assert fitted.feature_importances_.tolist() == in_memory.feature_importances_.tolist()
            assert fitted.n_iter_ == in_memory.n_iter_ == 3
            assert fitted.evals_result_ == in_memory.evals_result_
            assert not hasattr(fitted, "best_iteration_")
            assert not hasattr(fitted, "n_outputs_")
        first = model.local_
        model.set_params(gamma=-1.0)
        with pytest.raises(ValueError, match="gamma"):
            model.fit(dX, dy)
        assert model.local_ is first


class TestNativeModel:
    @both
    def test_the_inner_estimator_is_a_native_one_and_the_local_one_saves_and_loads(self, client, kind, tmp_path):
        X, y, _ = labelled_rows(3)
        dX, dy = split(X, y)
        model = DaskFocalBoostClassifier(dask_booster(kind, n_estimators=3), gamma=1.0, alpha="balanced").fit(
            dX, dy
        )
        plain = model.loss_.predict_proba(model.decision_function(dX).compute(), calibrated=False)
        np.testing.assert_allclose(model.estimator_.predict_proba(X), plain, atol=1e-6)
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
        expected = FocalBoostClassifier(local_booster(dask_booster(kind, n_estimators=3))).fit(X, y).estimator_
        assert type(model.estimator_) is type(expected)
        assert model.estimator_.classes_.tolist() == [0, 1, 2]
        np.testing.assert_equal(model.estimator_.get_params(), {**expected.get_params(), "n_jobs": None})
        again = clone(in_memory).set_params(estimator__n_estimators=2).fit(X, y)
        assert again.score(X, y) > 0.8
        copied = pickle.loads(pickle.dumps(model))
        assert (copied.predict(dX).compute() == in_memory.predict(X)).all()

    def test_a_random_forest_is_accepted_and_none_means_xgboost(self, client):
        X, y, _ = labelled_rows()
        dX, dy = split(X, y)
        forest = DaskFocalBoostClassifier(DaskXGBRFClassifier(n_estimators=5, max_depth=3)).fit(dX, dy)
        assert type(forest.to_local().estimator_) is xgboost.XGBRFClassifier
        default = DaskFocalBoostClassifier(gamma=1.0).fit(dX, dy)
        assert type(default.estimator_) is xgboost.XGBClassifier
        assert roc_auc_score(y, default.predict_proba(dX)[:, 1].compute()) > 0.8
