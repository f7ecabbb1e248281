"""What the estimator needs of a booster, and what both boosters' adapters share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import cpu_count
from sklearn.base import clone

from focal_boost.losses._base import FocalLoss
from focal_boost.losses._kernel import Array
from focal_boost.metrics import focal_loss, log_loss_of

EvalSet = list[tuple[Any, Array, Array | None]]

# By which names the log loss of what predict_proba returns may be asked for.
_LOG_LOSS = ("log_loss", "logloss", "mlogloss", "binary_logloss", "multi_logloss")


# Dask joins partitions of small files when it reads few of their columns: of X others than of y.
JOINED = ": persist the frame before taking X and y from it"


@dataclass(frozen=True)
class FocalMetric:
    """A metric of raw predictions for the loss that they were trained with.

    Parameters
    ----------
    loss : BinaryFocalLoss or MulticlassFocalLoss
        The loss that the model is trained with.
    name : {"log_loss", "focal_loss"}, default="log_loss"
        The log loss of ``loss.predict_proba``, or the focal loss; weighted means.
    calibrated : bool, default=True
        Whether the log loss is of the posterior or of the plain sigmoid or softmax.
    """

    loss: FocalLoss
    name: str = "log_loss"
    calibrated: bool = True

    def __post_init__(self) -> None:
        if self.name not in ("log_loss", "focal_loss"):
            raise ValueError(f"name must be 'log_loss' or 'focal_loss'; got {self.name!r}.")

    def value(self, y_true: Any, raw_prediction: Any, sample_weight: Any) -> float:
        """Return the metric, lower is better."""
        if self.name == "log_loss":
            return log_loss_of(self.loss, y_true, raw_prediction, sample_weight, self.calibrated)
        return float(focal_loss(y_true, raw_prediction, self.loss.gamma, self.loss.alpha, sample_weight))


@dataclass(frozen=True)
class ProbabilityMetric:
    """A user's metric of probabilities, given raw predictions by the booster."""

    function: Callable[..., Any]
    loss: FocalLoss
    calibrated: bool

    def probabilities(self, raw_prediction: Any) -> Array:
        """Return (n,) for the positive class or (n, K), as the booster's own objective hands them to a metric."""
        proba = self.loss.predict_proba(raw_prediction, self.calibrated)
        return proba[:, 1] if proba.shape[1] == 2 else proba


def metric_name(requested: str) -> str:
    """Return "log_loss" for any of its names, else the name itself."""
    return "log_loss" if requested in _LOG_LOSS else requested


def n_threads(n_jobs: int | None) -> int:
    """Return how many threads ``n_jobs`` means to the boosters on this machine."""
    return n_jobs if n_jobs is not None and n_jobs > 0 else cpu_count()


def arrow_frame(X: Any) -> Any:
    """Return a polars or pyarrow frame as a narwhals one, None for all other data.

    ValueError for a column that is neither of numbers nor of booleans nor categorical: on these XGBoost raises a
    KeyError, and LightGBM ends the process.
    """
    if not (hasattr(X, "__arrow_c_stream__") and hasattr(X, "columns")):
        return None
    import narwhals as nw

    if nw.dependencies.is_pandas_dataframe(X):
        return None
    # Wider integers and narrower floats end the process inside LightGBM.
    integers = (nw.Int8, nw.Int16, nw.Int32, nw.Int64, nw.UInt8, nw.UInt16, nw.UInt32, nw.UInt64)
    frame = nw.from_native(X, eager_only=True)
    for name, dtype in frame.schema.items():
        if dtype not in (*integers, nw.Float32, nw.Float64, nw.Boolean, nw.Categorical, nw.Enum):
            raise ValueError(
                f"X must hold columns of integers, floats, booleans or categories; got {name!r} of type {dtype}."
            )
    return frame


class BoosterAdapter(ABC):
    """Translates between the estimator and one booster."""

    def clone(self, estimator: Any) -> Any:
        """Return an unfitted copy of ``estimator`` to train."""
        return clone(estimator)

    @abstractmethod
    def check(self, estimator: Any) -> None:
        """Raise ValueError for a parameter that the focal loss replaces or that the booster would misuse."""

    @abstractmethod
    def start(self, initial_raw_prediction: Any) -> Any:
        """Return the starting value that the booster can hold nearest to the given one."""

    @abstractmethod
    def fit(
        self,
        estimator: Any,
        loss: FocalLoss,
        start: Any,
        calibrated: bool,
        X: Any,
        y: Array,
        sample_weight: Array | None,
        eval_set: EvalSet,
        fit_params: dict[str, Any],
    ) -> None:
        """Train ``estimator``, a clone, with the loss and leave a plain native model in it."""

    @abstractmethod
    def raw_prediction(self, estimator: Any, X: Any) -> Array:
        """Return raw predictions, (n,) or (n, K)."""

    @abstractmethod
    def booster(self, estimator: Any) -> Any:
        """Return the booster's own model."""

    @abstractmethod
    def evals_result(self, estimator: Any) -> dict[str, dict[str, list[float]]]:
        """Return {set: {metric: [value per round]}}, empty without eval sets."""

    @abstractmethod
    def best_iteration(self, estimator: Any) -> int | None:
        """Return the best iteration as the booster counts it, None without early stopping."""

    @abstractmethod
    def made_a_split(self, estimator: Any) -> bool:
        """Return whether any tree has more than one leaf."""


class DaskAdapter(BoosterAdapter):
    """Translates between the Dask estimator and one booster's Dask estimators."""

    @abstractmethod
    def to_local(self, estimator: Any) -> Any:
        """Return the fitted in-memory estimator of the same model."""

    @contextmanager
    def read(
        self, X: Any, y: Any, sample_weight: Any, eval_set: EvalSet
    ) -> Iterator[tuple[Any, Any, Any, EvalSet]]:
        """Hold the data in the workers' memory and provide them without the partitions that have no rows.

        XGBoost refuses an empty array at an odd address, where Dask may put one that it moves to another worker,
        and LightGBM a worker without rows. What the data themselves are refused for is raised here: the boosters
        would report it as an error of their own.
        """
        from distributed import futures_of

        # One by one: Dask warns where it is asked for arrays and frames together.
        read: list[Any] = [
            tuple(None if column is None else column.persist() for column in data)
            for data in ((X, y, sample_weight), *eval_set)
        ]
        try:
            names = ["", *(f"eval_set[{i}]: " for i in range(len(eval_set)))]
            data, *eval_set = map(_with_rows, names, read)
            yield *data, eval_set
        finally:
            # The traceback of an error refers to the data: another fit would find them where they were left, all
            # on the workers that survived.
            for future in futures_of(read):
                future.release()


def _with_rows(name: str, data: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
    """Return (X, y, weight) without empty partitions; ValueError if X and y differ in the rows of one."""
    import dask

    X, y, sample_weight = data
    if X.npartitions != y.npartitions:
        raise ValueError(
            f"{name}X must be partitioned as y, into {y.npartitions} parts; got {X.npartitions} after Dask has "
            f"joined some{JOINED}."
        )
    parts = zip(np.ravel(X.to_delayed()), np.ravel(y.to_delayed()), strict=True)
    rows = dask.compute(*(dask.delayed(_n_rows)(*pair) for pair in parts))
    for i, (n_rows, n_labels) in enumerate(rows):
        if n_rows != n_labels:
            raise ValueError(
                f"{name}y must have as many rows as X in every partition; got {n_labels} and {n_rows} in "
                f"partition {i}. If Dask has joined partitions of small files{JOINED}."
            )
    filled = [i for i, (n_rows, _) in enumerate(rows) if n_rows]
    if len(filled) == len(rows):
        return data
    weight = None if sample_weight is None else sample_weight.partitions[filled]
    return X.partitions[filled], y.partitions[filled], weight


def _n_rows(X: Any, y: Any) -> tuple[int, int]:
    return X.shape[0], len(y)  # sparse matrices have no len()
