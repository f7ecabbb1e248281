"""The mathematics of the focal loss: NumPy and SciPy only, importable without any booster."""

from focal_boost.losses._base import FocalLoss
from focal_boost.losses._binary import BinaryFocalLoss
from focal_boost.losses._bound import BoundLoss
from focal_boost.losses._multiclass import MulticlassFocalLoss
from focal_boost.losses._parameters import Gamma, Hessian
from focal_boost.losses._posterior import posterior

__all__ = ["BinaryFocalLoss", "BoundLoss", "FocalLoss", "Gamma", "Hessian", "MulticlassFocalLoss", "posterior"]
