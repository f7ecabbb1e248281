import runpy

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.metrics import average_precision_score

from focal_boost.comparison._compare import run_plan
from focal_boost.comparison._contenders import CHOSEN, CLASS_WEIGHTS, LOG_LOSS
from focal_boost.comparison._files import from_file
from focal_boost.comparison._plan import make_plan

from .builders import BOOSTERS, FAST, hostile_file, quick_plan


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """The problem of a hostile file, and its comparison with both boosters."""
    problem = from_file(hostile_file(tmp_path_factory.mktemp("data")), "target", [], None)
    params = {"lightgbm": {**FAST, "verbosity": -1}, "xgboost": FAST}
    return problem, run_plan(make_plan(problem, BOOSTERS, (0, 2), (None, 0.25), 3, params, 0))


@pytest.mark.parametrize("booster", BOOSTERS)
@pytest.mark.parametrize("best", [LOG_LOSS.name, CLASS_WEIGHTS.name, "gamma 2, alpha 0.25", CHOSEN])
def test_the_script_runs_and_ends_in_the_recommended_model(tmp_path, compared, booster, best):
    problem, comparison = compared
    comparison.best = (booster, best)
    path = tmp_path.joinpath("best.py")
    path.write_text(comparison.script, encoding="utf-8")
    assert len(comparison.script.splitlines()) <= 15
    names = runpy.run_path(str(path))
    model, X, y = names["model"], names["X"], names["y"]
    pd.testing.assert_series_equal(pd.Series(y).astype(int), pd.Series(problem.y), check_names=False)
    np.testing.assert_array_equal(X.iloc[:, 0], problem.X.iloc[:, 0])
    assert X.shape == problem.X.shape
    proba = model.predict_proba(X)[:, 1]
    assert average_precision_score(y, proba) > 1.5 * y.mean()
    if best == "gamma 2, alpha 0.25":
        assert (model.gamma, model.alpha) == (2.0, 0.25)


@pytest.mark.parametrize("booster", BOOSTERS)
def test_the_script_of_many_classes_runs_on_the_arguments_of_compare(booster):
    X, y = load_iris(return_X_y=True)
    labels = np.array(["a", "b", "c"])[y]
    comparison = run_plan(quick_plan(X, labels, booster=booster))
    for best in (LOG_LOSS.name, "gamma 2"):
        comparison.best = (booster, best)
        names = {"X": X, "y": labels}
        exec(comparison.script, names)
        assert (names["model"].predict(X) == y).mean() > 0.9


def test_the_script_of_arrays_of_objects_runs():
    X = np.array([[i, "abc"[i % 3], i % 5] for i in range(60)], dtype=object)
    y = np.arange(60) % 3 == 0
    comparison = run_plan(quick_plan(X, y))
    names = {"X": X, "y": y}
    exec(comparison.script, names)
    assert names["model"].score(names["X"], names["y"]) > 0.9
