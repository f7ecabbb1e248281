"""Eval sets, early stopping, training output: the numbers reported are those of predict_proba."""

import re

import lightgbm
import numpy as np
import pytest
import xgboost
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score
from sklearn.model_selection import train_test_split

from focal_boost import FocalBoostClassifier, focal_loss

from ..cases import BOOSTERS, booster, four_classes, rare, weights

ROUNDS = 12
FIRST = {"xgboost": "validation_0", "lightgbm": "valid_0"}


def split(data):
    X, y = data()
    names = np.array(["d", "c", "b", "a"])[y]  # the names sort in the reverse order of the numbers
    return train_test_split(X, names, test_size=0.4, stratify=y, random_state=0)


def fit(name, data, eval_metric=None, n_estimators=ROUNDS, stop=None, model=None, inner=None, **fit_params):
    """Return a model fitted with one eval set, and the eval set; ``stop`` enables early stopping."""
    X, X_eval, y, y_eval = split(data)
    inner = dict(inner or {})
    if name == "xgboost":
        inner.update(eval_metric=eval_metric, early_stopping_rounds=stop)
    else:
        fit_params.update({} if eval_metric is None else {"eval_metric": eval_metric})
        fit_params.setdefault("callbacks", [] if stop is None else [lightgbm.early_stopping(stop, verbose=False)])
    classifier = FocalBoostClassifier(booster(name, n_estimators, **inner), **(model or {}))
    fit_params.setdefault("eval_set", [(X_eval, y_eval)])
    return classifier.fit(X, y, **fit_params), X_eval, y_eval


def proba_by_round(model, X):
    """Yield the probabilities after every round."""
    raw = "raw_score" if hasattr(model.estimator_, "booster_") else "output_margin"
    for rounds in range(1, model.booster_.num_boosted_rounds() + 1 if raw == "output_margin" else ROUNDS + 1):
        limit = {"iteration_range": (0, rounds)} if raw == "output_margin" else {"num_iteration": rounds}
        prediction = model.estimator_.predict(X, **{raw: True}, **limit)
        yield model.loss_.predict_proba(np.asarray(prediction, dtype=np.float64), model.calibrated)


@pytest.mark.parametrize("name", BOOSTERS)
@pytest.mark.parametrize("data", [rare, four_classes])
@pytest.mark.parametrize("calibrated", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_the_reported_value_is_the_log_loss_of_predict_proba_at_that_round(name, data, calibrated, weighted):
    n_eval = len(split(data)[3])
    weight = weights(n_eval) if weighted else None
    model, X, y = fit(
        name,
        data,
        model={"calibrated": calibrated, "alpha": "balanced"},
        eval_sample_weight=[weight] if weighted else None,
    )
    assert list(model.evals_result_) == [FIRST[name]]
    assert list(model.evals_result_[FIRST[name]]) == ["log_loss"]
    reported = model.evals_result_[FIRST[name]]["log_loss"]
    expected = [
        log_loss(y, proba, labels=model.classes_, sample_weight=weight) for proba in proba_by_round(model, X)
    ]
    assert len(reported) == ROUNDS
    assert_allclose(reported, expected, atol=1e-6)


@pytest.mark.parametrize("name", BOOSTERS)
@pytest.mark.parametrize("data", [rare, four_classes])
def test_early_stopping_stops_at_the_best_round_and_predicts_with_it(name, data):
    model, X, y = fit(name, data, n_estimators=400, stop=5, inner={"learning_rate": 0.5})
    reported = model.evals_result_[FIRST[name]]["log_loss"]
    best = int(np.argmin(reported))
    assert len(reported) < 400
    assert model.best_iteration_ == best + (name == "lightgbm")
    assert log_loss(y, model.predict_proba(X), labels=model.classes_) == pytest.approx(reported[best], abs=1e-6)
    plain = model.set_params(calibrated=False).predict_proba(X)
    assert_allclose(model.estimator_.predict_proba(X), plain, atol=1e-6)


@pytest.mark.parametrize("name", BOOSTERS)
def test_best_iteration_needs_early_stopping(name):
    model, _X, _y = fit(name, rare)
    assert not hasattr(model, "best_iteration_")
    with pytest.raises(AttributeError, match="available only after fitting with early stopping"):
        _ = model.best_iteration_


@pytest.mark.parametrize("name", BOOSTERS)
@pytest.mark.parametrize("data", [rare, four_classes])
def test_focal_loss_on_request(name, data):
    model, X, y = fit(name, data, eval_metric="focal_loss", model={"alpha": "balanced"})
    codes = np.searchsorted(model.classes_, y)
    expected = focal_loss(codes, model.decision_function(X), 2.0, model.loss_.alpha)
    assert list(model.evals_result_[FIRST[name]]) == ["focal_loss"]
    assert model.evals_result_[FIRST[name]]["focal_loss"][-1] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", BOOSTERS)
@pytest.mark.parametrize("gamma", [0, 2])
def test_several_custom_metrics_have_the_same_names_at_every_gamma(name, gamma):
    metric = {"xgboost": brier_xgboost, "lightgbm": brier_lightgbm}[name]
    model, X, y = fit(name, rare, eval_metric=["log_loss", metric, "focal_loss"], model={"gamma": gamma})
    reported = model.evals_result_[FIRST[name]]
    assert list(reported) == ["log_loss", "brier_xgboost" if name == "xgboost" else "brier", "focal_loss"]
    proba = model.predict_proba(X)
    assert reported["log_loss"][-1] == pytest.approx(log_loss(y, proba), abs=1e-6)
    assert (reported["focal_loss"][-1] == pytest.approx(reported["log_loss"][-1])) == (gamma == 0)


@pytest.mark.parametrize("name", BOOSTERS)
@pytest.mark.parametrize("data", [rare, four_classes])
def test_the_log_loss_of_badly_misclassified_rows_is_exact_at_gamma_zero(name, data):
    X, y = data()
    params = {"learning_rate": 50.0, "max_depth": 2}  # raw predictions whose sigmoid rounds to 0 and 1
    model = FocalBoostClassifier(booster(name, 2, **params), gamma=0)
    model.fit(X, y, eval_set=[(X, np.roll(y, 1))])
    raw = model.decision_function(X)
    assert abs(raw).max() > 40
    expected = -model.loss_.log_likelihood(np.roll(y, 1), raw).mean()
    assert model.evals_result_[FIRST[name]]["log_loss"][-1] == pytest.approx(expected, rel=1e-6)


def test_no_metric_on_request_of_lightgbm():
    model, _X, _y = fit("lightgbm", rare, eval_metric="none")
    assert model.evals_result_ == {}


@pytest.mark.parametrize("name", BOOSTERS)
@pytest.mark.parametrize("stop", [None, 3])
def test_rank_metrics_on_request(name, stop):
    precision = {"xgboost": "aucpr", "lightgbm": "average_precision"}[name]
    model, X, y = fit(name, rare, eval_metric=["log_loss", "auc", precision], stop=stop)
    reported = model.evals_result_[FIRST[name]]
    assert set(reported) == {"log_loss", "auc", precision}
    last = model.best_iteration_ - (name == "lightgbm") if stop else -1
    raw = model.decision_function(X)
    assert reported["log_loss"][last] == pytest.approx(log_loss(y, model.predict_proba(X)), abs=1e-6)
    assert reported["auc"][last] == pytest.approx(roc_auc_score(y, raw), abs=1e-6)
    # The boosters interpolate differently between tied rows.
    expected = average_precision_score(y, raw, pos_label=model.classes_[1])
    assert reported[precision][last] == pytest.approx(expected, abs=0.01)
    if stop and name == "xgboost":  # the last requested metric is watched
        assert model.best_iteration_ == np.argmax(reported[precision])


def brier_xgboost(y_true, y_pred):
    return float(np.mean((y_true - y_pred) ** 2))


def brier_lightgbm(y_true, y_pred):
    return "brier", float(np.mean((y_true - y_pred) ** 2)), False


@pytest.mark.parametrize("name", BOOSTERS)
def test_a_callable_metric_receives_probabilities(name):
    metric = {"xgboost": brier_xgboost, "lightgbm": brier_lightgbm}[name]
    model, X, y = fit(name, rare, eval_metric=metric)
    (reported,) = model.evals_result_[FIRST[name]].values()
    expected = np.mean(((y == model.classes_[1]) - model.predict_proba(X)[:, 1]) ** 2)
    assert reported[-1] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", BOOSTERS)
def test_several_eval_sets_with_and_without_weights(name):
    X, X_eval, y, y_eval = split(rare)
    weight = weights(len(y))
    model = FocalBoostClassifier(booster(name, ROUNDS)).fit(
        X, y, eval_set=[(X, y), (X_eval, y_eval)], eval_sample_weight=[weight, None]
    )
    first, second = (result["log_loss"][-1] for result in model.evals_result_.values())
    assert first == pytest.approx(log_loss(y, model.predict_proba(X), sample_weight=weight), abs=1e-6)
    assert second == pytest.approx(log_loss(y_eval, model.predict_proba(X_eval)), abs=1e-6)


@pytest.mark.parametrize("name", BOOSTERS)
@pytest.mark.parametrize("spelling", ["single", "tuples"])
def test_eval_X_and_eval_y_equal_eval_set(name, spelling):
    X, X_eval, y, y_eval = split(rare)
    new = (
        {"eval_X": X_eval, "eval_y": y_eval}
        if spelling == "single"
        else {"eval_X": (X_eval,), "eval_y": (y_eval,)}
    )
    model = FocalBoostClassifier(booster(name, 3))
    old = model.fit(X, y, eval_set=[(X_eval, y_eval)]).evals_result_
    assert model.fit(X, y, **new).evals_result_ == old
    assert model.fit(X, y, eval_set=(X_eval, y_eval)).evals_result_ == old
    with pytest.raises(ValueError, match="eval_X and eval_y must be passed together and without eval_set"):
        model.fit(X, y, eval_X=X_eval)


@pytest.mark.parametrize("name", BOOSTERS)
def test_training_is_the_same_with_and_without_eval_sets(name):
    X, _X_eval, y, _y_eval = split(rare)
    watched, X_eval, _y = fit(name, rare)
    alone = FocalBoostClassifier(booster(name, ROUNDS)).fit(X, y)
    assert_array_equal(watched.predict_proba(X_eval), alone.predict_proba(X_eval))
    assert alone.evals_result_ == {}


# --- output -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BOOSTERS)
def test_training_is_silent_by_default(name, capfd):
    X, X_eval, y, y_eval = split(rare)
    inner = xgboost.XGBClassifier(n_estimators=3) if name == "xgboost" else lightgbm.LGBMClassifier(n_estimators=3)
    model = FocalBoostClassifier(inner).fit(X, y, eval_set=[(X_eval, y_eval)])
    model.predict(X_eval)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", BOOSTERS)
def test_a_line_per_round_on_request(name, capfd):
    how = {"verbose": True} if name == "xgboost" else {"callbacks": [lightgbm.log_evaluation(1)]}
    model, _X, _y = fit(name, rare, n_estimators=3, **how)
    printed = [line for line in capfd.readouterr().out.splitlines() if FIRST[name] in line]
    reported = model.evals_result_[FIRST[name]]["log_loss"]
    assert len(printed) == 3
    for line, value in zip(printed, reported, strict=True):
        assert float(re.search(r"log_loss:\s*([\d.]+)", line).group(1)) == pytest.approx(value, rel=1e-4)


@pytest.mark.parametrize("name", BOOSTERS)
def test_callbacks_see_every_round(name):
    rounds = []
    if name == "xgboost":

        class Count(xgboost.callback.TrainingCallback):
            def after_iteration(self, model, epoch, evals_log):
                rounds.append(evals_log[FIRST[name]]["log_loss"][-1])
                return False

        model, _X, _y = fit(name, rare, inner={"callbacks": [Count()]})
        assert len(model.estimator_.callbacks) == 1
    else:
        model, _X, _y = fit(name, rare, callbacks=[lambda env: rounds.append(env.evaluation_result_list[0][2])])
    assert rounds == model.evals_result_[FIRST[name]]["log_loss"]


@pytest.mark.parametrize("name", BOOSTERS)
def test_learning_curves_by_the_boosters_own_plotting(name):
    pytest.importorskip("matplotlib").use("Agg")
    model, _X, _y = fit(name, rare)
    if name == "lightgbm":
        axes = lightgbm.plot_metric(model.estimator_, metric="log_loss")
        assert_allclose(axes.lines[0].get_ydata(), model.evals_result_["valid_0"]["log_loss"])
        assert len(lightgbm.plot_importance(model.estimator_).patches) > 0
    else:
        assert model.estimator_.evals_result() == model.evals_result_
        assert len(xgboost.plot_importance(model.estimator_).patches) > 0


@pytest.mark.parametrize("dtype", [np.int8, np.uint64, float, object])
def test_eval_labels_of_another_numeric_type_are_accepted(dtype):
    # Thirteen classes of more than one digit: as strings they would sort in another order.
    X = np.random.default_rng(0).normal(size=(260, 3))
    y = np.arange(260) % 13
    expected, actual = (
        FocalBoostClassifier(booster("lightgbm", 3)).fit(X, y, eval_set=[(X, labels)]).evals_result_
        for labels in (y, y.astype(dtype))
    )
    assert actual == expected


def test_eval_labels_beyond_float_precision_are_distinguished():
    X = np.random.default_rng(0).normal(size=(60, 3))
    y = 2**53 + np.arange(60) % 2
    model = FocalBoostClassifier(booster("lightgbm", 3))
    expected = model.fit(X, y, eval_set=[(X, y)]).evals_result_
    assert model.fit(X, y, eval_set=[(X, y.astype(np.uint64))]).evals_result_ == expected
    with pytest.raises(ValueError, match=f"must contain only classes of y, .*; got .*{2**53 + 2}"):
        model.fit(X, y, eval_set=[(X, y.astype(np.uint64) + np.uint64(1))])


def test_a_callback_of_xgboost_is_cloned_and_one_of_the_user_is_not():
    class Watch(xgboost.callback.TrainingCallback):
        def __init__(self):
            self.rounds = 0

        def after_iteration(self, model, epoch, evals_log):
            self.rounds += 1
            return False

    X, y = rare()
    stop, watch = xgboost.callback.EarlyStopping(rounds=2), Watch()
    model = FocalBoostClassifier(booster("xgboost", 60, learning_rate=1.0, callbacks=[stop, watch]))
    rounds = []
    for estimator in (model, model, clone(model)):
        estimator.fit(X[::2], y[::2], eval_set=[(X[1::2], y[1::2])])
        rounds.append(estimator.booster_.num_boosted_rounds())
    assert 2 < rounds[0] < 60
    assert rounds == [rounds[0]] * 3
    # In the last round stop may end the training before watch is called; XGBoost 3.1 calls them in any order.
    assert 2 * (rounds[0] - 1) <= watch.rounds <= 2 * rounds[0]
    assert not stop.stopping_history
    assert model.estimator_.callbacks == [stop, watch]


@pytest.mark.parametrize("name", BOOSTERS)
def test_the_number_of_rounds_is_counted_from_one_for_every_booster(name):
    model, _X, _y = fit(name, rare)
    assert model.n_iter_ == ROUNDS
    stopped, _X, _y = fit(name, rare, n_estimators=400, stop=5, inner={"learning_rate": 0.5})
    assert stopped.n_iter_ == np.argmin(stopped.evals_result_[FIRST[name]]["log_loss"]) + 1


def test_eval_metric_is_a_parameter_of_fit_for_xgboost_too():
    X, y = rare()
    at_fit = FocalBoostClassifier(booster("xgboost", 3)).fit(
        X, y, eval_set=[(X, y)], eval_metric=["auc", "log_loss"]
    )
    at_init = FocalBoostClassifier(booster("xgboost", 3, eval_metric=["auc", "log_loss"])).fit(
        X, y, eval_set=[(X, y)]
    )
    assert at_fit.evals_result_ == at_init.evals_result_
    assert set(at_fit.evals_result_["validation_0"]) == {"auc", "log_loss"}
