"""The figure: precision and recall, reliability before and after calibration, log loss by gamma.

It is made without pyplot, so that no global state changes and no window opens.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve

from focal_boost.comparison._contenders import CLASS_WEIGHTS, LOG_LOSS, gamma_text
from focal_boost.comparison._fold import Fold
from focal_boost.comparison._plan import Plan
from focal_boost.comparison.scores import one_vs_rest

# Distinguishable without colour vision, and by line style.
_GREY, _ORANGE, _BLUE, _PURPLE, _GREEN = "#57606a", "#c2570c", "#1d5fd1", "#7a3ea8", "#2b7a3d"
_LIGHT = "#8c959f"
_POINTS = 500


class Picture(Figure):
    """A figure that a notebook shows although pyplot does not know it."""

    def png(self, dpi: float) -> bytes:
        """Return the content of a PNG file."""
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=dpi)
        return file.getvalue()

    def _repr_png_(self) -> bytes:
        return self.png(dpi=100)


def draw(plan: Plan, folds: Sequence[Fold], scores: pd.DataFrame, best: tuple[str, str]) -> Picture:
    """Return the figure, one row of three panels per booster."""
    figure = Picture(figsize=(14, 4.6 * len(plan.boosters)), layout="constrained")
    axes = figure.subplots(len(plan.boosters), 3, squeeze=False)
    focal = [contender.name for contender in plan.contenders if not contender.built_in]
    for (left, middle, right), booster in zip(axes, plan.boosters, strict=True):
        losses = scores[scores["booster"] == booster.name].pivot(
            index="contender", columns="fold", values="log loss"
        )
        # The recommended focal loss, else the one with the smallest log loss.
        shown = list(losses.loc[focal].mean(axis=1).nsmallest(1).index)
        if best[0] == booster.name and best[1] in focal:
            shown = [best[1]]
        own = [fold for fold in folds if fold.booster == booster.name]
        _precision_recall(left, plan, own, shown)
        _reliability(middle, plan, own, shown)
        _log_loss_by_gamma(right, plan, losses)
        if len(plan.boosters) > 1:
            left.set_title(f"{booster.title}: {left.get_title(loc='left')}", loc="left", fontweight="bold")
    return figure


def _pooled(
    plan: Plan, folds: Sequence[Fold], contender: str, calibrated: bool = True
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return (whether of the class, probability) of all test rows; with many classes, one-vs-rest."""
    y = np.concatenate([plan.problem.y[fold.test] for fold in folds])
    proba = [(fold.proba if calibrated else fold.uncalibrated)[fold.contenders.index(contender)] for fold in folds]
    of_class, p = zip(*one_vs_rest(y, np.concatenate(proba)), strict=True)
    return np.concatenate(of_class), np.concatenate(p)


def _label(ax: Axes, title: str, x: str, y: str) -> None:
    ax.set_title(title, loc="left", fontweight="bold")
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.grid(color="#d0d7de", linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(loc="best", framealpha=0.85, edgecolor="none")


def _precision_recall(ax: Axes, plan: Plan, folds: Sequence[Fold], focal: Sequence[str]) -> None:
    """Draw precision against recall of the pooled test rows."""
    lines = [(LOG_LOSS.name, _GREY, "--"), (CLASS_WEIGHTS.name, _ORANGE, ":"), *((f, _BLUE, "-") for f in focal)]
    for name, colour, style in lines:
        of_class, p = _pooled(plan, folds, name)
        precision, recall, _ = precision_recall_curve(of_class, p)
        # Recall falls along the curve.
        thin = np.unique(np.searchsorted(-recall, -np.linspace(1, 0, _POINTS)))
        ax.plot(recall[thin], precision[thin], style, color=colour, linewidth=1.8, label=name)
    share = of_class.mean()
    ax.axhline(share, color=_LIGHT, linewidth=0.8)
    ax.annotate(f"chance, {share:.1%}", (0, share), (0, 3), textcoords="offset points", fontsize=8)
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    _label(ax, "Precision and recall", "recall", "precision")


def _reliability(ax: Axes, plan: Plan, folds: Sequence[Fold], focal: Sequence[str]) -> None:
    """Draw observed frequency against predicted probability."""
    lines = [(LOG_LOSS.name, True, LOG_LOSS.name, _GREY, "s--")]
    for name in focal:
        lines.append((name, False, f"{name}, before calibration", _ORANGE, "v:"))
        lines.append((name, True, f"{name}, after", _BLUE, "o-"))
    largest = 0.0
    for name, calibrated, label, colour, style in lines:
        predicted, observed = _bins(*_pooled(plan, folds, name, calibrated))
        largest = max(largest, predicted.max(), observed.max())
        ax.plot(predicted, observed, style, color=colour, linewidth=1.5, markersize=5, label=label)
    limit = min(1.0, 1.08 * largest)
    ax.plot([0, limit], [0, limit], color=_LIGHT, linewidth=0.8)
    ax.set(xlim=(-0.02 * limit, 1.02 * limit), ylim=(-0.02 * limit, 1.02 * limit))
    _label(ax, "Reliability", "predicted probability", "observed frequency")


def _bins(of_class: npt.NDArray[Any], p: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return mean prediction and frequency in ten bins of equal predicted mass.

    Bins with equally many rows would put nearly all points of a rare class at zero.
    """
    order = np.argsort(p, kind="stable")
    mass = np.cumsum(p[order])
    cuts = np.searchsorted(mass, np.linspace(0, mass[-1], 11)[1:-1])
    bins = [rows for rows in np.split(order, np.unique(cuts)) if len(rows)]
    return np.array([p[rows].mean() for rows in bins]), np.array([of_class[rows].mean() for rows in bins])


def _log_loss_by_gamma(ax: Axes, plan: Plan, losses: pd.DataFrame) -> None:
    """Draw log loss against gamma for each alpha: thin lines are folds, bold lines their mean."""
    contenders = sorted((c for c in plan.contenders if not c.class_weights), key=lambda c: c.gamma)
    gammas = list(dict.fromkeys(c.gamma for c in contenders))
    alphas = list(dict.fromkeys(c.alpha for c in plan.contenders))
    colours = (_BLUE, _ORANGE, _PURPLE, _GREEN)
    for i, alpha in enumerate(alphas):
        line = [c for c in contenders if c.alpha == alpha]
        x, y = [gammas.index(c.gamma) for c in line], losses.loc[[c.name for c in line]].to_numpy()
        colour = colours[i % len(colours)]
        ax.plot(x, y, color=colour, alpha=0.25, linewidth=0.9)
        label = "mean" if len(alphas) == 1 else "mean, no alpha" if alpha is None else f"mean, alpha {alpha}"
        ax.plot(x, y.mean(axis=1), "o-", color=colour, linewidth=2.2, label=label)
    reference = losses.loc[LOG_LOSS.name].mean()
    ax.axhline(reference, color=_GREY, linestyle="--", linewidth=1.2, label="built-in log loss, mean")
    ax.plot([], [], color=_BLUE, alpha=0.4, linewidth=0.9, label="one fold")
    ax.set_xticks(range(len(gammas)), list(map(gamma_text, gammas)))
    _label(ax, "Log loss by gamma", "gamma", "log loss, nats")
