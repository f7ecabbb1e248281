"""Train and score the contenders on every fold; one problem is a data set with one booster."""

from __future__ import annotations

import os
import re
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import typer

from benchmarks import harness
from benchmarks.quality import contenders, peers, sets
from benchmarks.quality.contenders import BOOSTERS, Contender, label
from benchmarks.quality.hessians import HESSIANS
from focal_boost.comparison.scores import best_thresholds, score

TRAINERS = {"log loss": contenders.log_loss_model, "focal_boost": contenders.focal_boost, **peers.PEERS}
CHOSEN = {
    "gamma chosen by log loss": ("log_loss", 1),
    "gamma chosen by average precision": ("average_precision", -1),
}

KEY = ("set", "contender", "booster", "gamma", "variant")
BY_FOLD = tuple(f"{measure}_{i + 1}" for measure in ("log_loss", "average_precision") for i in range(sets.N_FOLDS))
COLUMNS = {
    "standard": ("classes", *BY_FOLD, "roc_auc", "brier", "ece", "f1", "rounds", "cpu_seconds", "error"),
    "policies": ("classes", "log_loss", "average_precision", "rounds", "largest_raw", "error"),
}
COLUMNS["scales"] = COLUMNS["catboost"] = COLUMNS["policies"]
COLUMNS["vector-leaf"] = ("classes", "log_loss", "average_precision", "rounds", "cpu_seconds", "error")

Fits = list[dict[str, float]]


def entrants(experiment: str, gammas: list[float]) -> list[Contender]:
    """Return the contenders of an experiment."""
    if experiment == "catboost":
        names = ("CatBoost", "focal_boost")
        return [Contender(name, "catboost", gamma) for name, gamma in product(names, [0.0, *gammas])]
    if experiment == "vector-leaf":
        variants = ("", "vector leaf")
        names = (("log loss", 0.0), *(("focal_boost", gamma) for gamma in gammas))
        return [Contender(name, "xgboost", gamma, variant) for (name, gamma), variant in product(names, variants)]
    standard = experiment == "standard"
    variants = {"standard": ("", "weighted"), "scales": ("", "rescaled"), "policies": tuple(HESSIANS)}[experiment]
    own = [
        *(Contender("log loss", *rest) for rest in product(BOOSTERS, [0.0], variants if standard else [""])),
        *(Contender("focal_boost", *rest) for rest in product(BOOSTERS, gammas, variants)),
    ]
    chosen = [Contender(name, booster, np.nan) for booster in BOOSTERS for name in CHOSEN]
    return own + peers.contenders() + chosen if standard else own


def command(
    folder: Annotated[Path, typer.Argument(help="Folder of the data sets, with INDEX.json.")],
    results: Annotated[Path, typer.Option(help="Folder of the results.")] = harness.RESULTS,
    experiment: Annotated[
        Literal["standard", "policies", "scales", "catboost", "vector-leaf"], typer.Option()
    ] = "standard",
    names: Annotated[
        str, typer.Option("--sets", help="Names of data sets, comma-separated; all by default.")
    ] = "",
    only: Annotated[
        str, typer.Option(help="Regular expression to search in names such as 'xgboost: focal_boost 2, weighted'.")
    ] = "",
    gammas: Annotated[str, typer.Option(help="Values of gamma for focal_boost, comma-separated.")] = "0.5,1,2,3,5",
    max_rows: Annotated[
        int, typer.Option(help="Maximum number of rows; larger data sets are subsampled.")
    ] = 20_000,
    keep_rare: Annotated[
        bool, typer.Option(help="Keep classes that are too small to test in the training rows.")
    ] = False,
    jobs: Annotated[int, typer.Option(help="Number of single-threaded processes.")] = 2,
) -> None:
    """Train and score the contenders on real data sets; an interrupted run is resumed.

    If a contender fails, its error is recorded.
    """
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    settings = {
        "rounds": contenders.ROUNDS,
        "learning_rate": contenders.LEARNING_RATE,
        "patience": contenders.PATIENCE,
        **{"max_rows": max_rows, "keep_rare": keep_rare, "jobs": jobs},
    }
    chosen_sets = names.split(",") if names else sets.names(folder)
    load = partial(sets.load, folder, max_rows=max_rows, keep_rare=keep_rare)
    if experiment == "standard":
        facts = harness.Results(results, "quality-sets", ("set",), sets.FACTS, **settings)
        for name in chosen_sets:
            if {"set": name} not in facts:
                facts.add(sets.facts_of(load(name)))
    stem = "quality" if experiment == "standard" else f"quality-{experiment}"
    rows = harness.Results(results, stem, KEY, COLUMNS[experiment], **settings)
    exponents = [float(gamma) for gamma in gammas.split(",")]
    matching = [
        entrant
        for entrant in entrants(experiment, exponents)
        if re.search(only, f"{entrant.booster}: {label(entrant)}")
    ]
    problems = {}
    for name in chosen_sets:
        for booster in dict.fromkeys(entrant.booster for entrant in matching):
            entering = [entrant for entrant in matching if entrant.booster == booster]
            if not all({"set": name, **asdict(entrant)} in rows for entrant in entering):
                problems[f"{name}, {booster}"] = partial(evaluate, load, name, entering, experiment)
    harness.run(rows, problems, jobs)


def evaluate(
    load: Callable[[str], sets.Table], name: str, entering: list[Contender], experiment: str
) -> list[harness.Row]:
    """Return the rows of one problem."""
    table = load(name)
    folds = list(sets.folds(table))
    fits = {entrant: _fits(entrant, table, folds) for entrant in entering if entrant.contender not in CHOSEN}
    candidates = [
        found
        for entrant, found in fits.items()
        if entrant.contender in ("log loss", "focal_boost") and not entrant.variant and not isinstance(found, str)
    ]
    for entrant in entering:
        if entrant.contender in CHOSEN:
            fits[entrant] = _choose(candidates, *CHOSEN[entrant.contender])
    return [
        {"set": name, **asdict(entrant), "classes": table.n_classes, **_summary(found, COLUMNS[experiment])}
        for entrant, found in fits.items()
    ]


def _fits(entrant: Contender, table: sets.Table, folds: list[sets.Fold]) -> Fits | str:
    """Return the scores on every fold, or the error of the first fold that failed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return [_fit(entrant, table, fold) for fold in folds]
    except Exception as error:
        return f"{type(error).__name__}: {error}".splitlines()[0][:300]


def _fit(entrant: Contender, table: sets.Table, fold: sets.Fold) -> dict[str, float]:
    cpu = time.process_time()
    outcome = TRAINERS[entrant.contender](entrant, table, fold)
    cpu = time.process_time() - cpu
    y, y_stop = table.y[fold.test], table.y[fold.stop]
    thresholds = best_thresholds(y_stop, outcome.proba_stop)
    return {
        **_scores("", y, outcome.proba, thresholds),
        **_scores("stop_", y_stop, outcome.proba_stop, thresholds),
        "rounds": outcome.rounds,
        "cpu_seconds": cpu,
        "largest_raw": outcome.largest_raw,
    }


def _scores(prefix: str, y: np.ndarray, proba: np.ndarray, thresholds: np.ndarray) -> dict[str, float]:
    scores = score(y, proba, thresholds)
    return {prefix + name.lower().replace(" ", "_"): value for name, value in scores.items()}


def _choose(candidates: list[Fits], measure: str, sign: int) -> Fits | str:
    """Return for each fold the candidate with the best score on the early-stopping rows and the total CPU time."""
    if not candidates:
        return "ValueError: no gamma to choose from"
    return [
        min(fold, key=lambda fit: sign * fit[f"stop_{measure}"])
        | {"cpu_seconds": sum(fit["cpu_seconds"] for fit in fold)}
        for fold in zip(*candidates, strict=True)
    ]


def _summary(fits: Fits | str, columns: tuple[str, ...]) -> dict[str, Any]:
    """Return the mean scores over the folds, and the scores per fold if ``columns`` contains them."""
    if isinstance(fits, str):
        return {"error": fits}
    values = {f"{measure}_{i + 1}": value for i, fit in enumerate(fits) for measure, value in fit.items()}
    values |= {measure: float(np.mean([fit[measure] for fit in fits])) for measure in fits[0]}
    values["largest_raw"] = max(fit["largest_raw"] for fit in fits)
    return {column: values[column] for column in columns if column in values}
