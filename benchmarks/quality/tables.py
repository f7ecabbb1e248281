"""Tables of the quality benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.quality.contenders import BOOSTERS, label
from benchmarks.quality.summary import KEY, by_set, geometric_mean, own, read, with_built_in
from focal_boost import BinaryFocalLoss


def overview(fits: pd.DataFrame, binary: bool) -> pd.DataFrame:
    """Return a row per contender: its scores over all sets against its booster's built-in log loss."""
    fits = fits[(fits.classes == 2) == binary]
    n_sets = fits.set.nunique()
    loss, precision = by_set(fits, "log_loss", True), by_set(fits, "average_precision", False)
    fits = with_built_in(fits).assign(
        loss=loss.effect,
        loss_sign=loss.sign,
        loss_rank=loss.groupby("set").value.rank(),
        precision=precision.effect,
        precision_sign=precision.sign,
        precision_rank=precision.groupby("set").value.rank(ascending=False),
    )
    rows = []
    for _, x in fits.groupby(KEY, dropna=False):
        first = x.iloc[0]
        row = {
            "booster": first.booster,
            "contender": label(first),
            "sets": f"{len(x)}/{n_sets}",
            "log loss x": geometric_mean(x.loss),
            "worst": x.loss.max(),
            "better/worse": f"{(x.loss_sign < 0).sum()}/{(x.loss_sign > 0).sum()}",
            "AP": x.precision.mean(),
            "AP better/worse": f"{(x.precision_sign > 0).sum()}/{(x.precision_sign < 0).sum()}",
            "ROC AUC": (x.roc_auc - x.built_in_roc_auc).mean(),
            "Brier x": geometric_mean(x.brier / x.built_in_brier),
            "ECE": x.ece.mean(),
            "F1": (x.f1 - x.built_in_f1).mean(),
            "rank AP": f"{x.precision_rank.mean():.1f}",
            "rank loss": f"{x.loss_rank.mean():.1f}",
            "rounds": f"{x.rounds.mean():.0f}",
            "CPU time x": geometric_mean(x.cpu_seconds / x.built_in_cpu_seconds),
        }
        order = (first.booster != "xgboost", first.booster != "lightgbm")
        order += (first.contender != "log loss", first.contender != "focal_boost", row["contender"])
        rows.append((order, row))
    return pd.DataFrame([row for _, row in sorted(rows, key=lambda pair: pair[0])])


def per_set(fits: pd.DataFrame, measure: str, ratio: bool, gamma: float) -> pd.DataFrame:
    """Return a row per set: the built-in value of each booster and the effect of ``gamma``, * beyond noise."""
    table = by_set(own(fits), measure, ratio)
    table = table[(table.contender == "focal_boost") & (table.gamma == gamma)]
    rows = []
    for name, group in table.sort_values(["classes", "set"]).groupby("set", sort=False):
        row: dict[str, Any] = {"set": name, "classes": int(group.classes.iloc[0])}
        for fit in group.sort_values("booster", ascending=False).itertuples():
            effect = f"{fit.effect:.3f}" if ratio else f"{fit.effect:+.3f}"
            row[f"{fit.booster} built-in"] = f"{fit.base:.4f}"
            row[f"{fit.booster} gamma {gamma:g}"] = effect + (" *" if fit.sign else "")
        rows.append(row)
    return pd.DataFrame(rows)


def policies(fits: pd.DataFrame) -> pd.DataFrame:
    """Return a row per gamma, booster and Hessian."""
    fits = with_built_in(fits).assign(
        loss=by_set(fits, "log_loss", True).effect, precision=by_set(fits, "average_precision", False).effect
    )
    rows = []
    for key, x in fits[fits.contender == "focal_boost"].groupby(["gamma", "booster", "variant"]):
        two = x.classes == 2
        rows.append(
            {
                "gamma": f"{key[0]:g}",
                "booster": key[1],
                "Hessian": key[2],
                "log loss x, 2 classes": geometric_mean(x.loss[two]),
                "more classes": geometric_mean(x.loss[~two]),
                "worst": x.loss.max(),
                "worst set": x.set[x.loss.idxmax()],
                "AP, 2 classes": x.precision[two].mean(),
                "AP, more": x.precision[~two].mean(),
                "largest raw": f"{x.largest_raw.max():.1f}",
            }
        )
    return pd.DataFrame(rows)


def scales(fits: pd.DataFrame) -> pd.DataFrame:
    """Return a row per gamma: log loss and average precision of the loss as it is and rescaled, per booster."""
    loss = by_set(fits, "log_loss", True)
    loss["precision"] = by_set(fits, "average_precision", False).effect
    rows = []
    for gamma, group in loss[loss.gamma > 0].groupby("gamma"):
        row: dict[str, Any] = {"gamma": f"{gamma:g}"}
        for booster in BOOSTERS:
            for variant in ("", "rescaled"):
                x = group[(group.booster == booster) & (group.variant == variant)]
                row[f"{booster} {variant}".strip()] = (
                    f"{geometric_mean(x.effect):.3f} (worst {x.effect.max():.2f}), AP {x.precision.mean():+.4f}"
                )
        rows.append(row)
    return pd.DataFrame(rows)


def sets(facts: pd.DataFrame) -> pd.DataFrame:
    """Return a row per set."""
    facts = facts.sort_values(["classes", "set"])
    smallest = [f"{100 * share:.2f} %" for share in facts.smallest_class / facts.rows]
    return facts[["set", "rows", "features", "classes"]].assign(
        **{"smallest class": smallest, "left out": facts.left_out.fillna("-")}
    )


def correlations(fits: pd.DataFrame, facts: pd.DataFrame, gamma: float) -> pd.DataFrame:
    """Return a row per property of a set: its rank correlation with the effect of ``gamma`` on the ranking."""
    facts = facts.set_index("set")
    columns = {}
    for booster in BOOSTERS:
        precision, loss = (
            table[(table.booster == booster) & (table.gamma == gamma)].set_index("set")
            for table in (by_set(own(fits), measure, False) for measure in ("average_precision", "log_loss"))
        )
        properties = {
            "share of the smallest class": facts.smallest_class / facts.rows,
            "rows of the smallest class": facts.smallest_class,
            "rows": facts.rows,
            "classes": facts.classes,
            "built-in average precision": precision.base,
            "built-in log loss": loss.base,
        }
        columns[booster] = {
            name: precision.effect.corr(values.astype(float).reindex(precision.index), method="spearman")
            for name, values in properties.items()
        }
    return pd.DataFrame(columns).rename_axis("property").reset_index()


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


def make(name: str, results: Path) -> pd.DataFrame:
    """Return a table of the page."""
    if name in ("policies", "scales"):
        return {"policies": policies, "scales": scales}[name](read(results, f"quality-{name}"))
    if name == "Hessian at the start":
        return hessian_at_start((0.5, 1, 2, 3, 5, 8), (0.5, 0.1, 0.01, 0.001))
    fits, facts = read(results, "quality"), pd.read_csv(results / "quality-sets.csv", dtype={"set": str})
    tables = {
        "sets": lambda: sets(facts),
        "two classes": lambda: overview(fits, binary=True),
        "more classes": lambda: overview(fits, binary=False),
        "log loss by set": lambda: per_set(fits, "log_loss", True, 2.0),
        "average precision by set": lambda: per_set(fits, "average_precision", False, 2.0),
        "failures": lambda: failures(fits),
        "correlations": lambda: correlations(fits, facts, 2.0),
    }
    return tables[name]()
