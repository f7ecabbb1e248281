"""The picture: precision and recall, reliability before and after calibration, log loss by gamma.

Figures are made without pyplot, so that nothing global is touched and no window opens.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve

from focal_boost._compare._contenders import CLASS_WEIGHTS, LOG_LOSS, Booster
from focal_boost._compare._run import Fold, Plan
from focal_boost._compare._scores import against_the_rest
from focal_boost.losses._kernel import Array

# Told apart also without colour vision, and by line style.
_GREY, _ORANGE, _BLUE = "#57606a", "#c2570c", "#1d5fd1"
_POINTS = 500


class Picture(Figure):
    """A figure that a notebook shows although pyplot does not know it."""

    def png(self, dpi: float) -> bytes:
        """Return the picture as a PNG file."""
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=dpi)
        return file.getvalue()

    def _repr_png_(self) -> bytes:
        return self.png(dpi=100)


def draw(plan: Plan, folds: Sequence[Fold], best: tuple[str, str]) -> Picture:
    """Return the figure, a row of three panels per booster."""
    figure = Picture(figsize=(14, 4.6 * len(plan.boosters)), layout="constrained")
    axes = figure.subplots(len(plan.boosters), len(PANELS), squeeze=False)
    for row, booster in zip(axes, plan.boosters, strict=True):
        view = View(plan, booster, [fold for fold in folds if fold.booster == booster.name], best)
        for ax, panel in zip(row, PANELS, strict=True):
            panel(view, ax)
        if len(plan.boosters) > 1:
            row[0].set_title(f"{booster.title}: {row[0].get_title(loc='left')}", loc="left", fontweight="bold")
    return figure


def draw_panel(panel: Callable[[View, Axes], None], view: View) -> Picture:
    """Return one panel as a figure of its own."""
    figure = Picture(figsize=(5.2, 4.4), layout="constrained")
    panel(view, figure.subplots())
    return figure


class View:
    """The out-of-fold predictions of one booster, and which focal loss is shown."""

    def __init__(self, plan: Plan, booster: Booster, folds: Sequence[Fold], best: tuple[str, str]) -> None:
        self.plan = plan
        self.booster = booster
        self.folds = folds
        focal = [contender.name for contender in plan.contenders if not contender.built_in]
        # The recommended one where it is a focal loss, else the focal loss of the smallest log loss.
        self.focal = best[1] if best[0] == booster.name and best[1] in focal else None
        if self.focal is None and focal:
            self.focal = min(focal, key=lambda name: self.mean(name, "log loss"))

    def mean(self, contender: str, score: str) -> float:
        """Return the mean over folds."""
        return float(np.mean(self.by_fold(contender, score)))

    def by_fold(self, contender: str, score: str) -> list[float]:
        """Return the score of each fold."""
        return [fold.scores[fold.contenders.index(contender)][score] for fold in self.folds]

    def pooled(self, contender: str, calibrated: bool = True) -> tuple[Array, Array]:
        """Return (whether of the class, probability) of all test rows; of many classes, each against the rest."""
        y = np.concatenate([self.plan.problem.y[fold.test] for fold in self.folds])
        proba = np.concatenate(
            [
                (fold.proba if calibrated else fold.uncalibrated)[fold.contenders.index(contender)]
                for fold in self.folds
            ]
        )
        pairs = against_the_rest(y, proba)
        return np.concatenate([of_class for of_class, _ in pairs]), np.concatenate([p for _, p in pairs])


def _titled(ax: Axes, title: str, x: str, y: str) -> None:
    ax.set_title(title, loc="left", fontweight="bold")
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.grid(color="#d0d7de", linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def precision_recall(view: View, ax: Axes) -> None:
    """Draw precision against recall of the pooled test rows."""
    shown = [(LOG_LOSS.name, _GREY, "--", 1.8), (CLASS_WEIGHTS.name, _ORANGE, ":", 1.8)]
    if view.focal:
        shown.append((view.focal, _BLUE, "-", 1.8))
    for name, colour, style, width in shown:
        of_class, p = view.pooled(name)
        precision, recall, _ = precision_recall_curve(of_class, p)
        # Recall falls along the curve.
        thin = np.unique(np.searchsorted(-recall, -np.linspace(1, 0, _POINTS)))
        ax.plot(recall[thin], precision[thin], style, color=colour, linewidth=width, label=name)
    share = of_class.mean()
    ax.axhline(share, color="#8c959f", linewidth=0.8)
    ax.annotate(f"chance, {share:.1%}", (0, share), (0, 3), textcoords="offset points", fontsize=8)
    _titled(ax, "Precision and recall", "recall", "precision")
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    ax.legend(loc="best", framealpha=0.85, edgecolor="none")


def reliability(view: View, ax: Axes) -> None:
    """Draw observed frequency against predicted probability, in bins of equally many rows."""
    shown = [(LOG_LOSS.name, True, LOG_LOSS.name, _GREY, "s--")]
    if view.focal:
        shown.append((view.focal, False, f"{view.focal}, before calibration", _ORANGE, "v:"))
        shown.append((view.focal, True, f"{view.focal}, after", _BLUE, "o-"))
    largest = 0.0
    for name, calibrated, label, colour, style in shown:
        of_class, p = view.pooled(name, calibrated)
        predicted, observed = _bins(of_class, p)
        largest = max(largest, predicted.max(), observed.max())
        ax.plot(predicted, observed, style, color=colour, linewidth=1.5, markersize=5, label=label)
    limit = min(1.0, 1.08 * largest)
    ax.plot([0, limit], [0, limit], color="#8c959f", linewidth=0.8)
    _titled(ax, "Reliability", "predicted probability", "observed frequency")
    ax.set(xlim=(-0.02 * limit, 1.02 * limit), ylim=(-0.02 * limit, 1.02 * limit))
    ax.legend(loc="best", framealpha=0.85, edgecolor="none")


def _bins(of_class: Array, p: Array) -> tuple[Array, Array]:
    """Return mean prediction and frequency in bins of equal expected numbers of the class.

    Bins of equally many rows would put nearly all points of a rare class at zero.
    """
    order = np.argsort(p, kind="stable")
    total = np.cumsum(p[order])
    cuts = np.searchsorted(total, np.linspace(0, total[-1], 11)[1:-1])
    parts = [rows for rows in np.split(order, np.unique(cuts)) if len(rows)]
    return np.array([p[rows].mean() for rows in parts]), np.array([of_class[rows].mean() for rows in parts])


def log_loss_by_gamma(view: View, ax: Axes) -> None:
    """Draw log loss against gamma: each fold thin, the mean bold; a line for each alpha."""
    focal = [contender for contender in view.plan.contenders if not contender.class_weights]
    gammas = sorted({contender.gamma for contender in focal})
    colours = (_BLUE, _ORANGE, "#7a3ea8", "#2b7a3d")
    alphas = list(dict.fromkeys(contender.alpha for contender in focal))
    for i, alpha in enumerate(alphas):
        line = sorted((c for c in focal if c.alpha == alpha), key=lambda c: c.gamma)
        colour = colours[i % len(colours)]
        at = [gammas.index(c.gamma) for c in line]
        values = np.array([view.by_fold(c.name, "log loss") for c in line])
        for of_fold in values.T:
            ax.plot(at, of_fold, color=colour, alpha=0.25, linewidth=0.9)
        label = "mean" if len(alphas) == 1 else "mean, no alpha" if alpha is None else f"mean, alpha {alpha}"
        ax.plot(at, values.mean(axis=1), "o-", color=colour, linewidth=2.2, label=label)
    base = view.mean(LOG_LOSS.name, "log loss")
    ax.axhline(base, color=_GREY, linestyle="--", linewidth=1.2, label="built-in log loss, mean")
    ax.plot([], [], color=_BLUE, alpha=0.4, linewidth=0.9, label="one fold")
    ax.set_xticks(range(len(gammas)), [f"{gamma:g}" for gamma in gammas])
    _titled(ax, "Log loss by gamma", "gamma", "log loss, nats")
    ax.legend(loc="best", framealpha=0.85, edgecolor="none")


PANELS = (precision_recall, reliability, log_loss_by_gamma)
