"""What a contender's probabilities are worth: one number per measure, of log-probabilities and labels alone."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

N_BINS = 15


def _one_vs_rest(y: np.ndarray, proba: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (is it, probability) of the positive class of two, or of each class that the labels hold."""
    classes = [1] if proba.shape[1] == 2 else np.unique(y)
    return [(y == c, proba[:, c]) for c in classes]


def _calibration_error(is_class: np.ndarray, proba: np.ndarray) -> float:
    """Return the expected calibration error over bins that hold equally many rows."""
    bins = np.array_split(np.argsort(proba, kind="stable"), N_BINS)
    gaps = [len(rows) * abs(is_class[rows].mean() - proba[rows].mean()) for rows in bins if len(rows)]
    return float(sum(gaps) / len(proba))


def _f1(is_class: np.ndarray, predicted: np.ndarray) -> float:
    total = is_class.sum() + predicted.sum()
    return float(2 * (is_class & predicted).sum() / total) if total else 0.0


def best_threshold(is_class: np.ndarray, proba: np.ndarray) -> float:
    """Return the threshold of the largest F1: the class is predicted where ``proba >= threshold``."""
    order = np.argsort(-proba, kind="stable")
    hits = np.cumsum(is_class[order])
    f1 = 2 * hits / (np.arange(1, len(proba) + 1) + is_class.sum())
    last_of_ties = np.append(np.diff(proba[order]) != 0, True)
    return float(proba[order][np.argmax(np.where(last_of_ties, f1, -1.0))])


def log_loss(y: np.ndarray, log_proba: np.ndarray) -> float:
    """Return the mean negative log-probability of the labels."""
    return float(-log_proba[np.arange(len(y)), y].mean())


def measure(
    y: np.ndarray, log_proba: np.ndarray, y_stop: np.ndarray, log_proba_stop: np.ndarray
) -> dict[str, float]:
    """Return the measures; F1 thresholds are those that are best on the rows that stopped the training."""
    proba, proba_stop = np.exp(log_proba), np.exp(log_proba_stop)
    pairs = _one_vs_rest(y, proba)
    squares = ((proba - np.eye(proba.shape[1])[y]) ** 2).sum(axis=1).mean()
    thresholds = [
        (y == c, proba[:, c] >= best_threshold(y_stop == c, proba_stop[:, c]))
        for c in ([1] if proba.shape[1] == 2 else np.unique(y))
    ]
    return {
        "average_precision": float(np.mean([average_precision_score(*pair) for pair in pairs])),
        "roc_auc": float(np.mean([roc_auc_score(*pair) for pair in pairs])),
        "log_loss": log_loss(y, log_proba),
        "brier": float(squares / 2),
        "calibration_error": float(np.mean([_calibration_error(*pair) for pair in pairs])),
        "f1": float(np.mean([_f1(*pair) for pair in thresholds])),
        "stop_log_loss": log_loss(y_stop, log_proba_stop),
        "stop_average_precision": float(
            np.mean([average_precision_score(*pair) for pair in _one_vs_rest(y_stop, proba_stop)])
        ),
    }
