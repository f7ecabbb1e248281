"""Draw the page's pictures from the file of results.

python -m benchmarks.quality.plot results.json docs/images
"""

from __future__ import annotations

from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import typer

from benchmarks.quality import summarise

matplotlib.use("Agg")
BOOSTERS = {"xgboost": ("XGBoost", "#1b6ca8"), "lightgbm": ("LightGBM", "#d1701c")}


def _save(figure: plt.Figure, path: Path) -> None:
    figure.savefig(path, dpi=110, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)


def precision_by_set(fits: pd.DataFrame, path: Path, gamma: float = 2.0) -> None:
    """Draw, for every set, the difference of average precision to the built-in loss; a line spans the folds."""
    ours = fits[fits.family.isin(["log loss", "focal_boost"]) & (fits.alpha == "none") & fits.error.isna()]
    ours = summarise.against_built_in(ours)
    ours = ours[(ours.family == "focal_boost") & (ours.gamma == gamma)]
    ours = ours.assign(difference=ours.average_precision - ours.built_in_average_precision)
    order = ours.groupby("set").agg(n_classes=("n_classes", "first"), difference=("difference", "mean"))
    order = order.sort_values(["n_classes", "difference"], key=lambda c: c > 2 if c.name == "n_classes" else c)
    figure, axes = plt.subplots(figsize=(8, 0.32 * len(order) + 1))
    for offset, (booster, (name, colour)) in zip((0.14, -0.14), BOOSTERS.items(), strict=True):
        folds = (
            ours[ours.booster == booster]
            .groupby("set")
            .difference.agg(["mean", "min", "max"])
            .reindex(order.index)
        )
        y = np.arange(len(order)) + offset
        axes.hlines(y, folds["min"], folds["max"], color=colour, alpha=0.45, lw=2)
        axes.plot(folds["mean"], y, "o", color=colour, ms=5, label=name)
    axes.axvline(0, color="black", lw=0.8)
    names = [f"{name} ({k})" for name, k in order.n_classes.items()]
    axes.set_yticks(range(len(order)), names)
    axes.axhline((order.n_classes == 2).sum() - 0.5, color="grey", lw=0.6, ls=":")
    axes.set_xlabel(f"average precision at gamma {gamma:g} minus that of the built-in log loss")
    axes.set_title("Right of the line focusing ranks better (mean and range of the folds)")
    axes.legend(loc="lower right")
    _save(figure, path)


def loss_by_gamma(fits: pd.DataFrame, path: Path) -> None:
    """Draw the log loss against the built-in one over gamma: a thin line per set, a thick one for the mean."""
    effects = summarise.by_set(fits[fits.family.isin(["log loss", "focal_boost"])], "log_loss", True)
    effects = effects[effects.alpha == "none"]
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), sharey=True)
    for ax, binary in zip(axes, (True, False), strict=True):
        for booster, (name, colour) in BOOSTERS.items():
            part = effects[(effects.booster == booster) & ((effects.n_classes == 2) == binary)]
            wide = part.pivot_table(index="gamma", columns="set", values="effect")
            ax.plot(wide.index, wide.to_numpy(), color=colour, lw=0.6, alpha=0.4)
            mean = np.exp(np.log(wide).mean(axis=1))
            ax.plot(wide.index, mean, "o-", color=colour, lw=2.2, label=f"{name}, geometric mean")
        ax.axhline(1, color="black", lw=0.8)
        ax.set_yscale("log")
        ticks = [0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.5, 2, 3]
        low, high = effects.effect.min() / 1.02, effects.effect.max() * 1.02
        ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.set_ylim(low, high)
        ax.yaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
        ax.set_xlabel("gamma (0: the built-in log loss)")
        ax.set_title(f"{'two' if binary else 'more'} classes, {part.set.nunique()} sets")
    axes[0].set_ylabel("log loss of the posterior / of the built-in model")
    axes[0].legend(loc="upper left")
    _save(figure, path)


def policies(fits: pd.DataFrame, path: Path, gamma: float = 2.0) -> None:
    """Draw, for every Hessian, the log loss of every set against the built-in one."""
    effects = summarise.by_set(fits, "log_loss", True)
    effects = effects[(effects.family == "focal_boost") & (effects.gamma == gamma)]
    names = list(dict.fromkeys(effects.hessian))
    figure, axes = plt.subplots(1, 2, figsize=(10, 0.32 * len(names) + 1.4), sharey=True, sharex=True)
    for ax, binary in zip(axes, (True, False), strict=True):
        for offset, (booster, (name, colour)) in zip((-0.15, 0.15), BOOSTERS.items(), strict=True):
            for row, hessian in enumerate(names):
                part = effects[(effects.booster == booster) & (effects.hessian == hessian)]
                values = part.effect[(part.n_classes == 2) == binary]
                ax.plot(values, np.full(len(values), row + offset), "o", color=colour, ms=3.5, alpha=0.5)
                ax.plot(np.exp(np.log(values).mean()), row + offset, "|", color=colour, ms=13, mew=2.5)
            ax.plot([], [], "o", color=colour, label=name)
        ax.axvline(1, color="black", lw=0.8)
        ax.set_title("two classes" if binary else "more classes")
        ax.set_xlabel("log loss / that of the built-in model")
    axes[0].set_yticks(range(len(names)), names)
    axes[0].invert_yaxis()
    axes[0].legend(loc="lower left")
    _save(figure, path)


def main(results: Path, folder: Path) -> None:
    """Draw all pictures into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    fits = summarise.read(results, "standard")
    precision_by_set(fits, folder / "quality-average-precision.png")
    loss_by_gamma(fits, folder / "quality-log-loss.png")
    policies(summarise.read(results, "policies"), folder / "quality-policies.png")


if __name__ == "__main__":
    typer.run(main)
