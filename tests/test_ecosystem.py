"""Integrations: a table of packages and scikit-learn tools that the estimator works with, for both boosters.

The same table is in docs/integrations.md. Packages that are not installed are skipped.
"""

import io
import subprocess
import sys
import tempfile
from pathlib import Path

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401  (makes HalvingGridSearchCV importable)
from sklearn.feature_selection import SelectFromModel
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, get_scorer, log_loss, roc_auc_score
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    HalvingGridSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from focal_boost import FocalBoostClassifier

from .boosters.test_vector_leaf import since_3_4
from .cases import BOOSTERS, booster, four_classes, rare, weights
from .classifier.test_native import ELSEWHERE

ROUNDS = 8


def model(name, **params):
    return FocalBoostClassifier(booster(name, ROUNDS), **params)


def check_probabilities(fitted, X, y):
    """Check that rows sum to one and predict better than the class frequencies."""
    proba = fitted.predict_proba(X)
    assert_allclose(proba.sum(axis=1), 1, rtol=1e-6)
    prior = np.tile(np.bincount(y) / len(y), (len(y), 1))
    assert log_loss(y, proba) < 0.9 * log_loss(y, prior)


def calibrated(method):
    def check(name, X, y):
        check_probabilities(CalibratedClassifierCV(model(name), method=method, cv=3).fit(X, y), X, y)

    return check


def temperature(name, X, y):
    try:
        check = calibrated("temperature")
        check(name, X, y)
    except ValueError as error:
        if "temperature" in str(error):
            pytest.skip("scikit-learn has temperature scaling from 1.8")
        raise


def tuned_threshold(name, X, y):
    tuned = TunedThresholdClassifierCV(model(name), scoring="balanced_accuracy", cv=3).fit(X, y)
    assert balanced_accuracy_score(y, tuned.predict(X)) >= balanced_accuracy_score(
        y, model(name).fit(X, y).predict(X)
    )


def fixed_threshold(name, X, y):
    fitted = FixedThresholdClassifier(model(name), threshold=0.1, response_method="predict_proba").fit(X, y)
    assert_array_equal(fitted.predict(X), fitted.estimator_.predict_proba(X)[:, 1] >= 0.1)


def stacking(name, X, y):
    stack = StackingClassifier([("focal", model(name)), ("linear", LogisticRegression(max_iter=1000))], cv=3)
    check_probabilities(stack.fit(X, y), X, y)


def voting(name, X, y):
    vote = VotingClassifier([("one", model(name)), ("other", model(name, gamma=0.5))], voting="soft").fit(X, y)
    expected = np.mean([member.predict_proba(X) for member in vote.estimators_], axis=0)
    assert_allclose(vote.predict_proba(X), expected)


def bagging(name, X, y):
    check_probabilities(BaggingClassifier(model(name), n_estimators=3, random_state=0).fit(X, y), X, y)


def one_versus_rest(name, X, y):
    X, y = four_classes()
    check_probabilities(OneVsRestClassifier(model(name)).fit(X, y), X, y)


def sampler_pipeline(name, X, y):
    pipeline = pytest.importorskip("imblearn.pipeline")
    samplers = pytest.importorskip("imblearn.over_sampling")
    steps = samplers.SMOTE(k_neighbors=3, random_state=0), model(name)
    fitted = pipeline.make_pipeline(*steps).fit(X, y)
    # The sample is balanced, so the start corresponds to even odds instead of the true ones.
    assert fitted[-1].initial_raw_prediction_ == pytest.approx(0, abs=1e-6)
    assert roc_auc_score(y, fitted.predict_proba(X)[:, 1]) > 0.8


def optuna_pruning(name, X, y):
    optuna = pytest.importorskip("optuna")
    integration = pytest.importorskip("optuna_integration")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    reported = {}

    def objective(trial):
        gamma = trial.suggest_categorical("gamma", [0.0, 2.0])
        inner, fit_params = booster(name, ROUNDS), {}
        if name == "xgboost":
            inner.set_params(callbacks=[integration.XGBoostPruningCallback(trial, "validation_0-log_loss")])
        else:
            fit_params["callbacks"] = [integration.LightGBMPruningCallback(trial, "log_loss")]
        fitted = FocalBoostClassifier(inner, gamma=gamma).fit(X, y, eval_set=[(X, y)], **fit_params)
        reported[trial.number] = next(iter(fitted.evals_result_.values()))["log_loss"]
        return log_loss(y, fitted.predict_proba(X))

    class SecondIsPruned(optuna.pruners.BasePruner):
        def prune(self, study, trial):
            return trial.number == 1 and trial.last_step >= 2

    study = optuna.create_study(pruner=SecondIsPruned(), sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(objective, n_trials=3)
    states = [trial.state.name for trial in study.trials]
    assert states == ["COMPLETE", "PRUNED", "COMPLETE"]
    assert list(study.trials[0].intermediate_values.values()) == reported[0]
    assert study.best_value == pytest.approx(min(study.trials[0].value, study.trials[2].value))


def permutation(name, X, y):
    X = np.column_stack([X, np.zeros(len(y))])
    result = permutation_importance(
        model(name).fit(X, y), X, y, scoring="neg_log_loss", n_repeats=2, random_state=0
    )
    assert result.importances_mean[-1] == 0
    assert result.importances_mean.max() > 0.01


def dependence(name, X, y):
    result = partial_dependence(model(name).fit(X, y), X, [0], grid_resolution=5, response_method="predict_proba")
    assert result["average"].shape == (1, 5)
    assert np.ptp(result["average"]) > 0


def halving(name, X, y):
    search = HalvingGridSearchCV(
        model(name), {"gamma": [0.0, 1.0, 2.0]}, cv=2, min_resources=300, scoring="neg_log_loss", random_state=0
    ).fit(X, y)
    assert search.best_params_["gamma"] in (0.0, 1.0, 2.0)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def frames_through_a_pipeline(name, X, y):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=[f"column {i}" for i in range(X.shape[1])])
    pipeline = make_pipeline(StandardScaler(), model(name)).set_output(transform="pandas").fit(frame, y)
    assert_array_equal(pipeline[-1].feature_names_in_, frame.columns)
    assert_allclose(
        pipeline.predict_proba(frame), make_pipeline(StandardScaler(), model(name)).fit(X, y).predict_proba(X)
    )


def selection(name, X, y):
    selected = SelectFromModel(model(name), threshold="median").fit(X, y)
    assert selected.transform(X).shape[1] <= (X.shape[1] + 1) // 2


def restored_by(dump_and_load):
    def check(name, X, y):
        for data in (rare, four_classes):
            X, y = data()
            fitted = model(name, alpha="balanced").fit(X, y, eval_set=[(X, y)])
            restored = dump_and_load(fitted)
            assert_array_equal(restored.predict_proba(X), fitted.predict_proba(X))
            assert_array_equal(restored.estimator_.predict_proba(X), fitted.estimator_.predict_proba(X))
            assert restored.loss_ == fitted.loss_
            assert restored.evals_result_ == fitted.evals_result_

    return check


def by_joblib(fitted):
    file = io.BytesIO()
    joblib.dump(fitted, file)
    file.seek(0)
    return joblib.load(file)


def by_cloudpickle(fitted):
    cloudpickle = pytest.importorskip("cloudpickle")
    return cloudpickle.loads(cloudpickle.dumps(fitted))


TRUSTED = {
    "focal_boost.classifier.FocalBoostClassifier",
    "focal_boost.losses._binary.BinaryFocalLoss",
    "focal_boost.losses._multiclass.MulticlassFocalLoss",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "collections.OrderedDict",
}


def by_skops(fitted):
    skops = pytest.importorskip("skops.io")
    dumped = skops.dumps(fitted)
    assert set(skops.get_untrusted_types(data=dumped)) <= TRUSTED
    return skops.loads(dumped, trusted=sorted(TRUSTED))


def shap_values(name, X, y, model=model):
    shap = pytest.importorskip("shap")
    for data in (rare, four_classes):
        X, y = data()
        fitted = model(name).fit(X, y)
        explanation = shap.TreeExplainer(fitted.estimator_)(X[:100])
        total = explanation.values.sum(axis=1) + explanation.base_values
        assert_allclose(total, fitted.decision_function(X[:100]), atol=1e-4)


def shap_probabilities(name, X, y):
    shap = pytest.importorskip("shap")
    fitted = model(name, calibrated=False).fit(X, y)
    explanation = shap.TreeExplainer(fitted.estimator_, X[:50], model_output="probability")(X[:100])
    total = explanation.values.sum(axis=1) + explanation.base_values
    assert_allclose(total, fitted.predict_proba(X[:100])[:, 1], atol=1e-5)


def shap_posterior(name, X, y):
    shap = pytest.importorskip("shap")
    fitted = model(name).fit(X, y)
    explainer = shap.Explainer(lambda rows: fitted.predict_proba(rows)[:, 1], X[:20], seed=0)
    explanation = explainer(X[:5])
    total = explanation.values.sum(axis=1) + explanation.base_values
    assert_allclose(total, fitted.predict_proba(X[:5])[:, 1], atol=1e-6)


def onnx(name, X, y, model=model):
    onnxmltools = pytest.importorskip("onnxmltools")
    runtime = pytest.importorskip("onnxruntime")
    from onnxmltools.convert.common.data_types import FloatTensorType

    for data in (rare, four_classes):
        X, y = data()
        X = X.astype(np.float32)
        fitted = model(name, calibrated=False).fit(X, y)
        types = [("X", FloatTensorType([None, X.shape[1]]))]
        if name == "xgboost":
            converted = onnxmltools.convert_xgboost(fitted.estimator_, initial_types=types)
        else:
            converted = onnxmltools.convert_lightgbm(fitted.estimator_, initial_types=types, zipmap=False)
        options = runtime.SessionOptions()
        options.log_severity_level = 3
        session = runtime.InferenceSession(converted.SerializeToString(), options)
        labels, proba = session.run(None, {"X": X})
        assert_allclose(proba, fitted.predict_proba(X), atol=1e-5)
        assert_array_equal(labels, fitted.predict(X))


def treelite(name, X, y, model=model):
    treelite = pytest.importorskip("treelite")
    for data in (rare, four_classes):
        X, y = data()
        fitted = model(name, calibrated=False).fit(X, y)
        convert = getattr(treelite.frontend, f"from_{name}")
        proba = treelite.gtil.predict(convert(fitted.booster_), X.astype(np.float32))[:, 0]
        assert_allclose(proba, fitted.predict_proba(X.astype(np.float32))[:, -proba.shape[1] :], atol=1e-5)


INTEGRATIONS = {
    "CalibratedClassifierCV, sigmoid": calibrated("sigmoid"),
    "CalibratedClassifierCV, isotonic": calibrated("isotonic"),
    "CalibratedClassifierCV, temperature": temperature,
    "TunedThresholdClassifierCV": tuned_threshold,
    "FixedThresholdClassifier": fixed_threshold,
    "StackingClassifier": stacking,
    "VotingClassifier": voting,
    "BaggingClassifier": bagging,
    "OneVsRestClassifier": one_versus_rest,
    "HalvingGridSearchCV": halving,
    "SelectFromModel": selection,
    "permutation_importance": permutation,
    "partial_dependence": dependence,
    "set_output": frames_through_a_pipeline,
    "imbalanced-learn": sampler_pipeline,
    "Optuna": optuna_pruning,
    "joblib": restored_by(by_joblib),
    "cloudpickle": restored_by(by_cloudpickle),
    "skops": restored_by(by_skops),
    "SHAP": shap_values,
    "SHAP, probabilities": shap_probabilities,
    "SHAP, posterior": shap_posterior,
    "ONNX": onnx,
    "treelite": treelite,
}


@pytest.mark.parametrize("name", BOOSTERS)
@pytest.mark.parametrize("integration", INTEGRATIONS)
def test_works_with(integration, name):
    INTEGRATIONS[integration](name, *rare())


def test_the_documented_table_has_these_rows():
    page = Path(__file__).parents[1] / "docs" / "integrations.md"
    rows = [line.split("|")[1].strip() for line in page.read_text().splitlines() if line.startswith("| ")]
    assert rows[1:] == list(INTEGRATIONS)


# --- models trained on a Dask cluster -------------------------------------------------------------------------


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
        subprocess.run([sys.executable, "-c", ELSEWHERE, *expected], check=True)
        for path, plain in expected.items():
            proba = np.load(f"{path}.npy")
            assert_allclose(proba, plain if proba.ndim == 2 else plain[:, 1], atol=1e-6)


@pytest.mark.filterwarnings("ignore:Parameter n_jobs will be ignored:UserWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", BOOSTERS)
@pytest.mark.parametrize("check", [native_file, shap_values, onnx, treelite], ids=lambda check: check.__name__)
def test_the_local_model_of_a_dask_fit_can_be_exported(check, name, dask_model):
    check(name, *rare(), model=dask_model)


# --- vector-leaf trees of XGBoost -----------------------------------------------------------------------------


def vector_leaf_model():
    """Return a model with a leaf value per class, and its data."""
    X, y = four_classes()
    X = X.astype(np.float32)
    inner = booster("xgboost", ROUNDS, multi_strategy="multi_output_tree")
    return FocalBoostClassifier(inner, calibrated=False).fit(X, y), X, y


@since_3_4
def test_treelite_reads_vector_leaf_trees():
    treelite = pytest.importorskip("treelite")
    fitted, X, _y = vector_leaf_model()
    proba = treelite.gtil.predict(treelite.frontend.from_xgboost(fitted.booster_), X)[:, 0]
    assert_allclose(proba, fitted.predict_proba(X), atol=1e-5)


@since_3_4
@pytest.mark.filterwarnings("ignore:Parameter n_jobs will be ignored:UserWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_dask_trains_vector_leaf_trees(dask_model):
    fitted, X, y = vector_leaf_model()
    distributed = dask_model("xgboost", calibrated=False)
    distributed.model.estimator.set_params(multi_strategy="multi_output_tree")
    assert_allclose(distributed.fit(X, y).predict_proba(X), fitted.predict_proba(X), atol=1e-6)


@since_3_4
def test_tools_without_vector_leaf_support_are_documented():
    """If this fails, SHAP or onnxmltools supports them now: update docs/export.md and docs/limits.md."""
    shap, onnxmltools = pytest.importorskip("shap"), pytest.importorskip("onnxmltools")
    from onnxmltools.convert.common.data_types import FloatTensorType

    fitted, X, _y = vector_leaf_model()
    with pytest.raises(ValueError, match="vector-leaf is not yet supported"):
        shap.TreeExplainer(fitted.estimator_)
    with pytest.raises(TypeError, match="not 'list'"):
        onnxmltools.convert_xgboost(fitted.estimator_, initial_types=[("X", FloatTensorType([None, X.shape[1]]))])


# --- metadata routing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BOOSTERS)
def test_weights_are_routed_through_search_and_pipeline(name):
    X, y = rare()
    weight = weights(len(y))
    with config_context(enable_metadata_routing=True):
        routed = model(name).set_fit_request(sample_weight=True)
        scorer = get_scorer("neg_log_loss").set_score_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, routed)
        search = GridSearchCV(pipeline, {"focalboostclassifier__gamma": [1.0]}, scoring=scorer, cv=2)
        search.fit(X, y, sample_weight=weight)
    scaled = StandardScaler().fit_transform(X)
    expected = model(name, gamma=1.0).fit(scaled, y, sample_weight=weight)
    assert_array_equal(search.predict_proba(X), expected.predict_proba(scaled))
    assert (
        abs(model(name, gamma=1.0).fit(scaled, y).predict_proba(scaled) - expected.predict_proba(scaled)).max()
        > 1e-3
    )


@pytest.mark.parametrize("name", BOOSTERS)
def test_a_subclass_with_fewer_parameters(name):
    class Focused(FocalBoostClassifier):
        def __init__(self, gamma=1.0):
            super().__init__(booster(name, ROUNDS), gamma=gamma)

    X, y = rare()
    fitted = Focused(gamma=3.0).fit(X, y)
    assert fitted.loss_.gamma == 3.0
    assert_array_equal(fitted.predict_proba(X), model(name, gamma=3.0).fit(X, y).predict_proba(X))


@pytest.mark.parametrize("name", BOOSTERS)
def test_the_notebook_repr_shows_the_nested_estimator(name):
    html = model(name, gamma=3.0)._repr_html_()
    assert "FocalBoostClassifier" in html
    assert type(booster(name)).__name__ in html
    assert "gamma" in html
    assert f"estimator={type(booster(name)).__name__}" in repr(model(name)).replace("\n", "").replace(" ", "")
    X, y = rare()
    assert "FocalBoostClassifier" in model(name).fit(X, y)._repr_html_()
