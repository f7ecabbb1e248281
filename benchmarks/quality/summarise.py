"""Turn the lines that ``run`` wrote into the file of results that is kept, and that file into the page's tables.

    python -m benchmarks.quality.summarise collect results.json standard=standard.jsonl policies=policies.jsonl ...
    python -m benchmarks.quality.summarise tables results.json page.md

Every number of the page comes from here: a table stands between ``<!-- table NAME -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

from focal_boost import BinaryFocalLoss

CONTENDER = ["family", "booster", "gamma", "alpha", "hessian", "rescaled"]
MEASURES = ["log_loss", "average_precision", "roc_auc", "brier", "calibration_error", "f1"]
NUMBERS = [*MEASURES, "stop_log_loss", "stop_average_precision", "rounds", "cpu_seconds", "largest_raw"]
CHOSEN = "gamma chosen"  # family of the contender that takes its gamma from the inner split

app = typer.Typer()


@app.command()
def collect(results: Path, experiments: list[str]) -> None:
    """Write the file of results: what it ran on, the sets, and a row per fit."""
    kept: dict[str, Any] = {"environment": {}, "sets": {}, "experiments": {}}
    for experiment in experiments:
        name, _, path = experiment.partition("=")
        lines = [json.loads(line) for line in Path(path).read_text().splitlines()]
        kept["environment"][name] = next(line["environment"] for line in lines if "environment" in line)
        fits = [line for line in lines if "set" in line]
        kept["sets"][name] = {fit["set"]: fit["facts"] for fit in fits}
        contenders = list({fit["contender"]: [fit[column] for column in CONTENDER] for fit in fits}.values())
        rows = [
            [fit["set"], fit["fold"], contenders.index([fit[column] for column in CONTENDER])]
            + [_short(fit.get(column)) for column in [*NUMBERS, "error"]]
            for fit in fits
        ]
        kept["experiments"][name] = {"contenders": contenders, "rows": rows}
    text = json.dumps(kept, separators=(",", ":"))
    results.write_text(text.replace("],[", "],\n[").replace('},"', '},\n"') + "\n")


def _short(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value


def read(results: Path, experiment: str) -> pd.DataFrame:
    """Return the fits of an experiment, one a row; those that failed have an ``error``."""
    kept = json.loads(results.read_text())
    found = kept["experiments"][experiment]
    contenders = pd.DataFrame(found["contenders"], columns=CONTENDER)
    fits = pd.DataFrame(found["rows"], columns=["set", "fold", "contender", *NUMBERS, "error"])
    fits = fits.join(contenders, on="contender").drop(columns="contender")
    fits["alpha"] = fits["alpha"].fillna("none")
    fits["n_classes"] = [kept["sets"][experiment][name]["classes"] for name in fits["set"]]
    return fits


def with_chosen_gamma(fits: pd.DataFrame) -> pd.DataFrame:
    """Add contenders that take, on every fold, the gamma that scores best on the rows that stopped training."""
    candidates = fits[
        ((fits.family == "focal_boost") | (fits.family == "log loss")) & (fits.alpha == "none") & fits.error.isna()
    ]
    chosen = []
    for by, sign in (("log loss", 1.0), ("average precision", -1.0)):
        score = sign * candidates["stop_" + by.replace(" ", "_")]
        best = candidates.loc[score.groupby([candidates.set, candidates.fold, candidates.booster]).idxmin()]
        seconds = candidates.groupby(["set", "fold", "booster"]).cpu_seconds.sum()
        best = best.assign(
            family=f"{CHOSEN} by {by}",
            gamma=np.nan,
            hessian="dominant",
            cpu_seconds=seconds.reindex(pd.MultiIndex.from_frame(best[["set", "fold", "booster"]])).to_numpy(),
        )
        chosen.append(best)
    return pd.concat([fits, *chosen], ignore_index=True)


def complete(fits: pd.DataFrame) -> pd.DataFrame:
    """Return the fits of the contenders that trained on every fold of a set."""
    fits = fits[fits.error.isna()]
    return fits[fits.groupby([*CONTENDER, "set"], dropna=False).fold.transform("size") == fits.fold.max() + 1]


def against_built_in(fits: pd.DataFrame) -> pd.DataFrame:
    """Return the fits with each measure of the same booster's log loss on the same fold as ``built_in_...``."""
    plain = fits[(fits.gamma == 0) & (fits.alpha == "none") & fits.family.isin(["log loss", "CatBoost"])]
    plain = plain.set_index(["set", "fold", "booster"])[NUMBERS].add_prefix("built_in_")
    return fits.join(plain, on=["set", "fold", "booster"])


def label(fit: pd.Series | Any) -> str:
    """Return how the tables call a contender."""
    if fit.family.startswith(CHOSEN):
        return fit.family
    if fit.family in ("log loss", "focal_boost"):
        name = "built-in log loss" if fit.family == "log loss" else f"focal_boost {fit.gamma:g}"
        return name + (", weighted" if fit.alpha == "balanced" else "")
    return f"{fit.family} {fit.gamma:g}"


def by_set(fits: pd.DataFrame, measure: str, ratio: bool) -> pd.DataFrame:
    """Return a row per contender and set: the mean difference to the built-in log loss or the ratio of means.

    ``sign`` is +1 or -1 where the measure is higher or lower on all folds and by more than twice the standard
    error of the folds' differences, else 0.
    """
    fits = against_built_in(complete(fits))
    value, base = fits[measure], fits["built_in_" + measure]
    fits = fits.assign(value=value, base=base, difference=value - base)
    groups = fits.groupby([*CONTENDER, "set"], dropna=False)
    mean = groups[["value", "base", "difference", "n_classes"]].mean()
    error = groups.difference.std() / np.sqrt(groups.size())
    same_side = np.sign(groups.difference.min()) == np.sign(groups.difference.max())
    sign = np.sign(mean.difference).where(same_side & (mean.difference.abs() > 2 * error), 0)
    effect = mean.value / mean.base if ratio else mean.difference
    return mean.assign(effect=effect, sign=sign).reset_index()


def _geometric(values: pd.Series) -> float:
    return float(np.exp(np.log(values).mean()))


def overview(fits: pd.DataFrame, binary: bool) -> pd.DataFrame:
    """Return a row per contender: what it is worth over all sets against its booster's built-in log loss."""
    fits = with_chosen_gamma(fits)
    fits = fits[(fits.n_classes == 2) == binary]
    n_sets = fits.set.nunique()
    ok = complete(fits)
    loss, precision = by_set(fits, "log_loss", True), by_set(fits, "average_precision", False)
    means = ok.groupby([*CONTENDER, "set"], dropna=False)[NUMBERS].mean().reset_index()
    means["rank_precision"] = means.groupby("set").average_precision.rank(ascending=False)
    means["rank_loss"] = means.groupby("set").log_loss.rank()
    rows = []
    base = against_built_in(ok).groupby([*CONTENDER, "set"], dropna=False).mean(numeric_only=True).reset_index()
    for key, group in means.groupby(CONTENDER, dropna=False):

        def of(frame: pd.DataFrame, key: Any = key) -> pd.DataFrame:
            same = [frame[c].isna() if v != v else frame[c] == v for c, v in zip(CONTENDER, key, strict=True)]
            return frame[np.logical_and.reduce(same)]

        x, a, b = of(loss), of(precision), of(base)
        rows.append(
            {
                "booster": key[1],
                "contender": label(group.iloc[0]),
                "sets": f"{len(group)}/{n_sets}",
                "log loss x": _geometric(x.effect),
                "worst": x.effect.max(),
                "better/worse": f"{int((x.sign < 0).sum())}/{int((x.sign > 0).sum())}",
                "AP": a.effect.mean(),
                "AP better/worse": f"{int((a.sign > 0).sum())}/{int((a.sign < 0).sum())}",
                "ROC AUC": (b.roc_auc - b.built_in_roc_auc).mean(),
                "Brier x": _geometric(b.brier / b.built_in_brier),
                "ECE": group.calibration_error.mean(),
                "F1": (b.f1 - b.built_in_f1).mean(),
                "rank AP": f"{group.rank_precision.mean():.1f}",
                "rank loss": f"{group.rank_loss.mean():.1f}",
                "rounds": f"{group.rounds.mean():.0f}",
                "CPU time x": _geometric(b.cpu_seconds / b.built_in_cpu_seconds),
                "order": (
                    key[1] != "xgboost",
                    key[1] != "lightgbm",
                    key[0] != "log loss",
                    key[0] != "focal_boost",
                ),
            }
        )
    table = pd.DataFrame(rows).sort_values(["order", "contender"], kind="stable").drop(columns="order")
    return table.reset_index(drop=True)


def per_set(fits: pd.DataFrame, measure: str, ratio: bool, gamma: float) -> pd.DataFrame:
    """Return a row per set: the built-in value of each booster and the effect of ``gamma``, * beyond noise."""
    table = by_set(fits[fits.family.isin(["log loss", "focal_boost"])], measure, ratio)
    table = table[(table.family == "focal_boost") & (table.gamma == gamma) & (table.alpha == "none")]
    rows = []
    for name, group in table.sort_values(["n_classes", "set"]).groupby("set", sort=False):
        row: dict[str, Any] = {"set": name, "classes": int(group.n_classes.iloc[0])}
        for fit in group.sort_values("booster", ascending=False).itertuples():
            effect = f"{fit.effect:.3f}" if ratio else f"{fit.effect:+.3f}"
            row[f"{fit.booster} built-in"] = f"{fit.base:.4f}"
            row[f"{fit.booster} gamma {gamma:g}"] = effect + (" *" if fit.sign else "")
        rows.append(row)
    return pd.DataFrame(rows)


def policy_table(fits: pd.DataFrame) -> pd.DataFrame:
    """Return a row per gamma, booster and Hessian policy."""
    loss, precision = by_set(fits, "log_loss", True), by_set(fits, "average_precision", False)
    raw = fits[fits.error.isna()].groupby(["gamma", "booster", "hessian"]).largest_raw.max()
    loss, precision = (x[x.family == "focal_boost"] for x in (loss, precision))
    rows = []
    for key, x in loss.groupby(["gamma", "booster", "hessian"]):
        a = precision[(precision.gamma == key[0]) & (precision.booster == key[1]) & (precision.hessian == key[2])]
        two = x.n_classes == 2
        rows.append(
            {
                "gamma": f"{key[0]:g}",
                "booster": key[1],
                "Hessian": key[2],
                "log loss x, 2 classes": _geometric(x.effect[two]),
                "more classes": _geometric(x.effect[~two]),
                "worst": x.effect.max(),
                "worst set": x.set[x.effect.idxmax()],
                "AP, 2 classes": a.effect[(a.n_classes == 2)].mean(),
                "AP, more": a.effect[(a.n_classes > 2)].mean(),
                "largest raw": f"{raw[key]:.1f}",
            }
        )
    return pd.DataFrame(rows)


def scale_table(fits: pd.DataFrame) -> pd.DataFrame:
    """Return a row per gamma: log loss and average precision as the loss is and rescaled, per booster."""
    loss, precision = by_set(fits, "log_loss", True), by_set(fits, "average_precision", False)
    rows = []
    for gamma in sorted(loss.gamma[loss.gamma > 0].unique()):
        row: dict[str, Any] = {"gamma": f"{gamma:g}"}
        for booster in ("xgboost", "lightgbm"):
            for rescaled in (False, True):
                x, a = (
                    t[(t.gamma == gamma) & (t.booster == booster) & (t.rescaled == rescaled)]
                    for t in (loss, precision)
                )
                name = f"{booster}{' rescaled' if rescaled else ''}"
                row[name] = f"{_geometric(x.effect):.3f} (worst {x.effect.max():.2f}), AP {a.effect.mean():+.4f}"
        rows.append(row)
    return pd.DataFrame(rows)


def set_table(results: Path) -> pd.DataFrame:
    """Return a row per set of the standard experiment."""
    sets = json.loads(results.read_text())["sets"]["standard"]
    rows = [
        {
            "set": name,
            "rows": facts["rows"],
            "features": facts["features"],
            "classes": facts["classes"],
            "smallest class": f"{100 * facts['minority']:.2f} %",
            "left out": ", ".join(f"{c} ({n} rows)" for c, n in facts["left_out"].items()) or "-",
        }
        for name, facts in sets.items()
    ]
    return pd.DataFrame(rows).sort_values(["classes", "set"])


def foretold(results: Path, gamma: float) -> pd.DataFrame:
    """Return a row per property of a set: its rank correlation with the effect of ``gamma`` on the ranking."""
    fits = read(results, "standard")
    own = fits[fits.family.isin(["log loss", "focal_boost"]) & (fits.alpha == "none")]
    precision, loss = by_set(own, "average_precision", False), by_set(own, "log_loss", True)
    sets = pd.DataFrame(json.loads(results.read_text())["sets"]["standard"]).T
    columns = {}
    for booster in ("xgboost", "lightgbm"):
        effect, price = (
            table[(table.booster == booster) & (table.gamma == gamma)].set_index("set")
            for table in (precision, loss)
        )
        properties = {
            "share of the smallest class": sets.minority,
            "rows of the smallest class": sets.minority * sets.rows,
            "rows": sets.rows,
            "classes": sets.classes,
            "built-in average precision": effect.base,
            "built-in log loss": price.base,
        }
        columns[booster] = {
            name: effect.effect.corr(values.astype(float).reindex(effect.index), method="spearman")
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
    table = failed.groupby(["contender", "error"]).agg(fits=("fold", "size"), sets=("set", "nunique"))
    return table.reset_index()


def markdown(table: pd.DataFrame) -> str:
    """Return a table in Markdown, numbers to three digits behind the point."""

    def cell(value: Any) -> str:
        return f"{value:.3f}" if isinstance(value, float) else str(value).replace("|", "/")

    lines = [list(table.columns), ["---"] * table.shape[1]]
    lines += [[cell(value) for value in row] for row in table.itertuples(index=False)]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


@app.command()
def tables(results: Path, page: Annotated[Path, typer.Argument(help="Page whose tables are replaced.")]) -> None:
    """Write the tables into the page."""
    fits = read(results, "standard")
    made: dict[str, Callable[[], pd.DataFrame]] = {
        "sets": lambda: set_table(results),
        "binary": lambda: overview(fits, binary=True),
        "multiclass": lambda: overview(fits, binary=False),
        "log loss by set": lambda: per_set(fits, "log_loss", True, 2.0),
        "average precision by set": lambda: per_set(fits, "average_precision", False, 2.0),
        "failures": lambda: failures(fits),
        "foretold": lambda: foretold(results, 2.0),
        "Hessian at the start": lambda: hessian_at_start((0.5, 1, 2, 3, 5, 8), (0.5, 0.1, 0.01, 0.001)),
        "policies": lambda: policy_table(read(results, "policies")),
        "scales": lambda: scale_table(read(results, "scales")),
    }

    def replace(match: re.Match[str]) -> str:
        return f"<!-- table {match[1]} -->\n\n{markdown(made[match[1]]())}\n\n<!-- end -->"

    text = re.sub(r"<!-- table (.*?) -->.*?<!-- end -->", replace, page.read_text(), flags=re.S)
    page.write_text(text)


if __name__ == "__main__":
    app()
