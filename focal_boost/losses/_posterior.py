"""Conversion of raw predictions to class probabilities, and of class priors to raw predictions.

A model that minimises the focal loss, or a class-weighted log loss, predicts distorted class probabilities. Where
the expected gradient vanishes, ``eta_c`` is proportional to ``P_c / (a_c w(P_c; g_c))``. This module evaluates
this map in log space and inverts it. (Charoenphakdee et al., CVPR 2021, theorem 11, for one exponent and a = 1;
class weights and exponents per class follow from the same condition.)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import expit

from focal_boost._arguments import float_array
from focal_boost.losses._parameters import Gamma, alphas_by_class, check_alpha, check_gamma, gammas_by_class
from focal_boost.losses._softmax import log_odds_against, log_softmax

# Replaces an infinite raw prediction. For every gamma its sigmoid and its posterior round to 0 or 1.
_CERTAIN = 1e4


def posterior(probability: ArrayLike, gamma: Gamma = 2.0, alpha: Gamma | None = None) -> npt.NDArray[np.float64]:
    """Return the class posterior, given the plain probabilities of a model.

    Corrects for the distortion by class weights (``gamma=0``) or by the focal loss. The model may come
    from any library: XGBoost with ``scale_pos_weight``, LightGBM with ``is_unbalance``, scikit-learn with
    ``class_weight``, a model trained on undersampled data, or an exported focal model.

    Parameters
    ----------
    probability : array-like of shape (n_samples,) or (n_samples, n_classes)
        The predicted probability of the positive class, or of every class, with rows that sum to one. For a
        focal model this is the plain sigmoid or softmax of the raw prediction.
    gamma : float or sequence of one float per class, default=2.0
        The focusing parameter used in training, 0 for the log loss. For a fitted `FocalBoostClassifier` it is
        ``model.loss_.gamma``.
    alpha : None, float in (0, 1) (two classes) or one positive number per class, default=None
        The weight of each class in training. Only ratios matter:

        - ``(1, w)`` for ``scale_pos_weight=w``;
        - ``compute_class_weight("balanced", classes=np.unique(y), y=y)`` for ``class_weight="balanced"``, and for
          LightGBM's ``is_unbalance``;
        - for undersampled data, the fraction of the rows of each class that was kept, such as ``(0.1, 1)`` for one
          negative in ten;
        - the class prior in training divided by that of the population to which the model is applied.

        For a fitted `FocalBoostClassifier` it is ``model.loss_.alpha``.

    Returns
    -------
    posterior : float64 ndarray of the shape of ``probability``
        0 and 1 stay 0 and 1. A probability that float32 has rounded to 1 cannot be recovered; if such rows matter,
        pass raw predictions to the ``predict_proba`` of a loss instead.

    Raises
    ------
    ValueError, TypeError
        If probabilities are outside [0, 1], rows do not sum to one, or a parameter is out of its range.

    See Also
    --------
    focal_boost.PriorCorrectedClassifier : Apply the correction for class weights to a scikit-learn classifier.

    Notes
    -----
    The posterior is proportional to ``P_c / (alpha_c w(P_c; gamma_c))`` with the focal weight w, which is 1 for
    ``gamma=0``. For two classes and ``gamma=0`` the odds are divided by ``alpha[1] / alpha[0]``. The correction
    is exact for a model that minimises its weighted loss; it does not correct for overfitting or regularisation.

    References
    ----------
    G. King, L. Zeng, "Logistic Regression in Rare Events Data", Political Analysis 9(2), 2001 (``gamma=0``).

    N. Charoenphakdee, J. Vongkulbhisal, N. Chairatanakul, M. Sugiyama, "On Focal Loss for Class-Posterior
    Probability Estimation", CVPR 2021.

    Examples
    --------
    A model trained with ``scale_pos_weight=20``:

    >>> from focal_boost.losses import posterior
    >>> posterior([0.2, 0.5, 0.9], gamma=0, alpha=(1, 20)).round(4)
    array([0.0123, 0.0476, 0.3103])

    A model trained on one negative in ten, and a model of three classes, the second and third of them oversampled:

    >>> posterior([0.2, 0.5, 0.9], gamma=0, alpha=(0.1, 1)).round(4)
    array([0.0244, 0.0909, 0.4737])
    >>> posterior([[0.5, 0.3, 0.2]], gamma=0, alpha=[1, 2, 4]).round(4)
    array([[0.7143, 0.2143, 0.0714]])

    The plain sigmoid of a focal model:

    >>> posterior([0.0, 0.1, 0.5, 0.9, 1.0], gamma=2.0).round(4)
    array([0.    , 0.0026, 0.5   , 0.9974, 1.    ])
    """
    p = float_array("probability", probability).astype(np.float64, copy=False)
    if not (p.ndim == 1 or (p.ndim == 2 and p.shape[1] > 1)):
        raise ValueError(f"probability must have shape (n_samples,) or (n_samples, n_classes); got {p.shape}.")
    outside = ~((p >= 0) & (p <= 1))
    if outside.any():
        raise ValueError(f"probability must lie in [0, 1]; got {p[outside][0]!s}.")
    n_classes = 2 if p.ndim == 1 else p.shape[1]
    gammas = gammas_by_class(check_gamma(gamma, n_classes), n_classes)
    alphas = alphas_by_class(check_alpha(alpha, n_classes), n_classes)
    with np.errstate(divide="ignore", under="ignore"):
        if p.ndim == 1:
            raw = np.clip(np.log(p) - np.log1p(-p), -_CERTAIN, _CERTAIN)
            return np.exp(log_sigmoid(binary_log_odds(raw, gammas, alphas)))
        wrong = abs(p.sum(axis=1) - 1) > 1e-3
        if wrong.any():
            raise ValueError(f"rows of probability must sum to one; got {p[wrong][0].tolist()}.")
        return np.exp(multiclass_log_posterior(np.maximum(np.log(p), -_CERTAIN), gammas, alphas))


def log_sigmoid(x: np.ndarray) -> np.ndarray:
    """Return ``log(1 / (1 + exp(-x)))`` with full relative accuracy at both ends."""
    # min(x, 0) - log1p(exp(-abs(x))), in place and without np.minimum, which is slow for an array and a scalar.
    size = np.abs(x)
    result = x - size
    result *= 0.5
    np.negative(size, out=size)
    with np.errstate(under="ignore"):
        np.exp(size, out=size)
        result -= np.log1p(size, out=size)
    return result


def _terms(size: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ``log1p(exp(-size))``, and ``p l / q`` at the log-odds ``-size`` and ``size`` against the class."""
    # With the odds e = exp(u), p l / q = log1p(e) / e, which tends to 1 for small e and to 0 for large e. Adding
    # the smallest normal number preserves both limits and avoids 0 / 0.
    odds = np.negative(size)
    np.exp(odds, out=odds)
    odds += np.finfo(odds.dtype).tiny
    log_total = np.log1p(odds)
    unlikely = size + log_total
    unlikely *= odds
    return log_total, np.divide(log_total, odds, out=odds), unlikely


def log_focal_weight(u: np.ndarray, gamma: float | np.ndarray) -> np.ndarray:
    """Return ``log w = g log q + log(1 + g p l / q)`` at the log-odds ``u`` against the class."""
    with np.errstate(under="ignore"):
        log_total, likely, unlikely = _terms(np.abs(u))
        # Not log1p: every caller adds a term of at least the same size.
        return gamma * (np.minimum(u, 0) - log_total) + np.log(1 + gamma * np.where(u < 0, likely, unlikely))


def binary_log_odds(raw_prediction: np.ndarray, gammas: np.ndarray, alphas: np.ndarray) -> np.ndarray:
    """Return the log-odds of the posterior of the positive class, shape (n,)."""
    log_ratio = np.log(alphas[1] / alphas[0]).astype(raw_prediction.dtype)
    if not gammas.any():
        return raw_prediction - log_ratio
    size, sign = np.abs(raw_prediction), np.copysign(raw_prediction.dtype.type(1), raw_prediction)
    # The log-odds of the likelier class, minus the logarithm of its focal weight over that of the other. In place,
    # because this is the metric of an eval set after every round.
    with np.errstate(under="ignore"):
        log_total, likely, unlikely = _terms(size)
        likelier = other = gammas[0].astype(size.dtype)
        if gammas[0] == gammas[1]:
            size *= 1 + likelier
        else:
            likelier = np.where(sign < 0, gammas[0], gammas[1]).astype(size.dtype)
            other = np.where(sign < 0, gammas[1], gammas[0]).astype(size.dtype)
            size += likelier * size + (likelier - other) * log_total
        likely *= likelier
        likely += 1
        unlikely *= other
        unlikely += 1
        likely /= unlikely
        size -= np.log(likely, out=likely)
    size *= sign
    size -= log_ratio
    return size


def _log_unnormalised(u: np.ndarray, log_p: np.ndarray, gammas: np.ndarray, alphas: np.ndarray) -> np.ndarray:
    log_terms = log_p - np.log(alphas).astype(u.dtype)
    return log_terms - log_focal_weight(u, gammas.astype(u.dtype)) if gammas.any() else log_terms


def multiclass_log_posterior(raw_prediction: np.ndarray, gammas: np.ndarray, alphas: np.ndarray) -> np.ndarray:
    """Return the logarithm of the posterior of every class, (n, K)."""
    log_posterior = _log_unnormalised(*log_odds_against(raw_prediction), gammas[:, None], alphas[:, None])
    return np.ascontiguousarray(log_softmax(log_posterior, axis=0).T)


def binary_raw_prediction(priors: np.ndarray, gammas: np.ndarray, alphas: np.ndarray) -> float:
    """Return the raw prediction whose posterior is ``priors``, both in (0, 1)."""
    target = np.log(priors[1] / priors[0])
    if not gammas.any():
        return float(target + np.log(alphas[1] / alphas[0]))

    def excess(raw: float) -> float:
        return float(binary_log_odds(np.array([raw]), gammas, alphas)[0] - target)

    bound = 1.0
    while excess(-bound) > 0 or excess(bound) < 0:
        bound *= 2
    return float(brentq(excess, -bound, bound, xtol=1e-15, rtol=1e-15, maxiter=1000))


def _bisect(increasing: Callable[[np.ndarray], np.ndarray], target: np.ndarray, bound: float) -> np.ndarray:
    """Return the arguments in ``+-bound`` at which ``increasing`` reaches ``target``, elementwise."""
    low, high = np.full(target.shape, -bound), np.full(target.shape, bound)
    for _ in range(64):  # 2 * 700 / 2^64 is below the spacing of any float64 that matters here
        middle = (low + high) / 2
        below = increasing(middle) < target
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2


def multiclass_raw_prediction(priors: np.ndarray, gammas: np.ndarray, alphas: np.ndarray) -> np.ndarray:
    """Return the K raw predictions, summing to zero, whose posterior is ``priors``, all in (0, 1).

    ``P_c / (a_c w(P_c; g_c)) = Z prior_c`` gives each P_c as an increasing function of Z. Z is the value for which
    they sum to one.
    """
    log_priors = np.log(priors)
    if not gammas.any():
        raw = log_priors + np.log(alphas)
        return raw - raw.mean()
    bound = 700.0

    def log_ratio(x: np.ndarray) -> np.ndarray:
        return _log_unnormalised(-x, log_sigmoid(x), gammas, alphas)

    def log_odds(log_z: float) -> np.ndarray:
        return _bisect(log_ratio, log_z + log_priors, bound)

    def excess(log_z: float) -> float:
        # The sum of the other classes minus (1 - p) of the most probable one, because the total minus 1 would lose
        # the accuracy of improbable classes.
        x = log_odds(log_z)
        terms, top = expit(x), x.argmax()
        terms[top] = -expit(-x[top])
        return float(terms.sum())

    everywhere = np.full(priors.shape, bound)
    low = (log_ratio(-everywhere) - log_priors).min()
    high = (log_ratio(everywhere) - log_priors).max()
    x = log_odds(float(brentq(excess, low, high, xtol=1e-14, rtol=1e-14, maxiter=1000)))
    raw = log_sigmoid(x)
    return raw - raw.mean()
