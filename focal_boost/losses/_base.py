"""The base class of the binary and the multiclass focal loss.

A subclass computes the probability of the true class from a raw prediction (`_true_class`) and converts the
derivatives with respect to its log-odds to those with respect to the raw predictions (`_spread`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from focal_boost._arguments import check_labels, check_sample_weight, class_priors, labels_first
from focal_boost.losses import _focal
from focal_boost.losses._bound import BoundLoss, Targets, scale_of
from focal_boost.losses._focal import Scratch, blocks
from focal_boost.losses._hessian import POLICIES, Policy, second_derivative
from focal_boost.losses._parameters import alphas_by_class, check_finite


class FocalLoss(ABC):
    """Base class of both losses. The subclasses are frozen dataclasses and define the parameters."""

    gamma: Any
    alpha: Any
    hessian: Any

    _diagonal_factor: ClassVar[float]  # the factor of the second derivatives in XGBoost's built-in objective

    def loss(
        self, y_true: ArrayLike, raw_prediction: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> np.ndarray:
        """Return the weighted loss of each row.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            Labels: 0 or 1, or 0 to K - 1.
        raw_prediction : array-like of shape (n_samples,) or (n_samples, n_classes)
            Model output before sigmoid or softmax. float32 stays float32, everything else becomes float64.
        sample_weight : array-like of shape (n_samples,), optional
            From 0 to 1e15.

        Returns
        -------
        loss : ndarray of shape (n_samples,)
            In nats, with the dtype of ``raw_prediction``.

        Raises
        ------
        ValueError, TypeError
            If labels, shapes or weights are invalid or raw predictions are not finite.
        """
        raw = self._check_raw_prediction(raw_prediction)
        check_finite(raw)
        encode = self._encoder(y_true, sample_weight, raw, raw.dtype)
        loss = np.empty(len(raw), raw.dtype)
        with np.errstate(under="ignore"):
            for rows, scratch in blocks(raw, raw.dtype):
                targets = encode(rows)
                self._true_class(raw[rows], targets.truth, scratch)
                loss[rows] = _focal.loss(scratch, targets.gamma, targets.weight)
        return loss

    def gradient(
        self, y_true: ArrayLike, raw_prediction: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> np.ndarray:
        """Return the gradient of the weighted loss with respect to the raw prediction, in its shape and dtype.

        Arguments and errors are those of `loss`.
        """
        return self.gradient_hessian(y_true, raw_prediction, sample_weight)[0]

    def gradient_hessian(
        self, y_true: ArrayLike, raw_prediction: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the gradient and the exact second derivative (multiclass: the diagonal) of the weighted loss.

        Arguments and errors are those of `loss`. The Hessian is the exact one, which is negative where the loss is
        concave; the policy ``hessian`` does not affect it.

        Returns
        -------
        gradient, hessian : ndarrays of the shape and dtype of ``raw_prediction``
        """
        raw = self._check_raw_prediction(raw_prediction)
        check_finite(raw)
        encode = self._encoder(y_true, sample_weight, raw, raw.dtype)
        gradient, hessian = np.empty_like(raw), np.empty_like(raw)
        self._derivatives(encode, raw, raw.dtype, second_derivative, 1.0, gradient, hessian)
        return gradient, hessian

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[np.ndarray, np.ndarray]:
        """Return gradient and Hessian in the format of a custom objective of XGBoost and LightGBM.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            Labels; in the native interfaces (``xgboost.train``, ``lightgbm.train``) the raw prediction.
        y_pred : array-like of shape (n_samples,) or (n_samples, n_classes)
            Raw prediction; in the native interfaces the data set, which holds labels and weights.
        sample_weight : array-like of shape (n_samples,), optional
            Passed by the scikit-learn interfaces. The loss applies the weights; the boosters do not.

        Returns
        -------
        gradient, hessian : float32 ndarrays of the shape and memory order of the raw prediction
            The Hessian follows the policy ``hessian``; it is finite and not negative.
        """
        return self.objective(y_true, y_pred, sample_weight)

    def objective(
        self,
        y_true: Any,
        y_pred: Any,
        sample_weight: Any = None,
        *,
        dtype: Any = np.float32,
        diagonal_factor: float | None = None,
        scale: float = 1.0,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return gradient and Hessian like `__call__`, with configurable dtype and Hessian factor.

        Parameters
        ----------
        y_true, y_pred, sample_weight
            As in `__call__`.
        dtype : {numpy.float32, numpy.float64}, default=numpy.float32
            Dtype of the computation; the results are float32.
        diagonal_factor : float, optional
            Factor of the second derivatives. By default that of XGBoost: 1 for two classes, 2 for more.
        scale : float, default=1.0
            Factor of all weights, as returned by `scale`.

        Returns
        -------
        gradient, hessian : float32 ndarrays of the shape and memory order of the raw prediction
        """
        labels, raw, weight = labels_first(y_true, y_pred, sample_weight)
        if np.shape(raw) in ((0,), (0, 0)) and len(labels) == 0:
            # For an empty partition XGBoost passes no columns but expects one per output.
            empty = np.empty((0, self._n_outputs), dtype=np.float32)
            return empty, empty.copy()
        raw = self._check_raw_prediction(raw)
        encode = self._encoder(labels, weight, raw, dtype, scale)
        factor = self._diagonal_factor if diagonal_factor is None else diagonal_factor
        gradient, hessian = np.empty_like(raw, dtype=np.float32), np.empty_like(raw, dtype=np.float32)
        self._derivatives(encode, raw, dtype, self._policy, factor, gradient, hessian)
        return gradient, hessian

    def bind(
        self,
        y_true: ArrayLike,
        sample_weight: ArrayLike | None = None,
        n_classes: int = 2,
        dtype: Any = np.float32,
        diagonal_factor: float | None = None,
        scale: float = 1.0,
    ) -> BoundLoss:
        """Return the loss bound to the training rows; labels and weights are checked and encoded only once.

        Parameters
        ----------
        y_true, sample_weight
            As in `loss`.
        n_classes : int, default=2
            Number of classes K. Raw predictions will have shape (n, K), or (n,) for the binary loss.
        dtype, diagonal_factor, scale
            As in `objective`.

        Returns
        -------
        bound : BoundLoss
            Its method ``derivatives(raw_prediction, gradient, hessian)`` writes to the last two arguments.
        """
        labels = check_labels(y_true, None, n_classes)
        weight = check_sample_weight(sample_weight, len(labels))
        factor = self._diagonal_factor if diagonal_factor is None else diagonal_factor
        with np.errstate(under="ignore"):
            targets = self._encode(labels, weight, n_classes, dtype, scale)
        return BoundLoss(self, targets, dtype, factor)

    @property
    def _policy(self) -> Policy:
        policy: Policy = self.hessian if callable(self.hessian) else POLICIES[self.hessian]
        return policy

    def _encoder(
        self, y_true: Any, sample_weight: Any, raw: np.ndarray, dtype: Any, scale: float = 1.0
    ) -> Callable[[slice], Targets]:
        """Return a function that encodes a block of rows, so that memory use does not grow with the data."""
        n_classes = 2 if raw.ndim == 1 else raw.shape[1]
        labels = check_labels(y_true, len(raw), n_classes)
        weight = check_sample_weight(sample_weight, len(raw))
        return lambda rows: self._encode(
            labels[rows], None if weight is None else weight[rows], n_classes, dtype, scale
        )

    def _encode(
        self, labels: np.ndarray, sample_weight: np.ndarray | None, n_classes: int, dtype: Any, scale: float
    ) -> Targets:
        gamma = self.gamma
        weight: Any = None
        if not isinstance(gamma, float):
            gamma = self._by_label(np.array(gamma, dtype), labels)
        if self.alpha is not None:
            weight = self._by_label(alphas_by_class(self.alpha, n_classes).astype(dtype), labels)
        if sample_weight is not None:
            sample_weight = sample_weight.astype(dtype, copy=False)
            weight = sample_weight if weight is None else weight * sample_weight
        if scale != 1:
            weight = scale if weight is None else weight * scale
        return Targets(self._truth(labels, dtype), gamma, weight)

    def _derivatives(
        self,
        encode: Callable[[slice], Targets],
        raw: np.ndarray,
        dtype: Any,
        policy: Policy,
        diagonal_factor: float,
        gradient: np.ndarray,
        hessian: np.ndarray,
    ) -> None:
        """Write gradient and Hessian, both in the shape of the raw prediction."""
        # Well classified rows underflow to 0, which is correct; _focal.true_class rejects infinite values.
        with np.errstate(under="ignore", invalid="ignore"):
            for rows, scratch in blocks(raw, dtype):
                targets = encode(rows)
                self._true_class(raw[rows], targets.truth, scratch)
                slope, curvature = _focal.derivatives(scratch, targets.gamma, targets.weight)
                gradient[rows], hessian[rows] = self._spread(
                    targets.truth, scratch, slope, curvature, policy, diagonal_factor
                )

    def fit_intercept_only(self, y_true: Any, sample_weight: Any = None) -> Any:
        """Return the initial raw prediction, whose posterior is the weighted class prior.

        The gradient summed over the rows is zero there.

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
            If the total weight of a class is zero, because its raw prediction would be infinite.
        """
        return self._invert_posterior(class_priors(y_true, sample_weight, self._infer_n_classes(y_true)))

    def scale(self, y_true: Any, sample_weight: Any = None, diagonal_factor: float | None = None) -> float:
        """Return the factor of the loss with which regularisation has the same effect as for the log loss.

        Boosters regularise with absolute numbers, such as ``reg_lambda`` and ``min_child_weight``. Multiplied by
        this factor, the Hessian summed over the rows at the initial raw prediction equals that of the log loss.

        Arguments and errors are those of `fit_intercept_only`; ``diagonal_factor`` is that of `objective`.

        Returns
        -------
        scale : float
            1 for gamma = 0, at most 1e12 so that float32 derivatives stay finite. A function as the ``hessian``
            has the scale of "safeguarded".
        """
        return scale_of(self, class_priors(y_true, sample_weight, self._infer_n_classes(y_true)), diagonal_factor)

    @abstractmethod
    def predict_log_proba(self, raw_prediction: Any, calibrated: bool = True) -> np.ndarray:
        """Return the logarithm of `predict_proba`, with full relative accuracy for improbable classes."""

    def log_likelihood(
        self, y_true: ArrayLike, raw_prediction: ArrayLike, calibrated: bool = True
    ) -> npt.NDArray[Any]:
        """Return the log-probability of the label of each row, shape (n_samples,).

        The mean is the negative log loss of `predict_proba`. It is finite even if a probability rounds to 0.
        Arguments and errors are those of `loss` and `predict_proba`.
        """
        log_proba = self.predict_log_proba(raw_prediction, calibrated)
        labels = check_labels(y_true, *log_proba.shape)
        return log_proba[np.arange(len(labels)), labels.astype(np.intp, copy=False)]

    def predict_proba(self, raw_prediction: Any, calibrated: bool = True) -> np.ndarray:
        """Return class probabilities.

        Parameters
        ----------
        raw_prediction : array-like of shape (n_samples,) or (n_samples, n_classes)
            Model output before sigmoid or softmax.
        calibrated : bool, default=True
            Whether to return the posterior, which corrects in closed form for the distortion by ``gamma`` and
            ``alpha`` (Charoenphakdee et al., CVPR 2021), or the plain sigmoid or softmax.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Columns in the order of the labels (binary: 0, 1); rows sum to one.
        """
        with np.errstate(under="ignore"):
            return np.exp(self.predict_log_proba(raw_prediction, calibrated))

    @property
    @abstractmethod
    def _n_outputs(self) -> int: ...

    @abstractmethod
    def _infer_n_classes(self, y_true: Any) -> int: ...

    @abstractmethod
    def _check_raw_prediction(self, raw_prediction: Any) -> np.ndarray: ...

    @abstractmethod
    def _invert_posterior(self, priors: np.ndarray) -> Any: ...

    @abstractmethod
    def _truth(self, labels: np.ndarray, dtype: Any) -> np.ndarray: ...

    @abstractmethod
    def _by_label(self, per_class: np.ndarray, labels: np.ndarray) -> np.ndarray: ...

    @abstractmethod
    def _true_class(self, raw: np.ndarray, truth: np.ndarray, t: Scratch) -> None:
        """Compute p, q and ell of a block of rows."""

    @abstractmethod
    def _spread(
        self,
        truth: np.ndarray,
        t: Scratch,
        slope: np.ndarray,
        curvature: np.ndarray,
        policy: Policy,
        diagonal_factor: float,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return gradient and Hessian of a block from the derivatives with respect to the log-odds."""
