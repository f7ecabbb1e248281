"""The verdict: paired differences from the built-in log loss, with intervals, and a recommendation.

Folds share training rows. Their differences are therefore correlated, and the plain t-test rejects too often. The
corrected resampled t-test (Nadeau & Bengio 2003) multiplies the variance by 1 / n + n_test / n_train instead of
1 / n, where n is the number of folds in all repeats (Bouckaert & Frank 2004). All intervals and p-values are
Bonferroni-adjusted, so that the intervals are simultaneous and each test agrees with its interval. Stepwise
procedures (Holm) have no such intervals.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy.typing as npt
import pandas as pd
from scipy import stats

from focal_boost.comparison._contenders import CHOSEN, CLASS_WEIGHTS, CORRECTED, LOG_LOSS, TITLES
from focal_boost.comparison.scores import TESTED, corrected_error

LEVEL = 0.05
WEIGHTS = (
    "Class weights change the class shares in training and thereby shift the probabilities towards the rare "
    f"classes. {CLASS_WEIGHTS.name!r} has the shifted probabilities, as commonly used. {CORRECTED.name!r} is "
    "trained with the same weights, and its probabilities are corrected in closed form (gamma 0 with alpha), also "
    "for early stopping."
)


def corrected_t_test(
    differences: npt.NDArray[Any], test_share: float, n_comparisons: int
) -> tuple[float, float, float, float]:
    """Return mean, lower and upper bound, and p-value of paired differences over at least two folds.

    ``test_share`` is test rows per training row, 1 / (k - 1) in k-fold cross-validation.
    """
    n = len(differences)
    mean = float(differences.mean())
    error = corrected_error(differences, test_share)
    if error == 0:
        return mean, mean, mean, float(mean == 0)
    width = error * float(stats.t.ppf(1 - LEVEL / n_comparisons / 2, n - 1))
    p_value = 2 * float(stats.t.sf(abs(mean) / error, n - 1))
    return mean, mean - width, mean + width, min(1.0, n_comparisons * p_value)


def paired_differences(scores: pd.DataFrame, n_folds: int) -> pd.DataFrame:
    """Return the difference from the built-in log loss for each booster, contender and tested score.

    ``n_folds`` is the planned number of folds; ``scores`` may contain fewer. The finding is "better" or "worse" if
    the simultaneous interval excludes zero.
    """
    finished = scores.groupby("booster", sort=False)["fold"].nunique()
    boosters = list(finished.index[finished >= 2])
    others = [name for name in scores["contender"].unique() if name != LOG_LOSS.name]
    n_comparisons = len(boosters) * len(others) * len(TESTED)
    wide = scores.pivot(index=["booster", "fold"], columns="contender", values=[score.name for score in TESTED])
    rows = []
    for booster in boosters:
        for name in others:
            for score in TESTED:
                values = wide.loc[booster, score.name]
                differences = (values[name] - values[LOG_LOSS.name]).to_numpy(dtype=float)
                mean, low, high, p_value = corrected_t_test(differences, 1 / (n_folds - 1), n_comparisons)
                finding = ""
                if low > 0 or high < 0:
                    finding = "better" if (low > 0) == score.higher_is_better else "worse"
                rows.append((booster, name, score.name, mean, low, high, p_value, finding))
    columns = ["booster", "contender", "score", "difference", "low", "high", "p_value", "finding"]
    return pd.DataFrame(rows, columns=columns)


def recommend(differences: pd.DataFrame, scores: pd.DataFrame) -> tuple[str, str]:
    """Return (booster, contender): the log loss, or a contender better in a tested score and worse in none.

    Among several, and between boosters, the mean average precision decides. Boosters are not tested against each
    other.
    """
    means = scores.groupby(["booster", "contender"])["average precision"].mean()
    eligible = []
    for booster in scores["booster"].unique():
        findings = differences[differences["booster"] == booster].groupby("contender")["finding"].agg(set)
        better = [name for name, found in findings.items() if "better" in found and "worse" not in found]
        best = max(better, key=lambda name: means[booster, name]) if better else LOG_LOSS.name
        eligible.append((booster, best))
    return max(eligible, key=lambda pair: means[pair])


def verdict(
    differences: pd.DataFrame, scores: pd.DataFrame, n_folds: int, n_repeats: int = 1
) -> list[tuple[str, str]]:
    """Return (conclusion, evidence) for each booster, for the method and for class weights."""
    if not len(differences):
        return [("A verdict needs at least two finished folds.", "")]
    paragraphs = []
    for booster, of_booster in differences.groupby("booster", sort=False):
        _, best = recommend(of_booster, scores[scores["booster"] == booster])
        paragraphs.append((f"{TITLES[str(booster)]}: {_conclusion(of_booster, best)}", _evidence(of_booster)))
    finished = int(scores.groupby("booster")["fold"].nunique().min())
    planned = n_folds * n_repeats
    folds = f"{planned} folds" if finished == planned else f"{finished} of {planned} folds"
    if n_repeats > 1:
        folds += f" ({n_repeats} repeats of {n_folds})"
    method = (
        f"Paired differences over {folds}; in brackets simultaneous {1 - LEVEL:.0%} intervals for all "
        f"{len(differences)} comparisons (corrected resampled t-test of Nadeau & Bengio, Bonferroni-adjusted)."
    )
    if finished < 10:
        method += f" With {finished} folds only large differences are detectable; try 10 folds, or repeats."
    return [*paragraphs, ("", method), ("", WEIGHTS)]


def _conclusion(differences: pd.DataFrame, best: str) -> str:
    findings = set(differences["finding"])
    if best in (CLASS_WEIGHTS.name, CORRECTED.name):
        return f"class weights improve the model. Use {best}."
    if best != LOG_LOSS.name:
        return f"the focal loss improves the model. Use {best}."
    if findings == {""}:
        return "no difference beyond noise. Keep the built-in log loss."
    if "better" in findings:
        return "each improvement in one score comes with a loss in the other. Keep the built-in log loss."
    return "no alternative is better than the built-in log loss. Keep it."


def _evidence(differences: pd.DataFrame) -> str:
    found = differences[differences["finding"] != ""]
    n_contenders, n_found = differences["contender"].nunique(), found["contender"].nunique()
    if n_found:
        findings = [
            f"{name!r} is {' and '.join(map(_finding, rows.to_dict(orient='records')))}"
            for name, rows in found.groupby("contender", sort=False)
        ]
        text = f"Compared with the built-in log loss, {'; '.join(findings)}."
        if n_found < n_contenders:
            text += f" No difference beyond noise in the other {n_contenders - n_found}."
    else:
        text = f"None of the {n_contenders} alternatives differs from it beyond noise in either score."
    chosen = differences[differences["contender"] == CHOSEN]
    if len(chosen) and not chosen[["low", "high"]].to_numpy().any():
        text += " Inner cross-validation always chose the log loss itself."
    elif len(chosen) and not chosen["finding"].any():
        changes = [
            f"{row['score']} by {signed(row['difference'])} [{signed(row['low'])}, {signed(row['high'])}]"
            for row in chosen.to_dict(orient="records")
        ]
        text += f" The gamma chosen by inner cross-validation changes {' and '.join(changes)}."
    return text


def signed(value: float) -> str:
    """Return a difference with its sign, without one if it rounds to zero."""
    text = f"{value:+z.4f}"
    return text if float(text) else text.lstrip("+")


def _finding(row: dict[Hashable, Any]) -> str:
    """Return a finding such as "better in log loss by 0.0120 [0.0020, 0.0220]", without signs."""
    low, high = sorted((abs(row["low"]), abs(row["high"])))
    return f"{row['finding']} in {row['score']} by {abs(row['difference']):.4f} [{low:.4f}, {high:.4f}]"
