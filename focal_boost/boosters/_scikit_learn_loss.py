"""The focal loss as a loss of scikit-learn's gradient boosting.

This is the only module that uses the private ``sklearn._loss``. It is imported when a
HistGradientBoostingClassifier is trained, so that changes in the private module affect nothing else.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn._loss.loss import BaseLoss, HalfBinomialLoss, HalfMultinomialLoss

from focal_boost._arguments import class_priors
from focal_boost.losses import BoundLoss, FocalLoss
from focal_boost.metrics import log_loss_of

# Maximum number of training rows to score if there are validation data, as for a scorer in scikit-learn.
_SCORED = 10_000


def native_loss(n_classes: int) -> Any:
    """Return scikit-learn's own log loss."""
    return HalfBinomialLoss() if n_classes == 2 else HalfMultinomialLoss(n_classes=n_classes)


class ScikitLearnLoss(BaseLoss):
    """The loss in scikit-learn's format; `fit_intercept_only` is called first, with the training rows.

    ``validates`` states whether there are validation data for early stopping to monitor.

    Raw predictions are float64 arrays of shape (n, 1) or (n, K), gradient and Hessian float32 arrays of shape (n,)
    or (n, K), all in Fortran order.
    """

    def __init__(self, loss: FocalLoss, n_classes: int, calibrated: bool, validates: bool) -> None:
        self.native = native_loss(n_classes)
        super().__init__(self.native.closs, self.native.link, n_classes)
        self.is_multiclass = n_classes > 2
        self.focal_loss = loss
        # With class weights alone the loss is scikit-learn's log loss with other sample weights.
        self.is_log_loss = not np.any(loss.gamma) and not callable(loss.hessian)
        self.calibrated = calibrated
        self.validates = validates
        self.labels: Any = None
        self.bound: BoundLoss | None = None

    def fit_intercept_only(self, y_true: Any, sample_weight: Any = None) -> np.ndarray:
        """Return the initial raw prediction, and bind the loss to these labels and weights."""
        dtype = np.float64 if self.is_log_loss else np.float32  # scikit-learn's log loss takes float64 weights
        by_class = np.arange(self.n_classes), class_priors(y_true, sample_weight, self.n_classes)
        scale = self.focal_loss.scale(*by_class, 1.0)
        self.bound = self.focal_loss.bind(y_true, sample_weight, self.n_classes, dtype, 1.0, scale)
        self.labels = y_true
        self.scored = np.arange(len(y_true)) if sample_weight is None else np.flatnonzero(sample_weight)
        if self.validates:
            self.scored = self.scored[:: -(-len(self.scored) // _SCORED)]
        return np.asarray(self.focal_loss.fit_intercept_only(*by_class))

    def gradient_hessian(
        self,
        y_true: Any,
        raw_prediction: Any,
        sample_weight: Any = None,
        gradient_out: Any = None,
        hessian_out: Any = None,
        n_threads: int = 1,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Write gradient and Hessian of the bound rows."""
        assert self.bound is not None
        if self.is_log_loss:
            weight, out = self.bound.targets.weight, (gradient_out, hessian_out)
            return self.native.gradient_hessian(y_true, raw_prediction, weight, *out, n_threads)
        self.bound.derivatives(self._outputs(raw_prediction), gradient_out, hessian_out)
        return gradient_out, hessian_out

    def __call__(self, y_true: Any, raw_prediction: Any, sample_weight: Any = None, n_threads: int = 1) -> float:
        """Return the log loss of `predict_proba`, which early stopping monitors."""
        raw = self._outputs(raw_prediction)
        if y_true is self.labels:
            y_true, raw = y_true[self.scored], raw[self.scored]
            sample_weight = None if sample_weight is None else sample_weight[self.scored]
        return log_loss_of(self.focal_loss, y_true, raw, sample_weight, self.calibrated)

    def predict_proba(self, raw_prediction: Any) -> np.ndarray:
        """Return class probabilities; scikit-learn stratifies its split for a loss that has this method."""
        return self.focal_loss.predict_proba(self._outputs(raw_prediction), self.calibrated)

    def _outputs(self, raw_prediction: np.ndarray) -> np.ndarray:
        return raw_prediction if self.is_multiclass else raw_prediction[:, 0]
