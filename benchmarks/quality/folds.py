"""A study by cross-validation: train contenders on every fold, score them, and summarise the scores.

A row of the results holds mean scores over the folds; for log loss and average precision also the mean difference
to the built-in log loss of the same booster and its standard error, corrected as in `focal_boost.compare`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeAlias

import numpy as np

from benchmarks.harness import Row
from benchmarks.quality import by_hand, contenders, peers, sets
from benchmarks.quality.contenders import STANDARD, VARIANT_PARAMS, Contender, Data, Model, Params
from focal_boost.comparison.scores import best_thresholds, corrected_error, score


def log_loss_model(contender: Contender, data: Data, params: Params) -> Model:
    """Train with the built-in log loss of the booster."""
    train = peers.catboost if contender.booster == "catboost" else contenders.log_loss_model
    return train(contender, data, params)


TRAINERS: dict[str, Callable[[Contender, Data, Params], Model]] = {
    "log loss": log_loss_model,
    "focal_boost": contenders.focal_boost,
    "by hand": by_hand.train,
    **peers.PEERS,
}
TESTED = ("log_loss", "average_precision")
KEY = ("set", "booster", "contender", "gamma", "variant")


def columns_of(tested: Iterable[str]) -> tuple[str, ...]:
    """Return the columns of scores with a paired difference."""
    return tuple(column for name in tested for column in (name, f"{name}_difference", f"{name}_error"))


COLUMNS = ("folds", *columns_of(TESTED), "ece", "rounds", "error")
SHORT = ("folds", *columns_of(["log_loss"]), "average_precision_difference", "ece", "error")

Scores: TypeAlias = dict[str, float]


def evaluate(
    table: sets.Table, entering: Sequence[Contender], once: Iterable[Contender] = (), choose: bool = False
) -> list[Row]:
    """Return a row per contender; those in ``once`` are trained in the first repetition only.

    With ``choose``, also one whose gamma is chosen by the log loss on the early-stopping rows.
    """
    folds = list(sets.folds(table, sets.repetitions(len(table.y))))
    fits: dict[Contender, list[Scores] | str] = {}
    for contender in entering:
        used = folds[: sets.N_FOLDS] if contender in once else folds
        fits[contender] = attempt(contender, lambda fold, c=contender: _fit(c, table, fold), used)
    if choose:
        own = [c for c in entering if c.contender in ("log loss", "focal_boost") and not c.variant]
        candidates = [found for found in map(fits.get, own) if isinstance(found, list)]
        best = [min(fold, key=lambda fit: fit["stop_log_loss"]) for fold in zip(*candidates, strict=True)]
        chosen = Contender("gamma chosen by log loss", entering[0].booster, np.nan)
        fits[chosen] = best or "ValueError: no gamma to choose from"
    base = fits[Contender("log loss", entering[0].booster)]
    return [{"set": table.name, **asdict(contender), **summary(found, base)} for contender, found in fits.items()]


def data_of(table: sets.Table, fold: sets.Fold) -> Data:
    """Return the rows to train on and to stop on."""
    return Data(table.rows(fold.train), table.rows(fold.stop), table.n_classes)


def attempt(contender: Contender, fit: Callable[[Any], Any], splits: Iterable[Any]) -> list[Any] | str:
    """Return the results of all splits, or the error of the first that failed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return [fit(split) for split in splits]
    except Exception as error:
        return f"{type(error).__name__}: {error}".splitlines()[0][:160]


def _fit(contender: Contender, table: sets.Table, fold: sets.Fold) -> Scores:
    params = {**STANDARD, **VARIANT_PARAMS.get(contender.variant, {})}
    model = TRAINERS[contender.contender](contender, data_of(table, fold), params)
    proba = model.proba(table.X.iloc[fold.test])
    proba_stop = model.proba(table.X.iloc[fold.stop])
    return {
        **scores_of(table.y[fold.test], proba),
        "stop_log_loss": scores_of(table.y[fold.stop], proba_stop)["log_loss"],
        "rounds": model.rounds,
    }


def scores_of(y: np.ndarray, proba: np.ndarray) -> Scores:
    """Return log loss, average precision, Brier score and ECE."""
    scores = score(y, proba, best_thresholds(y, proba))
    return {
        name.lower().replace(" ", "_"): scores[name] for name in ("log loss", "average precision", "Brier", "ECE")
    }


def summary(
    fits: list[Scores] | str,
    base: list[Scores] | str,
    tested: Sequence[str] = TESTED,
    test_share: float = 1 / (sets.N_FOLDS - 1),
) -> Mapping[str, Any]:
    """Return mean scores over the folds and, for those ``tested``, differences to ``base`` and their errors."""
    if isinstance(fits, str):
        return {"error": fits}
    row: dict[str, Any] = {"folds": len(fits)}
    row |= {measure: float(np.mean([fit[measure] for fit in fits])) for measure in fits[0]}
    if isinstance(base, str):
        return row
    for measure in tested:
        values = np.array([(fit[measure], start[measure]) for fit, start in zip(fits, base, strict=False)])
        differences = values[:, 0] - values[:, 1]
        row[f"{measure}_difference"] = float(differences.mean())
        row[f"{measure}_error"] = corrected_error(differences, test_share)
    return row
