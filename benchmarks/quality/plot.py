"""Figures of the quality benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from benchmarks.quality import effects

BOOSTERS = {"xgboost": ("XGBoost", "#1b6ca8"), "lightgbm": ("LightGBM", "#d1701c")}


def plot(results: Path, images: Path) -> None:
    """Draw the figures of the standard study."""
    fits = effects.read(results, "quality")
    fits = fits[fits.error.isna() & fits.contender.isin(["log loss", "focal_boost"]) & (fits.variant == "")]
    precision_by_set(fits, images / "quality-average-precision.png")
    loss_by_gamma(fits, images / "quality-log-loss.png")


def plot_extremes(results: Path, images: Path) -> None:
    """Draw the figure of few positives."""
    fits = effects.read(results, "quality-extremes")
    extremes(fits[fits.error.isna()], images / "quality-extremes.png")


def plot_separable(results: Path, images: Path) -> None:
    """Draw the figure of the sets on which focusing costs most."""
    rows = pd.read_csv(results / "quality-separable.csv", dtype={"set": str})
    separable(rows, images / "quality-separable.png")


def _save(figure: plt.Figure, path: Path) -> None:
    figure.savefig(path, dpi=110, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)


def precision_by_set(fits: pd.DataFrame, path: Path, gamma: float = 2.0) -> None:
    """Draw the difference in average precision to the built-in loss per data set, with its 95 % interval."""
    fits = fits[(fits.contender == "focal_boost") & (fits.gamma == gamma) & fits.booster.isin(BOOSTERS)]
    order = fits.groupby("set").agg(classes=("classes", "first"), effect=("precision", "mean"))
    order = order.assign(more=order.classes > 2).sort_values(["more", "effect"])
    figure, axes = plt.subplots(figsize=(8, 0.32 * len(order) + 1))
    for offset, (booster, (name, colour)) in zip((0.14, -0.14), BOOSTERS.items(), strict=True):
        part = fits[fits.booster == booster].set_index("set").reindex(order.index)
        y, width = np.arange(len(order)) + offset, effects.half_width(part, "average_precision")
        axes.hlines(y, part.precision - width, part.precision + width, color=colour, alpha=0.45, lw=2)
        axes.plot(part.precision, y, "o", color=colour, ms=5, label=name)
    axes.axvline(0, color="black", lw=0.8)
    axes.set_yticks(range(len(order)), [f"{name} ({k})" for name, k in order.classes.items()])
    axes.axhline((~order.more).sum() - 0.5, color="grey", lw=0.6, ls=":")
    axes.set_xlim(-0.15, 0.15)
    axes.set_xlabel(f"average precision at gamma {gamma:g} minus that of the built-in log loss, 95 % intervals")
    axes.legend(loc="lower right")
    _save(figure, path)


def loss_by_gamma(fits: pd.DataFrame, path: Path) -> None:
    """Draw the log loss relative to the built-in loss over gamma: thin lines are data sets, thick lines means."""
    fits = fits[fits.booster.isin(BOOSTERS)]
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), sharey=True)
    for ax, binary in zip(axes, (True, False), strict=True):
        for booster, (name, colour) in BOOSTERS.items():
            part = fits[(fits.booster == booster) & ((fits.classes == 2) == binary)]
            wide = part.pivot_table(index="gamma", columns="set", values="loss")
            ax.plot(wide.index, wide.to_numpy(), color=colour, lw=0.6, alpha=0.4)
            mean = np.exp(np.log(wide).mean(axis=1))
            ax.plot(wide.index, mean, "o-", color=colour, lw=2.2, label=f"{name}, geometric mean")
        ax.plot([], [], color="grey", lw=0.6, label="one data set")
        _ratio_axis(ax)
        ax.set_xlabel("gamma (0: the built-in log loss)")
        ax.set_title(f"{'two' if binary else 'more'} classes, {part.set.nunique()} sets")
    axes[0].set_ylim(fits.loss.min() / 1.02, fits.loss.max() * 1.02)
    axes[0].set_ylabel("log loss of the posterior / of the built-in model")
    axes[1].legend(loc="lower right")
    _save(figure, path)


def _ratio_axis(ax: Any, ticks: Sequence[float] = (0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.5, 2)) -> None:
    ax.axhline(1, color="black", lw=0.8)
    ax.set_yscale("log")
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.yaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())


def extremes(fits: pd.DataFrame, path: Path) -> None:
    """Draw effects over gamma, for few positives: rows are scores, columns ways to train; means over the sets."""
    figure, axes = plt.subplots(2, 4, figsize=(12, 6), sharex=True, sharey="row")
    columns = [(regime, protocol) for regime in fits.regime.unique() for protocol in fits.protocol.unique()]
    for (top, bottom), (regime, protocol) in zip(axes.T, columns, strict=False):
        for booster, (name, colour) in BOOSTERS.items():
            part = fits[(fits.booster == booster) & (fits.regime == regime) & (fits.protocol == protocol)]
            own = part[part.contender.isin(["log loss", "focal_boost"])]
            focal = own[own.variant == ""].groupby("gamma")
            precision = focal.precision.agg(["mean", "sem"])
            top.errorbar(precision.index, precision["mean"], precision["sem"], fmt="o-", color=colour, label=name)
            bottom.plot(focal.loss.apply(effects.geometric_mean), "o-", color=colour)
            weighted = own[(own.variant == "weighted") & (own.gamma == 0)]
            top.axhline(weighted.precision.mean(), color=colour, ls=":", label=f"{name}, class weights")
            bottom.axhline(effects.geometric_mean(weighted.loss), color=colour, ls=":")
        top.axhline(0, color="black", lw=0.8)
        _ratio_axis(bottom, (0.8, 1, 1.25, 1.6))
        top.set_title(f"{regime.removesuffix(' positives')} positives, {protocol}", fontsize=11)
        bottom.set_xlabel("gamma")
    axes[0, 0].set_ylabel("average precision minus built-in")
    axes[1, 0].set_ylabel("log loss / built-in")
    axes[0, 0].legend(fontsize=8)
    _save(figure, path)


def separable(rows: pd.DataFrame, path: Path, n_sets: int = 6) -> None:
    """Draw what rows of a given loss under the built-in model add to the log loss, for the sets that lose most."""
    sums = rows.groupby(["booster", "set"])[["built_in", "focal"]].sum()
    ratio = (sums.focal / sums.built_in).groupby("set").max().sort_values(ascending=False)
    boosters = [booster for booster in BOOSTERS if booster in set(rows.booster)]
    figure, axes = plt.subplots(1, len(boosters), figsize=(5.5 * len(boosters), 4), sharey=True, squeeze=False)
    for ax, booster in zip(axes[0], boosters, strict=True):
        for name in ratio.index[:n_sets]:
            part = rows[(rows.booster == booster) & (rows.set == name)]
            change = (part.focal - part.built_in) / part.built_in.sum()
            ax.plot(range(len(part)), 100 * change, "o-", label=f"{name} ({part.built_in.sum():.3f})")
            edges = [f"{edge:g}" for edge in part.built_in_loss_from]
            ax.set_xticks(range(len(part)), [f"≥ {edge}" for edge in edges])
        ax.axhline(0, color="black", lw=0.8)
        ax.set_title(BOOSTERS[booster][0])
        ax.set_xlabel("log loss of the row under the built-in model")
        ax.legend(fontsize=8, title="set (built-in log loss)")
    axes[0, 0].set_ylabel("change of the log loss at gamma 2, % of built-in")
    _save(figure, path)
