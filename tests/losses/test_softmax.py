"""Sums over all classes but one keep their digits, however much one class dominates."""

import math

import mpmath as mp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from focal_boost.losses._softmax import combine_others, log_odds_against, log_softmax

from .cases import each_dtype

K = pytest.mark.parametrize("k", [2, 3, 40])


def log_sum(terms):
    """Logarithm of a sum of exponentials in high precision."""
    with mp.workdps(40):
        return mp.log(mp.fsum(map(mp.exp, terms)))


def log_terms(k, dtype):
    """Logarithms of which no, one or several dominate, (K, n)."""
    rng = np.random.default_rng(k)
    columns = [scale * rng.normal(size=k) for scale in (0, 1, 30, 300)]
    for dominant in (0, k // 2, k - 1):
        column = rng.normal(size=k)
        column[dominant] = 800
        columns.append(column)
    columns.append(np.concatenate([[800, 799], rng.normal(size=k)])[:k])
    return np.array(columns, dtype).T


@K
@each_dtype
def test_sums_over_the_others_keep_their_digits(k, dtype):
    terms = np.exp(np.minimum(log_terms(k, dtype) / 10, 80))
    before, out = terms.copy(), np.full_like(terms, np.nan)
    total = combine_others(np.add, terms, out)
    assert_array_equal(terms, before)
    eps = k * np.finfo(dtype).eps
    for n, column in enumerate(terms.T.tolist()):
        expected = [math.fsum(column[:c] + column[c + 1 :]) for c in range(k)]
        assert_allclose(out[:, n], expected, rtol=eps)
        assert_allclose(total[n], math.fsum(column), rtol=eps)


@K
@each_dtype
def test_logarithms_of_sums_over_the_others_keep_their_digits(k, dtype):
    terms = log_terms(k, dtype)
    before, out = terms.copy(), np.full_like(terms, np.nan)
    total = combine_others(np.logaddexp, terms, out)
    assert_array_equal(terms, before)
    eps = k * np.finfo(dtype).eps
    for n, column in enumerate(terms.T.tolist()):
        expected = [float(log_sum(column[:c] + column[c + 1 :])) for c in range(k)]
        assert_allclose(out[:, n], expected, rtol=eps, atol=eps)
        assert_allclose(total[n], float(log_sum(column)), rtol=eps)


@K
@each_dtype
def test_log_odds_against_each_class_agree_with_high_precision(k, dtype):
    raw = np.ascontiguousarray(log_terms(k, dtype).T)
    with np.errstate(all="raise"):
        log_odds, log_p = log_odds_against(raw)
    assert log_odds.dtype == log_p.dtype == dtype
    assert_array_equal(log_p, raw.T - raw.max(axis=1))
    eps = k * np.finfo(dtype).eps
    for n, column in enumerate(raw.tolist()):
        for c in range(k):
            expected = log_sum(column[:c] + column[c + 1 :]) - column[c]
            # Relative to the numbers subtracted: the logarithm itself may be close to zero.
            assert abs(log_odds[c, n] - expected) <= eps * (1 + np.ptp(raw[n]))


@each_dtype
def test_the_log_softmax_underflows_under_any_error_handling(dtype):
    with np.errstate(all="raise"):
        assert_array_equal(log_softmax(np.array([[0, -800], [800, 0]], dtype)), [[0, -800], [0, -800]])
