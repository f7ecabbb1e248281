"""Run contenders on the folds of every set and write one line of JSON per fit; started again, it goes on.

    python -m benchmarks.quality.run FOLDER results.jsonl

A contender that fails is recorded with its error. See ``--help``.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import time
import warnings
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.quality import _contenders, _measures, _peers, _prototypes, _sets

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")


PACKAGES = ("numpy", "scikit-learn", "xgboost", "lightgbm", "catboost", "gbdtCBL", "imlightgbm", "bokbokbok")
FAMILIES = {"log loss": _contenders.log_loss_model, "focal_boost": _contenders.focal_boost, **_peers.PEERS}


@lru_cache(maxsize=1)
def _table_and_folds(folder: Path, name: str, max_rows: int, keep_rare: bool) -> tuple[Any, list[Any]]:
    table = _sets.load(folder, name, max_rows, keep_rare)
    return table, list(_sets.folds(table))


def evaluate(
    folder: Path, name: str, max_rows: int, keep_rare: bool, fold: int, contender: _contenders.Contender
) -> dict[str, Any]:
    """Return the record of one fit."""
    _prototypes.register()
    table, folds = _table_and_folds(folder, name, max_rows, keep_rare)
    record = {"set": name, "fold": fold, "contender": contender.name, **contender.record}
    record["facts"] = _sets.facts_of(table)
    start, cpu = time.perf_counter(), time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outcome = FAMILIES[contender.family](contender, table, folds[fold])
    except Exception as error:
        record["error"] = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    else:
        record |= {"rounds": outcome.rounds, "largest_raw": outcome.largest_raw}
        record["cpu_seconds"] = time.process_time() - cpu
        y, y_stop = table.y[folds[fold].test], table.y[folds[fold].stop]
        record |= _measures.measure(y, outcome.log_proba, y_stop, outcome.log_proba_stop)
    record["seconds"] = time.perf_counter() - start
    return record


def environment() -> dict[str, Any]:
    """Return the machine, the versions and the settings that all fits share."""
    cpu = (
        re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
        if Path("/proc/cpuinfo").exists()
        else None
    )
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            versions[package] = version(package)
    return {
        "cpu": cpu[1] if cpu else platform.processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "versions": versions,
        "rounds": _contenders.ROUNDS,
        "learning_rate": _contenders.LEARNING_RATE,
        "patience": _contenders.PATIENCE,
    }


def main(
    folder: Annotated[Path, typer.Argument(help="Folder of the sets, with INDEX.json.")],
    results: Annotated[Path, typer.Argument(help="File of results, one line per fit; appended to.")],
    experiment: Annotated[str, typer.Option(help="'standard', 'policies' or 'scales'.")] = "standard",
    sets: Annotated[str, typer.Option(help="Names, comma-separated; all by default.")] = "",
    only: Annotated[str, typer.Option(help="Regular expression that a contender's name must match.")] = "",
    gammas: Annotated[str, typer.Option(help="Of the experiments 'policies' and 'scales'.")] = "0,1,2",
    max_rows: Annotated[int, typer.Option(help="Larger sets are sampled down.")] = 20_000,
    keep_rare: Annotated[bool, typer.Option(help="Train on classes too small to test on.")] = False,
    jobs: Annotated[int, typer.Option(help="Fits at once, each of one thread.")] = 2,
) -> None:
    """Run what the file of results does not hold yet."""
    if experiment == "standard":
        contenders = _contenders.standard() + _peers.contenders()
    elif experiment == "scales":
        contenders = _contenders.scales(tuple(float(gamma) for gamma in gammas.split(",")))
    elif experiment == "policies":
        exponents = tuple(float(gamma) for gamma in gammas.split(","))
        contenders = _contenders.policies(tuple(_prototypes.register()), exponents)
    else:
        raise typer.BadParameter(f"experiment must be 'standard', 'policies' or 'scales'; got {experiment!r}.")
    lines = results.read_text().splitlines() if results.exists() else []
    if not lines:
        settings = {"max_rows": max_rows, "keep_rare": keep_rare, "jobs": jobs}
        results.write_text(json.dumps({"environment": environment() | settings}) + "\n")
    fits = [fit for fit in map(json.loads, lines) if "set" in fit]
    done = {(fit["set"], fit["fold"], fit["contender"]) for fit in fits}
    todo = [
        (name, fold, contender)
        for name in (sets.split(",") if sets else _sets.names(folder))
        for fold in range(_sets.N_FOLDS)
        for contender in contenders
        if re.search(only, contender.name) and (name, fold, contender.name) not in done
    ]
    columns = (TextColumn("{task.description:34}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with ProcessPoolExecutor(jobs) as pool, results.open("a") as file, Progress(*columns) as progress:
        bar = progress.add_task("", total=len(todo))
        waiting: set[Future[dict[str, Any]]] = set()
        for name, fold, contender in todo:
            if len(waiting) == 2 * jobs:
                waiting = _write(waiting, file, progress, bar)
            waiting.add(pool.submit(evaluate, folder, name, max_rows, keep_rare, fold, contender))
        while waiting:
            waiting = _write(waiting, file, progress, bar)


def _write(
    waiting: set[Future[dict[str, Any]]], file: Any, progress: Progress, bar: Any
) -> set[Future[dict[str, Any]]]:
    """Write what is finished and return what is not."""
    finished, rest = wait(waiting, return_when=FIRST_COMPLETED)
    for future in finished:
        record = future.result()
        file.write(json.dumps(record) + "\n")
        progress.update(bar, advance=1, description=f"{record['set']} {record['family']} {record['booster']}")
    file.flush()
    return rest


if __name__ == "__main__":
    typer.run(main)
