"""The cross-validation: the same folds for all contenders, with finished folds optionally stored on disk.

Progress is reported through a callback; this module does not depend on its display.
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
from joblib import Parallel, delayed

from focal_boost.comparison._contenders import CHOSEN, Booster, Contender, Result
from focal_boost.comparison._data import InputError, Problem, one_line
from focal_boost.comparison._fold import Fold, KeptFolds
from focal_boost.comparison._plan import Plan, hold_out, inner_folds
from focal_boost.comparison.scores import best_thresholds, log_loss, score

_Task = tuple[Contender, npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any] | None]
_Outcome = tuple[Result, list[str]]
_Each = Callable[[Iterable[Any]], Iterator[Any]]


def run(plan: Plan, kept: KeptFolds | None, advance: Callable[[int], Any]) -> list[Fold]:
    """Train all models and return the folds; after an interrupt, the finished ones.

    Folds in ``kept`` are reused, and finished folds are stored there. ``advance`` is called with the number of
    models finished since the last call. An interrupt before the first finished fold is raised.
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
    """Defer Ctrl-C until the current model is trained; a second Ctrl-C takes effect immediately.

    Yields a function that iterates over the results of models, advances the progress and raises a deferred
    interrupt after each result. Without deferral, KeyboardInterrupt may be raised inside a callback of a booster,
    where it would be lost and make training fail.
    """
    pressed = False

    def defer(*signal_and_frame: object) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    def each(results: Iterable[Any]) -> Iterator[Any]:
        for result in results:
            advance(1)
            if pressed:
                raise KeyboardInterrupt
            yield result

    if threading.current_thread() is not threading.main_thread():  # only the main thread can set handlers
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
    y = plan.problem.y
    random = np.random.default_rng([plan.seed + index // plan.n_folds, index % plan.n_folds])
    fit, stop = hold_out(y, train, random)
    tasks: list[_Task] = [(contender, fit, stop, test) for contender in plan.contenders]
    if plan.chooses:
        for inner_fit, inner_stop in inner_folds(y, train, random):
            tasks += [(candidate, inner_fit, inner_stop, None) for candidate in plan.candidates]
    # With one job, each task runs in this process when its result is requested.
    models = Parallel(n_jobs=plan.jobs, return_as="generator", max_nbytes="10M")
    outcomes: list[_Outcome] = list(each(models(delayed(_train)(booster, plan.problem, *task) for task in tasks)))
    n = len(plan.contenders)
    results = [result for result, _ in outcomes[:n]]
    messages = [message for _, new in outcomes[:n] for message in new]
    thresholds = [best_thresholds(y[stop], result.proba_stop) for result in results]
    rows = [
        {
            "booster": booster.name,
            "contender": contender.name,
            "fold": index,
            **score(y[test], result.proba, threshold),
            "n_rounds": result.n_rounds,
            "seconds": result.seconds,
        }
        for contender, result, threshold in zip(plan.contenders, results, thresholds, strict=True)
    ]
    chosen = None
    if plan.chooses:
        inner = list(zip(tasks[n:], [result for result, _ in outcomes[n:]], strict=True))
        losses = dict.fromkeys(plan.candidates, 0.0)
        for (candidate, _, inner_stop, _), result in inner:
            losses[candidate] += log_loss(y[inner_stop], result.proba_stop) * len(inner_stop)
        best = min(losses, key=lambda candidate: losses[candidate])
        chosen = best.name
        i = plan.contenders.index(best)
        seconds = results[i].seconds + sum(result.seconds for _, result in inner)
        rows.append({**rows[i], "contender": CHOSEN, "seconds": seconds})
        results.append(results[i])
        thresholds.append(thresholds[i])
    return Fold(
        booster=booster.name,
        index=index,
        rows=rows,
        curves=[[round(value, 6) for value in result.curve] for result in results],
        chosen=chosen,
        warnings=list(dict.fromkeys(messages)),
        test=test,
        proba=np.asarray([result.proba for result in results], dtype=np.float32),
        uncalibrated=np.asarray([result.uncalibrated for result in results], dtype=np.float32),
        thresholds=np.asarray(thresholds),
    )


def _train(
    booster: Booster,
    problem: Problem,
    contender: Contender,
    fit: npt.NDArray[Any],
    stop: npt.NDArray[Any],
    test: npt.NDArray[Any] | None,
) -> _Outcome:
    """Return the result of one model, and the messages of its UserWarnings."""
    X, y = problem.X, problem.y
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            X_test = None if test is None else X.iloc[test]
            result = booster.evaluate(contender, X.iloc[fit], y[fit], X.iloc[stop], y[stop], X_test)
        except Exception as error:
            raise InputError(f"{booster.title} could not train {contender.name!r}: {one_line(error)}") from error
    return result, [
        one_line(f"{booster.title}, {contender.name}: {warning.message}")
        for warning in caught
        if warning.category is UserWarning
    ]
