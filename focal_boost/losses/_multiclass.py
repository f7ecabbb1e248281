"""The multiclass focal loss, computed on transposed blocks so that each class is contiguous."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from focal_boost._arguments import check_flag, largest_label
from focal_boost.losses import _focal, _posterior
from focal_boost.losses._base import FocalLoss
from focal_boost.losses._focal import Scratch
from focal_boost.losses._hessian import Policy
from focal_boost.losses._parameters import (
    Gamma,
    Hessian,
    alphas_by_class,
    check_alpha,
    check_gamma,
    check_hessian,
    check_moderate,
    check_n_classes,
    check_raw_prediction,
    gammas_by_class,
)
from focal_boost.losses._softmax import combine_others, log_softmax


@dataclass(frozen=True)
class MulticlassFocalLoss(FocalLoss):
    r"""Multiclass focal loss, usable on its own and as an objective of XGBoost and LightGBM.

    ``L = -alpha_y (1 - p_y)^gamma_y log(p_y)`` (Lin et al. 2017, eq. 5), with ``p_y`` the softmax probability
    of the true class y. gamma = 0 and alpha = None is the cross-entropy.

    Parameters
    ----------
    n_classes : int, optional
        Number of classes K, at least 2. None means that it is inferred from the raw prediction.
    gamma : float or sequence of K floats, default=2.0
        Focusing parameter, from 0 to 1e6, the same for all classes or one per (true) class.
    alpha : None or sequence of K floats, default=None
        One weight per class, from 1e-15 to 1e8. None means no class weights. With two classes a float in (0, 1) is
        also accepted, as in `BinaryFocalLoss`.
    hessian : {"safeguarded", "gauss_newton", "exact"}, default="safeguarded"
        The diagonal passed to a booster, as in `BinaryFocalLoss`. "safeguarded" replaces the curvature
        ``w' P_c^2`` of the other classes by ``w' (1 - P_y) P_c``, half its absolute row sum. When the loss is
        called as an objective, second derivatives are doubled, as in XGBoost's softmax. Twice the safeguarded
        diagonal bounds the full matrix; twice the exact diagonal does so only for two classes or gamma = 0.

    Raises
    ------
    ValueError, TypeError
        If a parameter is out of its range.

    Notes
    -----
    The object is immutable and hashable.

    Without `FocalBoostClassifier`, set the booster's native objective, number of classes and starting values,
    and obtain probabilities from `predict_proba`::

        loss = MulticlassFocalLoss(n_classes=3)
        start = loss.fit_intercept_only(y)
        params = {"objective": "multi:softprob", "num_class": 3, "base_score": start.tolist()}
        weight = np.full(len(y), loss.scale(y))
        booster = xgboost.train(params, xgboost.DMatrix(X, y, weight=weight), obj=loss)
        proba = loss.predict_proba(booster.predict(xgboost.DMatrix(X), output_margin=True))

    Without an ``objective`` in ``params``, XGBoost predicts class labels. LightGBM needs ``num_class`` in its
    params and does not keep the starting values in the model: pass them as ``init_score`` and add them to its raw
    scores.

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
    gamma: Gamma = 2.0
    alpha: Gamma | None = None
    hessian: Hessian = "safeguarded"

    _diagonal_factor: ClassVar[float] = 2.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_classes", check_n_classes(self.n_classes))
        object.__setattr__(self, "gamma", check_gamma(self.gamma, self.n_classes))
        object.__setattr__(self, "alpha", check_alpha(self.alpha, self.n_classes))
        object.__setattr__(self, "hessian", check_hessian(self.hessian))
        lengths = {len(values) for values in (self.gamma, self.alpha) if isinstance(values, tuple)}
        if len(lengths) == 2:
            raise ValueError(f"gamma and alpha must have one value per class; got {self.gamma} and {self.alpha}.")

    def predict_log_proba(self, raw_prediction: Any, calibrated: bool = True) -> np.ndarray:
        """Return the logarithm of `predict_proba`, with full relative accuracy for improbable classes."""
        check_flag("calibrated", calibrated)
        raw = self._check_raw_prediction(raw_prediction)
        check_moderate(raw)
        with np.errstate(under="ignore"):
            if not calibrated:
                return log_softmax(raw)
            return _posterior.multiclass_log_posterior(raw, *self._by_class(raw.shape[1]))

    def _by_class(self, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
        return gammas_by_class(self.gamma, n_classes), alphas_by_class(self.alpha, n_classes)

    @property
    def _known_n_classes(self) -> int | None:
        for values in (self.gamma, self.alpha):
            if isinstance(values, tuple):
                return len(values)
        return self.n_classes

    def _infer_n_classes(self, y_true: Any) -> int:
        return self._known_n_classes or largest_label(y_true) + 1

    def _check_raw_prediction(self, raw_prediction: Any) -> np.ndarray:
        return check_raw_prediction(raw_prediction, 2, self._known_n_classes)

    def _invert_posterior(self, priors: np.ndarray) -> np.ndarray:
        return _raw_prediction(self, tuple(priors.tolist())).copy()

    @property
    def _n_outputs(self) -> int:
        return self._known_n_classes or 1

    def _truth(self, labels: np.ndarray, dtype: Any) -> np.ndarray:
        return labels.astype(np.intp, copy=False)

    def _by_label(self, per_class: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return per_class[labels.astype(np.intp, copy=False)]

    def _true_class(self, raw: np.ndarray, truth: np.ndarray, t: Scratch) -> None:
        np.copyto(t.softmax, raw.T)
        t.softmax -= t.softmax.max(axis=0, out=t.power)
        np.multiply(truth, len(truth), out=t.true)
        t.true += np.arange(len(truth))
        u = np.negative(t.softmax.take(t.true))
        np.exp(t.softmax, out=t.softmax)
        total = combine_others(np.add, t.softmax, t.rest)
        _focal.true_class(u, t, t.rest.take(t.true))
        np.divide(1, total, out=total)
        t.softmax *= total
        t.rest *= total

    def _spread(
        self,
        truth: np.ndarray,
        t: Scratch,
        slope: np.ndarray,
        curvature: np.ndarray,
        policy: Policy,
        diagonal_factor: float,
    ) -> tuple[np.ndarray, np.ndarray]:
        # dL/draw_c = w P_c, and -w q = -slope for the true class. If q underflows, so do slope and P_c.
        np.maximum(t.q, np.finfo(t.q.dtype).tiny, out=t.q)
        np.multiply(t.softmax, slope / t.q, out=t.gradient)
        t.gradient.put(t.true, slope)
        # w P_c (1 - P_c), also for the true class.
        t.rest.put(t.true, t.p)
        gauss_newton = np.multiply(t.rest, t.gradient, out=t.rest)
        # w' v v^T with v = P - e_y; the absolute values of a row sum to 2 w' q abs(v_c).
        share = np.multiply(t.softmax, 1 / t.q, out=t.share)
        share.put(t.true, 1)
        if diagonal_factor != 1:
            gauss_newton *= diagonal_factor
            curvature *= diagonal_factor
        hessian = policy(gauss_newton, np.multiply(share, curvature, out=t.softmax), share, t.gradient)
        if np.may_share_memory(hessian, t.gradient):  # a policy may return the absolute gradient itself
            hessian = hessian.copy()
        t.gradient.put(t.true, np.negative(slope, out=slope))
        return t.gradient.T, hessian.T


@lru_cache(maxsize=16)  # one fit needs it up to three times, and it takes as long as a round on 100,000 rows
def _raw_prediction(loss: MulticlassFocalLoss, priors: tuple[float, ...]) -> np.ndarray:
    return _posterior.multiclass_raw_prediction(np.array(priors), *loss._by_class(len(priors)))
