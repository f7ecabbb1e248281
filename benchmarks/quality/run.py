"""The studies: which models are compared, on which data sets, and the command that runs them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import harness
from benchmarks.quality import extremes, folds, overfitted, peers, recalibration, separable, sets, tuned
from benchmarks.quality.by_hand import VARIANTS
from benchmarks.quality.contenders import PATIENCE, STANDARD, VECTOR_LEAF, Contender
from benchmarks.quality.hessians import HESSIANS

BOOSTERS = ("xgboost", "lightgbm")


@dataclass(frozen=True)
class Study:
    """A study: its problems are the combinations of data set and booster that ``applies`` accepts.

    ``evaluate`` returns the rows of one problem.
    """

    evaluate: Callable[[sets.Table, str], list[harness.Row]]
    boosters: tuple[str, ...] = BOOSTERS
    key: tuple[str, ...] = folds.KEY
    columns: tuple[str, ...] = folds.COLUMNS
    max_rows: int = 8000
    applies: Callable[[int, int, str], bool] = lambda n_classes, n_rows, booster: True


def standard(table: sets.Table, booster: str) -> list[harness.Row]:
    """Focal losses, class weights and other packages against the built-in log loss, with early stopping.

    CatBoost's own log loss starts at a raw prediction of 0, that at gamma 0 at the class prior.
    """
    main = booster in BOOSTERS
    gammas = (0.5, 1.0, 2.0, 5.0) if main else (0.0, 1.0, 2.0)
    own = [Contender("log loss", booster), *(Contender("focal_boost", booster, gamma) for gamma in gammas)]
    weighted = [Contender("focal_boost", booster, gamma, "weighted") for gamma in (0.0, 2.0) if main]
    others = peers.contenders(booster)
    entering = [*own, *weighted, *others]
    return folds.evaluate(table, entering, once=others if main else entering, choose=main)


def versions(table: sets.Table, booster: str) -> list[harness.Row]:
    """Built-in log loss and focal losses with the installed version of XGBoost."""
    entering = [Contender("log loss", booster), *(Contender("focal_boost", booster, g) for g in (0.0, 1.0, 2.0))]
    return folds.evaluate(table, entering, once=entering)


def vector_leaf(table: sets.Table, booster: str) -> list[harness.Row]:
    """Trees with a leaf value per class, and one tree per class."""
    models = [("log loss", 0.0), ("focal_boost", 1.0), ("focal_boost", 2.0)]
    entering = [Contender(name, booster, gamma, v) for v in ("", VECTOR_LEAF) for name, gamma in models]
    return folds.evaluate(table, entering, once=entering)


def floor(table: sets.Table, booster: str) -> list[harness.Row]:
    """Hessians with other floors."""
    entering = [Contender("log loss", booster)]
    entering += [Contender("focal_boost", booster, gamma, name) for gamma in (1.0, 2.0) for name in HESSIANS]
    return folds.evaluate(table, entering, once=entering)


def scale(table: sets.Table, booster: str) -> list[harness.Row]:
    """No factor, one constant and one of each round."""
    names = list(VARIANTS)[:3]
    entering = [Contender("log loss", booster)]
    entering += [Contender("by hand", booster, gamma, name) for gamma in (1.0, 2.0, 5.0) for name in names]
    return folds.evaluate(table, entering, once=entering)


STUDIES = {
    "standard": Study(
        standard,
        (*BOOSTERS, "hist gradient boosting", "catboost"),
        applies=lambda n_classes, n_rows, booster: n_classes == 2 or booster != "catboost",
    ),
    "versions": Study(versions, ("xgboost",), columns=folds.SHORT),
    "tuned": Study(tuned.evaluate, columns=folds.SHORT, applies=lambda n_classes, n_rows, booster: n_rows <= 8000),
    "extremes": Study(extremes.evaluate, key=extremes.KEY, columns=extremes.COLUMNS, max_rows=50_000),
    "overfitted": Study(overfitted.evaluate, columns=folds.SHORT),
    "recalibration": Study(
        recalibration.evaluate,
        columns=recalibration.COLUMNS,
        max_rows=30_000,
        applies=lambda n_classes, n_rows, booster: n_classes == 2,
    ),
    "vector-leaf": Study(
        vector_leaf,
        ("xgboost",),
        applies=lambda n_classes, n_rows, booster: n_classes > 2,
    ),
    "floor": Study(floor, columns=folds.SHORT, max_rows=4000),
    "scale": Study(scale, columns=folds.SHORT),
    "separable": Study(separable.evaluate, key=separable.KEY, columns=separable.COLUMNS),
}


def command(
    folder: Annotated[Path, typer.Argument(help="Folder of the data sets, with INDEX.json.")],
    study: Annotated[str, typer.Option(help=f"One of {', '.join(STUDIES)}.")] = "standard",
    results: Annotated[Path, typer.Option(help="Folder of the results.")] = harness.RESULTS,
    names: Annotated[
        str, typer.Option("--sets", help="Names of data sets, comma-separated; all by default.")
    ] = "",
    boosters: Annotated[
        str, typer.Option(help="Names of boosters, comma-separated; those of the study by default.")
    ] = "",
    max_rows: Annotated[
        int, typer.Option(help="Maximum number of rows, by default that of the study; larger sets are subsampled.")
    ] = 0,
    jobs: Annotated[int, typer.Option(help="Number of single-threaded processes.")] = 2,
) -> None:
    """Train and score the models of a study on real data sets; an interrupted run is resumed.

    If a model fails, its error is recorded.
    """
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    if study not in STUDIES:
        raise typer.BadParameter(f"study must be one of {', '.join(STUDIES)}; got {study!r}.")
    chosen, max_rows = STUDIES[study], max_rows or STUDIES[study].max_rows
    settings = {**STANDARD, "patience": PATIENCE, "max_rows": max_rows, "jobs": jobs}
    index = sets.index_of(folder)
    index = {name: index[name] for name in (names.split(",") if names else index)}
    load = partial(sets.load, folder, max_rows=max_rows)
    stem = "quality" if study == "standard" else f"quality-{study}"
    if study == "versions":
        stem += f"-{harness.environment()['versions']['xgboost']}"
    if study == "standard":
        facts = harness.Results(results, "quality-sets", ("set",), sets.FACTS, **settings)
        facts.add(*(sets.facts_of(load(name)) for name in index if {"set": name} not in facts))
    rows = harness.Results(results, stem, chosen.key, chosen.columns, **settings)
    problems = {
        f"{name}, {booster}": partial(_evaluate, chosen.evaluate, load, name, booster)
        for name in index
        for booster in (boosters.split(",") if boosters else chosen.boosters)
        if chosen.applies(index[name]["K"], index[name]["rows"], booster)
        and {"set": name, "booster": booster} not in rows
    }
    harness.run(rows, problems, jobs)


def _evaluate(
    evaluate: Callable[[sets.Table, str], list[harness.Row]],
    load: Callable[[str], sets.Table],
    name: str,
    booster: str,
) -> list[harness.Row]:
    return evaluate(load(name), booster)
