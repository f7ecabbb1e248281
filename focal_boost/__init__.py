"""Focal loss for gradient boosting: objectives, an estimator with honest probabilities, a comparison."""

from focal_boost.classifier import FocalBoostClassifier
from focal_boost.losses import BinaryFocalLoss, MulticlassFocalLoss
from focal_boost.metrics import focal_loss

__version__ = "0.1.0"
__all__ = ["BinaryFocalLoss", "FocalBoostClassifier", "MulticlassFocalLoss", "focal_loss"]
