"""Log-softmax and the odds against each class, with full relative accuracy."""

from __future__ import annotations

import numpy as np
from scipy.special import log_softmax as _log_softmax


def log_softmax(x: np.ndarray, axis: int = 1) -> np.ndarray:
    """Return ``x - log(sum(exp(x)))``, summed over ``axis``."""
    with np.errstate(under="ignore"):
        return _log_softmax(x, axis=axis)


def combine_others(add: np.ufunc, terms: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Write to ``out[c]`` the sum of ``terms[k]`` over all k but c, (K, n), and return the sum of all, (n,).

    ``add`` is `numpy.add`, or `numpy.logaddexp` for logarithms. Prefix and suffix sums are combined, because total
    minus term would lose accuracy if the other classes are improbable.
    """
    out[0] = add.identity
    for c in range(1, len(terms)):
        add(out[c - 1], terms[c - 1], out=out[c])
    after = terms[-1].copy()
    for c in range(len(terms) - 2, -1, -1):
        add(out[c], after, out=out[c])
        add(after, terms[c], out=after)
    return after


def log_odds_against(raw_prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return ``log(q_c / p_c)`` of every class under the softmax and ``log(p_c / max(p))``, both (K, n)."""
    log_p = np.ascontiguousarray(raw_prediction.T)
    log_p = log_p - log_p.max(axis=0)
    with np.errstate(under="ignore", divide="ignore"):
        odds = np.exp(log_p)
        rest = np.empty_like(odds)
        combine_others(np.add, odds, rest)
        log_rest = np.log(rest)
        # If the other classes underflow, sum in log space instead.
        underflow = (rest < np.finfo(rest.dtype).tiny).any(axis=0)
        if underflow.any():
            log_terms = log_p[:, underflow]
            log_sums = np.empty_like(log_terms)
            combine_others(np.logaddexp, log_terms, log_sums)
            log_rest[:, underflow] = log_sums
    return log_rest - log_p, log_p
