import sys

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.metrics import average_precision_score

from focal_boost.comparison import InputError
from focal_boost.comparison._compare import run_plan
from focal_boost.comparison._contenders import CHOSEN, CLASS_WEIGHTS, CORRECTED, LOG_LOSS
from focal_boost.comparison._data import Labels, from_arrays
from focal_boost.comparison._files import from_file
from focal_boost.comparison._plan import make_plan

from .builders import BOOSTERS, FAST, hostile_file, quick_plan, saved, table


def run_script(comparison, monkeypatch, path):
    """Run the script; return its variables and the saved model."""
    monkeypatch.setattr(sys, "argv", ["best_model.py", str(path), "saved"])
    names = {}
    exec(comparison.script, names)
    return names, joblib.load("saved")


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A hostile file, and its comparison with both boosters."""
    path = hostile_file(tmp_path_factory.mktemp("data"))
    plan = make_plan(
        from_file(path, "target"), booster="both", gamma=(0, 2), alpha=(None, 0.25), folds=3, params=FAST
    )
    return path, run_plan(plan)


@pytest.mark.parametrize("booster", BOOSTERS)
@pytest.mark.parametrize(
    "best", [LOG_LOSS.name, CLASS_WEIGHTS.name, CORRECTED.name, "gamma 2, alpha 0.25", CHOSEN]
)
def test_the_script_saves_the_estimator_with_its_threshold(compared, monkeypatch, tmp_path, booster, best):
    monkeypatch.chdir(tmp_path)
    path, comparison = compared
    comparison.best = (booster, best)
    names, saved_model = run_script(comparison, monkeypatch, path)
    X, y, positive = names["X"], names["y"], comparison._plan.problem.positive
    model = comparison.estimator().fit(X, y)
    proba = model.predict_proba(X)
    assert list(model.classes_) == sorted({positive, "$name & 'more'"})
    np.testing.assert_array_equal(proba, saved_model.predict_proba(X))
    np.testing.assert_array_equal(proba, names["probabilities"])
    p = proba[:, list(model.classes_).index(positive)]
    np.testing.assert_array_equal(saved_model.predict(X) == positive, p >= names["threshold"])
    assert average_precision_score(y == positive, p) > 1.5 * (y == positive).mean()


def test_class_weights_shift_the_mean_probability_and_the_correction_restores_it(compared):
    path, comparison = compared
    frame = pd.read_csv(path)
    X, y = frame.drop(columns="target"), frame["target"]
    means = {}
    for name in (LOG_LOSS.name, CLASS_WEIGHTS.name, CORRECTED.name):
        comparison.best = ("xgboost", name)
        model = comparison.estimator().set_params(focalboostclassifier__estimator__n_estimators=50)
        positive = comparison._plan.problem.positive
        means[name] = model.fit(X, y).predict_proba(X)[:, list(model.classes_).index(positive)].mean()
    share = (y == positive).mean()
    assert means[CLASS_WEIGHTS.name] > 1.2 * share
    assert means[CORRECTED.name] == pytest.approx(share, rel=0.1)


@pytest.mark.parametrize("booster", BOOSTERS)
def test_a_level_that_is_not_in_the_training_rows_is_a_missing_value(booster):
    X = pd.DataFrame({"colour": ["red", "blue", None] * 20, "code": [1, 2, 3, 4] * 15})
    y = np.arange(60) % 3 == 0
    problem = from_arrays(X, y, categorical=["code"])
    model = run_plan(make_plan(problem, booster=booster, gamma=2, folds=3, params=FAST)).estimator().fit(X, y)
    new = pd.DataFrame({"colour": ["green", None, "red"], "code": [9, None, 1.0]})
    unseen, missing, known = model.predict_proba(new)
    np.testing.assert_array_equal(unseen, missing)
    # Each row on its own has no other categories, and perhaps no known one.
    for row, expected in enumerate((unseen, missing, known)):
        np.testing.assert_array_equal(model.predict_proba(new[row : row + 1])[0], expected)


def with_integer_names(path):
    frame = table(codes=[None, 1, 2, 3] * 15).set_axis([0, 1, 2, 3], axis=1)
    frame.to_parquet(path)
    return from_file(str(path), "3", categorical=["2"]), path


def many_string_classes(path):
    frame = table(kind=np.array(["a", "b c", "ü"])[np.arange(60) % 3])
    path = saved(path.parent, frame)
    return from_file(path, "kind"), path


def one_of_many(path):
    frame = table(kind=np.arange(60) % 3)
    path = saved(path.parent, frame, sep=";")
    return from_file(path, "kind", Labels(positive="2")), path


@pytest.mark.parametrize("booster", BOOSTERS)
@pytest.mark.parametrize("make", [with_integer_names, many_string_classes, one_of_many], ids=lambda f: f.__name__)
def test_the_script_reads_other_formats_and_keeps_their_labels(tmp_path, monkeypatch, booster, make):
    monkeypatch.chdir(tmp_path)
    problem, path = make(tmp_path / "data.parquet")
    comparison = run_plan(make_plan(problem, booster=booster, gamma=(0, 2), folds=3, params=FAST))
    names, model = run_script(comparison, monkeypatch, path)
    pd.testing.assert_index_equal(pd.Index(model.classes_), pd.Index(sorted(set(names["y"]))), check_names=False)
    assert names["X"].shape[1] >= 2


@pytest.mark.parametrize("booster", BOOSTERS)
def test_the_script_for_arrays_reads_a_joblib_file(tmp_path, monkeypatch, booster):
    monkeypatch.chdir(tmp_path)
    X, y = load_iris(return_X_y=True)
    labels = np.array(["a", "b", "c"])[y]
    joblib.dump((X, labels), "data")
    comparison = run_plan(quick_plan(X, labels, booster=booster))
    for best in (LOG_LOSS.name, "gamma 2"):
        comparison.best = (booster, best)
        _, model = run_script(comparison, monkeypatch, "data")
        assert (model.predict(X) == labels).mean() > 0.9


def test_the_estimator_fits_object_arrays():
    X = np.array([[i / 7, "abc"[i % 3], i % 5] for i in range(60)], dtype=object)
    y = np.arange(60) % 3 == 0
    comparison = run_plan(quick_plan(X, y))
    assert comparison.estimator().fit(X, y).score(X, y) > 0.9


def test_unknown_categorical_columns_are_rejected():
    from focal_boost import compare

    X = table()[["x"]]
    with pytest.raises(InputError, match="categorical 'y' is not a column: choose from 'x'"):
        compare(X, np.arange(60) % 2, categorical=["y"])
    with pytest.raises(InputError, match=r"categorical must be a sequence; got 'x': write .'x'.\."):
        compare(X, np.arange(60) % 2, categorical="x")
