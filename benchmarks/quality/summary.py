"""Comparison of the contenders with the built-in log loss, computed from the results."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

KEY = ["contender", "booster", "gamma", "variant"]
OWN = ("log loss", "focal_boost")


def read(results: Path, name: str) -> pd.DataFrame:
    """Return the rows of an experiment; contenders that failed have an ``error``."""
    fits = pd.read_csv(
        results / f"{name}.csv", keep_default_na=False, na_values=[""], dtype={"set": str, "variant": str}
    )
    return fits.fillna({"variant": ""})


def own(fits: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the built-in log loss and this library without class weights."""
    return fits[fits.contender.isin(OWN) & (fits.variant != "weighted")]


def with_built_in(fits: pd.DataFrame) -> pd.DataFrame:
    """Return the successful rows with the scores of the same booster's log loss in ``built_in_...`` columns."""
    fits = fits[fits.error.isna()]
    base = fits[(fits.gamma == 0) & (fits.variant == "") & fits.contender.isin(["log loss", "CatBoost"])]
    base = base.drop(columns=["contender", "gamma", "variant", "error"]).set_index(["set", "booster"])
    return fits.join(base.add_prefix("built_in_"), on=["set", "booster"])


def by_fold(fits: pd.DataFrame, measure: str) -> np.ndarray:
    """Return a score, (rows, folds); one column if the results contain only the mean."""
    return fits.filter(regex=rf"^{measure}(_\d+)?$").to_numpy(dtype=float)


def by_set(fits: pd.DataFrame, measure: str, ratio: bool) -> pd.DataFrame:
    """Return the mean difference to the built-in log loss, or the ratio of means, per contender and data set.

    ``sign`` is +1 or -1 if the score is higher or lower on all folds and by more than twice the standard error of
    the differences over the folds, else 0.
    """
    fits = with_built_in(fits)
    value, base = by_fold(fits, measure), by_fold(fits, "built_in_" + measure)
    difference, n_folds = value - base, value.shape[1]
    error = difference.std(axis=1, ddof=1) / np.sqrt(n_folds) if n_folds > 1 else np.inf
    same_side = np.sign(difference.min(axis=1)) == np.sign(difference.max(axis=1))
    mean = difference.mean(axis=1)
    return fits[["set", "classes", *KEY]].assign(
        value=value.mean(axis=1),
        base=base.mean(axis=1),
        effect=value.mean(axis=1) / base.mean(axis=1) if ratio else mean,
        lowest=difference.min(axis=1),
        highest=difference.max(axis=1),
        sign=np.where(same_side & (abs(mean) > 2 * error), np.sign(mean), 0),
    )


def geometric_mean(values: pd.Series) -> float:
    """Return the geometric mean."""
    return float(np.exp(np.log(values).mean()))
