"""The cross-validation: the same folds for all contenders, each finished fold kept on disk where asked.

It reports progress through a call-back and knows nothing of how it is shown.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold

import focal_boost
from focal_boost._compare._contenders import CHOSEN, Booster, Contender, Trained
from focal_boost._compare._data import InputError, Problem
from focal_boost._compare._scores import best_thresholds, log_loss, score
from focal_boost.losses._kernel import Array

INNER_FOLDS = 3
HELD_OUT = 0.2
# Part of the digest: raised when a fold would come out otherwise with the same input.
_FORMAT = 1


@dataclass(frozen=True)
class Fold:
    """What one booster's contenders did on one fold.

    ``proba`` and ``uncalibrated`` are float32 of shape (n_contenders, n_test, K), in the order of ``contenders``.
    """

    booster: str
    index: int
    contenders: list[str]
    scores: list[dict[str, float]]
    n_rounds: list[int]
    chosen: str | None
    warnings: list[str]
    test: Array
    proba: Array
    uncalibrated: Array

    def save(self, path: Path) -> None:
        """Write to ``path``, whole or not at all."""
        facts = json.dumps(
            {name: value for name, value in vars(self).items() if not isinstance(value, np.ndarray)}
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        with part.open("wb") as file:
            np.savez_compressed(
                file, facts=facts, test=self.test, proba=self.proba, uncalibrated=self.uncalibrated
            )
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> Fold | None:
        """Return what `save` wrote, None where there is nothing to read."""
        try:
            # np.load leaves a file open that it cannot read, where it opens it itself.
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                arrays = {name: file[name] for name in ("test", "proba", "uncalibrated")}
                return cls(**json.loads(str(file["facts"])), **arrays)
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
            return None


@dataclass(frozen=True)
class Plan:
    """What is to be compared on which folds."""

    problem: Problem
    boosters: tuple[Booster, ...]
    contenders: tuple[Contender, ...]
    candidates: tuple[Contender, ...]  # of which inner cross-validation chooses
    n_folds: int
    seed: int

    def __post_init__(self) -> None:
        counts = np.bincount(self.problem.y)
        rarest = int(counts.argmin())
        if counts[rarest] < self.n_folds:
            raise InputError(
                f"class {self.problem.classes[rarest]!r} has {counts[rarest]} rows, fewer than "
                f"{self.n_folds} folds: take fewer folds (3 are the least), join classes or leave the class out."
            )

    @property
    def chooses(self) -> bool:
        """Whether there is anything to choose from."""
        return len(self.candidates) > 1

    @property
    def n_fits(self) -> int:
        """Number of models to train."""
        inner = INNER_FOLDS * len(self.candidates) if self.chooses else 0
        return len(self.boosters) * self.n_folds * (len(self.contenders) + inner)

    def splits(self) -> Iterator[tuple[int, Array, Array]]:
        """Yield (fold, training rows, test rows)."""
        folds = StratifiedKFold(self.n_folds, shuffle=True, random_state=self.seed)
        for index, (train, test) in enumerate(folds.split(self.problem.y, self.problem.y)):
            yield index, train, test

    @cached_property
    def _digest_of_data(self) -> str:
        digest = hashlib.sha256()
        digest.update(pd.util.hash_pandas_object(self.problem.X, index=False).to_numpy().tobytes())
        digest.update(self.problem.y.astype(np.int64).tobytes())
        return digest.hexdigest()

    def file_name(self, booster: Booster, index: int) -> str:
        """Return a name that is the same only where the fold would come out the same."""
        facts = {
            "format": _FORMAT,
            "focal_boost": focal_boost.__version__,
            "booster": [booster.version, asdict(booster)],
            "contenders": [asdict(contender) for contender in (*self.contenders, *self.candidates)],
            "folds": [self.n_folds, index, self.seed],
            "data": [self._digest_of_data, *map(str, self.problem.X.dtypes)],
        }
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True, default=repr).encode()).hexdigest()
        return f"{booster.name}-{index + 1}-{digest[:16]}.npz"


@dataclass(frozen=True)
class Outcome:
    """The finished folds, and how it went."""

    folds: list[Fold]
    n_reused: int = 0
    interrupted: bool = False


def run(plan: Plan, directory: Path | None, advance: Callable[[int], Any]) -> Outcome:
    """Train everything; on an interrupt return the folds that are finished, if any is.

    ``directory`` keeps finished folds, and those found there are not trained again. ``advance`` is called with
    the number of models that have been dealt with.
    """
    outcome = Outcome([])
    try:
        for index, train, test in plan.splits():
            for booster in plan.boosters:
                path = directory / plan.file_name(booster, index) if directory else None
                fold = Fold.load(path) if path else None
                if fold is not None:
                    advance(plan.n_fits // (len(plan.boosters) * plan.n_folds))
                    outcome = replace(outcome, n_reused=outcome.n_reused + 1)
                else:
                    fold = _fold(plan, booster, index, train, test, advance)
                    if path:
                        fold.save(path)
                outcome.folds.append(fold)
    except KeyboardInterrupt:
        if not outcome.folds:
            raise
        return replace(outcome, interrupted=True)
    return outcome


def _fold(
    plan: Plan, booster: Booster, index: int, train: Array, test: Array, advance: Callable[[int], Any]
) -> Fold:
    X, y = plan.problem.X, plan.problem.y
    random = np.random.default_rng([plan.seed, index])
    fit, stop = hold_out(y, train, random)
    X_test, X_stop = X.iloc[test], X.iloc[stop]
    scores, n_rounds, proba, uncalibrated, told = [], [], [], [], []
    for contender in plan.contenders:
        trained, said = _train(booster, contender, X, y, fit, stop)
        told += [text for text in said if text not in told]
        proba.append(trained.predict_proba(X_test))
        uncalibrated.append(trained.predict_uncalibrated(X_test))
        scores.append(score(y[test], proba[-1], best_thresholds(y[stop], trained.predict_proba(X_stop))))
        n_rounds.append(trained.n_rounds)
        advance(1)
    names = [contender.name for contender in plan.contenders]
    chosen = None
    if plan.chooses:
        chosen = _choose(plan, booster, train, random, advance).name
        i = names.index(chosen)
        names.append(CHOSEN)
        scores.append(scores[i])
        n_rounds.append(n_rounds[i])
        proba.append(proba[i])
        uncalibrated.append(uncalibrated[i])
    return Fold(
        booster.name,
        index,
        names,
        scores,
        n_rounds,
        chosen,
        told,
        test,
        np.asarray(proba, dtype=np.float32),
        np.asarray(uncalibrated, dtype=np.float32),
    )


def _train(
    booster: Booster, contender: Contender, X: pd.DataFrame, y: Array, fit: Array, stop: Array
) -> tuple[Trained, list[str]]:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            trained = booster.train(contender, X.iloc[fit], y[fit], X.iloc[stop], y[stop])
        except InputError:
            raise
        except Exception as error:
            text = " ".join(str(error).split())[:300]
            raise InputError(f"{booster.title} could not train {contender.name!r}: {text}") from error
    told = [f"{booster.title}, {contender.name}: {w.message}" for w in said if w.category is UserWarning]
    return trained, [" ".join(text.split())[:200] for text in told]


def _choose(
    plan: Plan, booster: Booster, train: Array, random: np.random.Generator, advance: Callable[[int], Any]
) -> Contender:
    """Return the candidate of the smallest log loss over inner folds of the training rows."""
    X, y = plan.problem.X, plan.problem.y
    totals = np.zeros(len(plan.candidates))
    for fit, stop in inner_folds(y, train, random):
        for i, candidate in enumerate(plan.candidates):
            trained, _ = _train(booster, candidate, X, y, fit, stop)
            totals[i] += log_loss(y[stop], trained.predict_proba(X.iloc[stop])) * len(stop)
            advance(1)
    return plan.candidates[int(totals.argmin())]


def hold_out(y: Array, rows: Array, random: np.random.Generator) -> tuple[Array, Array]:
    """Split rows so that each class gives a fifth, rounded down: a class of four rows or less gives none."""
    held_out = []
    for c in np.unique(y[rows]):
        of_class = random.permutation(rows[y[rows] == c])
        held_out.append(of_class[: int(HELD_OUT * len(of_class))])
    stop = np.sort(np.concatenate(held_out))
    if len(stop) == 0:
        raise InputError("no class has five rows to train on: too few for early stopping; get more data.")
    return np.setdiff1d(rows, stop), stop


def inner_folds(y: Array, rows: Array, random: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    """Yield (fit, stop) of each inner fold; a class always leaves rows to fit, it has two at least."""
    with warnings.catch_warnings():
        # Classes with fewer rows than inner folds are absent from some: that is meant.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        folds = StratifiedKFold(INNER_FOLDS, shuffle=True, random_state=int(random.integers(2**31)))
        splits = list(folds.split(rows, y[rows]))
    for fit, stop in splits:
        yield rows[fit], rows[stop]
