"""The binary focal loss. The label determines the sign that turns raw predictions into log-odds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from focal_boost._arguments import check_flag, check_labels
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
    check_raw_prediction,
    gammas_by_class,
)


@dataclass(frozen=True)
class BinaryFocalLoss(FocalLoss):
    r"""Binary focal loss, usable on its own and as an objective of XGBoost and LightGBM.

    ``L = -alpha_t (1 - p_t)^gamma log(p_t)`` (Lin et al. 2017, eq. 5), with ``p_t`` the sigmoid probability
    of the true class. gamma = 0 and alpha = None is the log loss.

    Parameters
    ----------
    gamma : float or pair of floats, default=2.0
        Focusing parameter, from 0 to 1e6; a pair is (negative class, positive class).
    alpha : None, float or pair of floats, default=0.25
        Class weight. A float in (0, 1) is the weight of the positive class, and the negative class has 1 - alpha.
        A pair of numbers from 1e-15 to 1e8 is (negative class, positive class). None means no class weights. The
        default, from the paper, gives the positive class *less* weight, because gamma already reduces the weight
        of the negatives. `FocalBoostClassifier` applies no weights by default.
    hessian : {"safeguarded", "gauss_newton", "exact"}, default="safeguarded"
        The second derivative passed to a booster. "safeguarded": the maximum of the exact Hessian, its
        Gauss-Newton part and 1e-4 times the absolute gradient. "gauss_newton": the part ``alpha w p (1 - p)``.
        "exact": the exact Hessian with negative values set to 0. For experiments, a function of (gauss_newton,
        curvature, share, absolute_gradient) is also accepted; see the derivation in the documentation.
        `gradient_hessian` is always exact.

    Raises
    ------
    ValueError, TypeError
        If a parameter is out of its range.

    Notes
    -----
    The object is immutable and hashable.

    Without `FocalBoostClassifier`, set the booster's native objective and starting value, and obtain
    probabilities from `predict_proba`::

        loss = BinaryFocalLoss(gamma=2.0)
        start = loss.fit_intercept_only(y)
        params = {"objective": "binary:logistic", "base_score": 1 / (1 + np.exp(-start))}
        weight = np.full(len(y), loss.scale(y))
        booster = xgboost.train(params, xgboost.DMatrix(X, y, weight=weight), obj=loss)
        proba = loss.predict_proba(booster.predict(xgboost.DMatrix(X), output_margin=True))

    Without an ``objective`` in ``params``, XGBoost predicts raw scores around 0.5. LightGBM does not keep the
    starting value in the model: pass it as ``init_score`` and add it to its raw scores.

    Do not tune ``objective__gamma``, which both boosters accept but ignore. Tune ``gamma`` of
    `FocalBoostClassifier` instead.

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

    gamma: Gamma = 2.0
    alpha: Gamma | None = 0.25
    hessian: Hessian = "safeguarded"

    _diagonal_factor: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "gamma", check_gamma(self.gamma, 2))
        object.__setattr__(self, "alpha", check_alpha(self.alpha, 2))
        object.__setattr__(self, "hessian", check_hessian(self.hessian))

    def predict_log_proba(self, raw_prediction: Any, calibrated: bool = True) -> np.ndarray:
        """Return the logarithm of `predict_proba`, with full relative accuracy for improbable classes."""
        log_odds = self._log_odds(raw_prediction, calibrated)
        return np.stack([_posterior.log_sigmoid(-log_odds), _posterior.log_sigmoid(log_odds)], axis=1)

    def log_likelihood(
        self, y_true: ArrayLike, raw_prediction: ArrayLike, calibrated: bool = True
    ) -> npt.NDArray[Any]:
        """Return the log-probability of the label of each row, shape (n_samples,).

        The mean is the negative log loss of `predict_proba`. It is finite even if a probability rounds to 0.
        Arguments and errors are those of `loss` and `predict_proba`.
        """
        log_odds = self._log_odds(raw_prediction, calibrated)
        labels = check_labels(y_true, len(log_odds), 2)
        return _posterior.log_sigmoid(np.where(labels.astype(bool, copy=False), log_odds, -log_odds))

    def _log_odds(self, raw_prediction: Any, calibrated: bool) -> np.ndarray:
        """Return the log-odds of `predict_proba` of the positive class, (n,)."""
        check_flag("calibrated", calibrated)
        raw = self._check_raw_prediction(raw_prediction)
        check_moderate(raw)
        return _posterior.binary_log_odds(raw, *self._by_class()) if calibrated else raw

    def _by_class(self) -> tuple[np.ndarray, np.ndarray]:
        return gammas_by_class(self.gamma, 2), alphas_by_class(self.alpha, 2)

    def _infer_n_classes(self, y_true: Any) -> int:
        return 2

    def _check_raw_prediction(self, raw_prediction: Any) -> np.ndarray:
        return check_raw_prediction(raw_prediction, 1)

    def _invert_posterior(self, priors: np.ndarray) -> float:
        return _posterior.binary_raw_prediction(priors, *self._by_class())

    @property
    def _n_outputs(self) -> int:
        return 1

    def _truth(self, labels: np.ndarray, dtype: Any) -> np.ndarray:
        # +1 for negatives and -1 for positives: the sign of the log-odds against the true class.
        return 1 - 2 * labels.astype(dtype, copy=False)

    def _by_label(self, per_class: np.ndarray, labels: np.ndarray) -> np.ndarray:
        positive = labels.astype(per_class.dtype, copy=False)
        return per_class[1] * positive + per_class[0] * (1 - positive)

    def _true_class(self, raw: np.ndarray, truth: np.ndarray, t: Scratch) -> None:
        raw = raw.astype(truth.dtype, copy=False)  # NumPy multiplies arrays of two dtypes at half the speed
        _focal.true_class(np.multiply(raw, truth, out=t.odds), t)

    def _spread(
        self,
        truth: np.ndarray,
        t: Scratch,
        slope: np.ndarray,
        curvature: np.ndarray,
        policy: Policy,
        diagonal_factor: float,
    ) -> tuple[np.ndarray, np.ndarray]:
        gauss_newton = np.multiply(t.p, slope, out=t.p)
        if diagonal_factor != 1:
            gauss_newton *= diagonal_factor
            curvature *= diagonal_factor
        gradient = np.multiply(slope, truth, out=t.power)
        return gradient, policy(gauss_newton, curvature, 1.0, slope)
