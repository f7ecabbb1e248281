"""The binary focal loss: one raw prediction a row, which the label turns into a log-odds against the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from focal_boost.losses import _kernel, _posterior
from focal_boost.losses._base import BoundLoss, FocalLoss, class_priors, row_weight
from focal_boost.losses._hessian import Policy
from focal_boost.losses._kernel import Array
from focal_boost.losses._parameters import (
    PerClass,
    alphas_by_class,
    check_alpha,
    check_gamma,
    check_hessian,
    check_labels,
    check_raw_prediction,
    check_sample_weight,
    gammas_by_class,
)


@dataclass(frozen=True)
class BinaryFocalLoss(FocalLoss):
    r"""Binary focal loss, for XGBoost and LightGBM as an objective and on its own.

    ``L = -alpha_t (1 - p_t)^gamma log(p_t)`` (Lin et al. 2017, eq. 5), with ``p_t`` the sigmoid probability
    of the true class. gamma = 0 and alpha = None is the log loss.

    Parameters
    ----------
    gamma : float or pair of floats, default=2.0
        Focusing parameter, finite, >= 0; a pair is (negative class, positive class).
    alpha : None, float or pair of floats, default=0.25
        Class weight. A float in (0, 1) weighs the positive class and 1 - alpha the negative one; a pair of
        positive numbers is (negative class, positive class); None is no weighting.
    hessian : {"safeguarded", "exact", "gauss_newton", "absolute_gradient", "bounded"}, default="safeguarded"
        What a booster is given for the second derivative, elementwise: the maximum of exact and Gauss-Newton,
        not below 1e-4 of the absolute gradient; the exact one with its negative values set to 0; the
        Gauss-Newton part ``alpha w p (1 - p)``; the absolute gradient; the maximum of exact and absolute
        gradient. `gradient_hessian` is always exact.

    Raises
    ------
    ValueError, TypeError
        On a parameter out of its range. The object is immutable and hashable.

    Notes
    -----
    Without `FocalBoostClassifier`, give the booster its own native objective and the starting value, and read
    probabilities through `predict_proba`::

        loss = BinaryFocalLoss(gamma=2.0)
        start = loss.fit_intercept_only(y)
        params = {"objective": "binary:logistic", "base_score": 1 / (1 + np.exp(-start))}
        booster = xgboost.train(params, xgboost.DMatrix(X, y), obj=loss)
        proba = loss.predict_proba(booster.predict(xgboost.DMatrix(X), output_margin=True))

    Without an ``objective`` in its params XGBoost predicts raw scores around 0.5. LightGBM does not keep the
    starting value in the model: pass it as ``init_score`` and add it to its raw scores.

    Never search over ``objective__gamma``: both boosters accept and ignore it. Search over the ``gamma`` of
    `FocalBoostClassifier`.

    References
    ----------
    T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollár, "Focal Loss for Dense Object Detection", ICCV 2017,
    `doi:10.1109/ICCV.2017.324 <https://doi.org/10.1109/ICCV.2017.324>`_.

    Examples
    --------
    >>> from focal_boost import BinaryFocalLoss
    >>> loss = BinaryFocalLoss(gamma=2.0, alpha=None)
    >>> loss.loss([1, 1], [0.0, 4.0]).round(6)
    array([1.73287e-01, 6.00000e-06])
    >>> gradient, hessian = loss.gradient_hessian([1], [0.0])
    >>> gradient.round(4), hessian.round(4)
    (array([-0.2983]), array([0.3991]))
    >>> loss.predict_proba([2.0]).round(4), loss.predict_proba([2.0], calibrated=False).round(4)
    (array([[0.0045, 0.9955]]), array([[0.1192, 0.8808]]))
    """

    gamma: PerClass = 2.0
    alpha: PerClass | None = 0.25
    hessian: str = "safeguarded"

    def __post_init__(self) -> None:
        object.__setattr__(self, "gamma", check_gamma(self.gamma, 2))
        object.__setattr__(self, "alpha", check_alpha(self.alpha, 2))
        check_hessian(self.hessian)

    def bind(
        self, y_true: Any, sample_weight: Any = None, *, dtype: Any = np.float32, n_threads: int = 1
    ) -> BoundLoss:
        """Return the objective for one training set, its labels and weights checked and prepared once.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            Labels 0 or 1.
        sample_weight : array-like of shape (n_samples,), optional
            Finite, not negative.
        dtype : {numpy.float32, numpy.float64}, default=numpy.float32
            In which the objective calculates.
        n_threads : int, default=1
            Threads that share the rows; the result does not depend on it.

        Returns
        -------
        objective : callable ``(y_true, y_pred, sample_weight=None)``
            As the loss itself, but the labels and weights are those given here.
        """
        classes = check_labels(y_true, None, 2)
        weight = check_sample_weight(sample_weight, len(classes))
        return _BoundBinary(self, classes, weight, dtype, n_threads)

    def _bind(self, y_true: Any, raw_prediction: Any, sample_weight: Any) -> tuple[BoundLoss, Array]:
        raw = check_raw_prediction(raw_prediction, 1)
        classes = check_labels(y_true, len(raw), 2)
        weight = check_sample_weight(sample_weight, len(raw))
        return _BoundBinary(self, classes, weight, raw.dtype, 1), raw

    def fit_intercept_only(self, y_true: Any, sample_weight: Any = None) -> float:
        """Return the initial raw prediction: the one whose posterior is the weighted class prior.

        At it the summed gradient of the rows is zero.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            Labels 0 and 1, each present.
        sample_weight : array-like of shape (n_samples,), optional
            Finite, not negative.

        Returns
        -------
        raw_prediction : float

        Raises
        ------
        ValueError
            If a class has no weight: its raw prediction would be infinite.
        """
        classes = check_labels(y_true, None, 2)
        priors = class_priors(classes, check_sample_weight(sample_weight, len(classes)), 2)
        return _posterior.binary_raw_prediction(priors, self._gammas, self._alphas)

    def predict_log_proba(self, raw_prediction: Any, calibrated: bool = True) -> Array:
        """Return the logarithm of `predict_proba`, with full relative accuracy for improbable classes."""
        raw = check_raw_prediction(raw_prediction, 1)
        if calibrated:
            raw = _posterior.binary_log_odds(raw, self._gammas, self._alphas)
        return np.stack([_posterior.log_sigmoid(-raw), _posterior.log_sigmoid(raw)], axis=1)

    @property
    def _gammas(self) -> Array:
        return gammas_by_class(self.gamma, 2)

    @property
    def _alphas(self) -> Array:
        return alphas_by_class(self.alpha, 2)


class _BoundBinary(BoundLoss):
    ndim = 1
    n_outputs = 1

    def __init__(
        self, loss: BinaryFocalLoss, classes: Array, sample_weight: Array | None, dtype: Any, n_threads: int
    ) -> None:
        alphas = None if loss.alpha is None else loss._alphas
        weight = row_weight(classes, alphas, sample_weight, dtype)
        super().__init__(loss, weight, len(classes), dtype, n_threads)
        # du/draw: the raw prediction counts against the negatives and for the positives.
        self._sign = np.array([1, -1], dtype=dtype)[classes]
        self._signed_weight = self._sign if weight is None else self._sign * weight
        gamma = loss.gamma
        self._gamma = gamma if isinstance(gamma, float) else np.array(gamma, dtype=dtype)[classes]

    def _prepare(self, raw: Array, rows: slice, work: Array) -> tuple[Array, float | Array]:
        u = work[-1, : rows.stop - rows.start]
        np.multiply(raw[rows], self._sign[rows], out=u, casting="same_kind")
        return u, self._gamma if isinstance(self._gamma, float) else self._gamma[rows]

    def _loss_block(self, raw: Array, rows: slice, work: Array, loss: Array) -> None:
        loss[rows] = _kernel.loss(*self._prepare(raw, rows, work), work)
        if self._weight is not None:
            loss[rows] *= self._weight[rows]

    def _derivatives_block(
        self, raw: Array, rows: slice, work: Array, policy: Policy, gradient: Array, hessian: Array
    ) -> None:
        slope, curvature, p = _kernel.derivatives(*self._prepare(raw, rows, work), work)
        np.multiply(slope, self._signed_weight[rows], out=gradient[rows], casting="same_kind")
        p *= slope
        policy(p, curvature, slope, self.factor)
        if self._weight is None:
            hessian[rows] = p
        else:
            np.multiply(p, self._weight[rows], out=hessian[rows], casting="same_kind")
