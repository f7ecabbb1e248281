"""Packages beside scikit-learn: a table of those that the estimator works with, for each booster.

The same table is in docs/integrations.md. Packages that are not installed are skipped.
"""

import io
from pathlib import Path

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import log_loss, roc_auc_score

from focal_boost import FocalBoostClassifier

from ..boosters.test_vector_leaf import since_3_4
from ..cases import booster, four_classes, rare
from . import test_scikit_learn
from .cases import ROUNDS, TABLE, data_sets, model


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
        elif name == "catboost":
            fit_params["callbacks"] = [integration.CatBoostPruningCallback(trial, "log_loss")]
        else:
            fit_params["callbacks"] = [integration.LightGBMPruningCallback(trial, "log_loss")]
        fitted = FocalBoostClassifier(inner, gamma=gamma).fit(X, y, eval_set=[(X, y)], **fit_params)
        if name == "catboost":
            fit_params["callbacks"][0].check_pruned()
        reported[trial.number] = next(iter(fitted.evals_result_.values()))["log_loss"]
        return log_loss(y, fitted.predict_proba(X))

    class SecondIsPruned(optuna.pruners.BasePruner):
        def prune(self, study, trial):
            return trial.number == 1 and trial.last_step >= 2

    study = optuna.create_study(pruner=SecondIsPruned(), sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(objective, n_trials=3)
    states = [trial.state.name for trial in study.trials]
    assert states == ["COMPLETE", "PRUNED", "COMPLETE"]
    # CatBoost passes the last digit differently.
    assert list(study.trials[0].intermediate_values.values()) == pytest.approx(reported[0], rel=1e-14)
    assert study.best_value == pytest.approx(min(study.trials[0].value, study.trials[2].value))


def restored_by(dump_and_load):
    def check(name, X, y):
        for data in data_sets(name):
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
    "catboost.core.CatBoostClassifier",
    "collections.OrderedDict",
}


def by_skops(fitted):
    skops = pytest.importorskip("skops.io")
    dumped = skops.dumps(fitted)
    assert set(skops.get_untrusted_types(data=dumped)) <= TRUSTED
    return skops.loads(dumped, trusted=sorted(TRUSTED))


def shap_values(name, X, y, model=model):
    shap = pytest.importorskip("shap")
    for data in data_sets(name):
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

    for data in data_sets(name):
        X, y = data()
        X = X.astype(np.float32)
        fitted = model(name, calibrated=False).fit(X, y)
        types = [("X", FloatTensorType([None, X.shape[1]]))]
        if name == "catboost":
            converted = onnxmltools.convert_catboost(fitted.estimator_, name="model")
        elif name == "xgboost":
            converted = onnxmltools.convert_xgboost(fitted.estimator_, initial_types=types)
        else:
            converted = onnxmltools.convert_lightgbm(fitted.estimator_, initial_types=types, zipmap=False)
        options = runtime.SessionOptions()
        options.log_severity_level = 3
        session = runtime.InferenceSession(converted.SerializeToString(), options)
        labels, proba = session.run(None, {session.get_inputs()[0].name: X})
        if name == "catboost":
            proba = [[row[0], row[1]] for row in proba]
        assert_allclose(proba, fitted.predict_proba(X), atol=1e-5)
        assert_array_equal(labels, fitted.predict(X))


def treelite(name, X, y, model=model):
    treelite = pytest.importorskip("treelite")
    if name == "catboost":
        assert not hasattr(treelite.frontend, "from_catboost"), "treelite reads CatBoost now: update the table"
        pytest.skip("treelite does not read CatBoost models")
    for data in data_sets(name):
        X, y = data()
        fitted = model(name, calibrated=False).fit(X, y)
        convert = getattr(treelite.frontend, f"from_{name}")
        proba = treelite.gtil.predict(convert(fitted.booster_), X.astype(np.float32))[:, 0]
        assert_allclose(proba, fitted.predict_proba(X.astype(np.float32))[:, -proba.shape[1] :], atol=1e-5)


INTEGRATIONS = {
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


@pytest.mark.filterwarnings("ignore:CatBoostPruningCallback is experimental")
@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("integration", INTEGRATIONS)
def test_works_with(integration, name):
    INTEGRATIONS[integration](name, *rare())


def test_the_documented_table_has_these_rows():
    page = Path(__file__).parents[2] / "docs" / "integrations.md"
    rows = [line.split("|")[1].strip() for line in page.read_text().splitlines() if line.startswith("| ")]
    assert rows[1:] == [*test_scikit_learn.INTEGRATIONS, *INTEGRATIONS]


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
def test_tools_without_vector_leaf_support_are_documented():
    """If this fails, SHAP or onnxmltools supports them now: update docs/export.md and docs/limits.md."""
    shap, onnxmltools = pytest.importorskip("shap"), pytest.importorskip("onnxmltools")
    from onnxmltools.convert.common.data_types import FloatTensorType

    fitted, X, _y = vector_leaf_model()
    with pytest.raises(ValueError, match="vector-leaf is not yet supported"):
        shap.TreeExplainer(fitted.estimator_)
    with pytest.raises(TypeError, match="not 'list'"):
        onnxmltools.convert_xgboost(fitted.estimator_, initial_types=[("X", FloatTensorType([None, X.shape[1]]))])
