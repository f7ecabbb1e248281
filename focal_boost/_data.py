"""Validation of labels, weights and eval sets, independent of losses and boosters.

Every error names the argument, the value and what is allowed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, column_or_1d

from focal_boost._arguments import check_sample_weight
from focal_boost._features import Features, read_features


class EvalSet(NamedTuple):
    """Rows to evaluate after every boosting round, with labels 0 to K - 1."""

    features: Features
    labels: Any
    sample_weight: Any


@dataclass(frozen=True)
class Training:
    """The data of one call of fit, with labels 0 to K - 1 in the order of ``classes``.

    ``counts`` and ``totals`` are the number of rows and the total weight of each class. Labels and weights are
    NumPy or Dask arrays. If ``n_iter_no_change`` is set, training stops after that many rounds without an
    improvement of the log loss.
    """

    features: Features
    labels: Any
    sample_weight: Any
    eval_sets: list[EvalSet]
    classes: np.ndarray
    counts: np.ndarray
    totals: np.ndarray
    n_iter_no_change: int | None = None

    @property
    def priors(self) -> np.ndarray:
        """The share of each class in the total weight."""
        with np.errstate(under="ignore"):
            return self.totals / self.totals.sum()

    def __post_init__(self) -> None:
        if len(self.classes) < 2:
            raise ValueError(f"y must contain at least two classes; got one class: {self.classes.tolist()}.")
        if not self.totals.all():
            empty = self.classes[self.totals == 0].tolist()
            raise ValueError(
                f"sample_weight must be positive for at least one row of every class; "
                f"it is zero for every row of {empty}."
            )


def read_training(
    estimator: Any, X: Any, y: Any, sample_weight: Any, eval_sets: list[tuple[Any, Any, Any]]
) -> Training:
    """Return the validated training data; store the number and names of the features on ``estimator``."""
    features = read_features(estimator, X, reset=True)
    check_lengths("X and y", X, y)
    classes, labels = encode(y)
    weight = check_sample_weight(sample_weight, len(labels))
    counts, totals = np.bincount(labels), np.bincount(labels, weights=weight)
    evals = [
        _read_eval_set(estimator, f"eval_set[{i}]", *eval_set, classes) for i, eval_set in enumerate(eval_sets)
    ]
    return Training(features, labels, weight, evals, classes, counts, totals)


def hold_out(training: Training, validation_fraction: float, random_state: Any) -> Training:
    """Return the training data with a stratified sample of the rows held out as the eval set."""
    try:
        rows, held_out = map(
            np.sort,
            train_test_split(
                np.arange(len(training.labels)),
                test_size=validation_fraction,
                stratify=training.labels,
                random_state=random_state,
            ),
        )
    except ValueError as error:
        raise ValueError(
            f"early_stopping=True cannot hold out rows of every class: pass an eval_set instead. {error}"
        ) from None
    labels, weight = training.labels, training.sample_weight
    kept_weight, held_out_weight = (None, None) if weight is None else (weight[rows], weight[held_out])
    if held_out_weight is not None and not held_out_weight.any():
        raise ValueError("early_stopping=True held out only rows of weight zero: pass an eval_set instead.")
    n_classes = len(training.classes)
    return replace(
        training,
        features=training.features.take(rows),
        labels=labels[rows],
        sample_weight=kept_weight,
        eval_sets=[EvalSet(training.features.take(held_out), labels[held_out], held_out_weight)],
        counts=np.bincount(labels[rows], minlength=n_classes),
        totals=np.bincount(labels[rows], weights=kept_weight, minlength=n_classes),
    )


def _read_eval_set(estimator: Any, name: str, X: Any, y: Any, sample_weight: Any, classes: np.ndarray) -> EvalSet:
    features = read_features(estimator, X, reset=False)
    check_lengths(f"X and y of {name}", X, y)
    labels = number_labels(name, column(name, y), classes)
    weight = check_sample_weight(sample_weight, len(labels), f"sample_weight of {name}")
    if weight is not None and not weight.any():
        raise ValueError(f"{name} must contain at least one row of positive weight.")
    return EvalSet(features, labels, weight)


def pair_eval_sets(eval_set: Any, eval_X: Any, eval_y: Any, eval_sample_weight: Any) -> list[tuple[Any, Any, Any]]:
    """Return (X, y, weight) of each eval set, from ``eval_set`` or from ``eval_X`` and ``eval_y``."""
    if eval_X is not None or eval_y is not None:
        if eval_set is not None or eval_X is None or eval_y is None:
            raise ValueError("eval_X and eval_y must be passed together and without eval_set.")
        eval_set = list(zip(eval_X, eval_y, strict=True)) if isinstance(eval_X, tuple) else [(eval_X, eval_y)]
    if eval_set is None:
        if eval_sample_weight is not None:
            raise ValueError("eval_sample_weight requires eval_set.")
        return []
    if isinstance(eval_set, tuple) and len(eval_set) == 2 and not isinstance(eval_set[0], tuple):
        eval_set = [eval_set]
    if not isinstance(eval_set, tuple | list) or not all(
        isinstance(pair, tuple | list) and len(pair) == 2 for pair in eval_set
    ):
        raise ValueError(f"eval_set must be a list of (X, y) pairs; got {eval_set!r}.")
    weights = [None] * len(eval_set) if eval_sample_weight is None else eval_sample_weight
    if not isinstance(weights, tuple | list) or len(weights) != len(eval_set):
        raise ValueError(
            f"eval_sample_weight must be a list with one entry per pair in eval_set ({len(eval_set)}); "
            f"got {eval_sample_weight!r}."
        )
    return [(X, y, weight) for (X, y), weight in zip(eval_set, weights, strict=True)]


def check_lengths(name: str, X: Any, y: Any) -> None:
    """Raise ValueError or TypeError unless X and y have the same number of rows."""
    try:
        check_consistent_length(X, y)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name} must have the same number of rows. {error}") from None


def column(name: str, y: Any) -> np.ndarray:
    """Return labels as an array of shape (n,); Python numbers become NumPy numbers."""
    if np.ma.is_masked(y):
        raise ValueError(f"{name} must not contain masked values: drop those rows.")
    if getattr(getattr(y, "dtype", None), "kind", None) == "T":  # StringDType, which scikit-learn does not support
        y = y.astype(object)
    try:
        labels = column_or_1d(y, warn=True)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name} must be one column of class labels. {error}") from None
    if labels.dtype.kind == "O" and {_kind(label) for label in labels} in ({bool}, {int}):
        return np.array(labels.tolist())
    return labels


def _kind(label: Any) -> type | None:
    """Return bool or int if the label is of that kind, else None."""
    return bool if isinstance(label, bool | np.bool_) else int if isinstance(label, int | np.integer) else None


def encode(y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted classes and the labels 0..K-1."""
    y = column("y", y)
    missing = ~np.isfinite(y) if y.dtype.kind in "fmM" else np.zeros(len(y), dtype=bool)
    if y.dtype.kind == "O":
        missing = np.array([_is_missing(label) for label in y])
    if missing.any():
        raise ValueError(f"y must not contain missing or infinite values; got {y[missing][0]!s}.")
    try:
        if y.dtype.kind == "S" or any(isinstance(label, bytes) for label in y[:1]):
            raise TypeError("Decode bytes to strings.")  # older versions of scikit-learn only warn
        check_classification_targets(y)
        classes = np.unique(y)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"y must contain class labels, all integers, booleans or strings; got {y[0]!r}. {error}"
        ) from None
    return classes, np.searchsorted(classes, y)  # faster than np.unique(return_inverse=True)


def _is_missing(label: Any) -> bool:
    """Return whether the label is None, NaN or pandas.NA, which are not equal to themselves."""
    equal = label == label
    return label is None or not isinstance(equal, bool | np.bool_) or not equal


def number_labels(name: str, y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the labels 0..K-1; raise ValueError for a label that is not a class of the training set."""
    numeric = y.dtype.kind in "biuf"
    known = np.zeros(len(y), dtype=bool)
    labels = np.zeros(len(y), dtype=np.intp)
    if numeric == (classes.dtype.kind in "biuf") and y.dtype.kind not in "S":
        # Cast to the dtype of the classes, because a common dtype would round large integers. The comparison
        # below detects labels changed by the cast.
        with np.errstate(invalid="ignore"):
            labels = np.minimum(np.searchsorted(classes, y.astype(classes.dtype)), len(classes) - 1)
        known = classes[labels] == y
    if not known.all():
        raise ValueError(
            f"{name} must contain only classes of y, {classes.tolist()}; got {y[~known].tolist()[0]!r}."
        )
    return labels
