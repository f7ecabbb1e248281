"""Time all contenders on all problems, interleaved, and write a results file.

``python -m benchmarks.speed.run results.json``; ``--quick`` for a smoke test on small data without meaning;
``--base COMMIT`` times the package of that commit against the one here instead, and prints the table.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import io
import json
import platform
import subprocess
import sys
import tarfile
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

from rich.progress import Progress

from benchmarks.speed import compare
from benchmarks.speed.contenders import (
    CALLS,
    PREDICTIONS,
    TRAININGS,
    Call,
    Prediction,
    Training,
    Work,
    versions,
)

PACKAGES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "xgboost",
    "lightgbm",
    "catboost",
    "gbdtCBL",
    "imlightgbm",
    "bokbokbok",
)


def problems(quick: bool) -> Iterator[tuple[Any, dict[str, Callable[[Any], Work | None]], int]]:
    """Yield each problem with its contenders and the number of repetitions."""
    million = 5_000 if quick else 1_000_000
    for gamma in (0.0, 2.0, 1.5, 5.0):
        yield Call(f"call, 1M rows, gamma {gamma:g}", million, gamma), CALLS, 31
    yield Call("call, 1000 rows, gamma 2", 1000), CALLS, 31
    yield Call("call, 200k rows, 7 classes, gamma 2", million // 5, n_classes=7), CALLS, 21
    for exponent in () if quick else (5, 6, 7, 8):
        yield Call(f"call, 10^{exponent} rows, gamma 2", 10**exponent), {"focal_boost": CALLS["focal_boost"]}, 7
    n_rounds = 2 if quick else 50
    for n_threads in (1, 2):
        for booster in ("xgboost", "lightgbm", "catboost"):
            name = f"{booster}, 1M x 10, {n_threads} thread{'s' * (n_threads > 1)}"
            yield Training(name, booster, million, 2, n_rounds, n_threads), TRAININGS, 3
            if booster != "catboost":
                name = f"{booster}, 200k x 10, 7 classes, {n_threads} thread{'s' * (n_threads > 1)}"
                yield Training(name, booster, million // 5, 7, n_rounds, n_threads), TRAININGS, 3
    for booster in ("xgboost", "lightgbm"):
        yield Prediction(f"predict_proba, {booster}, 1M rows", booster, million), PREDICTIONS, 5


def interleaved(
    works: dict[str, Work], repetitions: int, inner: int, tick: Callable[[], None]
) -> dict[str, dict[str, Any]]:
    """Return wall and CPU seconds of every repetition and the peak of NumPy's memory, for each contender.

    A repetition is the mean of ``inner`` calls: one call alone, on data that the cache holds, is too short to
    time.
    """
    measured: dict[str, dict[str, Any]] = {name: {"wall": [], "cpu": []} for name in works}
    for name, work in works.items():
        tracemalloc.start()
        result = work()
        measured[name]["peak_bytes"] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        if isinstance(result, tuple):
            measured[name]["result_bytes"] = sum(part.nbytes for part in result)
    for _ in range(repetitions):
        for name, work in works.items():
            gc.collect()
            wall, cpu = time.perf_counter(), time.process_time()
            for _ in range(inner):
                work()
            measured[name]["cpu"].append((time.process_time() - cpu) / inner)
            measured[name]["wall"].append((time.perf_counter() - wall) / inner)
        tick()
    return measured


def package_of(commit: str) -> ModuleType:
    """Return the package as a commit has it, loaded beside the one here."""
    archive = subprocess.run(["git", "archive", commit, "focal_boost"], check=True, capture_output=True).stdout
    here = _loaded()
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
        sys.path.insert(0, folder)
        try:
            return importlib.import_module("focal_boost")
        finally:
            sys.path.remove(folder)
            _loaded()
            sys.modules.update(here)


def _loaded() -> dict[str, ModuleType]:
    """Take the modules of the package out of those loaded, and return them."""
    return {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "focal_boost"}


def machine() -> dict[str, Any]:
    """Name the processor and the versions."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    cpu = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
        cpu = f"{names[0].split(':')[1].strip()}, {len(names)} cores" if names else cpu
    return {"cpu": cpu, "python": platform.python_version(), "system": platform.system(), "versions": versions}


def main() -> None:
    """Run and write after every problem, so that an interrupted run keeps what it has."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="", help="run the problems whose name contains this")
    parser.add_argument("--base", help="commit whose package is timed against the one here")
    arguments = parser.parse_args()
    two = versions(package_of(arguments.base)) if arguments.base else {}
    chosen = [
        (problem, two.get(type(problem), contenders), 1 if arguments.quick else repetitions)
        for problem, contenders, repetitions in problems(arguments.quick)
        if arguments.only in problem.name
    ]
    results: dict[str, Any] = {"machine": machine(), "problems": {}}
    if (
        arguments.out.exists()
        and (before := json.loads(arguments.out.read_text()))["machine"] == results["machine"]
    ):
        results = before  # problems that are not run now stay
    with Progress() as progress:
        task = progress.add_task("", total=sum(repetitions for *_, repetitions in chosen))
        for problem, contenders, repetitions in chosen:
            progress.update(task, description=problem.name)
            works = {name: work for name, make in contenders.items() if (work := make(problem)) is not None}
            if works:
                inner = max(1, min(100, 1_000_000 // problem.n)) if isinstance(problem, Call) else 1
                tick = lambda: progress.advance(task)  # noqa: E731
                results["problems"][problem.name] = interleaved(works, repetitions, inner, tick)
                arguments.out.write_text(json.dumps(results, indent=1) + "\n")
    if arguments.base:
        print(compare.table(results))


if __name__ == "__main__":
    main()
