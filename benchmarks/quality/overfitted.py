"""The study of overfitted models: booster defaults without early stopping, and what cures them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from benchmarks.harness import Row
from benchmarks.quality import folds, sets
from benchmarks.quality.contenders import DEFAULTS, Contender, Data, Model, probabilities

GAMMAS = (1.0, 2.0)


def evaluate(table: sets.Table, booster: str) -> list[Row]:
    """Return rows of posterior and plain sigmoid of the same models, and of the posterior with early stopping."""
    base = Contender("log loss", booster)
    fits: dict[Contender, Any] = {}
    for gamma in (0.0, *GAMMAS):
        contender = Contender("focal_boost", booster, gamma) if gamma else base

        def fit(fold: sets.Fold, contender: Contender = contender) -> list[folds.Scores]:
            return _fit(contender, table, fold)

        names = ("", "early stopping", *(["plain sigmoid", "plain sigmoid, early stopping"] if gamma else []))
        found = folds.attempt(contender, fit, sets.folds(table))
        for i, name in enumerate(names):
            variant = Contender(contender.contender, booster, gamma, name)
            fits[variant] = found if isinstance(found, str) else [scores[i] for scores in found]
    return [
        {"set": table.name, **asdict(contender), **folds.summary(found, fits[base])}
        for contender, found in fits.items()
    ]


def _fit(contender: Contender, table: sets.Table, fold: sets.Fold) -> list[folds.Scores]:
    """Return the scores without and with early stopping and, for a focal loss, those of the plain sigmoid."""
    train = folds.TRAINERS[contender.contender]
    everything = Data(table.rows(np.concatenate([fold.train, fold.stop])), None, table.n_classes)
    part = Data(table.rows(fold.train), table.rows(fold.stop), table.n_classes)
    overfitted = train(contender, everything, DEFAULTS)
    stopped = train(contender, part, DEFAULTS)
    X, y = table.rows(fold.test)

    def scores(model: Model, proba: np.ndarray) -> folds.Scores:
        return {**folds.scores_of(y, proba), "rounds": model.rounds}

    found = [scores(model, model.proba(X)) for model in (overfitted, stopped)]
    if contender.gamma:
        found.append(scores(overfitted, probabilities(overfitted.raw(X))))
        sigmoid = train(
            Contender("focal_boost", contender.booster, contender.gamma, "plain sigmoid"), part, DEFAULTS
        )
        found.append(scores(sigmoid, sigmoid.proba(X)))
    return found
