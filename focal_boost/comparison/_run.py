"""The cross-validation: the same folds for all contenders, finished folds optionally kept on disk.

It reports progress through a callback and does not depend on how it is shown.
"""

from __future__ import annotations

import signal
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from focal_boost.comparison._contenders import CHOSEN, Booster, Contender, n_rounds, predict_uncalibrated
from focal_boost.comparison._data import InputError, Problem, one_line
from focal_boost.comparison._fold import Fold, KeptFolds
from focal_boost.comparison._plan import Plan, hold_out, inner_folds
from focal_boost.comparison.scores import best_thresholds, log_loss, score

_Each = Callable[[Iterable[Contender]], Iterator[Contender]]


def run(plan: Plan, kept: KeptFolds | None, advance: Callable[[int], Any]) -> list[Fold]:
    """Train all models and return the folds; after an interrupt those that are finished, if any.

    Folds in ``kept`` are reused, and finished folds kept there. ``advance`` is called with the number of models
    done since the last call.
    """
    folds: list[Fold] = []
    try:
        with _interruptible(advance) as each:
            for index, (train, test) in enumerate(plan.splits()):
                for booster in plan.boosters:
                    fold = kept.load(booster, index) if kept else None
                    if fold is not None:
                        advance(plan.n_fits_per_fold)
                    else:
                        fold = _fold(plan, booster, index, train, test, each)
                        if kept:
                            kept.save(booster, fold)
                    folds.append(fold)
    except KeyboardInterrupt:
        if not folds:
            raise
    return folds


@contextmanager
def _interruptible(advance: Callable[[int], Any]) -> Iterator[_Each]:
    """Defer Ctrl-C to the end of the model in training.

    Yields a function that iterates over contenders: it raises a deferred interrupt before each and advances the
    progress after it. Raised from a signal handler, KeyboardInterrupt would be lost if the interpreter happened to
    run a callback of a booster, and training would fail instead. A second Ctrl-C is not deferred.
    """
    pressed = False

    def defer(*signal_and_frame: object) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    def each(contenders: Iterable[Contender]) -> Iterator[Contender]:
        for contender in contenders:
            if pressed:
                raise KeyboardInterrupt
            yield contender
            advance(1)

    if threading.current_thread() is not threading.main_thread():  # where no handler can be set
        yield each
        return
    before = signal.signal(signal.SIGINT, defer)
    try:
        yield each
    finally:
        signal.signal(signal.SIGINT, before)


def _fold(
    plan: Plan, booster: Booster, index: int, train: npt.NDArray[Any], test: npt.NDArray[Any], each: _Each
) -> Fold:
    X, y = plan.problem.X, plan.problem.y
    random = np.random.default_rng([plan.seed, index])
    fit, stop = hold_out(y, train, random)
    rows, proba, uncalibrated, messages = [], [], [], []
    for contender in each(plan.contenders):
        model, new_messages = _train(booster, contender, plan.problem, fit, stop)
        messages += new_messages
        proba.append(model.predict_proba(X.iloc[test]))
        uncalibrated.append(predict_uncalibrated(model, X.iloc[test]))
        scores = score(y[test], proba[-1], best_thresholds(y[stop], model.predict_proba(X.iloc[stop])))
        names = {"booster": booster.name, "contender": contender.name, "fold": index}
        rows.append({**names, **scores, "n_rounds": n_rounds(model)})
    chosen = None
    if plan.chooses:
        chosen = _choose(plan, booster, train, random, each)
        i = [row["contender"] for row in rows].index(chosen)
        rows.append({**rows[i], "contender": CHOSEN})
        proba.append(proba[i])
        uncalibrated.append(uncalibrated[i])
    predictions = np.asarray(proba, dtype=np.float32), np.asarray(uncalibrated, dtype=np.float32)
    return Fold(booster.name, index, rows, chosen, list(dict.fromkeys(messages)), test, *predictions)


def _choose(
    plan: Plan, booster: Booster, train: npt.NDArray[Any], random: np.random.Generator, each: _Each
) -> str:
    """Return the name of the candidate with the smallest log loss over inner folds of the training rows."""
    X, y = plan.problem.X, plan.problem.y
    totals = dict.fromkeys((candidate.name for candidate in plan.candidates), 0.0)
    for fit, stop in inner_folds(y, train, random):
        for candidate in each(plan.candidates):
            model, _ = _train(booster, candidate, plan.problem, fit, stop)
            totals[candidate.name] += log_loss(y[stop], model.predict_proba(X.iloc[stop])) * len(stop)
    return min(totals, key=lambda name: totals[name])


def _train(
    booster: Booster, contender: Contender, problem: Problem, fit: npt.NDArray[Any], stop: npt.NDArray[Any]
) -> tuple[Any, list[str]]:
    """Return the model and the messages of its warnings."""
    X, y = problem.X, problem.y
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model = booster.train(contender, X.iloc[fit], y[fit], X.iloc[stop], y[stop])
        except Exception as error:
            raise InputError(f"{booster.title} could not train {contender.name!r}: {one_line(error)}") from error
    return model, [
        one_line(f"{booster.title}, {contender.name}: {warning.message}")
        for warning in caught
        if warning.category is UserWarning
    ]
