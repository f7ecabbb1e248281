"""Time of the focal loss against the boosters' built-in objective on Dask, by workers and rows.

``python benchmarks/scaling/run.py`` writes results.json beside itself; plot.py draws it. Data are persisted
before any time is taken; the two fits of a pair alternate, and the fastest of the repeats counts. Seconds are
those of the processors in all processes (client, scheduler, workers), which other work on the machine does not
lengthen as it does the clock's; the clock's are there beside them.

All of it is measured twice: with workers as Dask starts them, and with workers that keep the memory they free.
Dask sets ``MALLOC_TRIM_THRESHOLD_``, by which the C library gives large arrays back at once and pages every new
one in.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import pickle
import platform
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import dask
import dask.array as da
import lightgbm
import numpy as np
from distributed import Client, LocalCluster, wait
from xgboost.dask import DaskXGBClassifier

from focal_boost.dask import DaskFocalBoostClassifier, _of_partition

N_FEATURES, N_ROUNDS, PARTITIONS = 20, 30, 8
KEEP_MEMORY = {"distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None}


def data(n_rows: int) -> tuple[da.Array, da.Array]:
    """Return persisted features and labels, 4 % of them positive."""
    rng = da.random.default_rng(0)
    X = rng.standard_normal((n_rows, N_FEATURES), dtype=np.float32, chunks=(n_rows // PARTITIONS, N_FEATURES))
    noise = rng.standard_normal(n_rows, dtype=np.float32, chunks=n_rows // PARTITIONS)
    y = (X[:, 0] + X[:, 1] * X[:, 2] + noise > 3.0).astype(np.int8)
    X, y = dask.persist(X, y)
    wait([X, y])
    return X, y


def estimators() -> dict[str, object]:
    """Return the boosters' own Dask estimators."""
    return {
        "xgboost": DaskXGBClassifier(n_estimators=N_ROUNDS, max_depth=6, tree_method="hist"),
        "lightgbm": lightgbm.DaskLGBMClassifier(n_estimators=N_ROUNDS, num_leaves=31, verbosity=-1),
    }


def processor_seconds(client: Client) -> float:
    """Return the processor seconds so far of all processes."""
    return time.process_time() + sum(client.run(time.process_time).values())


def fit_seconds(client: Client, estimator: object, X: da.Array, y: da.Array) -> tuple[float, float]:
    """Return the seconds of a fit, by the processors and by the clock."""
    clock, processors = time.perf_counter(), processor_seconds(client)
    estimator.fit(X, y)
    return processor_seconds(client) - processors, time.perf_counter() - clock


def label_pass(client: Client, y: da.Array) -> tuple[float, int]:
    """Return the processor seconds of the pass over the labels and the bytes it brings back from a partition."""
    start = processor_seconds(client)
    parts = dask.compute(*(dask.delayed(_of_partition)(part, None) for part in y.to_delayed().ravel()))
    return processor_seconds(client) - start, max(len(pickle.dumps(part)) for part in parts)


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[125_000, 250_000, 500_000, 1_000_000, 2_000_000])
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", "Parameter n_jobs will be ignored")
    results = []
    # Those that keep it come first: Dask leaves its setting in the environment of this process.
    for keep_memory, n_workers in itertools.product((True, False), (1, 2)):
        options = {"n_workers": n_workers, "threads_per_worker": 1, "dashboard_address": None}
        start = dask.config.set(KEEP_MEMORY if keep_memory else {})
        with start, LocalCluster(**options) as cluster, Client(cluster) as client:
            if keep_memory == any(client.run(os.getenv, "MALLOC_TRIM_THRESHOLD_").values()):
                raise SystemExit("MALLOC_TRIM_THRESHOLD_ must not be set where this is started.")
            for n_rows in arguments.rows:
                X, y = data(n_rows)
                for name, estimator in estimators().items():
                    pair = {"built_in": estimator, "focal": DaskFocalBoostClassifier(estimator)}
                    times: dict[str, list[tuple[float, float]]] = {key: [] for key in pair}
                    for _ in range(arguments.repeats):
                        for key, contender in pair.items():
                            times[key].append(fit_seconds(client, contender, X, y))
                    best = {key: np.min(values, axis=0) for key, values in times.items()}
                    passed, size = min(label_pass(client, y) for _ in range(arguments.repeats))
                    results.append(
                        {
                            "booster": name,
                            "keep_memory": keep_memory,
                            "workers": n_workers,
                            "rows": n_rows,
                            **{key: round(float(values[0]), 3) for key, values in best.items()},
                            "ratio": round(float(best["focal"][0] / best["built_in"][0]), 3),
                            **{f"{key}_clock": round(float(values[1]), 3) for key, values in best.items()},
                            "label_pass": round(passed, 3),
                            "bytes_per_partition": size,
                        }
                    )
                    print(results[-1], flush=True)
    machine = {"machine": platform.machine(), "system": platform.system(), "python": platform.python_version()}
    packages = ("numpy", "xgboost", "lightgbm", "dask", "distributed")
    setting = {"features": N_FEATURES, "rounds": N_ROUNDS, "partitions": PARTITIONS, "repeats": arguments.repeats}
    report = {**machine, "versions": {name: version(name) for name in packages}, **setting, "results": results}
    Path(__file__).with_name("results.json").write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
