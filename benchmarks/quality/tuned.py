"""The study of small tuning: ten random settings, the same for every gamma, chosen on the early-stopping rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from itertools import chain
from typing import Any

import numpy as np

from benchmarks.harness import Row
from benchmarks.quality import folds, sets
from benchmarks.quality.contenders import STANDARD, Contender

GAMMAS = (0.0, 1.0, 2.0)
N_SETTINGS = 10


def settings(booster: str) -> Iterator[dict[str, Any]]:
    """Yield the random settings of a booster."""
    rng = np.random.default_rng(sets.SEED)
    for _ in range(N_SETTINGS):
        rate, l2, weight = 10 ** rng.uniform([-1.7, -1, -1], [-0.5, 1.3, 1.3])
        depth = int(rng.integers(3, 9))
        yield {
            **STANDARD,
            "learning_rate": float(rate),
            "reg_lambda": float(l2),
            "min_child_weight": float(weight),
            **({"max_depth": depth} if booster == "xgboost" else {"num_leaves": 2 ** (depth - 1)}),
        }


def evaluate(table: sets.Table, booster: str) -> list[Row]:
    """Return a row per gamma with its best setting, and one with gamma among the tuned."""
    splits = list(sets.folds(table))
    fits: dict[float, Any] = {}
    for gamma in GAMMAS:
        contender = Contender("focal_boost" if gamma else "log loss", booster, gamma)

        def tried(fold: sets.Fold, contender: Contender = contender) -> list[folds.Scores]:
            return [_fit(contender, table, fold, params) for params in settings(booster)]

        fits[gamma] = folds.attempt(contender, tried, splits)
    found = [tries for tries in fits.values() if isinstance(tries, list)]
    fits[np.nan] = [list(chain.from_iterable(tries)) for tries in zip(*found, strict=True)]
    best = {gamma: found if isinstance(found, str) else _best(found) for gamma, found in fits.items()}
    names = {0.0: "log loss", **dict.fromkeys(GAMMAS[1:], "focal_boost")}
    return [
        {
            "set": table.name,
            **asdict(Contender(names.get(gamma, "gamma tuned"), booster, gamma)),
            **folds.summary(found, best[0.0]),
        }
        for gamma, found in best.items()
    ]


def _best(found: list[list[folds.Scores]]) -> list[folds.Scores]:
    return [min(tries, key=lambda fit: fit["stop_log_loss"]) for tries in found]


def _fit(contender: Contender, table: sets.Table, fold: sets.Fold, params: dict[str, Any]) -> folds.Scores:
    model = folds.TRAINERS[contender.contender](contender, folds.data_of(table, fold), params)
    scores, stop_scores = (
        folds.scores_of(table.y[rows], model.proba(table.X.iloc[rows])) for rows in (fold.test, fold.stop)
    )
    return {**scores, "stop_log_loss": stop_scores["log_loss"], "rounds": model.rounds}
