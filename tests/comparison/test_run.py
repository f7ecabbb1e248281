import signal
import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedKFold

from focal_boost import FocalBoostClassifier
from focal_boost.comparison import InputError
from focal_boost.comparison._compare import run_plan
from focal_boost.comparison._contenders import CHOSEN, CLASS_WEIGHTS, CORRECTED, LOG_LOSS, Contender, n_rounds
from focal_boost.comparison._plan import hold_out
from focal_boost.comparison._run import run

from .builders import BOOSTERS, quick_plan, small


def nothing(n):
    pass


@pytest.fixture(scope="module")
def folds_of():
    """The folds of the quick plan of each booster."""
    return {booster: run(quick_plan(booster=booster), None, nothing) for booster in BOOSTERS}


@pytest.mark.parametrize("booster", BOOSTERS)
def test_the_log_loss_contender_is_the_boosters_own_model(booster, folds_of):
    plan = quick_plan(booster=booster)
    X, y = plan.problem.X, plan.problem.y
    fold = folds_of[booster][0]
    train = np.setdiff1d(np.arange(len(y)), fold.test)
    fit, stop = hold_out(y, train, np.random.default_rng([0, 0]))
    model = plan.boosters[0].train(LOG_LOSS, X.iloc[fit], y[fit], X.iloc[stop], y[stop])
    assert not isinstance(model, FocalBoostClassifier)
    proba = model.predict_proba(X.iloc[fold.test])
    np.testing.assert_array_equal(fold.proba[0], proba.astype(np.float32))
    ranking = average_precision_score(y[fold.test], proba[:, 1])
    assert fold.rows[0]["average precision"] == pytest.approx(ranking)


@pytest.mark.parametrize("booster", BOOSTERS)
@pytest.mark.parametrize("contender", [LOG_LOSS, CLASS_WEIGHTS, Contender("gamma 2", 2.0)], ids=lambda c: c.name)
def test_rounds_are_counted_from_one_up_to_the_smallest_log_loss(booster, contender):
    X, y = load_breast_cancer(return_X_y=True)
    fast = replace(quick_plan(booster=booster).boosters[0], params={"learning_rate": 0.7, "n_jobs": 1})
    model = fast.train(contender, X[200:], y[200:], X[:200], y[:200])
    evals = model.evals_result_ if hasattr(model, "evals_result_") else model.evals_result()
    losses = next(value for metrics in evals.values() for name, value in metrics.items() if "log" in name)
    assert n_rounds(model) == np.argmin(losses) + 1 < len(losses)


def test_all_contenders_share_the_test_rows_of_stratified_k_fold():
    X, y = load_iris(return_X_y=True)
    folds = run(quick_plan(X, y, seed=3), None, nothing)
    expected = [test for _, test in StratifiedKFold(3, shuffle=True, random_state=3).split(X, y)]
    for fold, test in zip(folds, expected, strict=True):
        np.testing.assert_array_equal(fold.test, test)
        assert fold.proba.shape == (5, len(test), 3)


@pytest.mark.parametrize("booster", BOOSTERS)
def test_predictions_are_stored_before_and_after_calibration(booster, folds_of):
    fold = folds_of[booster][0]
    assert fold.contenders == [LOG_LOSS.name, CLASS_WEIGHTS.name, CORRECTED.name, "gamma 2", CHOSEN]
    np.testing.assert_array_equal(fold.proba[:2], fold.uncalibrated[:2])
    assert np.abs(fold.proba[3] - fold.uncalibrated[3]).max() > 0.01


def test_the_chosen_contender_has_the_results_of_a_candidate(folds_of):
    for fold in folds_of["xgboost"]:
        i = fold.contenders.index(fold.chosen)
        assert fold.rows[-1] == {**fold.rows[i], "contender": CHOSEN, "seconds": fold.rows[-1]["seconds"]}
        assert fold.rows[-1]["seconds"] > fold.rows[i]["seconds"]
        np.testing.assert_array_equal(fold.proba[-1], fold.proba[i])
        assert fold.chosen in (LOG_LOSS.name, "gamma 2")


def test_training_and_choice_do_not_depend_on_the_test_rows(folds_of):
    X, y = small()
    before = folds_of["xgboost"][0]
    X = X.copy()
    X[before.test] = np.random.default_rng(0).permutation(X[before.test])
    after = run(quick_plan(X, y), None, nothing)[0]
    assert [row["n_rounds"] for row in before.rows] == [row["n_rounds"] for row in after.rows]
    assert before.chosen == after.chosen


def test_with_one_candidate_there_is_no_inner_cross_validation():
    assert quick_plan(gamma=2).n_fits == 3 * 4
    assert CHOSEN not in run(quick_plan(gamma=2), None, nothing)[0].contenders


def test_every_model_advances_the_progress():
    moves = []
    plan = quick_plan(gamma=(0, 1, 2))
    run(plan, None, moves.append)
    assert sum(moves) == plan.n_fits == 3 * (5 + 3 * 3)


def test_rare_classes_are_compared_without_a_warning():
    random = np.random.default_rng(0)
    X, y = random.normal(size=(120, 3)), np.array([0] * 80 + [1] * 34 + [2] * 3 + [3] * 3)
    comparison = run_plan(quick_plan(X, y))
    assert comparison.summary.notna().all(axis=None)


def test_a_warning_during_training_is_noted_once():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        comparison = run_plan(quick_plan(gamma=(0, 200)))
    assert sum("No split was made" in note for note in comparison.notes) == 1


def test_an_error_of_the_booster_is_raised_in_one_line():
    plan = quick_plan()
    wrong = replace(plan.boosters[0], params={"max_depth": "deep"})
    with pytest.raises(InputError, match=r"XGBoost could not train 'log loss .gamma 0.': .*max_depth") as error:
        run(replace(plan, boosters=(wrong,)), None, nothing)
    assert "\n" not in str(error.value)


def test_control_c_waits_for_the_model_in_training_but_a_second_one_does_not():
    moves = []

    def press(n):
        moves.append(n)
        if len(moves) == 13:
            signal.raise_signal(signal.SIGINT)
            moves.append("continued")

    before = signal.getsignal(signal.SIGINT)
    folds = run(quick_plan(), None, press)
    assert len(folds) == 1
    assert moves[-1] == "continued"
    assert signal.getsignal(signal.SIGINT) is before

    def press_twice(n):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError

    with pytest.raises(KeyboardInterrupt):
        run(quick_plan(), None, press_twice)


def test_an_interrupt_between_boosters_returns_the_finished_one(tmp_path, no_figures):
    moves = []

    def interrupt(n):
        moves.append(n)
        if len(moves) == 13:
            raise KeyboardInterrupt

    comparison = run_plan(quick_plan(booster=BOOSTERS), tmp_path, interrupt)
    assert "1 of 3 folds" in comparison.interruption
    assert set(comparison.scores["booster"]) == {"xgboost"}


def test_an_interrupt_before_the_first_fold_is_raised():
    def interrupt(n):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(quick_plan(), None, interrupt)


def same_scores(folds, others):
    def without_time(fold):
        return [{name: value for name, value in row.items() if name != "seconds"} for row in fold.rows]

    return [without_time(fold) for fold in folds] == [without_time(fold) for fold in others]


def test_two_jobs_give_the_same_scores_as_one(folds_of):
    folds = run(quick_plan(jobs=2), None, nothing)
    assert same_scores(folds, folds_of["xgboost"])


def test_repeats_add_folds_without_changing_the_first(folds_of):
    folds = run(quick_plan(repeats=2), None, nothing)
    assert [fold.index for fold in folds] == [0, 1, 2, 3, 4, 5]
    assert same_scores(folds[:3], folds_of["xgboost"])
    second = np.concatenate([fold.test for fold in folds[3:]])
    assert sorted(second) == list(range(len(second)))
    assert not np.array_equal(folds[3].test, folds[0].test)
