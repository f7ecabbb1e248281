"""Six figures for predicted probabilities on held-out rows. For many classes, macro: each class against the rest.

``proba`` has the shape (n, K), K = 2 included. A threshold or a set of thresholds is found on other rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score, f1_score, precision_recall_curve, roc_auc_score

from focal_boost.losses._kernel import Array
from focal_boost.metrics import expected_calibration_error


@dataclass(frozen=True)
class Score:
    """How a score is called and which way it is good."""

    name: str
    higher_is_better: bool
    explanation: str


AVERAGE_PRECISION = Score(
    "average precision", True, "Precision averaged over recall: how well the rows of a class are ranked first."
)
LOG_LOSS = Score(
    "log loss", False, "Mean of -log(probability of the true class), in nats: probabilities and ranking."
)
SCORES = (
    AVERAGE_PRECISION,
    Score("ROC AUC", True, "Chance that a row of the class is ranked above a row that is not."),
    LOG_LOSS,
    Score("Brier", False, "Mean squared error of the probabilities."),
    Score(
        "ECE", False, "Expected calibration error: mean gap of probability and frequency, ten bins of equal size."
    ),
    Score("F1", True, "F1 at the threshold that is best on the rows held out for early stopping."),
)
# On these two the verdict tests, the others are for reading.
TESTED = (AVERAGE_PRECISION, LOG_LOSS)

# What the single precision of the boosters' own probabilities can tell from 0.
_SMALLEST = float(np.finfo(np.float32).eps)


def against_the_rest(y: Array, proba: Array) -> list[tuple[Array, Array]]:
    """Return (whether a row is of the class, its probability) of each class, of two only the second."""
    n_classes = proba.shape[1]
    return [(y == c, proba[:, c]) for c in range(1 if n_classes == 2 else 0, n_classes)]


def best_thresholds(y: Array, proba: Array) -> Array:
    """Return for each class against the rest the threshold of the largest F1, 0.5 where the class is absent."""
    return np.array([_best_threshold(of_class, p) for of_class, p in against_the_rest(y, proba)])


def _best_threshold(of_class: Array, p: Array) -> float:
    if not of_class.any():
        return 0.5
    precision, recall, thresholds = precision_recall_curve(of_class, p)
    total = precision + recall
    f1 = np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)[:-1]
    best = int(f1.argmax())
    below = thresholds[best - 1] if best else 0.0
    return float((below + thresholds[best]) / 2)


def log_loss(y: Array, proba: Array) -> float:
    """Return the mean of -log(probability of the true class), one that costs no row more than 16 nats."""
    return float(-np.log(np.clip(proba[np.arange(len(y)), y], _SMALLEST, 1)).mean())


def score(y: Array, proba: Array, thresholds: Array) -> dict[str, float]:
    """Return the figure of every score."""
    proba = proba.astype(np.float64)
    each = against_the_rest(y, proba)

    def macro(figure: Callable[[Array, Array], float]) -> float:
        return float(np.mean([figure(of_class, p) for of_class, p in each]))

    squares = ((proba - np.eye(proba.shape[1])[y]) ** 2).sum(axis=1).mean()
    decided = [
        f1_score(of_class, p >= at, zero_division=0.0) for (of_class, p), at in zip(each, thresholds, strict=True)
    ]
    return {
        "average precision": macro(average_precision_score),
        "ROC AUC": macro(roc_auc_score),
        "log loss": log_loss(y, proba),
        # Of two classes the error of one: the other's is the same.
        "Brier": float(squares / 2 if proba.shape[1] == 2 else squares),
        "ECE": expected_calibration_error(y, proba),
        "F1": float(np.mean(decided)),
    }
