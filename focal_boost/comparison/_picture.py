"""The panels of the figure, each drawn on its own Axes: together in one figure, or as separate SVG elements.

pyplot is not used, so that no window opens.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve

from focal_boost.comparison._contenders import CLASS_WEIGHTS, CORRECTED, LOG_LOSS, gamma_text
from focal_boost.comparison._fold import Fold
from focal_boost.comparison._plan import Plan
from focal_boost.comparison.scores import TESTED, Score, costs, one_vs_rest

if TYPE_CHECKING:
    from focal_boost.comparison._comparison import Comparison

# Distinguishable without colour vision, also by line style. The report replaces them with its own, light or dark.
COLOURS = {
    "ink": "#1f2328",
    "soft": "#57606a",
    "light": "#8c959f",
    "line": "#d0d7de",
    "orange": "#c2570c",
    "blue": "#1d5fd1",
    "purple": "#7a3ea8",
    "green": "#2b7a3d",
}
_INK, _GREY, _LIGHT, _LINE, _ORANGE, _BLUE, _PURPLE, _GREEN = COLOURS.values()
_POINTS = 300


class Picture(Figure):
    """A figure that notebooks display although it is not registered with pyplot."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=100)
        return file.getvalue()


@dataclass(frozen=True)
class _Results:
    """The results of one booster that the panels show; ``styles`` are {contender: (colour, line style)}."""

    plan: Plan
    folds: Sequence[Fold]
    losses: pd.DataFrame
    differences: pd.DataFrame
    styles: dict[str, tuple[str, str]]

    def pooled(self, contender: str, calibrated: bool = True) -> list[tuple[npt.NDArray[Any], npt.NDArray[Any]]]:
        """Return (whether of the class, probability) for the test rows of all folds, for each class."""
        y = np.concatenate([self.plan.problem.y[fold.test] for fold in self.folds])
        proba = [
            (fold.proba if calibrated else fold.uncalibrated)[fold.contenders.index(contender)]
            for fold in self.folds
        ]
        return one_vs_rest(y, np.concatenate(proba))


def draw(comparison: Comparison) -> Picture:
    """Return a figure with all panels, three in a row; each booster starts a new row."""
    boosters = comparison._plan.boosters
    by_booster = [_panels(comparison, booster.name) for booster in boosters]
    height = -(-len(by_booster[0][1]) // 3)
    figure = Picture(figsize=(14, 4.6 * height * len(boosters)), layout="constrained")
    axes = figure.subplots(height * len(boosters), 3, squeeze=False)
    for i, (booster, (results, panels)) in enumerate(zip(boosters, by_booster, strict=True)):
        of_booster = axes[i * height : (i + 1) * height].ravel()
        for ax, panel in zip(of_booster, panels, strict=False):
            panel(ax, results)
        if len(boosters) > 1:
            of_booster[0].set_title(f"{booster.title}: {of_booster[0].get_title(loc='left')}", loc="left")
        for ax in of_booster[len(panels) :]:
            ax.remove()
    return figure


def svgs(comparison: Comparison) -> dict[str, list[str]]:
    """Return the panels of each booster by its title, as SVG elements that use the colours of the page."""
    elements: dict[str, list[str]] = {}
    for booster in comparison._plan.boosters:
        results, panels = _panels(comparison, booster.name)
        for i, panel in enumerate(panels):
            figure = Figure(figsize=(4.6, 4.2), layout="constrained")
            panel(figure.subplots(), results)
            file = io.StringIO()
            # Text remains text. The salt makes the ids of two elements on a page differ.
            with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": f"{booster.name}-{i}"}):
                figure.savefig(file, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator")))
            svg = file.getvalue()
            svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
            svg = re.sub(r' (xmlns(:\w+)?|width|height)="[^"]*"', "", svg, count=4)
            for name, colour in COLOURS.items():
                svg = svg.replace(colour, f"var(--{name})")
            label = figure.axes[0].get_title(loc="left")
            elements.setdefault(booster.title, []).append(
                svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
            )
    return elements


def _panels(comparison: Comparison, booster: str) -> tuple[_Results, list[Any]]:
    """Return the results of a booster, and the functions that draw them on Axes."""
    plan, scores, differences = comparison._plan, comparison.scores, comparison.differences
    losses = scores[scores["booster"] == booster].pivot(index="contender", columns="fold", values="log loss")
    focal = [contender.name for contender in plan.contenders if contender.gamma]
    # The recommended focal loss, otherwise the one with the smallest log loss.
    shown = list(losses.loc[focal].mean(axis=1).nsmallest(1).index)
    if comparison.best[0] == booster and comparison.best[1] in focal:
        shown = [comparison.best[1]]
    styles = {LOG_LOSS.name: (_GREY, "--"), CLASS_WEIGHTS.name: (_ORANGE, ":"), CORRECTED.name: (_PURPLE, "-.")}
    styles |= {name: (_BLUE, "-") for name in shown}
    own = [fold for fold in comparison._folds if fold.booster == booster]
    results = _Results(plan, own, losses, differences[differences["booster"] == booster], styles)
    panels: list[Any] = [_precision_recall, _reliability, _log_loss_by_gamma]
    if len(results.differences):
        panels += [lambda ax, results, score=score: _forest(ax, results, score) for score in TESTED]
    if plan.cost_ratio:
        panels.append(_cost)
    panels.append(_learning)
    return results, panels


def _finish(ax: Axes, title: str, x: str, y: str) -> None:
    ax.set_title(title, loc="left", fontweight="bold", color=_INK)
    ax.set_xlabel(x, color=_INK)
    ax.set_ylabel(y, color=_INK)
    ax.tick_params(colors=_INK)
    ax.grid(color=_LINE, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["bottom", "left"]].set_color(_INK)
    labels = ax.get_legend_handles_labels()[1]
    if labels:
        columns = 2 if max(map(len, labels)) <= len(CORRECTED.name) else 1
        below = (-0.1, -0.16)
        ax.legend(
            loc="upper left", bbox_to_anchor=below, ncols=columns, frameon=False, fontsize=8, labelcolor=_INK
        )


def _precision_recall(ax: Axes, results: _Results) -> None:
    """Draw precision against recall on the pooled test rows; with many classes, the mean over the classes."""
    at = np.linspace(0, 1, _POINTS)
    for name, (colour, style) in results.styles.items():
        curves, shares = [], []
        for of_class, p in results.pooled(name):
            precision, recall, _ = precision_recall_curve(of_class, p)
            # Recall decreases along the curve.
            curves.append(precision[np.searchsorted(-recall, -at, side="right") - 1])
            shares.append(of_class.mean())
        ax.plot(at, np.mean(curves, axis=0), style, color=colour, linewidth=1.8, label=name)
    ax.axhline(np.mean(shares), color=_LIGHT, linewidth=0.8, label=f"chance, {np.mean(shares):.1%}")
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    macro = ", mean over classes" if len(results.plan.problem.classes) > 2 else ""
    _finish(ax, f"Precision and recall{macro}", "recall", "precision")


def _reliability(ax: Axes, results: _Results) -> None:
    """Draw observed frequency against predicted probability."""
    lines = [(LOG_LOSS.name, True, LOG_LOSS.name, _GREY, "s--")]
    for name in list(results.styles)[3:]:
        lines.append((name, False, f"{name}, before calibration", _ORANGE, "v:"))
        lines.append((name, True, f"{name}, after", _BLUE, "o-"))
    largest = 0.0
    for name, calibrated, label, colour, style in lines:
        of_class, p = zip(*results.pooled(name, calibrated), strict=True)
        predicted, observed = _bins(np.concatenate(of_class), np.concatenate(p))
        largest = max(largest, predicted.max(), observed.max())
        ax.plot(predicted, observed, style, color=colour, linewidth=1.5, markersize=5, label=label)
    limit = min(1.0, 1.08 * largest)
    ax.plot([0, limit], [0, limit], color=_LIGHT, linewidth=0.8)
    ax.set(xlim=(-0.02 * limit, 1.02 * limit), ylim=(-0.02 * limit, 1.02 * limit))
    _finish(ax, "Reliability", "predicted probability", "observed frequency")


def _bins(of_class: npt.NDArray[Any], p: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return mean prediction and frequency in ten bins of equal predicted mass.

    With bins of equal size, nearly all points of a rare class would be at zero.
    """
    order = np.argsort(p, kind="stable")
    mass = np.cumsum(p[order])
    cuts = np.searchsorted(mass, np.linspace(0, mass[-1], 11)[1:-1])
    bins = [rows for rows in np.split(order, np.unique(cuts)) if len(rows)]
    return np.array([p[rows].mean() for rows in bins]), np.array([of_class[rows].mean() for rows in bins])


def _log_loss_by_gamma(ax: Axes, results: _Results) -> None:
    """Draw log loss against gamma for each alpha: a thin line per fold, a bold line for the mean."""
    contenders = [c for c in results.plan.contenders if c.calibrated]
    requested = dict.fromkeys([None, *(c.alpha for c in results.plan.candidates)])
    gammas = sorted({c.gamma for c in contenders})
    for i, alpha in enumerate(requested):
        line = sorted((c for c in contenders if c.alpha == alpha), key=lambda c: c.gamma)
        x, y = [gammas.index(c.gamma) for c in line], results.losses.loc[[c.name for c in line]].to_numpy()
        colour = (_BLUE, _ORANGE, _PURPLE, _GREEN)[i % 4]
        ax.plot(x, y, color=colour, alpha=0.25, linewidth=0.9)
        label = "mean" if len(requested) == 1 else "mean, no alpha" if alpha is None else f"mean, alpha {alpha}"
        ax.plot(x, y.mean(axis=1), "o-", color=colour, linewidth=2.2, label=label)
    reference = results.losses.loc[LOG_LOSS.name].mean()
    ax.axhline(reference, color=_GREY, linestyle="--", linewidth=1.2, label="built-in log loss, mean")
    ax.plot([], [], color=_BLUE, alpha=0.4, linewidth=0.9, label="one fold")
    ax.set_xticks(range(len(gammas)), list(map(gamma_text, gammas)))
    _finish(ax, "Log loss by gamma", "gamma", "log loss, nats")


def _forest(ax: Axes, results: _Results, score: Score) -> None:
    """Draw the paired differences of one score with their intervals."""
    rows = results.differences[results.differences["score"] == score.name].iloc[::-1]
    colours = rows["finding"].map({"better": _BLUE, "worse": _ORANGE, "": _GREY})
    for i, (_, row) in enumerate(rows.iterrows()):
        ax.plot([row["low"], row["high"]], [i, i], color=colours.iloc[i], linewidth=1.8)
        ax.plot(row["difference"], i, "o", color=colours.iloc[i], markersize=5)
    ax.axvline(0, color=_LIGHT, linewidth=1)
    ax.set_yticks(range(len(rows)), list(rows["contender"]), fontsize=8)
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.locator_params(axis="x", nbins=4)
    better = "right" if score.higher_is_better else "left"
    _finish(ax, f"Change of {score.name}", f"difference from the log loss; {better} is better", "")


def _cost(ax: Axes, results: _Results) -> None:
    """Draw the expected cost against the threshold, with a dot at the minimum of each contender."""
    ratio = results.plan.cost_ratio or 1.0
    smallest = []
    for name, (colour, style) in results.styles.items():
        thresholds, cost = costs(*results.pooled(name)[0], ratio)
        ax.plot(thresholds, 1000 * cost, style, color=colour, linewidth=1.5, label=name)
        best = int(cost.argmin())
        smallest.append(1000 * cost[best])
        ax.plot(thresholds[best], smallest[-1], "o", color=colour, markersize=5)
    ax.axvline(1 / (1 + ratio), color=_LIGHT, linewidth=0.8, label="theoretical optimum")
    ax.set_ylim(0, 3 * max(smallest) or None)
    _finish(ax, f"Expected cost at ratio {ratio:.3g}", "threshold", "cost per 1,000 rows")


def _learning(ax: Axes, results: _Results) -> None:
    """Draw the log loss on the rows for early stopping after each round, one line per fold."""
    lowest, highest = [], []
    for name, (colour, style) in results.styles.items():
        for fold in results.folds:
            i = fold.contenders.index(name)
            curve, best = fold.curves[i], fold.rows[i]["n_rounds"]
            label = name if fold is results.folds[0] else None
            ax.plot(range(1, len(curve) + 1), curve, style, color=colour, linewidth=0.9, label=label)
            ax.plot(best, curve[best - 1], "o", color=colour, markersize=3)
            lowest.append(min(curve))
            highest.append(curve[0])
    # A contender that diverges after its best round would hide all others.
    low, high = min(lowest), max(*highest, 1.1 * min(lowest))
    margin = 0.05 * (high - low)
    ax.set_ylim(low - margin, high + margin)
    _finish(ax, "Learning curves", "boosting round", "log loss, held-out rows")
