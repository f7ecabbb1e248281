"""What the figures allow to say: paired differences against the built-in log loss, with their uncertainty.

Folds share training rows, so their differences are correlated and the plain t-test finds far too much. The
corrected resampled t-test (Nadeau & Bengio 2003) adds n_test / n_train to the 1 / n_folds by which it divides the
variance. All intervals and p-values are Bonferroni-adjusted: all intervals hold together, and a test and its
interval always agree, which stepwise procedures (Holm) do not offer.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from focal_boost._compare._contenders import CHOSEN, CLASS_WEIGHTS, LOG_LOSS
from focal_boost._compare._scores import TESTED
from focal_boost.losses._kernel import Array

LEVEL = 0.05


def corrected_t_test(
    differences: Array, test_share: float, n_comparisons: int
) -> tuple[float, float, float, float]:
    """Return mean, lower and upper bound, and p-value of paired differences over folds.

    Parameters
    ----------
    differences : ndarray of shape (n_folds,)
        One per fold, at least two.
    test_share : float
        Test rows per training row, 1 / (k - 1) in k-fold cross-validation.
    n_comparisons : int
        For how many the level is adjusted.
    """
    n = len(differences)
    mean = float(differences.mean())
    error = float(np.sqrt(differences.var(ddof=1) * (1 / n + test_share)))
    if error == 0:
        return mean, mean, mean, float(mean == 0)
    width = error * float(stats.t.ppf(1 - LEVEL / n_comparisons / 2, n - 1))
    p_value = 2 * float(stats.t.sf(abs(mean) / error, n - 1))
    return mean, mean - width, mean + width, min(1.0, n_comparisons * p_value)


def paired_differences(scores: pd.DataFrame, n_folds: int) -> pd.DataFrame:
    """Return, for each booster, contender and tested score, the difference from the built-in log loss.

    ``n_folds`` is how many were planned, of which ``scores`` may hold fewer. "better" and "worse" stand where the
    adjusted interval excludes zero.
    """
    rows = []
    wide = scores.pivot(index=["booster", "fold"], columns="contender", values=[s.name for s in TESTED])
    others = [name for name in scores["contender"].unique() if name != LOG_LOSS.name]
    finished = scores.groupby("booster", sort=False)["fold"].nunique()
    boosters = list(finished.index[finished >= 2])
    n_comparisons = len(boosters) * len(others) * len(TESTED)
    for booster in boosters:
        of_booster = wide.loc[booster]
        for name in others:
            for score in TESTED:
                values = (of_booster[score.name, name] - of_booster[score.name, LOG_LOSS.name]).to_numpy(
                    dtype=float
                )
                mean, low, high, p_value = corrected_t_test(values, 1 / (n_folds - 1), n_comparisons)
                better, worse = (low > 0, high < 0) if score.higher_is_better else (high < 0, low > 0)
                rows.append(
                    {
                        "booster": booster,
                        "contender": name,
                        "score": score.name,
                        "difference": mean,
                        "low": low,
                        "high": high,
                        "p_value": p_value,
                        "finding": "better" if better else "worse" if worse else "",
                    }
                )
    return pd.DataFrame(rows)


def recommend(differences: pd.DataFrame, scores: pd.DataFrame) -> tuple[str, str]:
    """Return (booster, contender): the log loss, unless one is better in one tested score and worse in none.

    Of several the one with the larger mean average precision. Between boosters nothing is tested: it decides too.
    """
    means = scores.groupby(["booster", "contender"])["average precision"].mean()
    eligible = []
    for booster in scores["booster"].unique():
        good = []
        if len(differences):
            findings = differences[differences["booster"] == booster].groupby("contender")["finding"].agg(set)
            good = [name for name, found in findings.items() if "better" in found and "worse" not in found]
        best = max(good, key=lambda name: means[booster, name]) if good else LOG_LOSS.name
        eligible.append((booster, best))
    return max(eligible, key=lambda pair: means[pair])


def verdict(
    differences: pd.DataFrame, scores: pd.DataFrame, titles: dict[str, str], n_folds: int
) -> list[tuple[str, str]]:
    """Return (conclusion, evidence) of each booster, and a last pair on the method."""
    if not len(differences):
        return [("One fold is no basis for a verdict.", "Let two finish at least.")]
    paragraphs = []
    for booster, of_booster in differences.groupby("booster", sort=False):
        _, best = recommend(of_booster, scores[scores["booster"] == booster])
        paragraphs.append((f"{titles[str(booster)]}: {_conclusion(of_booster, best)}", _evidence(of_booster)))
    finished = int(scores.groupby("booster")["fold"].nunique().min())
    folds = f"{n_folds} folds" if finished == n_folds else f"{finished} of {n_folds} folds"
    method = (
        f"Paired differences over {folds}; in brackets the intervals of the corrected resampled t-test (Nadeau & "
        f"Bengio), Bonferroni-adjusted so that all {len(differences)} hold together at {1 - LEVEL:.0%}."
    )
    if finished < 10:
        method += f" {finished} folds show only large differences, ten see smaller ones."
    return [*paragraphs, ("", method)]


def _conclusion(differences: pd.DataFrame, best: str) -> str:
    findings = set(differences["finding"])
    if best == CLASS_WEIGHTS.name:
        return "class weights are worth it, focal loss is not shown to be."
    if best != LOG_LOSS.name:
        return f"focal loss is worth it. Take {best}."
    if findings == {""}:
        return "no difference beyond noise. Keep the built-in log loss."
    if "better" in findings:
        return (
            "nothing is better without being worse elsewhere. Keep the built-in log loss unless that is welcome."
        )
    return "nothing beats the built-in log loss. Keep it."


def _evidence(differences: pd.DataFrame) -> str:
    found = differences[differences["finding"] != ""]
    n_contenders, n_found = differences["contender"].nunique(), found["contender"].nunique()
    if n_found:
        each = [
            f"{name!r} is {' and '.join(map(_finding, rows.to_dict(orient='records')))}"
            for name, rows in found.groupby("contender", sort=False)
        ]
        text = f"Against the built-in log loss, {'; '.join(each)}."
        if n_found < n_contenders:
            text += f" The other {n_contenders - n_found} cannot be told from it."
    else:
        text = (
            f"None of the {n_contenders} alternatives can be told from it, neither in average precision nor in "
            "log loss."
        )
    chosen = differences[differences["contender"] == CHOSEN]
    if len(chosen) and not chosen[["low", "high"]].to_numpy().any():
        text += " Inner cross-validation always chose the log loss itself."
    elif len(chosen) and CHOSEN not in set(found["contender"]):
        changes = [
            f"{row['score']} by {row['difference']:+.4f} [{row['low']:+.4f}, {row['high']:+.4f}]"
            for row in chosen.to_dict(orient="records")
        ]
        text += f" Gamma chosen by inner cross-validation changes {' and '.join(changes)}."
    return text


def _finding(row: dict[Hashable, Any]) -> str:
    """Return "better in log loss by 0.0120 [0.0020, 0.0220]", sizes without a sign."""
    low, high = sorted((abs(row["low"]), abs(row["high"])))
    return f"{row['finding']} in {row['score']} by {abs(row['difference']):.4f} [{low:.4f}, {high:.4f}]"
