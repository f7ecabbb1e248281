"""The focal loss in high-precision arithmetic, written from its definition and independent of the package.

Derivatives come from the chain rule through the probability, not from the closed forms of the package. Because of
cancellation, the second derivative can be as small as the probability of the true class, exp(-700), which requires
400 digits.
"""

from typing import NamedTuple

import mpmath as mp
import numpy as np

mp.mp.dps = 400


class Row(NamedTuple):
    """The loss of a row and, for each class, its derivatives and the parts of the Hessian."""

    loss: mp.mpf
    gradient: list
    hessian: list
    terms: list  # the sum of the absolute terms of the Hessian
    gauss_newton: list
    curvature: list
    curvature_terms: list
    share: list
    absolute_gradient: list


def softmax(raw):
    """Probabilities and their complements, each to full precision."""
    top = max(raw)
    odds = [mp.exp(r - top) for r in raw]
    total = mp.fsum(odds)
    return [o / total for o in odds], [mp.fsum(odds[:c] + odds[c + 1 :]) / total for c in range(len(raw))]


def multiclass(y, raw, gamma):
    """Return loss and derivatives with respect to K raw predictions, without class weight."""
    raw = [mp.mpf(float(r)) for r in raw]
    g = mp.mpf(float(gamma))
    P, Q = softmax(raw)
    p, q = P[y], Q[y]
    log_p = raw[y] - max(raw) - mp.log(mp.fsum(mp.exp(r - max(raw)) for r in raw))
    # f(p) = -(1 - p)^g log p
    power = q**g
    first = g * power / q * log_p - power / p
    second = -g * (g - 1) * power / q**2 * log_p + 2 * g * power / q / p + power / p**2
    # The derivatives with respect to the cross-entropy -log p, and the sum of absolute terms of the second one.
    weight, weight_slope = -p * first, p * first + p**2 * second
    weight_slope_terms = g * power / q**2 * p * (2 * q + (g * p + 1) * -log_p)
    row = Row(power * -log_p, *([] for _ in Row._fields[1:]))
    for c in range(len(raw)):
        if c == y:
            dp, ddp = p * q, p * q * (q - p)
            row.terms.append(p * power * ((2 * g + 1) * q + g * (g * p + q) * -log_p))
        else:
            dp, ddp = -p * P[c], -p * P[c] * (1 - 2 * P[c])
            row.terms.append(weight * P[c] * Q[c] + weight_slope_terms * P[c] ** 2)
        row.gradient.append(first * dp)
        row.hessian.append(second * dp**2 + first * ddp)
        away = q if c == y else P[c]  # abs(P_c - [c = y])
        row.gauss_newton.append(weight * P[c] * Q[c])
        row.curvature.append(weight_slope * q * away)
        row.curvature_terms.append(weight_slope_terms * q * away)
        row.share.append(away / q)
        row.absolute_gradient.append(weight * away)
    return row


def binary(y, raw, gamma):
    """Return loss and derivatives with respect to the positive class's raw prediction, as lists of length one."""
    row = multiclass(y, (0, raw), gamma)
    return Row(row.loss, *(values[1:] for values in row[1:]))


def log_posterior(raw, gammas, alphas):
    """The map from raw predictions to the posterior: P_c / (a_c w_c), normalised."""
    P, Q = softmax([mp.mpf(float(r)) for r in raw])
    scores = []
    for p, q, g, a in zip(P, Q, gammas, alphas, strict=True):
        g = mp.mpf(float(g))
        scores.append(p / (mp.mpf(float(a)) * (q**g - g * q ** (g - 1) * p * mp.log(p))))
    return [mp.log(score / mp.fsum(scores)) for score in scores]


def assert_relative(actual, expected, scale, rtol, tiny):
    """Check the error relative to ``scale``, or the absolute error if it is below ``tiny``."""
    for a, e, s in zip(np.ravel(actual), expected, scale, strict=True):
        assert abs(mp.mpf(float(a)) - e) <= max(rtol * abs(s), mp.mpf(float(tiny))), (a, mp.nstr(e, 17))
