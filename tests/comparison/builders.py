"""Fast plans, and tables with columns of every type, for the tests."""

import os
import sys

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer
from typer.testing import CliRunner

from focal_boost.comparison._data import from_arrays
from focal_boost.comparison._plan import make_plan
from focal_boost.comparison.command import app

BOOSTERS = ("xgboost", "lightgbm")
FAST = {"n_estimators": 5, "max_depth": 2, "n_jobs": 1, "early_stopping_rounds": 3}
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "COLUMNS": "80", "OMP_NUM_THREADS": "1"}
QUICK = ("--params", "params.json", "--folds", "3")
CHURN = ("data.csv.gz", "--target", "churn", "--gamma", "2", *QUICK)
HOSTILE = "<img src=x onerror=alert(1)>"


def small():
    """Features and labels for fast training: some rows and columns of the breast cancer data."""
    X, y = load_breast_cancer(return_X_y=True)
    return X[::3, :5], y[::3]


def quick_plan(X=None, y=None, **options):
    """A plan with few boosting rounds, by default for the small data."""
    if X is None:
        X, y = small()
    return make_plan(from_arrays(X, y), **{"gamma": (0, 2), "folds": 3, "params": FAST, **options})


def table(n=60, **columns):
    """A frame with a numeric, a string and the given columns, and a target with 25 % "yes"."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"x": random.normal(size=n), "colour": random.choice(["red", "blue"], n), **columns})
    return frame.assign(target=np.where(np.arange(n) % 4 == 0, "yes", "no"))


def saved(directory, frame, name="data.csv", **options):
    """Save the frame as a CSV file and return its path."""
    path = directory / name
    frame.to_csv(path, index=False, **options)
    return str(path)


def hostile_file(directory):
    """Save a CSV file with HTML, templates and code in column and class names; return its path."""
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
    return saved(directory, frame, "hostile.csv")


def run(*arguments, charset="utf-8"):
    """Run the command in this process and return its result."""
    return CliRunner(charset=charset).invoke(app, ["compare", *arguments])
