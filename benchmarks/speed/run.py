"""Time the contenders of a problem, alternating between them in one process."""

from __future__ import annotations

import gc
import importlib
import io
import subprocess
import sys
import tarfile
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from benchmarks import harness
from benchmarks.speed import report

if TYPE_CHECKING:
    from benchmarks.speed.problems import Contenders

BASELINES = ("plain NumPy log loss", "built-in", "base", "CatBoost Focal")
KEY = ("problem", "contender")
COLUMNS = (
    *("seconds", "seconds_low", "seconds_high", "cpu_seconds"),
    *("ratio", "ratio_low", "ratio_high", "cpu_ratio", "extra_bytes", "repetitions"),
)

Quick = Annotated[bool, typer.Option("--quick", help="Smoke test on small data; the times are meaningless.")]
Only = Annotated[str, typer.Option(help="Run only the problems whose names contain this text.")]


def _command(stem: str, module: str, summary: str) -> Callable[..., None]:
    """Return the command that times the problems of a module and writes them to ``stem``.csv."""

    def command(
        results: Annotated[Path, typer.Option(help="Folder of the results.")] = harness.RESULTS,
        quick: Quick = False,
        only: Only = "",
    ) -> None:
        problems = importlib.import_module(f"benchmarks.speed.{module}").problems(quick)
        _run(harness.Results(results, stem, KEY, COLUMNS, quick=quick), problems, quick, only)

    command.__doc__ = f"{summary}; an interrupted run is resumed."
    return command


command = _command("speed", "problems", "Time one call, training and prediction")
small_command = _command("speed-small", "small", "Time small data, eval sets, the metric and a search")
boosters_command = _command(
    "speed-boosters", "boosters", "Time HistGradientBoosting, CatBoost and vector-leaf trees"
)


def compare_commits(
    commit: Annotated[str, typer.Argument(help="Commit, branch or tag to compare the working tree with.")],
    quick: Quick = False,
    only: Only = "",
) -> None:
    """Time the package of another commit and that of the working tree in alternation, and print a table."""
    from benchmarks.speed.problems import versions

    with tempfile.TemporaryDirectory() as folder:
        rows = harness.Results(Path(folder), "speed", KEY, COLUMNS)
        try:
            _run(rows, versions(package_of(commit), quick), quick, only)
        finally:  # the other commit may not support a problem
            typer.echo(report.table(Path(folder)))


def _run(rows: harness.Results, problems: Iterable[tuple[Any, Contenders, int]], quick: bool, only: str) -> None:
    tasks = {
        problem.name: partial(measure, problem, contenders, 1 if quick else repetitions)
        for problem, contenders, repetitions in problems
        if only in problem.name
        and not any({"problem": problem.name, "contender": name} in rows for name in contenders)
    }
    harness.run(rows, tasks)


def measure(problem: Any, contenders: Contenders, repetitions: int) -> list[harness.Row]:
    """Return a row per contender: medians and quartiles over the repetitions, and the memory beyond the result.

    Contenders alternate, and ratios are computed within each repetition. Calls are repeated and averaged within a
    repetition, because a single call is too short to time.
    """
    made = {name: make(problem) for name, make in contenders.items()}
    works = {name: problem.work(contender) for name, contender in made.items() if contender is not None}
    extra = {name: _extra_bytes(work) for name, work in works.items()}
    n_calls = problem.n_calls
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for _ in range(repetitions):
        for name, work in works.items():
            gc.collect()
            wall, cpu = time.perf_counter(), time.process_time()
            for _ in range(n_calls):
                work()
            seconds[name].append(((time.perf_counter() - wall) / n_calls, (time.process_time() - cpu) / n_calls))
    base = next((name for name in BASELINES if name in works), None)
    rows = []
    for name, pairs in seconds.items():
        wall, cpu = np.array(pairs).T
        row = {"problem": problem.name, "contender": name, "repetitions": repetitions, "extra_bytes": extra[name]}
        row |= _quartiles("seconds", wall) | {"cpu_seconds": float(np.median(cpu))}
        if base not in (None, name):
            wall_of_base, cpu_of_base = np.array(seconds[base]).T
            row |= _quartiles("ratio", wall / wall_of_base) | {"cpu_ratio": float(np.median(cpu / cpu_of_base))}
        rows.append(row)
    return rows


def _quartiles(name: str, values: np.ndarray) -> dict[str, float]:
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return {name: float(middle), f"{name}_low": float(low), f"{name}_high": float(high)}


def _extra_bytes(work: Any) -> float | None:
    """Return the peak of NumPy's memory beyond the arrays that a call returns; None for other work."""
    tracemalloc.start()
    result = work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return float(peak - sum(part.nbytes for part in result)) if isinstance(result, tuple) else None


def package_of(commit: str) -> ModuleType:
    """Return the package of a commit, loaded alongside the current one."""
    archive = subprocess.run(["git", "archive", commit, "focal_boost"], check=True, capture_output=True).stdout
    here = _unload()
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
        sys.path.insert(0, folder)
        try:
            return importlib.import_module("focal_boost")
        finally:
            sys.path.remove(folder)
            _unload()
            sys.modules.update(here)


def _unload() -> dict[str, ModuleType]:
    """Remove the package's modules from ``sys.modules`` and return them."""
    return {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "focal_boost"}
