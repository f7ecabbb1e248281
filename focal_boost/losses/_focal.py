"""The focal loss and its derivatives as functions of one variable, in place, on blocks of rows.

The variable is ``e = q / p``, the odds *against* the true class: ``p = 1 / (1 + e)`` is the probability of the
true class, ``q = e p = 1 - p`` and ``l = log1p(e) = -log(p)``. In the log-odds ``u = log(e)`` (Lin et al. 2017,
eq. 4, without alpha)::

    loss             phi  = q^g l
    slope            phi' = dphi/du = w q        = q^g (q + g p l)            > 0
    curvature               w' q^2  = g q^g p (2 q + (g p - 1) l)             of either sign
    second derivative       d2phi/du2 = slope p + curvature

``w`` is the focal weight, the derivative of the loss with respect to the cross-entropy ``l``. This module does not
depend on labels, class weights or boosters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

# Values per block: small enough to stay in the cache, large enough to outweigh Python's overhead.
BLOCK = 65_536

# The largest log-odds whose exponential stays finite when multiplied by 1e8, a bound on the number of classes.
LARGEST: dict[Any, Any] = {np.dtype(np.float32): np.float32(70.0), np.dtype(np.float64): np.float64(690.0)}


@dataclass(slots=True)
class Scratch:
    """Working memory for a block of m rows and K outputs.

    Arrays of shape (m,) describe the true class: the ``odds`` against it, its probability ``p``, ``q = 1 - p``,
    ``ell = -log p``, ``power = q^g`` and ``slope``. Arrays of shape (K, m) describe every class and are empty for
    a single raw prediction: ``softmax``, ``rest`` (the probability of all other classes), ``gradient`` (absolute
    until the last step) and ``share``. ``true`` is the index of the true class in the flattened arrays (K, m).
    """

    odds: np.ndarray
    p: np.ndarray
    q: np.ndarray
    ell: np.ndarray
    power: np.ndarray
    slope: np.ndarray
    softmax: np.ndarray
    rest: np.ndarray
    gradient: np.ndarray
    share: np.ndarray
    true: np.ndarray

    @classmethod
    def within(cls, memory: np.ndarray, true: np.ndarray, n_rows: int, n_outputs: int) -> Scratch:
        """Return working memory for a block, in the given arrays."""
        rows, outputs = memory[: 6 * n_rows], memory[6 * n_rows : (6 + 4 * n_outputs) * n_rows]
        rows, outputs = rows.reshape(6, n_rows), outputs.reshape(4, n_outputs, n_rows)
        return cls(*rows, *outputs, true[:n_rows])  # type: ignore[call-arg]  # mypy counts starred arguments as one


def blocks(raw: np.ndarray, dtype: Any) -> Iterator[tuple[slice, Scratch]]:
    """Yield the rows of each block of a raw prediction, (n,) or (n, K), and working memory of its size."""
    # Single-threaded on purpose: contention for the GIL cost as much time as a second thread saved
    # (docs/benchmark-speed.md).
    n_outputs = 0 if raw.ndim == 1 else raw.shape[1]
    size = max(256, BLOCK // max(1, n_outputs))
    largest = min(size, len(raw))
    memory = np.empty((6 + 4 * n_outputs) * largest, dtype)
    true = np.empty(largest if n_outputs else 0, np.intp)
    for start in range(0, len(raw), size):
        m = min(size, len(raw) - start)
        yield slice(start, start + m), Scratch.within(memory, true, m, n_outputs)


def true_class(u: np.ndarray, t: Scratch, others: np.ndarray | None = None) -> None:
    """Compute p, q and ell, each to full relative accuracy, from the log-odds ``u`` against the true class.

    With many classes the odds are ``others * exp(u)``. Raise ValueError for a raw prediction that is not finite.
    """
    largest = LARGEST[u.dtype]
    excess = None
    if not u.max() <= largest:
        if not u.max() < np.inf:
            raise ValueError(f"raw_prediction must be finite; got a log-odds against the true class of {u.max()}.")
        excess = np.maximum(u, largest) - largest
        u = np.minimum(u, largest)
    np.exp(u, out=t.odds)
    if others is not None:
        t.odds *= others
    # 1 - p and -log(p) would be inaccurate for a small q or ell. log1p(e) is the logarithm of the rounded total,
    # 1 + e, plus its rounding error over the total. On processors without AVX-512, NumPy's log1p is up to nine
    # times as slow as its log.
    total, error = t.p, t.q
    np.add(t.odds, 1, out=total)
    np.log(total, out=t.ell)
    np.subtract(total, 1, out=error)
    np.subtract(t.odds, error, out=error)
    np.divide(1, total, out=t.p)
    error *= t.p
    t.ell += error
    np.multiply(t.odds, t.p, out=t.q)
    if excess is not None:
        # Beyond the largest exponent q is 1, ell is u and p is exp(-u).
        t.ell += excess
        t.p *= np.exp(-excess)


def _power(t: Scratch, gamma: float | np.ndarray, weight: float | np.ndarray | None) -> None:
    """Compute power = q^gamma, times the weight of each row."""
    # Underflow of q is harmless, because q^(g+1), a factor of every result, underflows first.
    if isinstance(gamma, float) and gamma == 2.0:
        np.square(t.q, out=t.power)
    elif isinstance(gamma, float) and gamma == 0.0:
        t.power.fill(1)
    else:
        np.power(t.q, gamma, out=t.power)
    if weight is not None:
        t.power *= weight


def loss(t: Scratch, gamma: float | np.ndarray, weight: float | np.ndarray | None) -> np.ndarray:
    """Return phi times the weight, shape (m,), in working memory."""
    _power(t, gamma, weight)
    return np.multiply(t.power, t.ell, out=t.ell)


def derivatives(
    t: Scratch, gamma: float | np.ndarray, weight: float | np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return slope and curvature times the weight, each of shape (m,), in working memory."""
    _power(t, gamma, weight)
    gamma_p = np.multiply(t.p, gamma, out=t.odds)
    slope = np.multiply(gamma_p, t.ell, out=t.slope)
    slope += t.q
    # w' alone overflows for g < 1 as q -> 0; the product w' q^2 does not.
    curvature = np.subtract(t.q, t.ell, out=t.ell)
    curvature += slope
    curvature *= gamma_p
    curvature *= t.power
    slope *= t.power
    return slope, curvature
