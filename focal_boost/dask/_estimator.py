"""The classifier for Dask collections: distributed training that yields a local fitted model."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Literal, Self

import dask
import dask.dataframe as dd
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from focal_boost._arguments import check_flag
from focal_boost._data import pair_eval_sets
from focal_boost.classifier import FocalBoostClassifier, train
from focal_boost.dask._partitions import read_features, read_training
from focal_boost.losses import Gamma, Hessian

if TYPE_CHECKING:
    from focal_boost.dask._lightgbm import DaskLightGBM
    from focal_boost.dask._xgboost import DaskXGBoost


class _LocalAttribute:
    """Descriptor for a fitted attribute of the local model."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, model: Any, owner: type) -> Any:
        if model is None:
            return self
        check_is_fitted(model)
        return getattr(model.local_, self.name)


class DaskFocalBoostClassifier(ClassifierMixin, BaseEstimator):
    """`FocalBoostClassifier` for Dask collections, trained with XGBoost's or LightGBM's Dask estimators.

    Parameters, attributes and methods are those of `FocalBoostClassifier`, with these differences:

    - ``fit`` takes Dask arrays and data frames with the same partitions of rows, and needs a
      ``distributed.Client``. Partitions may be empty or of unknown length, and array blocks may be sparse.
      Categories must be known (``X.categorize()``).
    - ``predict``, ``predict_proba``, ``predict_log_proba`` and ``decision_function`` return lazy Dask arrays,
      one block per partition of ``X``, float64 or of the dtype of the labels.
    - The trained model is local: `to_local` returns a fitted `FocalBoostClassifier`, which needs no Dask and has
      the staged predictions. ``estimator_`` is its XGBClassifier, XGBRFClassifier or LGBMClassifier.

    Parameters
    ----------
    estimator : DaskXGBClassifier, DaskXGBRFClassifier or DaskLGBMClassifier, optional
        The unfitted booster, which is cloned and never modified. None means ``DaskXGBClassifier()``.
    gamma : float or sequence of one float per class, default=2.0
        Focusing parameter, finite, >= 0. 0 is the log loss.
    alpha : None, "balanced", float, sequence or dict, default=None
        Class weight, as in `FocalBoostClassifier`; "balanced" counts the rows of all partitions.
    calibrated : bool, default=True
        Whether `predict_proba` estimates the class posterior or returns the plain sigmoid or softmax. Can be
        changed without refitting.
    hessian : {"safeguarded", "gauss_newton", "exact"}, default="safeguarded"
        The second derivative passed to the booster; see `BinaryFocalLoss` and `MulticlassFocalLoss`.

    Attributes
    ----------
    local_ : FocalBoostClassifier
        The fitted local model, which provides all other fitted attributes.

    Notes
    -----
    ``fit`` reads the labels twice: first to compute statistics of a few hundred bytes per partition, then,
    together with the features, to encode them. During training all data are in the workers' memory. Persist a data
    frame before taking ``X`` and ``y`` from it. Otherwise the files are read in every pass, and Dask may fuse the
    partitions of small files differently for ``X`` and ``y``, which raises an error.

    Metrics are averaged over all rows of the eval set on all workers, so that early stopping works with both
    boosters. A metric that is not a mean over rows (a rank metric of LightGBM, a callable) is approximated by the
    mean of the workers' values, weighted by their rows.

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

    def __init__(
        self,
        estimator: Any = None,
        *,
        gamma: Gamma = 2.0,
        alpha: Gamma | Mapping[Any, float] | Literal["balanced"] | None = None,
        calibrated: bool = True,
        hessian: Hessian = "safeguarded",
    ) -> None:
        self.estimator = estimator
        self.gamma = gamma
        self.alpha = alpha
        self.calibrated = calibrated
        self.hessian = hessian

    classes_ = _LocalAttribute()
    n_classes_ = _LocalAttribute()
    n_features_in_ = _LocalAttribute()
    feature_names_in_ = _LocalAttribute()
    loss_ = _LocalAttribute()
    initial_raw_prediction_ = _LocalAttribute()
    estimator_ = _LocalAttribute()
    booster_ = _LocalAttribute()
    feature_importances_ = _LocalAttribute()
    n_iter_ = _LocalAttribute()
    best_iteration_ = _LocalAttribute()
    best_score_ = _LocalAttribute()
    evals_result_ = _LocalAttribute()

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        eval_set: Sequence[tuple[Any, Any]] | None = None,
        eval_X: Any = None,
        eval_y: Any = None,
        eval_sample_weight: Sequence[Any] | None = None,
        **fit_params: Any,
    ) -> Self:
        """Train the booster on the cluster with the focal loss.

        Parameters are those of `FocalBoostClassifier.fit`, as Dask arrays, data frames and series with the
        same partitions. Invalid input raises ValueError or TypeError before training; an earlier fit is kept.
        """
        booster = _booster_of(_default_estimator() if self.estimator is None else self.estimator)
        eval_sets = pair_eval_sets(eval_set, eval_X, eval_y, eval_sample_weight)
        booster.check_parameters()
        check_flag("calibrated", self.calibrated)
        params = {**self.get_params(deep=False), "estimator": booster.unfitted_local}
        local = FocalBoostClassifier(**params)
        training = read_training(local, X, y, sample_weight, eval_sets)
        train(local, booster, training, fit_params)
        self.local_ = local
        return self

    def to_local(self) -> FocalBoostClassifier:
        """Return the fitted `FocalBoostClassifier`, which predicts in memory and shares the trained model."""
        check_is_fitted(self)
        local = copy(self.local_)
        local.calibrated = self.calibrated
        return local

    def decision_function(self, X: Any) -> Any:
        """Return the raw prediction, a Dask array (n_samples,) or (n_samples, n_classes), float64."""
        local = self.to_local()
        return _map(local, "decision_function", X, np.empty((0, *np.shape(local.initial_raw_prediction_))))

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithm of `predict_proba`, a Dask array (n_samples, n_classes), float64."""
        local = self.to_local()
        return _map(local, "predict_log_proba", X, np.empty((0, local.n_classes_)))

    def predict_proba(self, X: Any) -> Any:
        """Return class probabilities, a Dask array (n_samples, n_classes), float64."""
        local = self.to_local()
        return _map(local, "predict_proba", X, np.empty((0, local.n_classes_)))

    def predict(self, X: Any) -> Any:
        """Return the class with the largest `predict_proba`, a Dask array (n_samples,)."""
        local = self.to_local()
        return _map(local, "predict", X, np.empty(0, local.classes_.dtype))


def _map(local: FocalBoostClassifier, method: str, X: Any, empty: np.ndarray) -> Any:
    """Apply the method to each partition; ``empty`` is the result for an empty partition."""
    X = read_features(local, X, reset=False)
    model = dask.delayed(local)
    if isinstance(X, dd.DataFrame):
        return X.map_partitions(_call, model, method, empty, meta=empty)
    shape = {"drop_axis": 1} if empty.ndim == 1 else {"chunks": (X.chunks[0], empty.shape[1:])}
    return X.map_blocks(_call, model, method, empty, meta=empty, dtype=empty.dtype, **shape)


def _call(partition: Any, model: FocalBoostClassifier, method: str, empty: np.ndarray) -> np.ndarray:
    if partition.shape[0] == 0:
        return empty
    result: np.ndarray = getattr(model, method)(partition)
    return result.astype(empty.dtype, copy=False)


def _booster_of(estimator: Any) -> DaskXGBoost | DaskLightGBM:
    """Return the adapter of a DaskXGB(RF)Classifier or DaskLGBMClassifier, else raise TypeError."""
    # An instance implies that its package is already imported.
    xgboost_dask, lightgbm = sys.modules.get("xgboost.dask"), sys.modules.get("lightgbm")
    if xgboost_dask is not None and isinstance(estimator, xgboost_dask.DaskXGBClassifier):
        from focal_boost.dask._xgboost import DaskXGBoost

        return DaskXGBoost(estimator)
    if lightgbm is not None and isinstance(estimator, lightgbm.DaskLGBMClassifier):
        from focal_boost.dask._lightgbm import DaskLightGBM

        return DaskLightGBM(estimator)
    hint = ": an instance, not the class" if isinstance(estimator, type) else ""
    raise TypeError(
        "estimator must be a DaskXGBClassifier, DaskXGBRFClassifier, DaskLGBMClassifier or None "
        f"(a DaskXGBClassifier){hint}; got {estimator!r}."
    )


def _default_estimator() -> Any:
    """Return a DaskXGBClassifier; raise ImportError if XGBoost is not installed."""
    try:
        from xgboost.dask import DaskXGBClassifier
    except ImportError as error:
        raise ImportError(
            "estimator=None requires XGBoost, which is not installed: pip install xgboost, "
            "or pass a DaskLGBMClassifier."
        ) from error
    return DaskXGBClassifier()
