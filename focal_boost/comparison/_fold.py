"""The results of one fold, and the file that keeps them for the next run."""

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

# Part of the digest: raise it when the same input would give another fold.
_FORMAT = 2
_CHECKSUM_SIZE = hashlib.sha256().digest_size


@dataclass(frozen=True)
class Fold:
    """The results of one booster's contenders on one fold.

    ``rows`` are the rows of `Comparison.scores`, one per contender. In the same order, ``curves`` are the log
    loss by round on the rows of early stopping, ``proba`` and ``uncalibrated`` are float32 of shape
    (n_contenders, n_test, K), and ``thresholds`` have one value per class, or one for the positive of two classes.
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
            part.write_bytes(file.getvalue() + _checksum(path, file.getvalue()))
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path) -> Fold | None:
        """Return the fold that was saved to ``path``, None if there is none or the file is damaged."""
        try:
            content = path.read_bytes()
        except OSError:
            return None
        # A damaged archive could raise anything, or hold arrays of other shapes.
        saved, checksum = content[:-_CHECKSUM_SIZE], content[-_CHECKSUM_SIZE:]
        if checksum != _checksum(path, saved):
            return None
        with np.load(io.BytesIO(saved), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
            return cls(**json.loads(str(arrays.pop("facts"))), **arrays)


def _checksum(path: Path, content: bytes) -> bytes:
    """Return a checksum of the content of a file under its name."""
    return hashlib.sha256(path.name.encode() + content).digest()


class KeptFolds:
    """The finished folds of a plan, kept in a directory for the next run.

    A fold that cannot be written does not stop the comparison: ``failure`` says why, and is empty without one.
    """

    def __init__(self, directory: Path, plan: Plan) -> None:
        self._directory = directory
        self._digest = _digest_of(plan)
        self.failure = ""

    def load(self, booster: Booster, index: int) -> Fold | None:
        """Return a kept fold, or None."""
        return Fold.load(self.path(booster, index))

    def save(self, booster: Booster, fold: Fold) -> None:
        """Keep a fold."""
        try:
            fold.save(self.path(booster, fold.index))
        except OSError as error:
            self.failure = f"folds ({error.strerror})"

    def path(self, booster: Booster, index: int) -> Path:
        """Return a path that is the same only if the results of the fold are the same."""
        facts = json.dumps([self._digest, asdict(booster)], sort_keys=True, default=repr)
        digest = hashlib.sha256(facts.encode()).hexdigest()[:16]
        return self._directory / f"{booster.name}-{index + 1}-{digest}.npz"


def _digest_of(plan: Plan) -> str:
    """Return a digest of everything that the results of a fold depend on, beside the booster and the index."""
    facts = {
        "format": _FORMAT,
        "focal_boost": __version__,
        "contenders": [asdict(contender) for contender in (*plan.contenders, *plan.candidates)],
        "folds": [plan.n_folds, plan.seed],
        "data": plan.problem.fingerprint,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
