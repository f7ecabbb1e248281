"""Focal loss for gradient boosting: objectives, an estimator with honest probabilities, a comparison."""

from typing import TYPE_CHECKING, Any

from focal_boost.classifier import FocalBoostClassifier
from focal_boost.losses import BinaryFocalLoss, MulticlassFocalLoss
from focal_boost.metrics import focal_loss

if TYPE_CHECKING:
    from focal_boost._compare import compare

__version__ = "0.1.0"
__all__ = ["BinaryFocalLoss", "FocalBoostClassifier", "MulticlassFocalLoss", "compare", "focal_loss"]


def __getattr__(name: str) -> Any:
    # Loaded when asked for: it needs pandas, which training does not.
    if name != "compare":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from focal_boost._compare import compare
    except ImportError as error:
        raise ImportError(f"compare needs {error.name}: pip install 'focal-boost[all]'.") from error
    globals()["compare"] = compare
    return compare
