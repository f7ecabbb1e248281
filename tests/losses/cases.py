"""The configured losses, and labels and raw predictions for each; not a test module."""

import numpy as np
import pytest

from focal_boost import BinaryFocalLoss, MulticlassFocalLoss
from focal_boost.losses import _hessian

DTYPES = (np.float64, np.float32)
POLICIES = tuple(_hessian.POLICIES)
BINARY = [
    BinaryFocalLoss(),
    BinaryFocalLoss(0, None),
    BinaryFocalLoss(1e-9, None, "exact"),
    BinaryFocalLoss(0.3, 0.25),
    BinaryFocalLoss(0.5, None, "exact"),
    BinaryFocalLoss(1, None, "gauss_newton"),
    BinaryFocalLoss(1 + 1e-9, 0.25, "exact"),
    BinaryFocalLoss(1.7, (0.3, 2.0)),
    BinaryFocalLoss(3, None),
    BinaryFocalLoss(5, None),
    BinaryFocalLoss(10, 0.75, "gauss_newton"),
    BinaryFocalLoss(20, None),
    BinaryFocalLoss((0, 5), None),
    BinaryFocalLoss((3, 0.5), (9.0, 0.2), "exact"),
    BinaryFocalLoss((0.5, 20), 0.01, "gauss_newton"),
]
MULTICLASS = [
    MulticlassFocalLoss(),
    MulticlassFocalLoss(gamma=0),
    MulticlassFocalLoss(3, 1e-9, hessian="exact"),
    MulticlassFocalLoss(3, 0.3),
    MulticlassFocalLoss(3, 0.5, hessian="exact"),
    MulticlassFocalLoss(3, 1, hessian="gauss_newton"),
    MulticlassFocalLoss(3, 1 + 1e-9),
    MulticlassFocalLoss(3, 1.7, (1.0, 2.0, 0.5)),
    MulticlassFocalLoss(3, 2, (0.01, 1, 100), "exact"),
    MulticlassFocalLoss(3, 5, hessian="gauss_newton"),
    MulticlassFocalLoss(3, 3),
    MulticlassFocalLoss(3, 10),
    MulticlassFocalLoss(3, 20, (1.0, 3.0, 9.0)),
    MulticlassFocalLoss(3, (0, 2, 5), (1, 20, 0.1)),
    MulticlassFocalLoss(3, (1, 0.5, 2), None, "exact"),
]
LOSSES = BINARY + MULTICLASS
each_loss = pytest.mark.parametrize("loss", LOSSES, ids=repr)
each_dtype = pytest.mark.parametrize("dtype", DTYPES)


def n_classes(loss):
    """Return the number of classes of `rows`: four if the loss does not determine it."""
    return 2 if isinstance(loss, BinaryFocalLoss) else loss._known_n_classes or 4


def rows(loss, n_samples=60, *, scale=3.0, dtype=np.float64):
    """Labels, every class equally often, and raw predictions."""
    rng = np.random.default_rng(n_samples)
    k = n_classes(loss)
    y = rng.permutation(np.arange(n_samples) % k)
    raw = scale * rng.normal(size=n_samples if isinstance(loss, BinaryFocalLoss) else (n_samples, k))
    return y, raw.astype(dtype)


def per_class(loss, k):
    """Gamma and alpha of each class."""
    alpha = (1 - loss.alpha, loss.alpha) if isinstance(loss.alpha, float) else loss.alpha
    return np.broadcast_to(loss.gamma, k), np.ones(k) if alpha is None else np.array(alpha)


def derivatives(loss, y, raw, weight=None):
    """Loss, gradient and exact Hessian, and gradient and Hessian of a booster."""
    return [
        loss.loss(y, raw, weight),
        *loss.gradient_hessian(y, raw, weight),
        *loss(y, raw, weight),
    ]


def probabilities(loss, raw):
    """Posterior and plain probability, and their logarithms."""
    methods = (loss.predict_proba, loss.predict_log_proba)
    return [method(raw, calibrated) for method in methods for calibrated in (True, False)]
