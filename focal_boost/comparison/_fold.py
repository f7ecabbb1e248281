"""The results of one fold, and their file, from which a later run resumes."""

from __future__ import annotations

import hashlib
import io
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from focal_boost._version import __version__
from focal_boost.comparison._contenders import Booster
from focal_boost.comparison._plan import Plan

# Part of the digest: increase it when a change of the code changes the results of a fold.
_FORMAT = 3


@dataclass(frozen=True)
class Fold:
    """The results of one booster's contenders on one fold.

    ``rows`` are the rows of `Comparison.scores`, one per contender. In the same order, ``curves`` contains the log
    loss on the rows for early stopping after each round, ``proba`` and ``uncalibrated`` are float32 of shape
    (n_contenders, n_test, K), and ``thresholds`` has one value per class; with two classes, one for the positive.
    """

    booster: str
    index: int
    rows: list[dict[str, Any]]
    curves: list[list[float]]
    chosen: str | None
    warnings: list[str]
    test: npt.NDArray[Any]
    proba: npt.NDArray[Any]
    uncalibrated: npt.NDArray[Any]
    thresholds: npt.NDArray[Any]

    @property
    def contenders(self) -> list[str]:
        """The names of the contenders."""
        return [row["contender"] for row in self.rows]

    def save(self, path: Path) -> None:
        """Write to ``path`` atomically."""
        arrays: dict[str, Any] = {
            name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)
        }
        facts = {name: value for name, value in vars(self).items() if name not in arrays}
        file = io.BytesIO()
        np.savez_compressed(file, facts=json.dumps(facts), **arrays)
        part = path.with_suffix(f".{os.getpid()}.part")
        try:
            part.write_bytes(file.getvalue())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path) -> Fold | None:
        """Return the fold saved to ``path``, or None if the file is missing or damaged."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
                return cls(**json.loads(str(arrays.pop("facts"))), **arrays)
        except Exception:  # a damaged archive, whose members have checksums, may raise anything
            return None


class KeptFolds:
    """The directory with the finished folds of a plan.

    A fold that cannot be written does not stop the comparison; ``failure`` is the reason, or empty.
    """

    def __init__(self, directory: Path, plan: Plan) -> None:
        self._directory = directory
        self._digest = _digest_of(plan)
        self.failure = ""

    def load(self, booster: Booster, index: int) -> Fold | None:
        """Return a stored fold, or None."""
        return Fold.load(self.path(booster, index))

    def save(self, booster: Booster, fold: Fold) -> None:
        """Store a fold."""
        try:
            fold.save(self.path(booster, fold.index))
        except OSError as error:
            self.failure = f"folds ({error.strerror})"

    def path(self, booster: Booster, index: int) -> Path:
        """Return a path that depends on everything that determines the results of the fold."""
        facts = json.dumps([self._digest, asdict(booster)], sort_keys=True, default=repr)
        digest = hashlib.sha256(facts.encode()).hexdigest()[:16]
        return self._directory / f"{booster.name}-{index + 1}-{digest}.npz"


def _digest_of(plan: Plan) -> str:
    """Return a digest of everything that determines the results of a fold, except the booster and the index."""
    facts = {
        "format": _FORMAT,
        "focal_boost": __version__,
        "contenders": [asdict(contender) for contender in (*plan.contenders, *plan.candidates)],
        "folds": [plan.n_folds, plan.seed],
        "data": plan.problem.fingerprint,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
