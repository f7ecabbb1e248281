"""The focal loss in high-precision arithmetic, written from its definition; knows nothing of the package.

Derivatives come from the chain rule through the probability, not from the closed forms of the package. The
second derivative cancels down to the probability of the true class, exp(-700): hence 400 digits.
"""

import mpmath as mp

mp.mp.dps = 400


def softmax(raw):
    """Probabilities and their complements, each to full precision."""
    top = max(raw)
    odds = [mp.exp(r - top) for r in raw]
    total = mp.fsum(odds)
    return [o / total for o in odds], [mp.fsum(odds[:c] + odds[c + 1 :]) / total for c in range(len(raw))]


def multiclass(y, raw, gamma, alpha=1):
    """Loss, gradient, Hessian diagonal by K raw predictions, and the Hessian's sums of absolute terms."""
    raw = [mp.mpf(float(r)) for r in raw]
    g = mp.mpf(gamma)
    P, Q = softmax(raw)
    p, q = P[y], Q[y]
    log_p = raw[y] - max(raw) - mp.log(mp.fsum(mp.exp(r - max(raw)) for r in raw))
    # f(p) = -(1 - p)^g log p
    first = g * q ** (g - 1) * log_p - q**g / p
    second = -g * (g - 1) * q ** (g - 2) * log_p + 2 * g * q ** (g - 1) / p + q**g / p**2
    focal_weight = -p * first
    bend = g * q ** (g - 2) * p * (2 * q + (g * p + 1) * -log_p)  # of |w'|, each term positive
    gradient, hessian, terms = [], [], []
    for c in range(len(raw)):
        if c == y:
            dp, ddp = p * q, p * q * (q - p)
            terms.append(alpha * p * q**g * ((2 * g + 1) * q + g * (g * p + q) * -log_p))
        else:
            dp, ddp = -p * P[c], -p * P[c] * (1 - 2 * P[c])
            terms.append(alpha * (focal_weight * P[c] * Q[c] + bend * P[c] ** 2))
        gradient.append(alpha * first * dp)
        hessian.append(alpha * (second * dp**2 + first * ddp))
    return -alpha * q**g * log_p, gradient, hessian, terms


def binary(y, raw, gamma, alpha=1):
    """The same by the raw prediction of the positive class."""
    loss, gradient, hessian, terms = multiclass(y, [0, raw], gamma, alpha)
    return loss, gradient[1], hessian[1], terms[1]
