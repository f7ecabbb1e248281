"""The focal loss and its derivatives as functions of one variable, in place, on blocks of rows.

The variable is ``e = q / p``, the odds *against* the true class: ``p = 1 / (1 + e)`` is the probability of the
true class, ``q = e p = 1 - p`` and ``l = log1p(e) = -log(p)``. In the log-odds ``u = log(e)`` (Lin et al. 2017,
eq. 4, without alpha)::

    loss             phi  = q^g l
    slope            phi' = dphi/du = w q        = q^g (q + g p l)            > 0
    curvature               w' q^2  = g q^g p (2 q + (g p - 1) l)             of either sign
    second derivative       d2phi/du2 = slope p + curvature

``w`` is the derivative of the loss by the cross-entropy ``l``, the focal weight. This module knows neither
labels, class weights nor boosters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

# Values worked on at once: a block of temporaries stays in the cache, smaller ones wait for the interpreter.
BLOCK = 65_536

# Beyond these log-odds against the true class, e nears the overflow of its type and p its underflow. Up to the
# overflow there is room for a factor of a hundred million, the number of the other classes.
HOPELESS: dict[Any, Any] = {np.dtype(np.float32): np.float32(70.0), np.dtype(np.float64): np.float64(690.0)}


def cut_excess(u: Array) -> Array | None:
    """Clip the log-odds ``u`` in place where their exponential would overflow; return what was cut off, if any."""
    cut, largest = HOPELESS[u.dtype], u.max()
    if largest <= cut:
        return None
    if not largest < np.inf:
        raise ValueError(f"raw_prediction must be finite; got a log-odds against the true class of {largest}.")
    excess = np.maximum(u, cut) - cut
    np.minimum(u, cut, out=u)
    return excess


def _probabilities(odds: Array, excess: Array | None, p: Array, q: Array, ell: Array) -> None:
    """Write p, q and l, each to full relative accuracy, where ``1 - p`` and ``-log(p)`` would lose it."""
    np.log1p(odds, out=ell)
    np.add(odds, 1, out=p)
    np.divide(1, p, out=p)
    np.multiply(odds, p, out=q)
    if excess is not None:
        # There q is 1, l is u and p is exp(-u): what was cut off is put back exactly.
        ell += excess
        p *= np.exp(-excess)


def _power(q: Array, gamma: float | Array, weight: Array | None, out: Array) -> None:
    """Write q^gamma, times the weight of each row."""
    # np.power loses no digits here: q underflows only where q^(g+1), a factor of every result, does so first.
    if isinstance(gamma, float) and gamma == 2.0:
        np.square(q, out=out)
    elif isinstance(gamma, float) and gamma == 0.0:
        out.fill(1)
    else:
        np.power(q, gamma, out=out)
    if weight is not None:
        out *= weight


def loss(odds: Array, excess: Array | None, gamma: float | Array, weight: Array | None, work: Array) -> Array:
    """Return phi times the weight, shape (m,). ``work`` is scratch of at least 4 rows; the result lies in it."""
    p, q, ell, power = work[:4, : odds.size]
    _probabilities(odds, excess, p, q, ell)
    _power(q, gamma, weight, out=power)
    ell *= power
    return ell


def derivatives(
    odds: Array, excess: Array | None, gamma: float | Array, weight: Array | None, work: Array
) -> tuple[Array, Array, Array, Array]:
    """Return slope and curvature, times the weight, and p and q, each (m,).

    ``work`` is scratch of at least 5 rows; the results lie in it.
    """
    p, q, ell, power, slope = work[:5, : odds.size]
    _probabilities(odds, excess, p, q, ell)
    _power(q, gamma, weight, out=power)
    gamma_p = np.multiply(p, gamma, out=odds)
    np.multiply(gamma_p, ell, out=slope)
    slope += q
    # w' alone overflows for g < 1 as q -> 0; the product w' q^2 does not, and is formed as one.
    curvature = np.subtract(q, ell, out=ell)
    curvature += slope
    curvature *= gamma_p
    curvature *= power
    slope *= power
    return slope, curvature, p, q


def in_blocks(n: int, width: int, n_work: int, dtype: Any, evaluate: Callable[[slice, Array], None]) -> None:
    """Call ``evaluate(rows, work)`` for each block of ``n`` rows of ``width`` values.

    ``work`` is scratch, ``n_work`` times as many values as a block has rows.
    """
    # On one thread: NumPy releases the interpreter's lock for every short operation, and what two threads gained
    # by that they lost in handing it to each other (the page on speed has the figures).
    block = max(256, BLOCK // width)
    work = np.empty((n_work, min(n, block)), dtype=dtype)
    # Very easy rows underflow towards their true value, 0. What infinities leave undefined is found by cut_excess.
    with np.errstate(under="ignore", invalid="ignore"):
        for start in range(0, n, block):
            evaluate(slice(start, min(start + block, n)), work)
