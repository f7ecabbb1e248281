"""The plan of a comparison: validated arguments, and the training and test rows of each model."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedKFold

from focal_boost.comparison._contenders import (
    Alpha,
    Booster,
    Contender,
    check_names,
    default_booster,
    make_booster,
    make_contenders,
)
from focal_boost.comparison._data import InputError, Problem, is_integer, one_line
from focal_boost.losses import BinaryFocalLoss, MulticlassFocalLoss

GAMMAS = (0.0, 0.5, 1.0, 2.0, 5.0)
INNER_FOLDS = 3
HELD_OUT = 0.2
MAX_SEED = 2**32 - 1  # NumPy's

_Split = tuple[npt.NDArray[Any], npt.NDArray[Any]]


@dataclass(frozen=True)
class Plan:
    """The contenders and the folds of a comparison."""

    problem: Problem
    boosters: tuple[Booster, ...]
    contenders: tuple[Contender, ...]
    candidates: tuple[Contender, ...]  # for the inner cross-validation
    n_folds: int
    n_repeats: int
    seed: int
    jobs: int
    cost_ratio: float | None  # cost of a missed positive in false alarms; None with more than two classes

    @property
    def n_splits(self) -> int:
        """Number of folds in all repeats."""
        return self.n_folds * self.n_repeats

    @property
    def chooses(self) -> bool:
        """Whether inner cross-validation chooses among several candidates."""
        return len(self.candidates) > 1

    @property
    def n_fits_per_fold(self) -> int:
        """Number of models to train in one fold of one booster."""
        return len(self.contenders) + (INNER_FOLDS * len(self.candidates) if self.chooses else 0)

    @property
    def n_fits(self) -> int:
        """Number of models to train."""
        return len(self.boosters) * self.n_splits * self.n_fits_per_fold

    def splits(self) -> Iterator[_Split]:
        """Yield (training rows, test rows) of each fold."""
        for repeat in range(self.n_repeats):
            folds = StratifiedKFold(self.n_folds, shuffle=True, random_state=(self.seed + repeat) % (MAX_SEED + 1))
            yield from folds.split(self.problem.y, self.problem.y)


def make_plan(
    problem: Problem,
    *,
    booster: str | Sequence[str] | None = None,
    gamma: float | Sequence[float] = GAMMAS,
    alpha: Alpha | Sequence[Alpha] = None,
    folds: int = 5,
    repeats: int = 1,
    params: Mapping[str, Any] | None = None,
    cost_ratio: float | None = None,
    jobs: int = 1,
    seed: int = 0,
) -> Plan:
    """Validate all arguments and return the plan."""
    names = check_names(_as_list("booster", default_booster() if booster is None else booster))
    gammas, alphas = _as_list("gamma", gamma), _as_list("alpha", alpha)
    for name, value, least, most in [
        ("folds", folds, 3, None),
        ("repeats", repeats, 1, None),
        ("seed", seed, 0, MAX_SEED),
    ]:
        if not is_integer(value) or value < least or (most is not None and value > most):
            allowed = f"{least} or more" if most is None else f"from {least} to {most}"
            raise InputError(f"{name} must be an integer{',' * (most is None)} {allowed}; got {value!r}.")
    if not is_integer(jobs) or (jobs < 1 and jobs != -1):
        raise InputError(f"jobs must be a positive integer, or -1 for all processors; got {jobs!r}.")
    folds, repeats, seed, jobs = int(folds), int(repeats), int(seed), int(jobs)  # JSON rejects NumPy integers
    for one_gamma in gammas:
        for one_alpha in alphas:
            _check_loss(one_gamma, one_alpha, len(problem.classes))
    _check_counts(problem, folds)
    cost_ratio = _cost_ratio(problem, cost_ratio)
    boosters = tuple(make_booster(name, params, problem, seed, jobs) for name in names)
    gammas = [float(gamma) for gamma in gammas]
    alphas = [float(alpha) if _is_number(alpha) else alpha for alpha in alphas]
    return Plan(problem, boosters, *make_contenders(gammas, alphas), folds, repeats, seed, jobs, cost_ratio)


def _cost_ratio(problem: Problem, ratio: Any) -> float | None:
    """Return the validated cost ratio, by default negatives per positive; None with more than two classes."""
    counts = np.bincount(problem.y)
    if len(counts) > 2:
        if ratio is not None:
            raise InputError(f"cost_ratio {ratio!r} needs two classes: name the positive one, or omit cost_ratio.")
        return None
    if ratio is None:
        return float(counts[0] / counts[1])
    if not _is_number(ratio) or isinstance(ratio, bool) or not 0 < ratio < float("inf"):
        raise InputError(f"cost_ratio must be a positive number; got {one_line(repr(ratio))}.")
    return float(ratio)


def _check_counts(problem: Problem, folds: int) -> None:
    """Raise InputError for classes with too few rows."""
    counts = np.bincount(problem.y).tolist()
    small = [c for c, count in enumerate(counts) if count < folds]
    if small:
        rows = [f"{problem.classes[c]!r} ({counts[c]} row{'s' * (counts[c] > 1)})" for c in small]
        remedies = []
        if len(counts) - len(small) >= 2:
            remedies.append(f"leave them out with min_rows {folds} (--min-rows {folds})")
        if min(counts) >= 3:
            remedies.append(f"use at most {min(counts)} folds")
        remedy = " or ".join(remedies or ["provide more of their rows"])
        subject = "1 class has" if len(small) == 1 else f"{len(small)} classes have"
        raise InputError(
            f"{subject} fewer rows than the {folds} folds: {', '.join(rows)}; {remedy}. The minimum is 3 folds."
        )
    largest = max(counts)
    if largest - -(-largest // folds) < 5:
        raise InputError(
            f"Early stopping needs a class of five training rows; the largest class has {largest} rows: "
            "provide more data."
        )


def _as_list(name: str, value: Any) -> list[Any]:
    """Return the values of a sequence, or the single value."""
    try:
        values = [value] if isinstance(value, str) else list(value)
    except TypeError:
        values = [value]
    if not values:
        raise InputError(f"{name} must have at least one value; got none.")
    return values


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number)


def _check_loss(gamma: Any, alpha: Any, n_classes: int) -> None:
    """Raise InputError for parameters that the losses reject."""
    if not _is_number(gamma):
        raise InputError(f"gamma must be a number or a sequence of numbers; got {one_line(repr(gamma))}.")
    is_balanced = isinstance(alpha, str) and alpha == "balanced"
    if not (alpha is None or is_balanced or _is_number(alpha)):
        raise InputError(f"alpha must be None, 'balanced' or a float in (0, 1); got {one_line(repr(alpha))}.")
    weights = None if is_balanced else alpha
    try:
        BinaryFocalLoss(gamma, weights) if n_classes == 2 else MulticlassFocalLoss(n_classes, gamma, weights)
    except (TypeError, ValueError) as error:
        raise InputError(str(error)) from error


def hold_out(y: npt.NDArray[Any], rows: npt.NDArray[Any], random: np.random.Generator) -> _Split:
    """Hold out a fifth of each class, rounded down: nothing from a class with fewer than five rows."""
    held_out = []
    for c in np.unique(y[rows]):
        of_class = random.permutation(rows[y[rows] == c])
        held_out.append(of_class[: int(HELD_OUT * len(of_class))])
    stop = np.sort(np.concatenate(held_out))
    if len(stop) == 0:
        raise InputError("no class has five training rows, the minimum for early stopping: provide more data.")
    return np.setdiff1d(rows, stop), stop


def inner_folds(y: npt.NDArray[Any], rows: npt.NDArray[Any], random: np.random.Generator) -> Iterator[_Split]:
    """Yield (rows to fit, rows for early stopping) of each inner fold.

    Every class has at least two training rows, and therefore some to fit.
    """
    folds = StratifiedKFold(INNER_FOLDS, shuffle=True, random_state=int(random.integers(2**31)))
    with warnings.catch_warnings():
        # A class with fewer rows than inner folds is missing from some of them, which is intended.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        splits = list(folds.split(rows, y[rows]))
    for fit, stop in splits:
        yield rows[fit], rows[stop]
