"""Focal loss for gradient boosting: objectives, a calibrated classifier and a model comparison."""

from typing import TYPE_CHECKING, Any

from focal_boost._version import __version__ as __version__
from focal_boost.classifier import FocalBoostClassifier
from focal_boost.losses import BinaryFocalLoss, MulticlassFocalLoss
from focal_boost.metrics import focal_loss
from focal_boost.prior_correction import PriorCorrectedClassifier

if TYPE_CHECKING:
    from focal_boost.comparison import compare

__all__ = [
    "BinaryFocalLoss",
    "FocalBoostClassifier",
    "MulticlassFocalLoss",
    "PriorCorrectedClassifier",
    "compare",
    "focal_loss",
]


def __getattr__(name: str) -> Any:
    # Imported on first use, because compare needs pandas and training does not.
    if name != "compare":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from focal_boost.comparison import compare
    except ImportError as error:
        raise ImportError(f"compare needs {error.name}: pip install skrub") from error
    globals()["compare"] = compare
    return compare


def __dir__() -> list[str]:
    return sorted(__all__)
