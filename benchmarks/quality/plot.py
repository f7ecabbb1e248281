"""Figures of the quality benchmark."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from benchmarks.quality import summary

BOOSTERS = {"xgboost": ("XGBoost", "#1b6ca8"), "lightgbm": ("LightGBM", "#d1701c")}


def plot(results: Path, images: Path) -> None:
    """Draw the figures of the standard benchmark."""
    fits = summary.own(summary.read(results, "quality"))
    precision_by_set(fits, images / "quality-average-precision.png")
    loss_by_gamma(fits, images / "quality-log-loss.png")


def plot_policies(results: Path, images: Path) -> None:
    """Draw the figure of the Hessian benchmark."""
    policies(summary.read(results, "quality-policies"), images / "quality-policies.png")


def _save(figure: plt.Figure, path: Path) -> None:
    figure.savefig(path, dpi=110, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)


def precision_by_set(fits: pd.DataFrame, path: Path, gamma: float = 2.0) -> None:
    """Draw the difference in average precision to the built-in loss per data set; lines span the folds."""
    effects = summary.by_set(fits, "average_precision", ratio=False)
    effects = effects[(effects.contender == "focal_boost") & (effects.gamma == gamma)]
    order = effects.groupby("set").agg(classes=("classes", "first"), effect=("effect", "mean"))
    order = order.assign(more=order.classes > 2).sort_values(["more", "effect"])
    figure, axes = plt.subplots(figsize=(8, 0.32 * len(order) + 1))
    for offset, (booster, (name, colour)) in zip((0.14, -0.14), BOOSTERS.items(), strict=True):
        part = effects[effects.booster == booster].set_index("set").reindex(order.index)
        y = np.arange(len(order)) + offset
        axes.hlines(y, part.lowest, part.highest, color=colour, alpha=0.45, lw=2)
        axes.plot(part.effect, y, "o", color=colour, ms=5, label=name)
    axes.axvline(0, color="black", lw=0.8)
    axes.set_yticks(range(len(order)), [f"{name} ({k})" for name, k in order.classes.items()])
    axes.axhline((~order.more).sum() - 0.5, color="grey", lw=0.6, ls=":")
    axes.set_xlabel(f"average precision at gamma {gamma:g} minus that of the built-in log loss")
    axes.set_title("To the right of the line, focusing ranks better (mean and range over folds)")
    axes.legend(loc="lower right")
    _save(figure, path)


def loss_by_gamma(fits: pd.DataFrame, path: Path) -> None:
    """Draw the log loss relative to the built-in loss over gamma: thin lines are data sets, thick lines means."""
    effects = summary.by_set(fits, "log_loss", ratio=True)
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), sharey=True)
    for ax, binary in zip(axes, (True, False), strict=True):
        for booster, (name, colour) in BOOSTERS.items():
            part = effects[(effects.booster == booster) & ((effects.classes == 2) == binary)]
            wide = part.pivot_table(index="gamma", columns="set", values="effect")
            ax.plot(wide.index, wide.to_numpy(), color=colour, lw=0.6, alpha=0.4)
            mean = np.exp(np.log(wide).mean(axis=1))
            ax.plot(wide.index, mean, "o-", color=colour, lw=2.2, label=f"{name}, geometric mean")
        ax.plot([], [], color="grey", lw=0.6, label="one data set")
        ax.axhline(1, color="black", lw=0.8)
        ax.set_yscale("log")
        ticks = [0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.5, 2, 3]
        ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.set_ylim(effects.effect.min() / 1.02, effects.effect.max() * 1.02)
        ax.yaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
        ax.set_xlabel("gamma (0: the built-in log loss)")
        ax.set_title(f"{'two' if binary else 'more'} classes, {part.set.nunique()} sets")
    axes[0].set_ylabel("log loss of the posterior / of the built-in model")
    axes[1].legend(loc="lower right")
    _save(figure, path)


def policies(fits: pd.DataFrame, path: Path, gamma: float = 2.0) -> None:
    """Draw the log loss of every data set relative to the built-in loss, per Hessian."""
    effects = summary.by_set(fits, "log_loss", ratio=True)
    effects = effects[(effects.contender == "focal_boost") & (effects.gamma == gamma)]
    names = sorted(effects.variant.unique())
    figure, axes = plt.subplots(1, 2, figsize=(10, 0.32 * len(names) + 1.4), sharey=True, sharex=True)
    for ax, binary in zip(axes, (True, False), strict=True):
        for offset, (booster, (name, colour)) in zip((-0.15, 0.15), BOOSTERS.items(), strict=True):
            for row, hessian in enumerate(names):
                part = effects[(effects.booster == booster) & (effects.variant == hessian)]
                values = part.effect[(part.classes == 2) == binary]
                ax.plot(values, np.full(len(values), row + offset), "o", color=colour, ms=3.5, alpha=0.5)
                ax.plot(summary.geometric_mean(values), row + offset, "|", color=colour, ms=13, mew=2.5)
            ax.plot([], [], "o", color=colour, label=name)
        ax.plot([], [], "|", color="grey", ms=13, mew=2.5, label="geometric mean")
        ax.axvline(1, color="black", lw=0.8)
        ax.set_title("two classes" if binary else "more classes")
        ax.set_xlabel("log loss / that of the built-in model")
    axes[0].set_yticks(range(len(names)), names)
    axes[0].invert_yaxis()
    axes[1].legend(loc="lower right")
    _save(figure, path)
