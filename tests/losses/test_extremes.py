"""Extreme values: near every threshold of the code, and with very different class weights."""

import functools
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from focal_boost import BinaryFocalLoss, MulticlassFocalLoss

from .cases import DTYPES, POLICIES, derivatives, each_dtype, probabilities

LARGE = [0, 1e-30, 1e-8, 1, 30, 69.9, 70.1, 80, 89, 104, 689, 691, 700, 709, 745, 1e4, 1e30]


@each_dtype
@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("gamma", [0, 1e-30, 1e-3, 0.5, 1, 1 + 1e-15, 2, 50, 1e3, 1e6])
def test_results_are_finite_under_any_error_handling(dtype, n_outputs, gamma):
    raw = np.concatenate([np.negative(LARGE), LARGE]).astype(dtype)
    if n_outputs == 1:
        losses = [BinaryFocalLoss(gamma, alpha) for alpha in (None, (1e-15, 1e8))]
    else:
        raw = np.stack([*np.meshgrid(raw, raw), np.zeros((len(raw), len(raw)), dtype)], axis=-1).reshape(-1, 3)
        losses = [MulticlassFocalLoss(3, gamma, alpha) for alpha in (None, (1e-15, 1e8, 1.0))]
    labels = range(max(2, n_outputs))
    y, raw = np.repeat(labels, len(raw)), np.concatenate([raw for _ in labels])
    for loss in losses:
        with np.errstate(all="raise"):
            results = [*derivatives(loss, y, raw), *probabilities(loss, raw)]
            for policy in POLICIES:
                results += replace(loss, hessian=policy)(y, raw)
        assert all(np.isfinite(result).all() for result in results)


@pytest.mark.parametrize("gamma", [0, 0.5, 2, 50, 1e6])
@pytest.mark.parametrize("prior", [0.5, 1e-15])
def test_the_initial_raw_prediction_is_finite_at_extreme_weights(gamma, prior):
    for alpha in (None, (1e-15, 1e8), (1e8, 1e-15)):
        with np.errstate(all="raise"):
            start = BinaryFocalLoss(gamma, alpha).fit_intercept_only([0, 1], [1 - prior, prior])
        assert np.isfinite(start)
    for alpha in (None, (1e-15, 1e8, 1.0)):
        with np.errstate(all="raise"):
            start = MulticlassFocalLoss(3, gamma, alpha).fit_intercept_only([0, 1, 2], [1.0, prior, 1.0])
        assert np.isfinite(start).all()


@each_dtype
@pytest.mark.parametrize("build", [BinaryFocalLoss, functools.partial(MulticlassFocalLoss, 2)])
def test_the_smallest_numbers_underflow_under_any_error_handling(build, dtype):
    loss, weight = build((1e-300, 2), (1e-15, 1)), [1e-300, 1.0]
    smallest = np.finfo(dtype).smallest_subnormal
    raw = np.array([0, smallest] if isinstance(loss, BinaryFocalLoss) else [[0, smallest], [smallest, 0]], dtype)
    with np.errstate(all="raise"):
        results = [*derivatives(loss, [0, 1], raw, weight), *probabilities(loss, raw)]
        for precision in DTYPES:
            bound = np.empty_like(raw, np.float32), np.empty_like(raw, np.float32)
            loss.bind([0, 1], weight, dtype=precision).derivatives(raw, *bound)
            results += bound
    assert all(np.isfinite(result).all() for result in results)


@pytest.mark.parametrize(("dtype", "far"), [(np.float32, 79.0), (np.float64, 699.99)])
def test_twenty_thousand_classes_likelier_than_the_true_one(dtype, far):
    raw = np.full((1, 20_000), far, dtype=dtype)
    raw[0, 0] = 0
    loss = MulticlassFocalLoss()
    gradient, hessian = loss.gradient_hessian([0], raw)
    assert_allclose(loss.loss([0], raw), far + np.log(19_999), rtol=1e-6)
    assert_allclose(gradient, [[-1, *[1 / 19_999] * 19_999]], rtol=1e-5)
    assert np.isfinite(hessian).all()
    assert np.isfinite(loss.predict_log_proba(raw)).all()


@each_dtype
@pytest.mark.parametrize("alpha", [(1e8, 1.0), (100, 1e-3), (1e-15, 1e8), (1e8, 1e-15)])
def test_a_small_class_weight_next_to_a_large_one_is_accurate(dtype, alpha):
    raw = np.array([0.3, -0.7], dtype=dtype)
    for y in ([0, 1], [1, 0]):
        weighted, plain = BinaryFocalLoss(2, alpha), BinaryFocalLoss(2, None)
        for a, b in zip(weighted.gradient_hessian(y, raw), plain.gradient_hessian(y, raw), strict=True):
            assert_allclose(a, b * np.take(alpha, y), rtol=4 * np.finfo(dtype).eps)


def test_a_small_gamma_next_to_a_large_one_is_accurate():
    mixed, small = BinaryFocalLoss((1e6, 1e-3), None), BinaryFocalLoss(1e-3, None)
    assert_allclose(mixed.loss([1], [-2.0]), small.loss([1], [-2.0]), rtol=1e-15)


def test_sums_of_the_largest_floats_do_not_overflow():
    assert not BinaryFocalLoss().gradient([1, 1], np.full(2, 1.5e308)).any()
