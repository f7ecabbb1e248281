"""Averaging of LightGBM's metrics over all workers, so that they stop early in the same round.

LightGBM evaluates the rows of each worker separately. Without averaging, some workers would stop earlier than
others, and the others would block.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import distributed
import numpy as np

# Seconds that a worker waits for the metrics of other workers before it checks that they are still alive.
_PATIENCE = 5.0

# {(eval set, metric): (LightGBM's result, total weight of the evaluated rows)}
Results = dict[tuple[int, int], tuple[Any, float]]


@contextmanager
def averaged_over_workers(n_eval_sets: int, fit_params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Start the coordinator and yield fit parameters with a callback that averages all metrics."""
    if not n_eval_sets:
        yield dict(fit_params)
        return
    client = distributed.get_client()
    # Not scheduler_info, which returns a copy that may temporarily contain no workers while the client updates it.
    workers = list(client.ncores())
    # Fix the worker of the coordinator, so that the other workers can detect its loss.
    future = client.submit(Coordinator, workers, actor=True, pure=False, workers=[workers[0]])
    coordinator: Any = future.result()
    eval_names = fit_params.get("eval_names") or [f"valid_{i}" for i in range(n_eval_sets)]
    average = AverageOverWorkers(coordinator, workers[0], eval_names)
    try:
        yield {
            **fit_params,
            "eval_names": eval_names,
            "callbacks": [average, *(fit_params.get("callbacks") or [])],
        }
    except BaseException:
        with suppress(Exception):  # the coordinator's worker may be the lost one
            coordinator.fail().result(timeout=_PATIENCE)
        raise


class AverageOverWorkers:
    """A LightGBM callback that replaces this worker's metrics by their weighted means over all workers.

    It runs before the callbacks that record metrics or stop training, so that they do the same on every worker.
    """

    order = -1
    before_iteration = False

    def __init__(self, coordinator: Any, address: str, eval_names: list[str]) -> None:
        self.coordinator = coordinator
        self.address = address
        self.eval_names = eval_names

    def __call__(self, env: Any) -> None:
        """Wait for the metrics of the other workers; raise RuntimeError if one of them is lost."""
        sets = dict(zip(env.model.name_valid_sets, env.model.valid_sets, strict=True))
        results: Results = {}
        for entry in env.evaluation_result_list:
            i = self.eval_names.index(entry[0])
            weight = sets[entry[0]].get_weight()
            total = sets[entry[0]].num_data() if weight is None else np.sum(weight, dtype=np.float64)
            results[i, sum(known == i for known, _ in results)] = entry, float(total)
        n_workers = env.params["num_machines"]
        worker = distributed.get_worker().address
        pending = self.coordinator.mean(env.iteration, n_workers, worker, results)
        while True:
            try:
                env.evaluation_result_list[:] = pending.result(timeout=_PATIENCE)
                return
            except OSError:  # connection lost, or TimeoutError
                present = list(distributed.get_client().ncores())
                lost = [self.address]
                if self.address in present:
                    lost = self.coordinator.lost(env.iteration, present).result(timeout=_PATIENCE)
                if lost:
                    raise RuntimeError(f"A worker was lost during training: {', '.join(lost)}.") from None


class Coordinator:
    """A Dask actor that collects the metrics of all workers after every round and returns their means."""

    def __init__(self, workers: list[str]) -> None:
        self._workers = workers
        self._received: dict[int, dict[str, Results]] = {}
        self._complete: dict[int, asyncio.Event] = {}
        self._failed = False

    async def mean(self, iteration: int, n_workers: int, worker: str, results: Results) -> list[Any]:
        """Return the weighted mean of every metric as soon as all workers have sent theirs."""
        received = self._received.setdefault(iteration, {})
        complete = self._complete.setdefault(iteration, asyncio.Event())
        received[worker] = results
        # A worker that sends this round has already received the means of the previous round.
        self._received.pop(iteration - 2, None)
        self._complete.pop(iteration - 2, None)
        if len(received) == n_workers:
            complete.set()
        await complete.wait()
        if self._failed:
            raise RuntimeError("Training failed on another worker.")
        means = []
        for key in sorted({key for results in received.values() for key in results}):
            entries = [received[worker][key] for worker in sorted(received) if key in received[worker]]
            total = sum(weight for _, weight in entries)
            first = entries[0][0]
            mean = sum(entry[2] * weight for entry, weight in entries) / total
            # A plain tuple up to LightGBM 4.6, a subclass since.
            entry = (*first[:2], mean, first[3])
            means.append(entry if type(first) is tuple else type(first)(*entry))
        return means

    async def lost(self, iteration: int, present: list[str]) -> list[str]:
        """Return the workers that sent metrics in the last round, none in this one, and are not present."""
        expected = self._received.get(iteration - 1, self._workers)
        return sorted(set(expected) - set(self._received[iteration]) - set(present))

    async def fail(self) -> None:
        """Release all waiting workers with an error."""
        self._failed = True
        for complete in self._complete.values():
            complete.set()
