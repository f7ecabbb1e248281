import os
import runpy
import signal
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedKFold

import focal_boost
from focal_boost import FocalBoostClassifier
from focal_boost._compare import InputError, _run, carry_out, make_plan
from focal_boost._compare._contenders import CHOSEN, CLASS_WEIGHTS, LOG_LOSS, focal
from focal_boost._compare._data import from_arrays, from_file

FAST = {"n_estimators": 8, "max_depth": 3, "n_jobs": 1, "early_stopping_rounds": 5}
# LightGBM needs rows: it makes no leaf of fewer than 20.
BOOSTERS = ("xgboost", "lightgbm")


ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def plan(X=None, y=None, booster="xgboost", gamma=(0, 2), alpha=None, folds=3, params=FAST, seed=0):
    if X is None:
        X, y = load_breast_cancer(return_X_y=True)
    params = {"lightgbm": {**FAST, "verbosity": -1}, "xgboost": FAST} if params is FAST else params
    return make_plan(from_arrays(X, y), booster, gamma, alpha, folds, params, seed)


def nothing(n):
    pass


@pytest.mark.parametrize("booster", BOOSTERS)
def test_the_built_in_contender_is_the_boosters_own_model(booster):
    problem = plan(booster=booster)
    outcome = _run.run(problem, None, nothing)
    fold = outcome.folds[0]
    fit, stop = _run.hold_out(
        problem.problem.y,
        np.setdiff1d(np.arange(len(problem.problem.y)), fold.test),
        np.random.default_rng([0, 0]),
    )
    X, y = problem.problem.X, problem.problem.y
    own = problem.boosters[0].train(LOG_LOSS, X.iloc[fit], y[fit], X.iloc[stop], y[stop])
    assert not isinstance(own.model, FocalBoostClassifier)
    proba = own.predict_proba(X.iloc[fold.test])
    np.testing.assert_array_equal(fold.proba[0], proba.astype(np.float32))
    ranking = average_precision_score(y[fold.test], proba[:, 1])
    assert fold.scores[0]["average precision"] == pytest.approx(ranking)


def test_the_test_rows_of_the_folds_are_scikit_learns_and_all_contenders_share_them():
    X, y = load_iris(return_X_y=True)
    outcome = _run.run(plan(X, y, seed=3), None, nothing)
    expected = [test for _, test in StratifiedKFold(3, shuffle=True, random_state=3).split(X, y)]
    for fold, test in zip(outcome.folds, expected, strict=True):
        np.testing.assert_array_equal(fold.test, test)
        assert fold.proba.shape == (4, len(test), 3)


@pytest.mark.parametrize("booster", BOOSTERS)
def test_focal_contenders_are_kept_before_and_after_calibration(booster):
    fold = _run.run(plan(booster=booster), None, nothing).folds[0]
    assert fold.contenders == [LOG_LOSS.name, CLASS_WEIGHTS.name, "gamma 2", CHOSEN]
    np.testing.assert_array_equal(fold.proba[:2], fold.uncalibrated[:2])
    assert np.abs(fold.proba[2] - fold.uncalibrated[2]).max() > 0.01


def test_the_chosen_contender_is_one_of_the_others_copied():
    for fold in _run.run(plan(), None, nothing).folds:
        i = fold.contenders.index(fold.chosen)
        assert fold.scores[-1] == fold.scores[i]
        assert fold.chosen in (LOG_LOSS.name, "gamma 2")


def test_nothing_of_the_test_rows_reaches_training_or_choice():
    X, y = load_breast_cancer(return_X_y=True)
    before = _run.run(plan(X, y), None, nothing).folds[0]
    X = X.copy()
    X[before.test] = np.random.default_rng(0).permutation(X[before.test])
    after = _run.run(plan(X, y), None, nothing).folds[0]
    assert before.n_rounds == after.n_rounds
    assert before.chosen == after.chosen


def test_one_gamma_leaves_nothing_to_choose():
    assert plan(gamma=2).n_fits == 3 * 3
    assert CHOSEN not in _run.run(plan(gamma=2), None, nothing).folds[0].contenders


def test_every_model_trained_moves_the_progress_on():
    moves = []
    of_all = plan(gamma=(0, 1, 2))
    _run.run(of_all, None, moves.append)
    assert sum(moves) == of_all.n_fits == 3 * (4 + 3 * 3)


def test_held_out_rows_leave_every_class_rows_to_fit():
    y = np.array([0] * 50 + [1] * 5 + [2] * 4 + [3] * 2)
    fit, stop = _run.hold_out(y, np.arange(len(y)), np.random.default_rng(0))
    assert sorted([*fit, *stop]) == list(range(len(y)))
    assert np.bincount(y[stop], minlength=4).tolist() == [10, 1, 0, 0]
    for fit, stop in _run.inner_folds(y, np.arange(len(y)), np.random.default_rng(0)):
        assert not set(fit) & set(stop)
        assert (np.bincount(y[fit], minlength=4) > 0).all()


def test_rare_classes_are_compared_without_a_warning():
    random = np.random.default_rng(0)
    X, y = random.normal(size=(120, 3)), np.array([0] * 80 + [1] * 34 + [2] * 3 + [3] * 3)
    comparison = carry_out(plan(X, y), None, nothing)
    assert comparison.summary.notna().all(axis=None)


def test_finished_folds_are_used_again_and_only_where_nothing_changed(tmp_path):
    first = _run.run(plan(), tmp_path, nothing)
    again = _run.run(plan(), tmp_path, nothing)
    assert (first.n_reused, again.n_reused) == (0, 3)
    for a, b in zip(first.folds, again.folds, strict=True):
        assert a.scores == b.scores
        np.testing.assert_array_equal(a.proba, b.proba)
    X, y = load_breast_cancer(return_X_y=True)
    X = X.copy()
    X[0, 0] += 1
    for changed in (plan(X, y), plan(gamma=(0, 1)), plan(seed=1), plan(params={**FAST, "max_depth": 2})):
        assert not any((tmp_path / changed.file_name(changed.boosters[0], i)).exists() for i in range(3))


def test_a_damaged_file_of_a_fold_is_trained_again(tmp_path):
    _run.run(plan(), tmp_path, nothing)
    files = sorted(tmp_path.iterdir())
    files[0].write_bytes(b"")
    files[1].write_bytes(files[1].read_bytes()[:-100])
    assert _run.run(plan(), tmp_path, nothing).n_reused == 1
    assert _run.run(plan(), tmp_path, nothing).n_reused == 3


def test_an_interrupt_keeps_the_finished_folds_and_says_so(tmp_path):
    moves = []

    def interrupt(n):
        moves.append(n)
        if len(moves) == 20:  # of 9 a fold
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="2 of 3 folds are finished"):
        comparison = carry_out(plan(), tmp_path, interrupt)
    assert comparison.interrupted
    assert comparison.scores["fold"].nunique() == 2
    assert "Interrupted: 2 of 3 folds" in (tmp_path / "report.html").read_text()
    assert carry_out(plan(), tmp_path, nothing).n_finished == 3


def test_control_c_waits_for_the_end_of_the_model_and_a_second_one_does_not():
    moves = []

    def press(n):
        moves.append(n)
        if len(moves) == 12:
            signal.raise_signal(signal.SIGINT)
            moves.append("went on")

    before = signal.getsignal(signal.SIGINT)
    outcome = _run.run(plan(), None, press)
    assert outcome.interrupted
    assert len(outcome.folds) == 1
    assert moves[-1] == "went on"
    assert signal.getsignal(signal.SIGINT) is before

    def press_twice(n):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError

    with pytest.raises(KeyboardInterrupt):
        _run.run(plan(), None, press_twice)


def test_an_interrupt_between_boosters_shows_what_there_is(tmp_path):
    moves = []

    def interrupt(n):
        moves.append(n)
        if len(moves) == 12:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="1 of 3 folds"):
        comparison = carry_out(plan(booster=BOOSTERS), tmp_path, interrupt)
    assert set(comparison.scores["booster"]) == {"xgboost"}


def test_an_interrupt_before_the_first_fold_goes_through():
    def interrupt(n):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _run.run(plan(), None, interrupt)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"booster": "catboost"}, "booster must be 'xgboost' or 'lightgbm'; got 'catboost'"),
        ({"gamma": ()}, "gamma must have at least one value"),
        ({"gamma": -1}, "gamma must be .*-1"),
        ({"gamma": [(0, 1)]}, "gamma must be a number or a sequence of numbers; got .0, 1."),
        ({"alpha": [(1, 2)]}, "alpha must be None, 'balanced' or a float"),
        ({"alpha": 1.5}, "alpha must be .*1.5"),
        ({"alpha": "heavy"}, "alpha must be None, 'balanced' or a float .*'heavy'"),
        ({"folds": 2}, "folds must be 3 or more"),
        ({"folds": 213}, "class '0' has 212 rows, fewer than 213 folds"),
        ({"seed": -1}, "seed must be 0 or more"),
        ({"params": {"scale_pos_weight": 3}}, "params for xgboost: .*scale_pos_weight"),
        ({"params": {"early_stopping_rounds": 0}}, "early_stopping_rounds must be a positive integer"),
    ],
)
def test_wrong_arguments_are_refused_before_training(arguments, message):
    with pytest.raises(InputError, match=message):
        plan(**arguments)


def test_a_parameter_that_the_booster_refuses_is_told_in_one_line():
    with pytest.raises(InputError, match=r"XGBoost could not train 'log loss .gamma 0.': .*max_depth") as error:
        _run.run(plan(params={"max_depth": "deep"}), None, nothing)
    assert "\n" not in str(error.value)


HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def hostile(tmp_path):
    """A CSV file whose columns and classes are made to do harm."""
    random = np.random.default_rng(0)
    n = 240
    frame = pd.DataFrame(
        {
            "__class__": random.normal(size=n),
            "a[b]<c": random.choice(["x", "y'\"", "{{z}}", "$title"], n),
            "'); import os; os._exit(9) #": random.normal(size=n),
            HOSTILE: np.char.add(random.permutation(10 * n)[:n].astype(str), "id"),
        }
    )
    frame["target"] = np.where(frame["__class__"] + random.normal(size=n) > 1, HOSTILE, "$name & 'more'")
    frame.to_csv(tmp_path / "hostile.csv", index=False)
    return tmp_path / "hostile.csv"


@pytest.mark.parametrize("booster", BOOSTERS)
@pytest.mark.parametrize("best", [LOG_LOSS.name, CLASS_WEIGHTS.name, "gamma 2, alpha 0.25", CHOSEN])
def test_the_script_runs_and_ends_in_the_recommended_model(hostile, booster, best):
    params = {"lightgbm": {**FAST, "verbosity": -1}, "xgboost": FAST}
    of_file = make_plan(from_file(str(hostile), "target", [], None), booster, (0, 2), (None, 0.25), 3, params, 0)
    comparison = carry_out(of_file, None, nothing)
    comparison.best = (booster, best)
    path = hostile.with_name("best.py")
    path.write_text(comparison.script, encoding="utf-8")
    assert len(comparison.script.splitlines()) <= 15
    names = runpy.run_path(str(path))
    model, X, y = names["model"], names["X"], names["y"]
    pd.testing.assert_series_equal(pd.Series(y).astype(int), pd.Series(of_file.problem.y), check_names=False)
    np.testing.assert_array_equal(X.iloc[:, 0], of_file.problem.X.iloc[:, 0])
    assert X.shape == of_file.problem.X.shape
    proba = model.predict_proba(X)[:, 1]
    assert average_precision_score(y, proba) > 1.5 * y.mean()
    if best == "gamma 2, alpha 0.25":
        assert (model.gamma, model.alpha) == (2.0, 0.25)


@pytest.mark.parametrize("booster", BOOSTERS)
def test_the_script_of_many_classes_runs_on_what_compare_was_given(booster):
    X, y = load_iris(return_X_y=True)
    labels = np.array(["a", "b", "c"])[y]
    comparison = carry_out(plan(X, labels, booster=booster), None, nothing)
    for best in (LOG_LOSS.name, "gamma 2"):
        comparison.best = (booster, best)
        names = {"X": X, "y": labels}
        exec(comparison.script, names)
        assert (names["model"].predict(X) == y).mean() > 0.9


def test_the_script_of_arrays_of_objects_runs():
    X = np.array([[i, "abc"[i % 3], i % 5] for i in range(60)], dtype=object)
    y = np.arange(60) % 3 == 0
    comparison = carry_out(plan(X, y), None, nothing)
    names = {"X": X, "y": y}
    exec(comparison.script, names)
    assert names["model"].score(names["X"], names["y"]) > 0.9


def test_what_the_user_named_is_text_in_the_report(hostile, tmp_path):
    comparison = carry_out(
        make_plan(from_file(str(hostile), "target", [], None), "xgboost", (0, 2), None, 3, FAST, 0),
        tmp_path,
        nothing,
    )
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert HOSTILE not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert HOSTILE not in comparison._repr_html_()


def test_the_directory_holds_everything(tmp_path):
    comparison = carry_out(plan(booster=BOOSTERS, alpha=(None, "balanced")), tmp_path, nothing)
    names = {
        "results.json",
        "scores.csv",
        "differences.csv",
        "picture.png",
        "report.html",
        "best_model.py",
        "folds",
    }
    assert {path.name for path in tmp_path.iterdir()} == names
    read = pd.read_csv(tmp_path / "scores.csv")
    pd.testing.assert_frame_equal(read, comparison.scores)
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    assert len(comparison.plot().axes) == 6


def test_the_function_returns_frames_a_figure_and_html():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    comparison = focal_boost.compare(X, y, gamma=2, folds=3, params=FAST)
    assert list(comparison.summary.loc["xgboost"].index) == [
        LOG_LOSS.name,
        CLASS_WEIGHTS.name,
        focal(2, None).name,
    ]
    mean = comparison.scores.query("contender == 'gamma 2'")["log loss"].mean()
    assert comparison.summary.loc[("xgboost", "gamma 2"), ("log loss", "mean")] == pytest.approx(mean)
    assert "<table>" in comparison._repr_html_()
    assert comparison.verdict in repr(comparison)
    assert len(comparison.plot().axes) == 3
    assert comparison.plot()._repr_png_().startswith(b"\x89PNG")


def test_polars_frames_are_taken():
    polars = pytest.importorskip("polars")
    X, y = load_breast_cancer(return_X_y=True)
    frame = polars.DataFrame(X).with_columns(polars.Series("kind", ["a", "b"] * 284 + ["a"]))
    comparison = focal_boost.compare(frame, y, gamma=2, folds=3, params=FAST)
    assert comparison.notes == ["Taken as categories: 'kind'."]


def test_what_training_warns_of_is_told_once():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        comparison = carry_out(plan(gamma=(0, 200)), None, nothing)
    assert sum("No split was made" in note for note in comparison.notes) == 1


def test_the_package_needs_nothing_of_the_comparison_and_the_comparison_says_what_it_needs():
    code = """
import sys
for name in ("pandas", "rich", "typer", "matplotlib", "pyarrow"):
    sys.modules[name] = None
import focal_boost
try:
    focal_boost.compare
except ImportError as error:
    print(error)
from focal_boost._cli import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=ENVIRONMENT
    )
    assert done.stdout.strip() == "compare needs pandas: pip install 'focal-boost[all]'."
    assert done.stderr.strip() == "focal-boost needs pandas: pip install 'focal-boost[all]'"
    assert done.returncode == 1


def test_an_unknown_name_of_the_package_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'comparison'"):
        focal_boost.comparison  # noqa: B018
