"""Is focal loss worth it on my data? The comparison as a function."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from focal_boost.comparison._comparison import Comparison
from focal_boost.comparison._contenders import Alpha
from focal_boost.comparison._data import InputError, from_arrays
from focal_boost.comparison._fold import KeptFolds
from focal_boost.comparison._plan import GAMMAS, Plan, make_plan
from focal_boost.comparison._run import run


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
    """Compare focal losses with the built-in log loss by cross-validation.

    The contenders are the booster's own log loss, the same with balanced class weights, the focal loss with each
    gamma and alpha, and the focal loss whose parameters inner cross-validation chooses. All are trained on the
    same folds, with early stopping on the same held-out part of the training rows.

    Parameters
    ----------
    X : data frame or array-like of shape (n_samples, n_features)
        Strings become categories; dates and identifiers are left out and noted; missing values stay. Numbers stay
        numbers (the command, whose files have no types, uses whole numbers with 3 to 10 values as categories).
    y : array-like of shape (n_samples,)
        Class labels, 2 to 200 classes, each with at least ``folds`` rows.
    booster : {"xgboost", "lightgbm"} or sequence of these, default="xgboost"
        The boosters to train.
    gamma : float or sequence of float, default=(0, 0.5, 1, 2, 5)
        Focusing parameters to try, >= 0. 0 without alpha is the built-in log loss.
    alpha : None, "balanced", float in (0, 1), or sequence of these, default=None
        Class weights to try with each gamma; a float is the weight of the positive of two classes.
    folds : int, default=5
        At least 3. Ten folds detect smaller differences than five.
    positive : label, optional
        The positive class, by default the rarer of two. With more classes, the one to separate from all others.
    params : dict, optional
        Parameters of the boosters, over ``n_estimators=1000, learning_rate=0.1`` and ``early_stopping_rounds=25``;
        or such a dict for each booster.
    seed : int, default=0
        Seed of folds and boosters.
    out : path-like, optional
        Directory for results, figure and report. Finished folds are kept there and reused.
    progress : bool, default=False
        Whether to show a progress bar, which needs the package rich.

    Returns
    -------
    comparison : Comparison
        The data frames ``scores``, ``summary`` and ``differences``, the texts ``verdict`` and ``script``, and the
        figure ``plot()``.

    Raises
    ------
    ValueError
        If an argument or the data cannot be compared, before the cross-validation starts.

    Warns
    -----
    UserWarning
        After an interrupt (Ctrl-C), with the result of the finished folds. Before the first, it raises. Also if
        files in ``out`` cannot be written.

    Notes
    -----
    Rows are assumed to be independent: with grouped or time-ordered rows, all scores are too optimistic.

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
    plan = make_plan(from_arrays(X, y, positive), booster, gamma, alpha, folds, params, seed)
    if progress:
        from focal_boost.comparison._progress import bar

        with bar(plan.n_fits) as advance:
            comparison = run_plan(plan, out, advance)
    else:
        comparison = run_plan(plan, out)
    for message in filter(None, (comparison.interruption, comparison.unsaved)):
        warnings.warn(message, UserWarning, stacklevel=2)
    return comparison


def run_plan(plan: Plan, out: Any = None, advance: Callable[[int], Any] = lambda n: None) -> Comparison:
    """Train all models and save the result in the directory ``out``, if given."""
    if out is None:
        return Comparison(plan, run(plan, None, advance))
    if not isinstance(out, str | os.PathLike) or not os.fspath(out):
        raise InputError(f"out must be the path of a directory; got {out!r}.")
    directory = Path(out)
    try:
        (directory / "folds").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"out {str(out)!r} cannot be a directory: {error.strerror}.") from error
    kept = KeptFolds(directory / "folds", plan)
    comparison = Comparison(plan, run(plan, kept, advance))
    failures = [kept.failure] if kept.failure else []
    try:
        comparison.save(directory)
    except OSError as error:
        failures.append(str(error))
    if failures:
        comparison.unsaved = f"Not saved in {str(out)!r}: {'; '.join(failures)}."
    return comparison
