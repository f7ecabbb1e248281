"""Data and an objective for the models of the other packages; not a test module."""

import numpy as np

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 3))
Y = (X[:, 0] > 0).astype(int)
Y3 = np.digitize(X[:, 0], [-0.5, 0.5])


def squared(y_true, y_pred, sample_weight=None):
    """A simple objective, for one or several raw predictions per row."""
    target = np.asarray(y_true)[:, None] == np.arange(y_pred.shape[1]) if y_pred.ndim == 2 else y_true
    gradient = np.asarray(y_pred - target, dtype=np.float32)
    return gradient, np.ones_like(gradient)
