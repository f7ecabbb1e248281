"""The study of calibration: the closed form against Platt scaling and isotonic regression on held-out rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from benchmarks.harness import Row
from benchmarks.quality import folds, sets
from benchmarks.quality.contenders import STANDARD, Contender, Data, probabilities

TESTED = ("log_loss", "brier", "ece")
COLUMNS = ("folds", *folds.columns_of(TESTED[:1]), "brier", "brier_difference", "ece", "error")
SIZES = (50, 200, 1000, 5000)
POOL = 1 / 3  # share of the training rows held out for calibration

Calibrator = Callable[[np.ndarray], np.ndarray]


def evaluate(table: sets.Table, booster: str) -> list[Row]:
    """Return a row per loss and calibration, compared with the built-in loss trained on all rows."""
    fits: dict[Contender, Any] = {}
    for contender in (Contender("log loss", booster), Contender("focal_boost", booster, 2.0)):
        found = folds.attempt(contender, lambda fold, c=contender: _fit(c, table, fold), sets.folds(table))
        if isinstance(found, str):
            fits[contender] = found
            continue
        for name in found[0]:
            variant = Contender(contender.contender, booster, contender.gamma, name)
            fits[variant] = [scores[name] for scores in found]
    base = fits[Contender("log loss", booster, 0.0, "closed form, all rows")]
    return [
        {"set": table.name, **asdict(contender), **folds.summary(found, base, TESTED)}
        for contender, found in fits.items()
    ]


def _fit(contender: Contender, table: sets.Table, fold: sets.Fold) -> dict[str, folds.Scores]:
    """Return {calibration: scores}; the closed form of the built-in loss is its own sigmoid."""
    train = folds.TRAINERS[contender.contender]
    rest, pool = train_test_split(fold.train, test_size=POOL, stratify=table.y[fold.train], random_state=sets.SEED)
    stop = table.rows(fold.stop)
    all_rows = train(contender, Data(table.rows(fold.train), stop, 2), STANDARD)
    model = train(contender, Data(table.rows(rest), stop, 2), STANDARD)
    X, y = table.rows(fold.test)
    raw = model.raw(X)
    found = {
        "closed form, all rows": all_rows.proba(X),
        "closed form": model.proba(X),
    }
    if contender.gamma:
        found["plain sigmoid, all rows"] = probabilities(all_rows.raw(X))
    for name, calibrate in (("Platt", _platt), ("isotonic", _isotonic)):
        # Early stopping has used these rows already, but they cost no others.
        rows = table.rows(fold.stop)
        found[f"{name}, early-stopping rows"] = calibrate(all_rows.raw(rows[0]), rows[1])(all_rows.raw(X))
        for size in SIZES:
            if size <= len(pool):
                rows = table.rows(_sample(pool, table.y[pool], size))
                found[f"{name}, {size} rows"] = calibrate(model.raw(rows[0]), rows[1])(raw)
    return {name: folds.scores_of(y, proba) for name, proba in found.items()}


def _sample(rows: np.ndarray, y: np.ndarray, size: int) -> np.ndarray:
    """Return ``size`` of the rows, with at least one of each class."""
    if size == len(rows):
        return rows
    sample, _ = train_test_split(np.arange(len(rows)), train_size=size, stratify=y, random_state=sets.SEED)
    if y[sample].max() == 0:
        sample[0] = np.flatnonzero(y)[0]
    return rows[sample]


def _platt(raw: np.ndarray, y: np.ndarray) -> Calibrator:
    model = LogisticRegression(C=np.inf).fit(raw[:, None], y)
    return lambda raw: model.predict_proba(raw[:, None])


def _isotonic(raw: np.ndarray, y: np.ndarray) -> Calibrator:
    model = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(raw, y)

    def proba(raw: np.ndarray) -> np.ndarray:
        p = model.predict(raw)
        return np.column_stack([1 - p, p])

    return proba
