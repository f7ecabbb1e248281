"""Tables of the quality benchmark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.quality.contenders import label
from benchmarks.quality.effects import geometric_mean, read
from focal_boost import BinaryFocalLoss

ORDER = ["xgboost", "lightgbm", "hist gradient boosting", "catboost"]


def _finished(fits: pd.DataFrame) -> pd.DataFrame:
    return fits[fits.error.isna()]


def overview(fits: pd.DataFrame) -> pd.DataFrame:
    """Return a row per booster and contender: its effects over all sets."""
    n_sets, fits = fits.set.nunique(), _finished(fits)
    rows = []
    for (booster, *_), x in _groups(fits, ["booster", "contender", "gamma", "variant"]):
        rows.append(
            {
                "booster": booster,
                "contender": label(x.iloc[0]),
                "sets": f"{len(x)}/{n_sets}",
                **_loss(x),
                **_precision(x),
                "ECE": x.ece.mean(),
                "rounds": f"{x.rounds.mean():.0f}",
            }
        )
    return pd.DataFrame(rows)


def _groups(fits: pd.DataFrame, keys: list[str]) -> list[tuple[Any, pd.DataFrame]]:
    """Return the groups in the order of the boosters, then in the order in which they ran."""
    groups = list(fits.groupby(keys, dropna=False, sort=False))
    position = keys.index("booster")
    return sorted(groups, key=lambda group: ORDER.index(group[0][position]))


def _loss(x: pd.DataFrame) -> dict[str, Any]:
    return {
        "log loss x": geometric_mean(x.loss),
        "worst": f"{x.loss.max():.3f} ({x.set[x.loss.idxmax()]})",
        "better/worse": f"{(x.loss_sign < 0).sum()}/{(x.loss_sign > 0).sum()}",
    }


def _precision(x: pd.DataFrame) -> dict[str, Any]:
    return {
        "AP": f"{x.precision.mean():+.4f}",
        "AP better/worse": f"{(x.precision_sign > 0).sum()}/{(x.precision_sign < 0).sum()}",
    }


def per_set(fits: pd.DataFrame, measure: str, gamma: float = 2.0) -> pd.DataFrame:
    """Return a row per set: the built-in value of both boosters and the effect of ``gamma``, * beyond noise."""
    fits = _finished(fits[(fits.contender == "focal_boost") & (fits.gamma == gamma) & (fits.variant == "")])
    rows = []
    for name, group in fits.sort_values(["classes", "set"]).groupby("set", sort=False):
        row: dict[str, Any] = {"set": name, "classes": int(group.classes.iloc[0])}
        for booster in ORDER[:2]:
            for fit in group[group.booster == booster].itertuples():
                loss = measure == "log_loss"
                effect = f"{fit.loss:.3f}" if loss else f"{fit.precision:+.3f}"
                row[f"{booster} built-in"] = f"{fit.base if loss else fit.base_precision:.4f}"
                row[f"{booster} gamma {gamma:g}"] = effect + (
                    " *" if (fit.loss_sign if loss else fit.precision_sign) else ""
                )
        rows.append(row)
    return pd.DataFrame(rows).fillna("")


def by_variant(fits: pd.DataFrame) -> pd.DataFrame:
    """Return a row per booster, contender, gamma and variant, with two and with more classes apart."""
    rows = []
    for (booster, *_), x in _groups(_finished(fits), ["booster", "contender", "gamma", "variant"]):
        two, more = x[x.classes == 2], x[x.classes > 2]
        row = {"booster": booster, "contender": label(x.iloc[0])}
        for name, part in (("2 classes", two), ("more", more)):
            row |= {
                f"log loss x, {name}": geometric_mean(part.loss),
                f"AP, {name}": f"{part.precision.mean():+.4f}",
                f"ECE, {name}": part.ece.mean(),
            }
        rows.append(
            row
            | {
                "worst": f"{x.loss.max():.2f} ({x.set[x.loss.idxmax()]})",
                "better/worse": f"{(x.loss_sign < 0).sum()}/{(x.loss_sign > 0).sum()}",
            }
        )
    return pd.DataFrame(rows)


def extremes(fits: pd.DataFrame) -> pd.DataFrame:
    """Return a row per regime, protocol, booster and contender, with standard errors over the sets."""
    rows = []
    for (booster, regime, protocol, *_), x in _groups(
        _finished(fits), ["booster", "regime", "protocol", "contender", "gamma", "variant"]
    ):
        error = x.precision.std() / np.sqrt(len(x))
        rows.append(
            {
                "booster": booster,
                "positives": regime,
                "training": protocol,
                "contender": label(x.iloc[0]),
                **_loss(x),
                "AP": f"{x.precision.mean():+.4f} ± {error:.4f}",
                "AP better/worse": f"{(x.precision_sign > 0).sum()}/{(x.precision_sign < 0).sum()}",
                "recall at 1 % false positives": x.recall.mean(),
            }
        )
    return pd.DataFrame(rows)


def recalibration(fits: pd.DataFrame) -> pd.DataFrame:
    """Return a row per booster, loss and calibration."""
    rows = []
    for (booster, *_), x in _groups(_finished(fits), ["booster", "contender", "gamma", "variant"]):
        rows.append(
            {
                "booster": booster,
                "loss": label(x.iloc[0]).split(",")[0],
                "calibration": x.variant.iloc[0],
                "sets": str(len(x)),
                **_loss(x),
                "Brier x": geometric_mean(x.brier / (x.brier - x.brier_difference)),
                "ECE": f"{x.ece.mean():.4f}",
            }
        )
    return pd.DataFrame(rows)


def separable(rows: pd.DataFrame, smallest_ratio: float = 1.03) -> pd.DataFrame:
    """Return a row per set and booster whose log loss rises most, with the part that each interval of rows has."""
    found = []
    for (name, booster), x in rows.groupby(["set", "booster"]):
        built_in, focal = x.built_in.sum(), x.focal.sum()
        if focal / built_in < smallest_ratio:
            continue
        edges = [*x.built_in_loss_from, np.inf]
        parts = {
            f"from {low:g} to {high:g}": f"{100 * (row.focal - row.built_in) / built_in:+.1f} %"
            for row, low, high in zip(x.itertuples(), edges, edges[1:], strict=False)
        }
        found.append(
            {
                "set": name,
                "booster": booster,
                "built-in": f"{built_in:.4f}",
                "log loss x": focal / built_in,
                **parts,
            }
        )
    return pd.DataFrame(sorted(found, key=lambda row: -row["log loss x"]))


def sets(facts: pd.DataFrame) -> pd.DataFrame:
    """Return a row per set."""
    facts = facts.sort_values(["classes", "set"])
    smallest = [f"{100 * share:.2f} %" for share in facts.smallest_class / facts.rows]
    return facts[["set", "rows", "features", "classes"]].assign(
        **{"smallest class": smallest, "left out": facts.left_out.fillna("-")}
    )


def hessian_at_start(gammas: tuple[float, ...], shares: tuple[float, ...]) -> pd.DataFrame:
    """Return a row per share of positives: the mean Hessian at the initial raw prediction over the log loss's."""
    rows = []
    for share in shares:
        weights, means = [1 - share, share], {}
        for gamma in (0.0, *gammas):
            loss = BinaryFocalLoss(gamma, None)
            raw = np.full(2, loss.fit_intercept_only([0, 1], weights))
            means[gamma] = loss([0, 1], raw, weights)[1].sum()
        rows.append(
            {"share of positives": f"{100 * share:g} %"}
            | {f"gamma {gamma:g}": f"{means[gamma] / means[0.0]:.2f}" for gamma in gammas}
        )
    return pd.DataFrame(rows)


def failures(fits: pd.DataFrame) -> pd.DataFrame:
    """Return a row per contender and error."""
    failed = fits[fits.error.notna()]
    failed = failed.assign(contender=[f"{fit.booster}: {label(fit)}" for fit in failed.itertuples()])
    return failed.groupby(["contender", "error"]).agg(sets=("set", "nunique")).reset_index()


def versions(results: Path) -> pd.DataFrame:
    """Return the rows of all versions of XGBoost, with the version as the variant."""
    paths = sorted(results.glob("quality-versions-*.csv"))
    named = {path.stem.removeprefix("quality-versions-"): read(results, path.stem) for path in paths}
    return by_variant(pd.concat(fits.assign(variant=f"XGBoost {name}") for name, fits in named.items()))


STANDARD: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "two classes": lambda fits: overview(fits[fits.classes == 2]),
    "more classes": lambda fits: overview(fits[fits.classes > 2]),
    "log loss by set": lambda fits: per_set(fits, "log_loss"),
    "average precision by set": lambda fits: per_set(fits, "average_precision"),
    "failures": failures,
}
STUDIES: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    **dict.fromkeys(("tuned", "overfitted", "floor", "scale"), by_variant),
    "vector-leaf": overview,
    "extremes": extremes,
    "recalibration": recalibration,
}


def make(name: str, results: Path) -> pd.DataFrame:
    """Return a table of the page."""
    if name in STANDARD:
        return STANDARD[name](read(results, "quality"))
    if name in STUDIES:
        return STUDIES[name](read(results, f"quality-{name}"))
    others: dict[str, Callable[[], pd.DataFrame]] = {
        "sets": lambda: sets(pd.read_csv(results / "quality-sets.csv", dtype={"set": str})),
        "versions": lambda: versions(results),
        "separable": lambda: separable(pd.read_csv(results / "quality-separable.csv", dtype={"set": str})),
        "Hessian at the start": lambda: hessian_at_start((0.5, 1, 2, 3, 5, 8), (0.5, 0.1, 0.01, 0.001)),
    }
    return others[name]()
