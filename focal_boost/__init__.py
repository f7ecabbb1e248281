"""Focal loss for gradient boosting: objectives, an estimator with honest probabilities, a comparison."""

from focal_boost.losses import BinaryFocalLoss, MulticlassFocalLoss

__version__ = "0.1.0"
__all__ = ["BinaryFocalLoss", "MulticlassFocalLoss"]
