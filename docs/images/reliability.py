"""Draw the reliability diagram of the front page: ``python docs/images/reliability.py``."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from xgboost import XGBClassifier

from focal_boost import FocalBoostClassifier
from focal_boost.losses import posterior

LOOKS = {
    "light": {"background": "#ffffff", "ink": "#333333", "before": "#d55e00", "after": "#0072b2"},
    "dark": {"background": "#131416", "ink": "#cfd0d0", "before": "#e69f00", "after": "#56b4e9"},
}


def predict(booster, X, y):
    """Return out-of-fold probabilities before and after the correction, by title."""
    folds = StratifiedKFold(5, shuffle=True, random_state=0)

    def out_of_fold(model):
        return cross_val_predict(model, X, y, cv=folds, method="predict_proba")[:, 1]

    weighted = out_of_fold(clone(booster).set_params(scale_pos_weight=9))
    focal = out_of_fold(FocalBoostClassifier(booster, gamma=2.0, calibrated=False))
    return {
        "XGBoost, scale_pos_weight=9": (weighted, posterior(weighted, gamma=0, alpha=(1, 9))),
        "focal loss, gamma=2": (focal, posterior(focal, gamma=2)),
    }


def draw(results, y, look, path):
    """Draw one panel per model."""
    colours = {
        name: look["ink"]
        for name in ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color")
    }
    style = colours | {
        "ytick.color": look["ink"],
        "font.size": 11.5,
        "axes.titlesize": 11,
        "legend.fontsize": 10.5,
        "axes.facecolor": look["background"],
    }
    with plt.rc_context(style | {"axes.spines.top": False, "axes.spines.right": False}):
        figure, axes = plt.subplots(1, 2, figsize=(5.8, 3.3), sharey=True, layout="constrained")
        for ax, (title, pair) in zip(axes, results.items(), strict=True):
            ax.plot([0, 0.55], [0, 0.55], color=look["ink"], lw=0.8, alpha=0.6)
            for proba, name, marker in zip(pair, ("before", "after"), ("s--", "o-"), strict=True):
                groups = np.array_split(np.argsort(proba, kind="stable"), 10)
                points = [proba[g].mean() for g in groups], [y[g].mean() for g in groups]
                label = f"{name}: log loss {log_loss(y, proba):.2f}"
                ax.plot(*points, marker, color=look[name], ms=5, label=label)
            ax.set(
                title=title,
                xlabel="predicted probability",
                xlim=(-0.02, 0.82),
                ylim=(-0.02, 0.72),
            )
            ax.legend(frameon=False, loc="upper left")
        axes[0].set_ylabel("observed frequency")
        figure.savefig(path, dpi=170, facecolor=look["background"], metadata={"Software": None})
        plt.close(figure)


if __name__ == "__main__":
    X, y = load_digits(return_X_y=True)
    X, y = X[:, :24], (y == 8).astype(int)
    results = predict(
        XGBClassifier(n_estimators=60, max_depth=2, learning_rate=0.1, n_jobs=1), X, y
    )
    for name, look in LOOKS.items():
        draw(results, y, look, Path(__file__).with_name(f"reliability-{name}.png"))
