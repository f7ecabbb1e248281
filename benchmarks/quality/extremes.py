"""The study of few positives: training rows subsampled to 20 positives or to 0.5 %.

The test rows are all others, with the positives weighted to the share among the training rows, so that the scores
estimate those on data of that share with far less noise than a test set of a few positives would.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, roc_curve
from sklearn.model_selection import train_test_split

from benchmarks.harness import Row
from benchmarks.quality import folds, sets
from benchmarks.quality.by_hand import VARIANTS
from benchmarks.quality.contenders import DEFAULTS, STANDARD, Contender, Data

N_DRAWS, N_ROWS = 5, 10_000
REGIMES = {"20 positives": 20, "0.5 %": 0.005}
PROTOCOLS = ("defaults", "early stopping")
TESTED = ("average_precision", "log_loss")
KEY = ("set", "booster", "regime", "protocol", "contender", "gamma", "variant")
COLUMNS = ("folds", *folds.columns_of(TESTED), "recall", "error")


@dataclass(frozen=True)
class Draw:
    """Row indices of one draw, with weights of the test rows."""

    train: np.ndarray
    test: np.ndarray
    weight: np.ndarray
    seed: int


def draws(table: sets.Table, positives: float) -> Iterator[Draw]:
    """Yield draws with a number of positives, or a share below 1, among 10,000 rows (or half of the negatives)."""
    negative, positive = (np.flatnonzero(table.y == c) for c in (0, 1))
    n = min(N_ROWS, len(negative) // 2)
    n_positive = int(positives if positives >= 1 else round(n * positives))
    for seed in range(N_DRAWS):
        rng = np.random.default_rng([sets.SEED, seed])
        negative, positive = rng.permutation(negative), rng.permutation(positive)
        train = np.concatenate([negative[: n - n_positive], positive[:n_positive]])
        test = np.concatenate([negative[n - n_positive :], positive[n_positive:]])
        share = n_positive / n
        weight = np.where(
            table.y[test] == 1, share / table.y[test].mean(), (1 - share) / (1 - table.y[test].mean())
        )
        yield Draw(np.sort(train), test, weight, seed)


def entrants(booster: str) -> list[Contender]:
    """Return the contenders, among them the variants that show the mechanism."""
    return [
        Contender("log loss", booster),
        *(Contender("focal_boost", booster, gamma) for gamma in (1.0, 2.0, 5.0)),
        Contender("focal_boost", booster, 0.0, "weighted"),
        Contender("focal_boost", booster, 2.0, "weighted"),
        *(Contender("by hand", booster, 1.0, name) for name in VARIANTS if name != "constant"),
    ]


def evaluate(table: sets.Table, booster: str) -> list[Row]:
    """Return a row per number of positives, protocol and contender: means over the draws."""
    rows = []
    for regime, positives in REGIMES.items():
        splits = list(draws(table, positives))
        for protocol in PROTOCOLS:

            def fit(draw: Draw, contender: Contender, protocol: str = protocol) -> folds.Scores:
                return _fit(contender, table, draw, protocol == "early stopping")

            fits: dict[Contender, Any] = {
                contender: folds.attempt(contender, lambda draw, c=contender, f=fit: f(draw, c), splits)
                for contender in entrants(booster)
            }
            base = fits[Contender("log loss", booster)]
            rows += [
                {"set": table.name, "regime": regime, "protocol": protocol, **asdict(contender)}
                | folds.summary(found, base, TESTED, test_share=0.0)
                for contender, found in fits.items()
            ]
    return rows


def _fit(contender: Contender, table: sets.Table, draw: Draw, early_stopping: bool) -> folds.Scores:
    data, params = Data(table.rows(draw.train), None, 2), DEFAULTS
    if early_stopping:
        train, stop = train_test_split(
            draw.train, test_size=0.2, stratify=table.y[draw.train], random_state=draw.seed
        )
        data, params = Data(table.rows(train), table.rows(stop), 2), STANDARD
    model = folds.TRAINERS[contender.contender](contender, data, params)
    X, y = table.rows(draw.test)
    p = model.proba(X)
    true = np.clip(p[np.arange(len(y)), y], np.finfo(np.float32).eps, 1)
    false_alarms, recall, _ = roc_curve(y, p[:, 1], drop_intermediate=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "average_precision": float(average_precision_score(y, p[:, 1], sample_weight=draw.weight)),
            "log_loss": float(np.average(-np.log(true), weights=draw.weight)),
            "recall": float(np.interp(0.01, false_alarms, recall)),
            "rounds": model.rounds,
        }
