"""The estimator on a Dask cluster: one streamed pass over the labels, then the booster's own Dask training.

Whatever is a statistic of the whole data (classes, priors, class weights, the starting value) is computed
here, once and for all workers. How a booster trains on Dask stands in its adapter.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

try:
    import dask
    import dask.array as da
    import dask.dataframe as dd
    import distributed
except ImportError as error:
    raise ImportError("focal_boost.dask needs Dask: pip install 'focal-boost[dask]'.") from error

from focal_boost._input import canonical, check_frame, check_known, encode
from focal_boost.losses._kernel import Array
from focal_boost.objectives import dask_adapter_for, default_dask_estimator
from focal_boost.objectives._adapter import JOINED, EvalSet

from focal_boost.classifier import FocalBoostClassifier
from focal_boost.losses._parameters import check_sample_weight


class DaskFocalBoostClassifier(FocalBoostClassifier):
    """`FocalBoostClassifier` over XGBoost's and LightGBM's Dask estimators, for data beyond one machine.

    Parameters, attributes and methods are those of `FocalBoostClassifier`, with these differences:

    - ``fit`` takes Dask arrays and Dask data frames, partitioned alike by rows, and needs a
      ``distributed.Client``. Partitions may have unknown lengths or no rows, the blocks of an array may be
      sparse; categories must be known (``X.categorize()``).
    - ``predict``, ``predict_proba``, ``predict_log_proba`` and ``decision_function`` return lazy Dask arrays,
      one block per partition of ``X``, float64 or of the type of the labels.
    - `to_local` gives the fitted `FocalBoostClassifier`, which needs no Dask.

    Parameters
    ----------
    estimator : DaskXGBClassifier, DaskXGBRFClassifier or DaskLGBMClassifier, optional
        The unfitted booster. It is cloned, never modified. None: ``DaskXGBClassifier()``.
    gamma : float or sequence of one float per class, default=2.0
        Focusing parameter, finite, >= 0. 0 is the log loss.
    alpha : None, "balanced", float, sequence or dict, default=None
        Class weight, as in `FocalBoostClassifier`; "balanced" counts the rows of all partitions.
    calibrated : bool, default=True
        Whether `predict_proba` estimates the class posterior or is the plain sigmoid or softmax.
    hessian : str, default="dominant"
        The second derivative that the booster is given; see `BinaryFocalLoss`.

    Notes
    -----
    ``fit`` reads the labels twice: once for the statistics, one partition at a time, which brings a few hundred
    bytes per partition to the client; and once with the features, to number them. All of it then stays in the
    workers' memory, as the boosters need it. Persist a data frame before taking ``X`` and ``y`` from it, or the
    labels are read twice, and of small files Dask joins partitions, of each column others, which is refused.

    The metric of every round is the mean over all rows of the eval set, on whichever worker they lie, so
    that early stopping works with both boosters. A metric that is no mean over rows (a rank metric of
    LightGBM, a callable) is the mean of the workers' values, weighted by their rows.

    Examples
    --------
    >>> import dask.array as da
    >>> from distributed import Client
    >>> from sklearn.datasets import load_digits
    >>> from xgboost.dask import DaskXGBClassifier
    >>> from focal_boost.dask import DaskFocalBoostClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> X, y = da.from_array(X, chunks=(600, 64)), da.from_array(y == 8, chunks=600)
    >>> with Client(processes=False, dashboard_address=":0"):  # on a cluster: Client("scheduler:8786")
    ...     model = DaskFocalBoostClassifier(DaskXGBClassifier(n_estimators=20)).fit(X, y)
    ...     model.predict(X)[:9].compute()
    array([False, False, False, False, False, False, False, False,  True])
    """

    _adapter_for = staticmethod(dask_adapter_for)
    _default_estimator = staticmethod(default_dask_estimator)

    def to_local(self) -> FocalBoostClassifier:
        """Return the fitted `FocalBoostClassifier` of the same model, which predicts in memory."""
        check_is_fitted(self)
        estimator = self._adapter_for(self.estimator_).to_local(self.estimator_)
        params = self.get_params(deep=False)
        local = FocalBoostClassifier(**{**params, "estimator": clone(estimator)})
        fitted = {name: value for name, value in vars(self).items() if name not in params}
        local.__dict__.update(fitted, estimator_=estimator)
        return local

    def decision_function(self, X: Any) -> Any:
        """Return the raw prediction, a Dask array (n_samples,) or (n_samples, n_classes), float64."""
        n_outputs = np.size(self.initial_raw_prediction_) if hasattr(self, "loss_") else 1
        shape = (0,) if n_outputs == 1 else (0, n_outputs)
        return self._map(X, "decision_function", np.empty(shape))

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithm of `predict_proba`, a Dask array (n_samples, n_classes), float64."""
        check_is_fitted(self)
        return self._map(X, "predict_log_proba", np.empty((0, len(self.classes_))))

    def predict_proba(self, X: Any) -> Any:
        """Return class probabilities, a Dask array (n_samples, n_classes), float64."""
        check_is_fitted(self)
        return self._map(X, "predict_proba", np.empty((0, len(self.classes_))))

    def predict(self, X: Any) -> Any:
        """Return the class with the largest `predict_proba`, a Dask array (n_samples,)."""
        check_is_fitted(self)
        return self._map(X, "predict", np.empty(0, dtype=self.classes_.dtype))

    def _map(self, X: Any, method: str, meta: Array) -> Any:
        """Return a method of the local model on each partition."""
        X = self._check_X(X, reset=False)
        model = dask.delayed(self.to_local())
        if isinstance(X, dd.DataFrame):
            return X.map_partitions(_call, model, method, meta, meta=meta)
        shape = {"drop_axis": 1} if meta.ndim == 1 else {"chunks": (X.chunks[0], meta.shape[1:])}
        return X.map_blocks(_call, model, method, meta, meta=meta, dtype=meta.dtype, **shape)

    def _check_X(self, X: Any, reset: bool) -> Any:
        if isinstance(X, dd.DataFrame):
            if not len(X.columns):
                raise ValueError("X must have at least one row and one column; got no columns.")
            super()._check_X(X._meta_nonempty, reset)
            # Dask says that columns are in the machine's own byte order, whatever the partitions hold.
            return X.map_partitions(_check_part, meta=X._meta, enforce_metadata=False)
        if not isinstance(X, da.Array) or X.ndim != 2:
            shape = f" of shape {X.shape}" if isinstance(X, da.Array) else ""
            raise TypeError(
                f"X must be a Dask data frame or a Dask array of two dimensions; got {type(X)}{shape}."
            )
        if X.dtype.kind in "mM":
            raise TypeError(f"X must hold numbers; got {X.dtype}.")
        if np.isnan(X.shape[1]):
            raise ValueError(f"X must have a known number of columns; got shape {X.shape}.")
        if X.shape[1] == 0:
            raise ValueError("X must have at least one row and one column; got no columns.")
        validate_data(self, np.empty((0, X.shape[1])), reset=reset, skip_check_array=True)
        dtype = X.dtype if X.dtype in (np.float32, np.float64) else np.dtype(np.float64)
        return X.rechunk({1: -1}).map_blocks(_check_block, dtype, dtype=dtype, meta=X._meta.astype(dtype))

    def _check_y(self, X: Any, y: Any, sample_weight: Any) -> tuple[Array, Array, Array, Any, Any]:
        classes, counts, totals = _statistics("", X, y, sample_weight)
        return classes, counts, totals, *_columns(y, sample_weight, classes)

    def _check_eval_y(self, name: str, X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any]:
        classes, _, totals = _statistics(f"{name}: ", X, y, sample_weight)
        check_known(name, classes, self.classes_)
        if not totals.sum() > 0:
            raise ValueError(f"{name} must hold rows of positive weight.")
        return _columns(y, sample_weight, self.classes_)

    def _check_eval_set(self, eval_set: Any, eval_sample_weight: Any, fit_params: dict[str, Any]) -> EvalSet:
        checked: Any = super()._check_eval_set(eval_set, eval_sample_weight, fit_params)
        if all(weight is None for *_, weight in checked):
            return checked
        # The boosters' Dask estimators want a weight of every eval set or of none.
        return [
            (X, labels, labels.map_blocks(np.ones_like, dtype=np.float64) if weight is None else weight)
            for X, labels, weight in checked
        ]


class _Statistics(NamedTuple):
    """What the pass over the labels brings back from one partition."""

    rows: int
    classes: Array
    counts: Array
    totals: Array


def _call(part: Any, model: FocalBoostClassifier, method: str, meta: Array) -> Array:
    if part.shape[0] == 0:
        return meta
    result: Array = getattr(model, method)(part)
    return result.astype(meta.dtype, copy=False)


def _check_part(part: Any) -> Any:
    if len(part):
        check_frame(part)
    return part


def _check_block(block: Any, dtype: Any) -> Any:
    block = check_array(
        block,
        dtype=dtype,
        accept_sparse="csr",
        ensure_all_finite="allow-nan",
        ensure_min_samples=0,
        input_name="X",
    )
    # A matrix: neither booster joins the blocks of sparse arrays.
    return canonical(sparse.csr_matrix(block)) if sparse.issparse(block) else block


def _of_partition(y: Any, sample_weight: Any) -> _Statistics:
    if len(y) == 0:
        check_sample_weight(sample_weight, 0)
        return _Statistics(0, np.empty(0), np.empty(0, int), np.empty(0))
    classes, labels = encode(y)
    weight = check_sample_weight(sample_weight, len(labels))
    return _Statistics(len(labels), classes, np.bincount(labels), np.bincount(labels, weights=weight))


def _partitions(name: str, column: Any, X: Any) -> list[Any]:
    """Return the partitions of a column, delayed, after a check that they are those of X as far as is known."""
    if not isinstance(column, da.Array | dd.Series | dd.DataFrame):
        raise TypeError(f"{name} must be a Dask array or a Dask series; got {type(column)}.")
    partitions = list(np.ravel(column.to_delayed()))
    n_expected = X.numblocks[0] if isinstance(X, da.Array) else X.npartitions
    if len(partitions) != n_expected:
        hint = "" if len(partitions) == column.npartitions else f" after Dask has joined some{JOINED}"
        raise ValueError(f"{name} must be partitioned as X, into {n_expected} parts; got {len(partitions)}{hint}.")
    return partitions


def _statistics(name: str, X: Any, y: Any, sample_weight: Any) -> tuple[Array, Array, Array]:
    """Return the classes, their numbers of rows and their total weights."""
    try:
        client = distributed.get_client()
    except ValueError as error:
        raise ValueError("fit needs a Dask client: create one first, client = distributed.Client(...).") from error
    if client.asynchronous:
        raise ValueError("fit needs a synchronous Dask client; got one with asynchronous=True.")
    if isinstance(X, dd.DataFrame):
        unknown = [
            column
            for column in X.columns[[str(dtype) == "category" for dtype in X.dtypes]]
            if not X[column].cat.known
        ]
        if unknown:
            raise ValueError(
                f"{name}X must have known categories, the same in every partition: X.categorize(); unknown in "
                f"{unknown}."
            )
    labels = _partitions(f"{name}y", y, X)
    weights = (
        [None] * len(labels) if sample_weight is None else _partitions(f"{name}sample_weight", sample_weight, X)
    )
    try:
        parts = dask.compute(*(dask.delayed(_of_partition)(*pair) for pair in zip(labels, weights, strict=True)))
    except ValueError as error:
        raise ValueError(f"{name}{error}") from error
    rows = [part.rows for part in parts]
    if isinstance(X, da.Array) and not np.isnan(X.chunks[0]).any() and list(X.chunks[0]) != rows:
        raise ValueError(f"{name}y must have the chunks of X, {X.chunks[0]}; got {tuple(rows)}.")
    parts = [part for part in parts if part.rows]
    if not parts:
        raise ValueError(f"{name}X must have at least one row and one column; got no rows.")
    classes, inverse = np.unique(np.concatenate([part.classes for part in parts]), return_inverse=True)
    counts = np.bincount(inverse, weights=np.concatenate([part.counts for part in parts])).astype(int)
    totals = np.bincount(inverse, weights=np.concatenate([part.totals for part in parts]))
    return classes, counts, totals


def _columns(y: Any, sample_weight: Any, classes: Array) -> tuple[Any, Any]:
    """Return the labels 0..K-1 and the weights, as Dask arrays."""
    labels = _column(y, np.min_scalar_type(len(classes) - 1), classes)
    return labels, None if sample_weight is None else _column(sample_weight, np.dtype(np.float64), None)


def _column(column: Any, dtype: Any, classes: Array | None) -> Any:
    if isinstance(column, da.Array):
        drop_axis = list(range(1, column.ndim))
        return column.map_blocks(
            _convert, dtype, classes, dtype=dtype, drop_axis=drop_axis, meta=np.empty(0, dtype)
        )
    return column.map_partitions(_convert, dtype, classes, meta=np.empty(0, dtype))


def _convert(column: Any, dtype: Any, classes: Array | None) -> Array:
    values = np.ravel(column)
    return (values if classes is None else np.searchsorted(classes, values)).astype(dtype)
