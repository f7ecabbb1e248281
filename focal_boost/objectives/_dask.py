"""What both boosters need to train on Dask workers: an objective that finds its rows where it is called."""

from __future__ import annotations

import threading
from typing import Any

from focal_boost.losses._base import BoundLoss, FocalLoss
from focal_boost.losses._kernel import Array
from focal_boost.objectives._adapter import BoosterAdapter


class WorkerObjective:
    """A loss that binds itself to the rows of the worker on which it is first called, with its threads.

    Class weights and the number of classes are in the loss: a worker's rows need not hold every class.

    Parameters
    ----------
    loss : BinaryFocalLoss or MulticlassFocalLoss
        The loss, with class weights of the whole data.
    settings : dict
        Of ``loss.bind``.
    """

    def __init__(self, loss: FocalLoss, settings: dict[str, Any]) -> None:
        self.loss = loss
        self.settings = settings
        # Workers in one process share the object, but each trains in a thread of its own.
        self._worker = threading.local()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.loss, self.settings)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[Array, Array]:
        """Return the float32 gradient and Hessian of this worker's rows."""
        bound: BoundLoss | None = getattr(self._worker, "bound", None)
        if bound is None:
            from distributed import get_worker

            threads = get_worker().state.nthreads
            bound = self._worker.bound = self.loss.bind(y_true, sample_weight, n_threads=threads, **self.settings)
        return bound(y_true, y_pred)


class DaskAdapter(BoosterAdapter):
    """What the Dask adapters have beside the local ones."""

    def _objective(self, estimator: Any, loss: FocalLoss, y: Any, weight: Any, **settings: Any) -> WorkerObjective:
        return WorkerObjective(loss, settings)

    def to_local(self, estimator: Any) -> Any:
        """Return the fitted in-memory estimator of the same model."""
        raise NotImplementedError
