"""Compare focal losses with the boosters' built-in log loss by cross-validation, and report the result."""

from focal_boost.comparison._categories import FixedCategories
from focal_boost.comparison._compare import compare
from focal_boost.comparison._comparison import Comparison
from focal_boost.comparison._data import InputError

__all__ = ["Comparison", "FixedCategories", "InputError", "compare"]
