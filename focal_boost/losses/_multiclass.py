"""The multiclass focal loss: K raw predictions a row, worked on class by class along contiguous rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from focal_boost.losses import _kernel, _posterior
from focal_boost.losses._base import FocalLoss, Rows
from focal_boost.losses._hessian import Policy, dominant
from focal_boost.losses._kernel import Array
from focal_boost.losses._parameters import (
    PerClass,
    alphas_by_class,
    check_alpha,
    check_calibrated,
    check_finite,
    check_gamma,
    check_hessian,
    check_n_classes,
    check_raw_prediction,
    gammas_by_class,
    largest_label,
)


class _MulticlassRows(Rows):
    ndim = 2
    n_work = 8

    def _by_label(self, per_class: Array, labels: Array) -> Array:
        return per_class[labels]

    def _arguments(
        self, raw: Array, rows: slice, work: Array
    ) -> tuple[tuple[Array, Array | None, float | Array, Array | None], Array, Array, Array]:
        """Return the kernel's arguments, the places of the true entries, and P and 1 - P, both (K, m)."""
        m, k = rows.stop - rows.start, self._n_outputs
        # Contiguous, so that entries are found by one number; a block of the last rows may be short.
        P, rest = (
            part[: k * m].reshape(k, m) for part in (work[8 : 8 + k].ravel(), work[8 + k : 8 + 2 * k].ravel())
        )
        against, total, below = work[5:8, :m]
        labels = self._labels[rows].astype(np.intp, copy=False)
        gamma, weight = self._gamma_and_weight(labels, rows)
        true = labels * m
        true += np.arange(m)

        np.copyto(P, raw[rows].T)
        P.max(axis=0, out=total)
        P -= total
        u = np.negative(P.take(true))
        excess = _kernel.cut_excess(u)
        np.exp(P, out=P)
        # The sum of the others, for each class. Of the likeliest classes (exponential 1, so floor 1) all but
        # one are counted and the classes below them added, which keeps the digits that total - 1 would lose.
        np.floor(P, out=rest)
        rest.sum(axis=0, out=total)
        np.subtract(P, rest, out=rest)
        rest.sum(axis=0, out=below)
        np.subtract(total, P, out=rest)
        rest += below
        total += below

        np.multiply(rest.take(true), np.exp(u, out=u), out=against)
        np.divide(1, total, out=total)
        P *= total
        rest *= total
        return (against, excess, gamma, weight), true, P, rest

    def _loss_block(self, raw: Array, rows: slice, work: Array, loss: Array) -> None:
        loss[rows] = _kernel.loss(*self._arguments(raw, rows, work)[0], work)

    def _derivatives_block(
        self, raw: Array, rows: slice, work: Array, policy: Policy, factor: float, gradient: Array, hessian: Array
    ) -> None:
        arguments, true, P, complement = self._arguments(raw, rows, work)
        slope, curvature, p, q = _kernel.derivatives(*arguments, work)

        # dL/draw_c = w P_c, and -w q = -slope for the true class. Where q underflows, slope and P_c have done so.
        np.maximum(q, np.finfo(self._dtype).tiny, out=q)
        absolute_gradient = work[8 + 2 * self._n_outputs :].ravel()[: P.size].reshape(P.shape)
        np.multiply(P, slope / q, out=absolute_gradient)
        absolute_gradient.put(true, slope)
        # The Gauss-Newton part is w P_c (1 - P_c), for the true class too.
        complement.put(true, p)
        # The curvature part of the matrix is w' v v^T with v = P - e_y, on its diagonal w' P_c^2 and, for the true
        # class, w' q^2, formed as one. The absolute values of a row sum to 2 w' q P_c: with half of that on the
        # diagonal, twice the diagonal bounds the matrix.
        share = np.multiply(P, 1 / q, out=P)
        share.put(true, 1)
        if policy is not dominant:
            share *= share
        share *= curvature
        policy(complement, share, absolute_gradient, factor)

        absolute_gradient.put(true, np.negative(slope, out=slope))
        gradient[rows] = absolute_gradient.T
        hessian[rows] = complement.T


@dataclass(frozen=True)
class MulticlassFocalLoss(FocalLoss):
    r"""Multiclass focal loss, for XGBoost and LightGBM as an objective and on its own.

    ``L = -alpha_y (1 - p_y)^gamma_y log(p_y)`` (Lin et al. 2017, eq. 5), with ``p_y`` the softmax probability
    of the true class y. gamma = 0 and alpha = None is the cross-entropy.

    Parameters
    ----------
    n_classes : int, optional
        Number of classes K, at least 2. None: read off the raw prediction.
    gamma : float or sequence of K floats, default=2.0
        Focusing parameter, from 0 to 1e6, the same for all classes or one per (true) class.
    alpha : None or sequence of K floats, default=None
        One weight per class, from 1e-15 to 1e8; None is no weighting. With two classes also a float in (0, 1),
        as in `BinaryFocalLoss`.
    hessian : str, default="dominant"
        What a booster is given for the diagonal of the Hessian, by the names of `BinaryFocalLoss`. "dominant" is
        "safeguarded" with the curvature ``w' P_c^2`` of the other classes replaced by ``w' (1 - P_y) P_c``, half
        its row sum. As an objective, second derivatives are doubled, as in XGBoost's softmax: twice the "dominant"
        diagonal bounds the full matrix, twice the exact or safeguarded one only for two classes or gamma = 0.

    Raises
    ------
    ValueError, TypeError
        On a parameter out of its range. The object is immutable and hashable.

    Notes
    -----
    Without `FocalBoostClassifier`, give the booster its own native objective with the number of classes and
    the starting values, and read probabilities through `predict_proba`::

        loss = MulticlassFocalLoss(n_classes=3)
        start = loss.fit_intercept_only(y)
        params = {"objective": "multi:softprob", "num_class": 3, "base_score": start.tolist()}
        booster = xgboost.train(params, xgboost.DMatrix(X, y), obj=loss)
        proba = loss.predict_proba(booster.predict(xgboost.DMatrix(X), output_margin=True))

    Without an ``objective`` in its params XGBoost predicts class labels. LightGBM's params need
    ``num_class``; it does not keep the starting values in the model: pass them as ``init_score`` and add them
    to its raw scores.

    References
    ----------
    T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollár, "Focal Loss for Dense Object Detection", ICCV 2017,
    `doi:10.1109/ICCV.2017.324 <https://doi.org/10.1109/ICCV.2017.324>`_.

    Examples
    --------
    >>> from focal_boost import MulticlassFocalLoss
    >>> loss = MulticlassFocalLoss(gamma=2.0)
    >>> loss.loss([0, 2], [[2.0, 0.0, 0.0], [2.0, 0.0, 0.0]]).round(4)
    array([0.0109, 1.7879])
    >>> gradient, hessian = loss.gradient_hessian([0], [[2.0, 0.0, 0.0]])
    >>> gradient.round(4)
    array([[-0.0268,  0.0134,  0.0134]])
    >>> loss.predict_proba([[2.0, 0.0, 0.0]]).round(4)
    array([[0.973 , 0.0135, 0.0135]])
    """

    n_classes: int | None = None
    gamma: PerClass = 2.0
    alpha: PerClass | None = None
    hessian: str = "dominant"

    _hessian_factor: ClassVar[float] = 2.0
    _rows: ClassVar[type[Rows]] = _MulticlassRows

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_classes", check_n_classes(self.n_classes))
        object.__setattr__(self, "gamma", check_gamma(self.gamma, self.n_classes))
        object.__setattr__(self, "alpha", check_alpha(self.alpha, self.n_classes))
        object.__setattr__(self, "hessian", check_hessian(self.hessian))
        lengths = {len(values) for values in (self.gamma, self.alpha) if isinstance(values, tuple)}
        if len(lengths) == 2:
            raise ValueError(f"gamma and alpha must have one value per class; got {self.gamma} and {self.alpha}.")

    def predict_log_proba(self, raw_prediction: Any, calibrated: bool = True) -> Array:
        """Return the logarithm of `predict_proba`, with full relative accuracy for improbable classes."""
        check_calibrated(calibrated)
        raw = self._check_raw_prediction(raw_prediction)
        check_finite(raw)
        if not calibrated:
            return _posterior.log_softmax(raw)
        return _posterior.multiclass_log_posterior(raw, *self._by_class(raw.shape[1]))

    def _by_class(self, n_classes: int) -> tuple[Array, Array]:
        return gammas_by_class(self.gamma, n_classes), alphas_by_class(self.alpha, n_classes)

    @property
    def _known_n_classes(self) -> int | None:
        for values in (self.gamma, self.alpha):
            if isinstance(values, tuple):
                return len(values)
        return self.n_classes

    def _infer_n_classes(self, y_true: Any) -> int:
        return self._known_n_classes or largest_label(y_true) + 1

    def _check_raw_prediction(self, raw_prediction: Any) -> Array:
        return check_raw_prediction(raw_prediction, 2, self._known_n_classes)

    def _invert_posterior(self, priors: Array) -> Array:
        return _posterior.multiclass_raw_prediction(priors, *self._by_class(len(priors)))
