"""The results of one fold, and the file that keeps them for the next run."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from focal_boost._version import __version__
from focal_boost.comparison._contenders import Booster
from focal_boost.comparison._plan import Plan

# Part of the digest: raise it when the same input would give another fold.
_FORMAT = 1


@dataclass(frozen=True)
class Fold:
    """The results of one booster's contenders on one fold.

    ``rows`` are the rows of `Comparison.scores`, one per contender. ``proba`` and ``uncalibrated`` are float32 of
    shape (n_contenders, n_test, K), in the same order.
    """

    booster: str
    index: int
    rows: list[dict[str, Any]]
    chosen: str | None
    warnings: list[str]
    test: npt.NDArray[Any]
    proba: npt.NDArray[Any]
    uncalibrated: npt.NDArray[Any]

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
        part = path.with_suffix(f".{os.getpid()}.part")
        with part.open("wb") as file:
            np.savez_compressed(file, facts=json.dumps(facts), **arrays)
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> Fold | None:
        """Return the saved fold, None if there is none or it cannot be read."""
        try:
            # Given a path, np.load leaves the file open if it cannot read it.
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
                return cls(**json.loads(str(arrays.pop("facts"))), **arrays)
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
            return None


def digest_of(plan: Plan) -> str:
    """Return a digest of everything that the results of a fold depend on, beside the booster and the index."""
    facts = {
        "format": _FORMAT,
        "focal_boost": __version__,
        "contenders": [asdict(contender) for contender in (*plan.contenders, *plan.candidates)],
        "folds": [plan.n_folds, plan.seed],
        "dtypes": [str(dtype) for dtype in plan.problem.X.dtypes],
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    digest.update(pd.util.hash_pandas_object(plan.problem.X, index=False).to_numpy().tobytes())
    digest.update(plan.problem.y.astype(np.int64).tobytes())
    return digest.hexdigest()


def file_name(digest: str, booster: Booster, index: int) -> str:
    """Return a file name that is the same only if the results of the fold are the same."""
    facts = json.dumps([digest, asdict(booster)], sort_keys=True, default=repr)
    return f"{booster.name}-{index + 1}-{hashlib.sha256(facts.encode()).hexdigest()[:16]}.npz"
