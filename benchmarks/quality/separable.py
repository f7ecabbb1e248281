"""The study of where focusing costs: the rows' log losses by how well the built-in model predicts them."""

from __future__ import annotations

import warnings
from itertools import pairwise

import numpy as np

from benchmarks.harness import Row
from benchmarks.quality import folds, sets
from benchmarks.quality.contenders import STANDARD, Contender
from focal_boost.comparison.scores import log_loss

GAMMA = 2.0
EDGES = (0, 1e-3, 1e-2, 0.05, 0.2, 0.7, np.inf)  # of the built-in model's log loss of a row, in nats
KEY = ("set", "booster", "built_in_loss_from")
COLUMNS = ("rows", "built_in", "focal")


def evaluate(table: sets.Table, booster: str) -> list[Row]:
    """Return a row per interval of the built-in model's loss: share of the rows, and both models' sums of losses.

    Both sums are per row of the set, so that they add up to the log losses.
    """
    losses: list[tuple[np.ndarray, ...]] = []
    for fold in sets.folds(table):
        X, y = table.rows(fold.test)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            models = [
                folds.TRAINERS[name](Contender(name, booster, gamma), folds.data_of(table, fold), STANDARD)
                for name, gamma in (("log loss", 0.0), ("focal_boost", GAMMA))
            ]
        losses.append(tuple(_losses(y, model.proba(X)) for model in models))
    built_in, focal = (np.concatenate(parts) for parts in zip(*losses, strict=True))
    rows = []
    for low, high in pairwise(EDGES):
        inside = (built_in >= low) & (built_in < high)
        sums = {"built_in": built_in, "focal": focal}
        rows.append(
            {"set": table.name, "booster": booster, "built_in_loss_from": float(low), "rows": float(inside.mean())}
            | {name: float(values[inside].sum() / len(values)) for name, values in sums.items()}
        )
    return rows


def _losses(y: np.ndarray, proba: np.ndarray) -> np.ndarray:
    return np.array([log_loss(y[i : i + 1], proba[i : i + 1]) for i in range(len(y))])
