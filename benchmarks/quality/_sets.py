"""The sets and their folds: reads a folder of tables, knows no model.

The folder holds an ``INDEX.json`` of ``{name: {"file", "rows", "K", "categorical", "positive"}}`` and the tables
it names: CSV with the label in the column ``target``, or NPZ with ``X`` and ``y``. An empty field is
missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold, train_test_split

N_FOLDS = 3
SEED = 20_241
FEWEST_ROWS = 12  # of a class: four in each fold, of which the inner split needs one


@dataclass(frozen=True)
class Table:
    """A set as the contenders get it: labels 0 to K - 1, the positive class of two being 1."""

    name: str
    X: pd.DataFrame
    y: np.ndarray
    n_classes: int
    rare: np.ndarray  # rows of classes with fewer than FEWEST_ROWS rows, never tested on
    left_out: dict[str, int]  # classes left out, with their number of rows


@dataclass(frozen=True)
class Fold:
    """Row numbers: what is trained on, what stops the training, what is tested on."""

    train: np.ndarray
    stop: np.ndarray
    test: np.ndarray


def names(folder: Path) -> list[str]:
    """Return the names of the sets, those of two classes first, then by size."""
    index = json.loads((folder / "INDEX.json").read_text())
    return sorted(index, key=lambda name: (index[name]["K"] > 2, index[name]["rows"]))


def load(folder: Path, name: str, max_rows: int, keep_rare: bool) -> Table:
    """Return a set, stratified down to ``max_rows``; too small classes are left out or only trained on."""
    facts = json.loads((folder / "INDEX.json").read_text())[name]
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
    if left_out and not keep_rare:
        kept = ~np.isin(target, list(left_out))
        X, target = X[kept].reset_index(drop=True), target[kept]
    labels, y = np.unique(target, return_inverse=True)
    if facts["K"] == 2:
        y = (target == str(facts["positive"])).astype(np.int64)
    return Table(name, X, y, len(labels), np.isin(target, list(left_out)), left_out)


def _read(path: Path) -> tuple[pd.DataFrame, np.ndarray]:
    if path.suffix == ".npz":
        arrays = np.load(path, allow_pickle=False)
        return pd.DataFrame(arrays["X"]).add_prefix("x"), arrays["y"].astype(str)
    frame = pd.read_csv(path, keep_default_na=False, na_values=[""], dtype={"target": str})
    return frame.drop(columns="target"), frame["target"].to_numpy(dtype=str)


def folds(table: Table) -> Iterator[Fold]:
    """Yield the folds, the same for every contender; a fifth of what is not tested on stops the training."""
    common, rare = np.flatnonzero(~table.rare), np.flatnonzero(table.rare)
    splitter = StratifiedKFold(N_FOLDS, shuffle=True, random_state=SEED)
    for i, (rest, test) in enumerate(splitter.split(common, table.y[common])):
        train, stop = train_test_split(
            common[rest], test_size=0.2, stratify=table.y[common[rest]], random_state=SEED + i
        )
        yield Fold(np.concatenate([train, rare]), stop, common[test])


def facts_of(table: Table) -> dict[str, Any]:
    """Return what the tables on the page say of a set."""
    return {
        "rows": len(table.y),
        "features": table.X.shape[1],
        "classes": table.n_classes,
        "minority": float(np.bincount(table.y).min() / len(table.y)),
        "left_out": table.left_out,
    }
