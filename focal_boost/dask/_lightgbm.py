"""LightGBM on Dask: init_score by partition, one label encoding and one metric for all workers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
from focal_boost.losses._kernel import Array
from focal_boost.objectives._adapter import DaskAdapter, EvalSet
from focal_boost.objectives._lightgbm import LightGBMAdapter, repeat
from sklearn.preprocessing import LabelEncoder

# After how many seconds a worker that waits for the others' metrics looks whether they are still there.
_PATIENCE = 5.0

# LightGBM's own result of one metric on one set, and the weight of the rows it is of; by set and metric.
Results = dict[tuple[int, int], tuple[Any, float]]


class LightGBMDaskAdapter(DaskAdapter, LightGBMAdapter):
    """Translates for DaskLGBMClassifier."""

    def to_local(self, estimator: Any) -> Any:
        """Return a fitted LGBMClassifier."""
        return estimator.to_local()

    def _train(
        self,
        estimator: Any,
        start: Any,
        X: Any,
        y: Any,
        sample_weight: Any,
        eval_set: EvalSet,
        metrics: list[Any],
        fit_params: dict[str, Any],
    ) -> None:
        # A classifier encodes the labels of each worker's rows apart: where a worker sees one class alone,
        # its label becomes 0. A regressor takes labels as they are; with a callable objective it is the same.
        from lightgbm import DaskLGBMRegressor

        params = estimator.get_params()
        n_classes = len(start) if np.ndim(start) else 2
        regressor = DaskLGBMRegressor(**params)
        if n_classes > 2:
            regressor.set_params(num_class=n_classes)
        with self.read(X, y, sample_weight, eval_set) as (X, y, sample_weight, eval_set):
            arguments = {"sample_weight": sample_weight, "init_score": self._init_score(start, y), **fit_params}
            if not eval_set:
                regressor.fit(X, y, **arguments)
            else:
                arguments.setdefault("eval_names", [f"valid_{i}" for i in range(len(eval_set))])
                arguments.update(self._eval_arguments(estimator, eval_set, start, metrics))
                if all(weight is None for *_, weight in eval_set):
                    del arguments["eval_sample_weight"]
                with _meeting() as (means, home):
                    average = AverageOverWorkers(means, home, arguments["eval_names"])
                    arguments["callbacks"] = [average, *(fit_params.get("callbacks") or [])]
                    regressor.fit(X, y, **arguments)
        for name, value in vars(regressor).items():
            if name not in params and name not in ("num_class", "_num_class", "_other_params"):
                setattr(estimator, name, value)
        estimator._le = LabelEncoder().fit(np.arange(n_classes))
        estimator._classes = np.arange(n_classes)
        estimator._n_classes = n_classes
        estimator._objective = "multiclass" if n_classes > 2 else "binary"

    def _init_score(self, start: Any, y: Any) -> Any:
        if np.ndim(start) == 0:
            return y.map_blocks(_repeat, start, dtype=np.float64)
        chunks = (y.chunks[0], (len(start),))
        return y.map_blocks(_repeat, start, dtype=np.float64, new_axis=1, chunks=chunks)


def _repeat(block: Array, start: Any) -> Array:
    return repeat(start, len(block))


class AverageOverWorkers:
    """A LightGBM callback that replaces this worker's metrics by their weighted means over all workers.

    It comes before the callbacks that record and that stop, which then do the same on every worker.
    """

    order = -1
    before_iteration = False

    def __init__(self, means: Any, home: str, eval_names: list[str]) -> None:
        self.means = means
        self.home = home
        self.eval_names = eval_names

    def __call__(self, env: Any) -> None:
        """Wait for the metrics of the others; RuntimeError if one of them is lost."""
        from distributed import get_client, get_worker

        sets = dict(zip(env.model.name_valid_sets, env.model.valid_sets, strict=True))
        results: Results = {}
        for entry in env.evaluation_result_list:
            i = self.eval_names.index(entry[0])
            weight = sets[entry[0]].get_weight()
            total = sets[entry[0]].num_data() if weight is None else np.sum(weight, dtype=np.float64)
            results[i, sum(known == i for known, _ in results)] = entry, float(total)
        n_workers = env.params["num_machines"]
        pending = self.means.mean(env.iteration, n_workers, get_worker().address, results)
        while True:
            try:
                env.evaluation_result_list[:] = pending.result(timeout=_PATIENCE)
                return
            except OSError:  # nobody answers, or a TimeoutError
                present = list(get_client().scheduler_info(n_workers=-1)["workers"])
                absent = [self.home]
                if self.home in present:
                    absent = self.means.absent(env.iteration, present).result(timeout=_PATIENCE)
                if absent:
                    raise RuntimeError(f"A worker was lost during training: {', '.join(absent)}.") from None


class RoundMeans:
    """Where the workers of one training meet after every round: each leaves its metrics and takes the means.

    It lives on one worker as a Dask actor. LightGBM evaluates each worker's rows apart: every worker would
    stop early at a round of its own, while the others waited for it.
    """

    def __init__(self, workers: list[str]) -> None:
        self._workers = workers
        self._given: dict[int, dict[str, Results]] = {}
        self._complete: dict[int, asyncio.Event] = {}
        self._over = False

    async def mean(self, iteration: int, n_workers: int, worker: str, results: Results) -> list[Any]:
        """Return the weighted mean of every metric once all the workers have given theirs."""
        given = self._given.setdefault(iteration, {})
        complete = self._complete.setdefault(iteration, asyncio.Event())
        given[worker] = results
        # Whoever comes to this round has taken the means of the last one.
        self._given.pop(iteration - 2, None)
        self._complete.pop(iteration - 2, None)
        if len(given) == n_workers:
            complete.set()
        await complete.wait()
        if self._over:
            raise RuntimeError("Training failed on another worker.")
        means = []
        for key in sorted({key for results in given.values() for key in results}):
            entries = [given[worker][key] for worker in sorted(given) if key in given[worker]]
            total = sum(weight for _, weight in entries)
            first = entries[0][0]
            mean = sum(entry[2] * weight for entry, weight in entries) / total
            # A plain tuple up to LightGBM 4.6, a class of its own since.
            entry = (*first[:2], mean, first[3])
            means.append(entry if type(first) is tuple else type(first)(*entry))
        return means

    async def absent(self, iteration: int, present: list[str]) -> list[str]:
        """Return the workers that trained in the last round, gave nothing in this one and are not present."""
        expected = self._given.get(iteration - 1, self._workers)
        return sorted(set(expected) - set(self._given[iteration]) - set(present))

    async def end(self) -> None:
        """Let nobody wait any longer."""
        self._over = True
        for complete in self._complete.values():
            complete.set()


@contextmanager
def _meeting() -> Iterator[tuple[Any, str]]:
    """Provide a `RoundMeans` on the cluster, for one training, and the address of its worker."""
    from distributed import get_client

    client = get_client()
    workers = list(client.scheduler_info(n_workers=-1)["workers"])
    home = workers[0]  # chosen here, to know whom to look for when nobody answers
    future = client.submit(RoundMeans, workers, actor=True, pure=False, workers=[home])
    means: Any = future.result()
    try:
        yield means, home
    except BaseException:
        # Its worker may be the one that was lost.
        with suppress(Exception):
            means.end().result(timeout=_PATIENCE)
        raise
