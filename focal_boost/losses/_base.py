"""What the binary and the multiclass focal loss have in common: scikit-learn's vocabulary, the booster's call.

Nothing here imports a booster. The native argument order is recognised by the data set's ``get_label``.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from focal_boost.losses._hessian import POLICIES, Policy, true_hessian
from focal_boost.losses._kernel import Array, in_blocks
from focal_boost.losses._parameters import (
    PerClass,
    alphas_by_class,
    check_labels,
    check_sample_weight,
)


class Rows(ABC):
    """The labels and weights of one call, and the loss and its derivatives for them, block by block."""

    ndim: ClassVar[int]  # of the raw prediction
    n_work: ClassVar[int]  # rows of scratch, beside three per column

    def __init__(
        self, loss: FocalLoss, n_classes: int, labels: Array, sample_weight: Array | None, dtype: Any
    ) -> None:
        self._dtype = np.dtype(dtype)
        self._n_outputs = 1 if self.ndim == 1 else n_classes
        # What belongs to a row is looked up block by block: nothing of the size of the data is made here.
        self._labels = labels
        self._sample_weight = sample_weight
        self._gamma = loss.gamma if isinstance(loss.gamma, float) else np.array(loss.gamma, dtype=dtype)
        self._alpha = None if loss.alpha is None else alphas_by_class(loss.alpha, n_classes).astype(dtype)

    def loss(self, raw: Array) -> Array:
        """Return the loss of each row, (n,)."""
        loss = np.empty(len(raw), dtype=self._dtype)
        self._in_blocks(lambda rows, work: self._loss_block(raw, rows, work, loss))
        return loss

    def derivatives(self, raw: Array, policy: Policy, factor: float, gradient: Array, hessian: Array) -> None:
        """Write gradient and Hessian, both shaped as the raw prediction."""
        self._in_blocks(
            lambda rows, work: self._derivatives_block(raw, rows, work, policy, factor, gradient, hessian)
        )

    def _in_blocks(self, evaluate: Callable[[slice, Array], None]) -> None:
        in_blocks(len(self._labels), self._n_outputs, self.n_work + 3 * self._n_outputs, self._dtype, evaluate)

    def _gamma_and_weight(self, labels: Array, rows: slice) -> tuple[float | Array, Array | None]:
        """Return the exponents of a block of rows, and class weight times sample weight or None for 1."""
        gamma = self._gamma if isinstance(self._gamma, float) else self._by_label(self._gamma, labels)
        weight = None if self._alpha is None else self._by_label(self._alpha, labels)
        if self._sample_weight is not None:
            sample_weight = self._sample_weight[rows].astype(self._dtype, copy=False)
            weight = sample_weight if weight is None else weight * sample_weight
        return gamma, weight

    @abstractmethod
    def _by_label(self, per_class: Array, labels: Array) -> Array: ...

    @abstractmethod
    def _loss_block(self, raw: Array, rows: slice, work: Array, loss: Array) -> None: ...

    @abstractmethod
    def _derivatives_block(
        self, raw: Array, rows: slice, work: Array, policy: Policy, factor: float, gradient: Array, hessian: Array
    ) -> None: ...


class FocalLoss(ABC):
    """The methods of both losses. Parameters are those of the subclasses, frozen dataclasses."""

    gamma: PerClass
    alpha: PerClass | None
    hessian: str

    def loss(self, y_true: Any, raw_prediction: Any, sample_weight: Any = None) -> Array:
        """Return the loss of each row, times its weight.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            Labels: 0 or 1, or 0 to K - 1.
        raw_prediction : array-like of shape (n_samples,) or (n_samples, n_classes)
            Model output before sigmoid or softmax. float32 stays float32, all else becomes float64.
        sample_weight : array-like of shape (n_samples,), optional
            From 0 to 1e15.

        Returns
        -------
        loss : ndarray of shape (n_samples,)
            Nats, in the dtype of ``raw_prediction``.

        Raises
        ------
        ValueError, TypeError
            On wrong labels, shapes or weights, and on raw predictions that are not finite.
        """
        rows, raw = self._on_rows(y_true, raw_prediction, sample_weight)
        return rows.loss(raw)

    def gradient(self, y_true: Any, raw_prediction: Any, sample_weight: Any = None) -> Array:
        """Return the gradient of the weighted loss by the raw prediction, in its shape and dtype.

        Arguments and errors are those of `loss`.
        """
        return self.gradient_hessian(y_true, raw_prediction, sample_weight)[0]

    def gradient_hessian(self, y_true: Any, raw_prediction: Any, sample_weight: Any = None) -> tuple[Array, Array]:
        """Return the gradient and the exact second derivative (multiclass: the diagonal) of the weighted loss.

        Arguments and errors are those of `loss`. The Hessian is the true one, negative where the loss is
        concave, whatever the policy ``hessian`` hands to a booster.

        Returns
        -------
        gradient, hessian : ndarrays of the shape and dtype of ``raw_prediction``
        """
        rows, raw = self._on_rows(y_true, raw_prediction, sample_weight)
        gradient, hessian = np.empty_like(raw), np.empty_like(raw)
        rows.derivatives(raw, true_hessian, 1.0, gradient, hessian)
        return gradient, hessian

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[Array, Array]:
        """Return gradient and Hessian as XGBoost and LightGBM want them of a custom objective.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            Labels; in the native interfaces (``xgboost.train``, ``lightgbm.train``) the raw prediction.
        y_pred : array-like of shape (n_samples,) or (n_samples, n_classes)
            Raw prediction; in the native interfaces the data set, which holds labels and weights.
        sample_weight : array-like of shape (n_samples,), optional
            Passed by the scikit-learn interfaces; neither booster applies it itself.

        Returns
        -------
        gradient, hessian : float32 ndarrays of the shape and memory order of the raw prediction
            The Hessian is that of the policy ``hessian``: finite and not negative.
        """
        return Objective(self)(y_true, y_pred, sample_weight)

    def _on_rows(
        self, y_true: Any, raw_prediction: Any, sample_weight: Any, dtype: Any = None
    ) -> tuple[Rows, Array]:
        """Return the checked rows of a call, by default in the dtype of the raw prediction, and the latter."""
        raw = self._check_raw_prediction(raw_prediction)
        n_classes = 2 if raw.ndim == 1 else raw.shape[1]
        labels = check_labels(y_true, len(raw), n_classes)
        weight = check_sample_weight(sample_weight, len(raw))
        return self._rows(self, n_classes, labels, weight, dtype or raw.dtype), raw

    def fit_intercept_only(self, y_true: Any, sample_weight: Any = None) -> Any:
        """Return the initial raw prediction: the one whose posterior is the weighted class prior.

        At it the summed gradient of the rows is zero.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            Labels: 0 and 1, or 0 to K - 1, each present.
        sample_weight : array-like of shape (n_samples,), optional
            From 0 to 1e15.

        Returns
        -------
        raw_prediction : float, or ndarray of shape (n_classes,) that sums to zero

        Raises
        ------
        ValueError
            If a class has no weight: its raw prediction would be infinite.
        """
        n_classes = self._infer_n_classes(y_true)
        labels = check_labels(y_true, None, n_classes)
        weight = check_sample_weight(sample_weight, len(labels))
        if len(labels) < n_classes:
            raise ValueError(
                "y_true must hold every class with a positive weight to start from; "
                f"got {len(labels)} labels for {n_classes} classes."
            )
        totals = np.bincount(labels.astype(np.intp, copy=False), weights=weight, minlength=n_classes)
        if not (totals > 0).all():
            raise ValueError(
                "y_true must hold every class with a positive weight to start from: class "
                f"{np.argmin(totals > 0)} of {n_classes} has none, its initial raw prediction would be infinite."
            )
        return self._invert_posterior(totals / totals.sum())

    @abstractmethod
    def predict_log_proba(self, raw_prediction: Any, calibrated: bool = True) -> Array:
        """Return the logarithm of `predict_proba`, with full relative accuracy for improbable classes."""

    def predict_proba(self, raw_prediction: Any, calibrated: bool = True) -> Array:
        """Return class probabilities.

        Parameters
        ----------
        raw_prediction : array-like of shape (n_samples,) or (n_samples, n_classes)
            Model output before sigmoid or softmax.
        calibrated : bool, default=True
            True: the posterior, which undoes the distortion by ``gamma`` and ``alpha`` in closed form
            (Charoenphakdee et al., CVPR 2021). False: the plain sigmoid or softmax.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Columns in the order of the labels (binary: 0, 1); rows sum to one.
        """
        with np.errstate(under="ignore"):
            return np.exp(self.predict_log_proba(raw_prediction, calibrated))

    _hessian_factor: ClassVar[float]  # what a booster's second derivatives are multiplied by, unless it says so
    _rows: ClassVar[type[Rows]]

    @abstractmethod
    def _infer_n_classes(self, y_true: Any) -> int: ...

    @abstractmethod
    def _check_raw_prediction(self, raw_prediction: Any) -> Array: ...

    @abstractmethod
    def _invert_posterior(self, priors: Array) -> Any: ...


@dataclass(frozen=True)
class Objective:
    """A loss as the callable objective of a training, with what the two boosters' own log losses differ in.

    A call overwrites what the last one of the same thread returned: boosters have used it up by then. Where freed
    memory goes back to the system, as on Dask's workers, every round would have to page in new arrays.

    Parameters
    ----------
    loss : BinaryFocalLoss or MulticlassFocalLoss
        The loss.
    dtype : {numpy.float32, numpy.float64}, default=numpy.float32
        In which derivatives are calculated; float32 is returned.
    hessian_factor : float, optional
        What second derivatives are multiplied by. By default 1 (binary) or 2 (multiclass).
    """

    loss: FocalLoss
    dtype: Any = np.float32
    hessian_factor: float | None = None
    _results: dict[int, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[Array, Array]:
        """Return float32 gradient and Hessian; arguments as of the loss's own call."""
        if hasattr(y_pred, "get_label"):
            data, y_pred = y_pred, y_true
            y_true, sample_weight = data.get_label(), data.get_weight()
            if sample_weight is not None and len(sample_weight) == 0:  # an XGBoost DMatrix without weights
                sample_weight = None
        if np.shape(y_pred) == (0, 0) and len(y_true) == 0:
            # A worker without rows in distributed training: a column per output is wanted all the same.
            empty = np.empty((0, getattr(self.loss, "n_classes", 1) or 1), dtype=np.float32)
            return empty, empty.copy()
        rows, raw = self.loss._on_rows(y_true, y_pred, sample_weight, self.dtype)
        factor = self.loss._hessian_factor if self.hessian_factor is None else self.hessian_factor
        thread, layout = threading.get_ident(), (raw.shape, raw.strides)
        known, gradient, hessian = self._results.get(thread, (None, None, None))
        if known != layout:
            gradient, hessian = np.empty_like(raw, dtype=np.float32), np.empty_like(raw, dtype=np.float32)
            self._results[thread] = layout, gradient, hessian
        rows.derivatives(raw, POLICIES[self.loss.hessian], factor, gradient, hessian)
        return gradient, hessian
