"""The results of a study as ratios of log losses and differences in average precision, with their significance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

LEVEL = 0.05


def read(results: Path, name: str) -> pd.DataFrame:
    """Return the rows of a study with the effects of each contender; those that failed have an ``error``.

    ``loss`` is the log loss divided by the built-in one of the same booster, ``precision`` the difference in
    average precision. ``loss_sign`` and ``precision_sign`` are +1 or -1 for a difference with a p-value below
    5 % in the corrected resampled t-test, else 0; studies with few columns do not have the latter.
    """
    text = {"set": str, "variant": str, "error": str}
    fits = pd.read_csv(results / f"{name}.csv", keep_default_na=False, na_values=[""], dtype=text)
    fits = fits.fillna({"variant": ""})
    sets = results / "quality-sets.csv"
    if sets.exists():
        classes = pd.read_csv(sets, dtype={"set": str}).set_index("set").classes
        fits["classes"] = fits.set.map(classes)
    else:
        fits["classes"] = np.nan
    fits["classes"] = fits.classes.fillna(2).astype(int)
    fits["base"] = fits.log_loss - fits.log_loss_difference
    fits["loss"] = fits.log_loss / fits.base
    fits["loss_sign"] = sign(fits, "log_loss")
    if "average_precision_difference" in fits:
        fits["precision"] = fits.average_precision_difference
    if "average_precision" in fits:
        fits["base_precision"] = fits.average_precision - fits.precision
        fits["precision_sign"] = sign(fits, "average_precision")
    return fits


def half_width(fits: pd.DataFrame, measure: str) -> pd.Series:
    """Return half the width of the 95 % interval of the mean difference."""
    return fits[f"{measure}_error"] * stats.t.ppf(1 - LEVEL / 2, fits.folds - 1)


def sign(fits: pd.DataFrame, measure: str) -> pd.Series:
    """Return the sign of each mean difference whose interval excludes 0, else 0."""
    difference = fits[f"{measure}_difference"]
    return np.sign(difference).where(abs(difference) > half_width(fits, measure), 0).astype(int)


def geometric_mean(values: pd.Series) -> float:
    """Return the geometric mean."""
    return float(np.exp(np.log(values).mean()))
