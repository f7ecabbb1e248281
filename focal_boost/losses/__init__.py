"""The focal loss, its derivatives and its class posterior. Needs only NumPy and SciPy."""

from focal_boost.losses._base import FocalLoss
from focal_boost.losses._binary import BinaryFocalLoss
from focal_boost.losses._bound import BoundLoss
from focal_boost.losses._multiclass import MulticlassFocalLoss
from focal_boost.losses._parameters import Gamma, Hessian
from focal_boost.losses._posterior import posterior

__all__ = ["BinaryFocalLoss", "BoundLoss", "FocalLoss", "Gamma", "Hessian", "MulticlassFocalLoss", "posterior"]
