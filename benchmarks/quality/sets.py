"""The data sets and their folds.

A folder of data sets contains ``INDEX.json``, ``{name: {"file", "rows", "K", "categorical", "positive"}}``, and
the files named there: CSV with the label in the column ``target``, or NPZ with ``X`` and ``y``. An empty field
is a missing value.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from sklearn.model_selection import RepeatedStratifiedKFold, train_test_split

N_FOLDS = 3
SEED = 20_241
FACTS = ("rows", "features", "classes", "smallest_class", "left_out")
FEWEST_ROWS = 12  # per class: four per fold, enough for the inner split


Rows: TypeAlias = tuple[pd.DataFrame, np.ndarray]


@dataclass(frozen=True)
class Table:
    """A data set with labels 0 to K - 1; for two classes 1 is the positive class."""

    name: str
    X: pd.DataFrame
    y: np.ndarray
    n_classes: int
    left_out: dict[str, int]  # number of rows of each class with fewer than FEWEST_ROWS rows

    def rows(self, indices: np.ndarray) -> Rows:
        """Return features and labels of some rows."""
        return self.X.iloc[indices], self.y[indices]


@dataclass(frozen=True)
class Fold:
    """Row indices for training, early stopping and testing."""

    train: np.ndarray
    stop: np.ndarray
    test: np.ndarray


def index_of(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the facts of the data sets, the largest first: the processes then finish at about the same time."""
    index = json.loads((folder / "INDEX.json").read_text())
    return dict(sorted(index.items(), key=lambda item: -item[1]["rows"] * item[1]["K"]))


def load(folder: Path, name: str, max_rows: int) -> Table:
    """Return a data set of at most ``max_rows``, without classes that are too small to test."""
    facts = index_of(folder)[name]
    X, target = _read(folder / facts["file"])
    for column in X:
        if column in facts["categorical"] or not pd.api.types.is_numeric_dtype(X[column]):
            X[column] = X[column].astype("category")
    if len(X) > max_rows:
        rows, _ = train_test_split(np.arange(len(X)), train_size=max_rows, stratify=target, random_state=SEED)
        rows = np.sort(rows)
        X, target = X.iloc[rows].reset_index(drop=True), target[rows]
    labels, counts = np.unique(target, return_counts=True)
    left_out = {str(label): int(n) for label, n in zip(labels, counts, strict=True) if n < FEWEST_ROWS}
    if left_out:
        kept = ~np.isin(target, list(left_out))
        X, target = X[kept].reset_index(drop=True), target[kept]
    labels, y = np.unique(target, return_inverse=True)
    if facts["K"] == 2:
        y = (target == str(facts["positive"])).astype(np.int64)
    return Table(name, X, y, len(labels), left_out)


def _read(path: Path) -> tuple[pd.DataFrame, np.ndarray]:
    if path.suffix == ".npz":
        arrays = np.load(path, allow_pickle=False)
        return pd.DataFrame(arrays["X"]).add_prefix("x"), arrays["y"].astype(str)
    frame = pd.read_csv(path, keep_default_na=False, na_values=[""], dtype={"target": str})
    return frame.drop(columns="target"), frame["target"].to_numpy(dtype=str)


def repetitions(n_rows: int) -> int:
    """Return how often the cross-validation is repeated: more often on few rows, whose scores vary more."""
    return 5 if n_rows <= 2_000 else 3 if n_rows <= 8_000 else 1


def folds(table: Table, n_repeats: int = 1) -> Iterator[Fold]:
    """Yield the same folds for every contender; a fifth of the rows not tested is for early stopping."""
    splitter = RepeatedStratifiedKFold(n_splits=N_FOLDS, n_repeats=n_repeats, random_state=SEED)
    for i, (rest, test) in enumerate(splitter.split(table.y, table.y)):
        train, stop = train_test_split(rest, test_size=0.2, stratify=table.y[rest], random_state=SEED + i)
        yield Fold(train, stop, test)


def facts_of(table: Table) -> dict[str, Any]:
    """Return the row of the table of sets."""
    return {
        "set": table.name,
        "rows": len(table.y),
        "features": table.X.shape[1],
        "classes": table.n_classes,
        "smallest_class": int(np.bincount(table.y).min()),
        "left_out": ", ".join(f"{label} ({n} rows)" for label, n in table.left_out.items()),
    }
