"""Measure the training time on Dask relative to the boosters' built-in objectives.

Data are persisted before timing. The fits with both objectives alternate, and the fastest of the repeats is
recorded. The results contain the wall time, and the CPU time of all processes (client, scheduler, workers), which
depends less on other load on the machine.

Everything is measured twice: with Dask's default memory settings, and with workers that keep freed memory. By
default Dask sets ``MALLOC_TRIM_THRESHOLD_``, which makes the C library return large arrays to the operating system
when they are freed, so that every new array causes page faults.
"""

from __future__ import annotations

import itertools
import os
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks import harness

N_FEATURES, N_ROUNDS, PARTITIONS = 20, 30, 8
KEEP_MEMORY = {"distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None}
KEY = ("booster", "keep_memory", "workers", "rows")
COLUMNS = ("built_in", "focal", "built_in_clock", "focal_clock", "label_pass")


def command(
    results: Annotated[Path, typer.Option(help="Folder of the results.")] = harness.RESULTS,
    rows: Annotated[str, typer.Option(help="Numbers of rows, comma-separated.")] = (
        "125000,250000,500000,1000000,2000000"
    ),
    repeats: Annotated[int, typer.Option(help="Number of fits of each estimator.")] = 5,
) -> None:
    """Time training on Dask with one and two local workers; an interrupted run is resumed."""
    warnings.filterwarnings("ignore", "Parameter n_jobs will be ignored")
    settings = {"features": N_FEATURES, "rounds": N_ROUNDS, "partitions": PARTITIONS, "repeats": repeats}
    measured = harness.Results(results, "scaling", KEY, COLUMNS, **settings)
    sizes = [int(n_rows) for n_rows in rows.split(",")]
    problems = {}
    # Start with the workers that keep memory, because Dask's default setting stays in this process's environment.
    for keep_memory, n_workers, n_rows in itertools.product((True, False), (1, 2), sizes):
        problem = {"keep_memory": keep_memory, "workers": n_workers, "rows": n_rows}
        if not all({"booster": booster, **problem} in measured for booster in ("xgboost", "lightgbm")):
            name = f"{n_rows:,} rows, workers: {n_workers}{', memory kept' if keep_memory else ''}"
            problems[name] = partial(measure, problem, repeats)
    harness.run(measured, problems)


def measure(problem: dict[str, Any], repeats: int) -> Iterator[harness.Row]:
    """Yield a row per booster, measured on a new cluster."""
    import dask
    import lightgbm
    from distributed import Client, LocalCluster
    from xgboost.dask import DaskXGBClassifier

    from focal_boost.dask import DaskFocalBoostClassifier

    keep_memory = problem["keep_memory"]
    options = {"n_workers": problem["workers"], "threads_per_worker": 1, "dashboard_address": None}
    start = dask.config.set(KEEP_MEMORY if keep_memory else {})
    with start, LocalCluster(**options) as cluster, Client(cluster) as client:
        if keep_memory == any(client.run(os.getenv, "MALLOC_TRIM_THRESHOLD_").values()):
            raise SystemExit("MALLOC_TRIM_THRESHOLD_ must not be set in the environment of this command.")
        X, y = data(problem["rows"])
        estimators = {
            "xgboost": DaskXGBClassifier(n_estimators=N_ROUNDS, max_depth=6, tree_method="hist"),
            "lightgbm": lightgbm.DaskLGBMClassifier(n_estimators=N_ROUNDS, num_leaves=31, verbosity=-1),
        }
        for booster, estimator in estimators.items():
            focal = DaskFocalBoostClassifier(estimator)
            tasks = {
                "built_in": partial(estimator.fit, X, y),
                "focal": partial(focal.fit, X, y),
                "label_pass": partial(label_pass, y),
            }
            times = {name: [] for name in tasks}
            for _ in range(repeats):
                for name, task in tasks.items():
                    times[name].append(seconds(client, task))
            best = {name: np.min(values, axis=0) for name, values in times.items()}
            clock = {f"{name}_clock": float(best[name][1]) for name in best}
            yield {"booster": booster, **problem, **clock, **{name: float(best[name][0]) for name in best}}


def data(n_rows: int) -> tuple[Any, Any]:
    """Return persisted features and labels, 4 % of them positive."""
    import dask
    import dask.array as da
    from distributed import wait

    rng = da.random.default_rng(0)
    X = rng.standard_normal((n_rows, N_FEATURES), dtype=np.float32, chunks=(n_rows // PARTITIONS, N_FEATURES))
    noise = rng.standard_normal(n_rows, dtype=np.float32, chunks=n_rows // PARTITIONS)
    y = (X[:, 0] + X[:, 1] * X[:, 2] + noise > 3.0).astype(np.int8)
    X, y = dask.persist(X, y)
    wait([X, y])
    return X, y


def seconds(client: Any, task: Callable[[], Any]) -> tuple[float, float]:
    """Return the CPU time of all processes and the wall time of ``task``, in seconds."""

    def cpu_time() -> float:
        return time.process_time() + sum(client.run(time.process_time).values())

    wall_start, cpu_start = time.perf_counter(), cpu_time()
    task()
    return cpu_time() - cpu_start, time.perf_counter() - wall_start


def label_pass(y: Any) -> None:
    """Count the labels of every partition, as the estimator does before it trains."""
    import dask

    dask.compute(*(dask.delayed(np.unique)(part, return_counts=True) for part in y.to_delayed().ravel()))
