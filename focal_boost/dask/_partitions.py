"""Dask collections: validation, label statistics, encoding and empty partitions.

Statistics of all rows (classes, priors, class weights) are computed here once, for all workers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import dask
import dask.array as da
import dask.dataframe as dd
import distributed
import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_array, validate_data

from focal_boost import _data, _features
from focal_boost._arguments import check_sample_weight
from focal_boost._data import EvalSet, Training
from focal_boost._features import Features

# Dask fuses partitions of small files if few columns are read, which may differ between X and y.
_PERSIST_FIRST = "persist the frame before taking X and y from it"


def read_training(
    estimator: Any, X: Any, y: Any, sample_weight: Any, eval_sets: list[tuple[Any, Any, Any]]
) -> Training:
    """Return the validated training data as lazy Dask collections.

    Store the number and names of the features on ``estimator``. Only labels and weights are computed, one
    partition at a time.
    """
    _check_client()
    X = read_features(estimator, X, reset=True)
    classes, counts, totals = label_statistics("", X, y, sample_weight)
    labels, weight = _encode(y, sample_weight, classes)
    evals = [
        _read_eval_set(estimator, f"eval_set[{i}]", *eval_set, classes) for i, eval_set in enumerate(eval_sets)
    ]
    if any(weight is not None for *_, weight in evals):  # the boosters expect weights for all sets or for none
        evals = [
            EvalSet(X, y, y.map_blocks(np.ones_like, dtype=np.float64) if weight is None else weight)
            for X, y, weight in evals
        ]
    return Training(Features(X), labels, weight, evals, classes, counts, totals)


def _read_eval_set(estimator: Any, name: str, X: Any, y: Any, sample_weight: Any, classes: np.ndarray) -> EvalSet:
    X = read_features(estimator, X, reset=False)
    own_classes, _, totals = label_statistics(f"{name}: ", X, y, sample_weight)
    _data.number_labels(name, own_classes, classes)
    if not totals.sum() > 0:
        raise ValueError(f"{name} must contain at least one row of positive weight.")
    return EvalSet(Features(X), *_encode(y, sample_weight, classes))


def _check_client() -> None:
    try:
        client = distributed.get_client()
    except ValueError as error:
        raise ValueError("fit needs a Dask client: create one first with distributed.Client(...).") from error
    if client.asynchronous:
        raise ValueError("fit needs a synchronous Dask client; got one with asynchronous=True.")


# --- features ----------------------------------------------------------------------------------------------


def read_features(estimator: Any, X: Any, reset: bool) -> Any:
    """Return validated features; store their number and names on ``estimator`` if ``reset``, else check them."""
    if isinstance(X, dd.DataFrame):
        if not len(X.columns):
            raise ValueError("X must have at least one row and one column; got no columns.")
        _features.read_features(estimator, X._meta_nonempty, reset)
        # Dask's metadata do not show the byte order of the partitions.
        return X.map_partitions(_check_partition, meta=X._meta, enforce_metadata=False)
    if not isinstance(X, da.Array) or X.ndim != 2:
        shape = f" of shape {X.shape}" if isinstance(X, da.Array) else ""
        raise TypeError(f"X must be a Dask data frame or a Dask array of two dimensions; got {type(X)}{shape}.")
    if X.dtype.kind in "mM":
        raise TypeError(f"X must contain numbers; got {X.dtype}.")
    if np.isnan(X.shape[1]):
        raise ValueError(f"X must have a known number of columns; got shape {X.shape}.")
    if X.shape[1] == 0:
        raise ValueError("X must have at least one row and one column; got no columns.")
    validate_data(estimator, np.empty((0, X.shape[1])), reset=reset, skip_check_array=True)
    dtype = X.dtype if X.dtype in (np.float32, np.float64) else np.dtype(np.float64)
    return X.rechunk({1: -1}).map_blocks(check_block, dtype, dtype=dtype, meta=X._meta.astype(dtype))


def _check_partition(partition: Any) -> Any:
    if len(partition):
        _features.check_frame(partition)
    return partition


def check_block(block: Any, dtype: Any) -> Any:
    """Return a validated array block; a sparse block becomes a CSR matrix with sorted entries."""
    block = check_array(
        _features.fill_masked(block),
        dtype=dtype,
        accept_sparse="csr",
        ensure_all_finite="allow-nan",
        ensure_min_samples=0,
        input_name="X",
    )
    # A matrix, because neither booster can concatenate blocks of sparse arrays.
    return _features.sort_entries(sparse.csr_matrix(block)) if sparse.issparse(block) else block


# --- labels and weights ------------------------------------------------------------------------------------


_TYPES = {"b": "booleans", "i": "numbers", "u": "numbers", "f": "numbers"}  # by kind of dtype, else strings


class PartitionStatistics(NamedTuple):
    """Statistics of the labels and weights of one partition; their size does not depend on its rows."""

    rows: int
    classes: np.ndarray
    counts: np.ndarray
    totals: np.ndarray


def partition_statistics(y: Any, sample_weight: Any) -> PartitionStatistics:
    """Return the statistics of one partition."""
    if len(y) == 0:
        check_sample_weight(sample_weight, 0)
        return PartitionStatistics(0, np.empty(0), np.empty(0, int), np.empty(0))
    classes, labels = _data.encode(y)
    weight = check_sample_weight(sample_weight, len(labels))
    return PartitionStatistics(len(labels), classes, np.bincount(labels), np.bincount(labels, weights=weight))


def label_statistics(name: str, X: Any, y: Any, sample_weight: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the classes, their row counts and total weights; ``name`` is the prefix of errors."""
    if isinstance(X, dd.DataFrame):
        categorical = X.columns[[str(dtype) == "category" for dtype in X.dtypes]]
        unknown = [column for column in categorical if not X[column].cat.known]
        if unknown:
            raise ValueError(
                f"{name}X must have known categories, the same in every partition: call X.categorize(); got "
                f"unknown categories in {unknown}."
            )
    labels = _partitions(f"{name}y", y, X)
    weights = (
        [None] * len(labels) if sample_weight is None else _partitions(f"{name}sample_weight", sample_weight, X)
    )
    try:
        parts = dask.compute(*map(dask.delayed(partition_statistics), labels, weights))
    except ValueError as error:
        raise ValueError(f"{name}{error}") from error
    rows = [part.rows for part in parts]
    if isinstance(X, da.Array) and not np.isnan(X.chunks[0]).any() and list(X.chunks[0]) != rows:
        raise ValueError(f"{name}y must have the chunks of X, {X.chunks[0]}; got {tuple(rows)}.")
    parts = [part for part in parts if part.rows]
    if not parts:
        raise ValueError(f"{name}X must have at least one row and one column; got no rows.")
    types = sorted({_TYPES.get(part.classes.dtype.kind, "strings") for part in parts})
    if len(types) > 1:  # np.concatenate would convert them all to strings or integers
        raise ValueError(
            f"{name}y must contain labels of the same type in all partitions; got {', '.join(types)}."
        )
    classes, inverse = np.unique(np.concatenate([part.classes for part in parts]), return_inverse=True)
    counts = np.bincount(inverse, weights=np.concatenate([part.counts for part in parts])).astype(int)
    totals = np.bincount(inverse, weights=np.concatenate([part.totals for part in parts]))
    return classes, counts, totals


def _partitions(name: str, column: Any, X: Any) -> list[Any]:
    """Return the delayed partitions of a column; raise ValueError unless X has equally many."""
    if not isinstance(column, da.Array | dd.Series | dd.DataFrame):
        raise TypeError(f"{name} must be a Dask array or a Dask series; got {type(column)}.")
    partitions = list(np.ravel(column.to_delayed()))
    n_expected = X.numblocks[0] if isinstance(X, da.Array) else X.npartitions
    if len(partitions) != n_expected:
        fused = len(partitions) != column.npartitions
        hint = f" after Dask fused partitions: {_PERSIST_FIRST}" if fused else ""
        raise ValueError(f"{name} must have the {n_expected} partitions of X; got {len(partitions)}{hint}.")
    return partitions


def _encode(y: Any, sample_weight: Any, classes: np.ndarray) -> tuple[Any, Any]:
    """Return the labels 0 to K - 1 and the weights, as Dask arrays of one dimension."""
    labels = _convert(y, np.min_scalar_type(len(classes) - 1), classes)
    return labels, None if sample_weight is None else _convert(sample_weight, np.dtype(np.float64), None)


def _convert(column: Any, dtype: Any, classes: np.ndarray | None) -> Any:
    meta = np.empty(0, dtype)
    if isinstance(column, da.Array):
        drop_axis = list(range(1, column.ndim))
        return column.map_blocks(_convert_partition, dtype, classes, dtype=dtype, drop_axis=drop_axis, meta=meta)
    return column.map_partitions(_convert_partition, dtype, classes, meta=meta)


def _convert_partition(column: Any, dtype: Any, classes: np.ndarray | None) -> np.ndarray:
    values = np.ravel(column)
    if classes is not None:
        values = _data.number_labels("y", _data.column("y", values), classes)
    return values.astype(dtype)


# --- training data in memory -------------------------------------------------------------------------------


@contextmanager
def persisted(training: Training) -> Iterator[Training]:
    """Load the data into the workers' memory and yield them without empty partitions.

    Empty partitions are dropped, because XGBoost rejects empty arrays at unaligned addresses, which occur when
    Dask moves an array between workers, and LightGBM rejects a worker without rows. Errors in the data are raised
    here, because the boosters would wrap them in errors of their own.
    """
    data = [EvalSet(training.features, training.labels, training.sample_weight), *training.eval_sets]
    # Persisted separately, because Dask warns about mixing arrays and frames.
    columns: list[Any] = [
        tuple(None if column is None else column.persist() for column in (features.X, labels, weight))
        for features, labels, weight in data
    ]
    try:
        names = ["", *(f"eval_set[{i}]: " for i in range(len(training.eval_sets)))]
        rows, *evals = map(_without_empty_partitions, names, columns)
        yield replace(training, **rows._asdict(), eval_sets=evals)
    finally:
        # The traceback of an error keeps the data alive. Unless they are released here, a later fit of the same
        # data would run only on the workers that still hold them.
        for future in distributed.futures_of(columns):
            future.release()


def _without_empty_partitions(name: str, columns: tuple[Any, Any, Any]) -> EvalSet:
    """Drop empty partitions; raise ValueError if a partition of X and y differs in length."""
    X, labels, weight = columns
    if X.npartitions != labels.npartitions:
        raise ValueError(
            f"{name}X must have the {labels.npartitions} partitions of y; got {X.npartitions} after Dask "
            f"fused partitions: {_PERSIST_FIRST}."
        )
    partitions = np.ravel(X.to_delayed()), np.ravel(labels.to_delayed())
    lengths = dask.compute(*map(dask.delayed(_lengths), *partitions))
    for i, (n_rows, n_labels) in enumerate(lengths):
        if n_rows != n_labels:
            raise ValueError(
                f"{name}y must have as many rows as X in every partition; got {n_labels} and {n_rows} in "
                f"partition {i}. If Dask fused the partitions of small files, {_PERSIST_FIRST}."
            )
    filled = [i for i, (n_rows, _) in enumerate(lengths) if n_rows]
    if len(filled) < len(lengths):
        X, labels, weight = (None if column is None else column.partitions[filled] for column in columns)
    return EvalSet(Features(X), labels, weight)


def _lengths(X: Any, y: Any) -> tuple[int, int]:
    return X.shape[0], len(y)  # sparse matrices have no len()
