"""Is focal loss worth it on my data? An honest comparison with the boosters' own log loss, and its report."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from focal_boost._compare._comparison import Comparison
from focal_boost._compare._contenders import CLASS_WEIGHTS, Alpha, make_booster, make_contenders
from focal_boost._compare._data import InputError, Problem, from_arrays
from focal_boost._compare._run import Plan, run
from focal_boost.losses import BinaryFocalLoss, MulticlassFocalLoss

GAMMAS = (0.0, 0.5, 1.0, 2.0, 5.0)

__all__ = ["Comparison", "InputError", "Plan", "carry_out", "compare", "make_plan"]


def compare(
    X: Any,
    y: Any,
    *,
    booster: str | Sequence[str] = "xgboost",
    gamma: float | Sequence[float] = GAMMAS,
    alpha: Alpha | Sequence[Alpha] = None,
    folds: int = 5,
    positive: Any = None,
    params: Mapping[str, Any] | None = None,
    seed: int = 0,
    out: Any = None,
    progress: bool = False,
) -> Comparison:
    """Compare focal losses with the built-in log loss by cross-validation, and say what the figures allow to say.

    The contenders: the booster's own log loss, the same with balanced class weights, the focal loss of each gamma
    and alpha, and the focal loss whose parameters are chosen by inner cross-validation. All are trained on the
    same folds, with early stopping on the same rows held out of the training part.

    Parameters
    ----------
    X : data frame or array-like of shape (n_samples, n_features)
        Strings become categories; dates and identifiers are left out and noted; missing values stay. Numbers stay
        numbers (the command, whose files have no types, takes whole numbers of 3 to 10 values as categories).
    y : array-like of shape (n_samples,)
        Class labels, 2 to 200 classes, each with at least ``folds`` rows.
    booster : {"xgboost", "lightgbm"} or sequence of these, default="xgboost"
        Which to train.
    gamma : float or sequence of float, default=(0, 0.5, 1, 2, 5)
        Focusing parameters to try, >= 0. 0 without alpha is the built-in log loss.
    alpha : None, "balanced", float in (0, 1), or sequence of these, default=None
        Class weights to try with each gamma; a float weighs the positive of two classes.
    folds : int, default=5
        At least 3. Ten see smaller differences than five.
    positive : label, optional
        The positive class. By default the rarer one of two; of more classes, the one named against the rest.
    params : dict, optional
        Parameters of the boosters, over ``n_estimators=1000, learning_rate=0.1`` and ``early_stopping_rounds=25``;
        or a dict of these by booster.
    seed : int, default=0
        Of folds and boosters.
    out : path-like, optional
        Directory for results, picture and report. Finished folds are kept there and used again.
    progress : bool, default=False
        Whether to show a progress bar.

    Returns
    -------
    comparison : Comparison
        With the data frames ``scores``, ``summary`` and ``differences``, the texts ``verdict`` and ``script``, and
        ``plot()``.

    Raises
    ------
    ValueError
        On an argument or data that cannot be compared, before anything is trained.

    Notes
    -----
    An interrupt (Ctrl-C) after the first fold returns what is finished, with a warning. Rows are taken to be
    independent: folds of grouped or time-ordered rows flatter every contender.

    References
    ----------
    C. Nadeau, Y. Bengio, "Inference for the Generalization Error", Machine Learning 52, 2003,
    `doi:10.1023/A:1024068626366 <https://doi.org/10.1023/A:1024068626366>`_.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> import focal_boost
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> comparison = focal_boost.compare(X, y, gamma=2, folds=3, params={"n_estimators": 20})
    >>> list(comparison.summary.loc["xgboost"].index)
    ['log loss (gamma 0)', 'class weights', 'gamma 2']
    >>> comparison.best
    ('xgboost', 'log loss (gamma 0)')
    """
    problem = from_arrays(X, y, positive)
    plan = make_plan(problem, booster, gamma, alpha, folds, params, seed)
    if not progress:
        return carry_out(plan, out, lambda n: None)
    from focal_boost._compare._progress import bar

    with bar(plan.n_fits) as advance:
        return carry_out(plan, out, advance)


def make_plan(
    problem: Problem,
    booster: str | Sequence[str],
    gamma: float | Sequence[float],
    alpha: Alpha | Sequence[Alpha],
    folds: int,
    params: Mapping[str, Any] | None,
    seed: int,
) -> Plan:
    """Return what is to be done, all arguments checked."""
    names, gammas, alphas = _several(booster), _several(gamma), _several(alpha)
    for name, values in (("booster", names), ("gamma", gammas), ("alpha", alphas)):
        if not values:
            raise InputError(f"{name} must have at least one value; got none.")
    if folds < 3:
        raise InputError(f"folds must be 3 or more: fewer say nothing of the spread; got {folds}.")
    if seed < 0:
        raise InputError(f"seed must be 0 or more; got {seed}.")
    n_classes = len(problem.classes)
    for one_gamma in gammas:
        for one_alpha in alphas:
            _check(one_gamma, one_alpha, n_classes)
    n_cells = problem.X.size
    categories = any(str(dtype) == "category" for dtype in problem.X.dtypes)
    boosters = tuple(make_booster(name, params, n_cells, categories, seed) for name in names)
    contenders = make_contenders([float(gamma) for gamma in gammas], alphas)
    # The log loss is there to be compared with; it is a candidate only where gamma 0 was asked for.
    candidates = [
        c for c in contenders if c != CLASS_WEIGHTS and (not c.built_in or (0 in gammas and None in alphas))
    ]
    return Plan(problem, boosters, tuple(contenders), tuple(candidates), folds, seed)


def _several(value: Any) -> list[Any]:
    """Return the values of a sequence once each, or the single value."""
    return list(dict.fromkeys([value] if value is None or isinstance(value, str) or _is_number(value) else value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number)


def _check(gamma: Any, alpha: Any, n_classes: int) -> None:
    """Raise InputError for what the losses refuse."""
    if not _is_number(gamma):
        raise InputError(f"gamma must be a number or a sequence of numbers; got {gamma!r}.")
    if not (alpha is None or alpha == "balanced" or _is_number(alpha)):
        raise InputError(f"alpha must be None, 'balanced' or a float in (0, 1); got {alpha!r}.")
    weights = None if alpha == "balanced" else alpha
    try:
        BinaryFocalLoss(gamma, weights) if n_classes == 2 else MulticlassFocalLoss(n_classes, gamma, weights)
    except (TypeError, ValueError) as error:
        raise InputError(str(error)) from error


def carry_out(plan: Plan, out: Any, advance: Callable[[int], Any]) -> Comparison:
    """Train, and write the results to the directory ``out`` if there is one."""
    directory = None
    if out is not None:
        directory = Path(out)
        try:
            (directory / "folds").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"out {str(out)!r} cannot be a directory: {error.strerror}.") from error
    outcome = run(plan, directory / "folds" if directory else None, advance)
    comparison = Comparison(plan, outcome)
    if outcome.interrupted:
        warnings.warn(
            f"Interrupted: {comparison.n_finished} of {plan.n_folds} folds are finished; the figures are theirs.",
            UserWarning,
            stacklevel=2,
        )
    if directory:
        comparison.save(directory)
    return comparison
