"""The binary focal loss: one raw prediction a row, which the label turns into a log-odds against the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from focal_boost.losses import _kernel, _posterior
from focal_boost.losses._base import FocalLoss, Rows
from focal_boost.losses._hessian import Policy
from focal_boost.losses._kernel import Array
from focal_boost.losses._parameters import (
    PerClass,
    alphas_by_class,
    check_alpha,
    check_calibrated,
    check_finite,
    check_gamma,
    check_hessian,
    check_raw_prediction,
    gammas_by_class,
)


class _BinaryRows(Rows):
    ndim = 1
    n_work = 4

    def _by_label(self, per_class: Array, labels: Array) -> Array:
        return per_class[1] * labels + per_class[0] * (1 - labels)

    def _arguments(
        self, raw: Array, rows: slice, work: Array
    ) -> tuple[tuple[Array, Array | None, float | Array, Array | None], Array]:
        """Return the kernel's arguments and the sign du/draw of a block of rows."""
        u, sign = work[5:7, : rows.stop - rows.start]
        labels = self._labels[rows].astype(self._dtype, copy=False)
        gamma, weight = self._gamma_and_weight(labels, rows)
        # The raw prediction counts against the negatives and for the positives.
        np.multiply(labels, -2, out=sign)
        sign += 1
        np.multiply(raw[rows], sign, out=u)
        excess = _kernel.cut_excess(u)
        return (np.exp(u, out=u), excess, gamma, weight), sign

    def _loss_block(self, raw: Array, rows: slice, work: Array, loss: Array) -> None:
        loss[rows] = _kernel.loss(*self._arguments(raw, rows, work)[0], work)

    def _derivatives_block(
        self, raw: Array, rows: slice, work: Array, policy: Policy, factor: float, gradient: Array, hessian: Array
    ) -> None:
        arguments, sign = self._arguments(raw, rows, work)
        slope, curvature, p, _ = _kernel.derivatives(*arguments, work)
        np.multiply(slope, sign, out=gradient[rows])
        policy(p, curvature, slope, factor)
        hessian[rows] = p


@dataclass(frozen=True)
class BinaryFocalLoss(FocalLoss):
    r"""Binary focal loss, for XGBoost and LightGBM as an objective and on its own.

    ``L = -alpha_t (1 - p_t)^gamma log(p_t)`` (Lin et al. 2017, eq. 5), with ``p_t`` the sigmoid probability
    of the true class. gamma = 0 and alpha = None is the log loss.

    Parameters
    ----------
    gamma : float or pair of floats, default=2.0
        Focusing parameter, from 0 to 1e6; a pair is (negative class, positive class).
    alpha : None, float or pair of floats, default=0.25
        Class weight. A float in (0, 1) weighs the positive class and 1 - alpha the negative one; a pair of
        numbers from 1e-15 to 1e8 is (negative class, positive class); None is no weighting.
    hessian : str, default="dominant"
        What a booster is given for the second derivative, elementwise. "safeguarded": the maximum of exact and
        Gauss-Newton, not below 1e-4 of the absolute gradient; "dominant": for one raw prediction the same;
        "exact": with its negative values set to 0; "gauss_newton": ``alpha w p (1 - p)``; "absolute_gradient":
        the absolute gradient; "bounded": the maximum of exact and absolute gradient. `gradient_hessian` is always
        exact.

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
    hessian: str = "dominant"

    _hessian_factor: ClassVar[float] = 1.0
    _rows: ClassVar[type[Rows]] = _BinaryRows

    def __post_init__(self) -> None:
        object.__setattr__(self, "gamma", check_gamma(self.gamma, 2))
        object.__setattr__(self, "alpha", check_alpha(self.alpha, 2))
        object.__setattr__(self, "hessian", check_hessian(self.hessian))

    def predict_log_proba(self, raw_prediction: Any, calibrated: bool = True) -> Array:
        """Return the logarithm of `predict_proba`, with full relative accuracy for improbable classes."""
        check_calibrated(calibrated)
        raw = self._check_raw_prediction(raw_prediction)
        check_finite(raw)
        if calibrated:
            raw = _posterior.binary_log_odds(raw, *self._by_class())
        return np.stack([_posterior.log_sigmoid(-raw), _posterior.log_sigmoid(raw)], axis=1)

    def _by_class(self) -> tuple[Array, Array]:
        return gammas_by_class(self.gamma, 2), alphas_by_class(self.alpha, 2)

    def _infer_n_classes(self, y_true: Any) -> int:
        return 2

    def _check_raw_prediction(self, raw_prediction: Any) -> Array:
        return check_raw_prediction(raw_prediction, 1)

    def _invert_posterior(self, priors: Array) -> float:
        return _posterior.binary_raw_prediction(priors, *self._by_class())
