"""Six scores of predicted probabilities on held-out rows; with many classes, one-vs-rest averages.

``proba`` has shape (n, K), also for K = 2. Thresholds are computed on other rows than the scored ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, f1_score, precision_recall_curve, roc_auc_score, roc_curve

from focal_boost.metrics import expected_calibration_error


@dataclass(frozen=True)
class Score:
    """The name of a score, its direction and its meaning."""

    name: str
    higher_is_better: bool
    explanation: str


AVERAGE_PRECISION = Score(
    "average precision", True, "Mean precision over all recalls: 1 if all rows of the class are ranked first."
)
LOG_LOSS = Score(
    "log loss", False, "Mean of -log(probability of the true class), in nats: measures probabilities and ranking."
)
SCORES = (
    AVERAGE_PRECISION,
    Score("ROC AUC", True, "Probability that a row of the class is ranked above a row of another class."),
    LOG_LOSS,
    Score("Brier", False, "Mean squared error of the probabilities."),
    Score(
        "ECE",
        False,
        "Expected calibration error: mean difference between probability and frequency in ten bins of equal size.",
    ),
    Score("F1", True, "F1 at the threshold with the largest F1 on the rows for early stopping."),
)
# The verdict tests these two scores; the others are only reported.
TESTED = (AVERAGE_PRECISION, LOG_LOSS)

# The boosters' own probabilities have single precision.
_SMALLEST = float(np.finfo(np.float32).eps)


def one_vs_rest(y: npt.NDArray[Any], proba: npt.NDArray[Any]) -> list[tuple[npt.NDArray[Any], npt.NDArray[Any]]]:
    """Return (whether a row is of the class, its probability) for each class; with two, only for the second."""
    n_classes = proba.shape[1]
    return [(y == c, proba[:, c]) for c in range(1 if n_classes == 2 else 0, n_classes)]


def best_thresholds(y: npt.NDArray[Any], proba: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the one-vs-rest threshold with the largest F1 for each class, 0.5 for a class without rows."""
    return np.array([_best_threshold(of_class, p) for of_class, p in one_vs_rest(y, proba)])


def _best_threshold(of_class: npt.NDArray[Any], p: npt.NDArray[Any]) -> float:
    if not of_class.any():
        return 0.5
    precision, recall, thresholds = precision_recall_curve(of_class, p)
    total = precision + recall
    f1 = np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)[:-1]
    best = int(f1.argmax())
    below = thresholds[best - 1] if best else 0.0
    return float((below + thresholds[best]) / 2)


def log_loss(y: npt.NDArray[Any], proba: npt.NDArray[Any]) -> float:
    """Return the mean of -log(probability of the true class), with at most 16 nats per row."""
    return float(-np.log(np.clip(proba[np.arange(len(y)), y], _SMALLEST, 1)).mean())


def score(y: npt.NDArray[Any], proba: npt.NDArray[Any], thresholds: npt.NDArray[Any]) -> dict[str, float]:
    """Return {name: value} of the six scores."""
    proba = proba.astype(np.float64)
    classes = one_vs_rest(y, proba)

    def macro(metric: Callable[[npt.NDArray[Any], npt.NDArray[Any]], float]) -> float:
        return float(np.mean([metric(of_class, p) for of_class, p in classes]))

    f1 = [
        f1_score(of_class, p >= threshold, zero_division=0.0)
        for (of_class, p), threshold in zip(classes, thresholds, strict=True)
    ]
    squares = ((proba - np.eye(proba.shape[1])[y]) ** 2).sum(axis=1).mean()
    return {
        "average precision": macro(average_precision_score),
        "ROC AUC": macro(roc_auc_score),
        "log loss": log_loss(y, proba),
        # By convention the Brier score of two classes is the squared error of one; both errors are equal.
        "Brier": float(squares / 2 if proba.shape[1] == 2 else squares),
        "ECE": expected_calibration_error(y, proba),
        "F1": float(np.mean(f1)),
    }


def corrected_error(differences: npt.NDArray[Any], test_share: float) -> float:
    """Return the standard error of the mean of paired differences over folds, corrected for shared training rows.

    ``test_share`` is test rows per training row, 1 / (k - 1) in k-fold cross-validation; it is added to the 1 / n
    by which the variance is divided (Nadeau & Bengio 2003).
    """
    return float(np.sqrt(differences.var(ddof=1) * (1 / len(differences) + test_share)))


def costs(
    of_class: npt.NDArray[Any], p: npt.NDArray[Any], ratio: float
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return ascending thresholds and the expected cost per row at each.

    A false alarm costs 1, a missed positive ``ratio``. For exact probabilities the optimal threshold is
    1 / (1 + ratio) (Elkan, "The Foundations of Cost-Sensitive Learning", IJCAI 2001).
    """
    false_alarms, found, thresholds = roc_curve(of_class, p)
    share = of_class.mean()
    cost = ratio * share * (1 - found) + (1 - share) * false_alarms
    return np.minimum(thresholds, 1.0)[::-1], cost[::-1]


def cost_at(of_class: npt.NDArray[Any], p: npt.NDArray[Any], ratio: float, threshold: float) -> float:
    """Return the expected cost per row at one threshold."""
    alarm = p >= threshold
    return float((ratio * (of_class & ~alarm) + (~of_class & alarm)).mean())
