"""The comparison as a function."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from focal_boost.comparison._comparison import Comparison
from focal_boost.comparison._contenders import Alpha
from focal_boost.comparison._data import InputError, Labels, from_arrays
from focal_boost.comparison._fold import KeptFolds
from focal_boost.comparison._plan import GAMMAS, Plan, make_plan
from focal_boost.comparison._run import run


def compare(
    X: Any,
    y: Any,
    *,
    booster: str | Sequence[str] | None = None,
    gamma: float | Sequence[float] = GAMMAS,
    alpha: Alpha | Sequence[Alpha] = None,
    folds: int = 5,
    repeats: int = 1,
    positive: Any = None,
    exclude_class: Sequence[Any] = (),
    min_rows: int = 0,
    categorical: Sequence[Any] = (),
    cost_ratio: float | None = None,
    params: Mapping[str, Any] | None = None,
    jobs: int = 1,
    seed: int = 0,
    out: Any = None,
    progress: bool = False,
) -> Comparison:
    """Compare focal losses with the built-in log loss by cross-validation.

    The contenders are the booster's own log loss, the log loss with balanced class weights (with uncorrected and
    with corrected probabilities), the focal loss with each gamma and alpha, and the focal loss with the gamma and
    alpha chosen by inner cross-validation. All are trained on the same folds, with early stopping on the same
    held-out part of the training rows.

    Parameters
    ----------
    X : data frame or array-like of shape (n_samples, n_features)
        skrub infers the types of the columns: strings become categories and dates become numbers. Numbers and
        missing values are unchanged. Identifiers, free text and constant columns are dropped with a note.
    y : array-like of shape (n_samples,)
        Class labels, 2 to 200 classes, each with at least ``folds`` rows.
    booster : {"xgboost", "lightgbm", "both"} or sequence of these, optional
        The boosters to train, by default the first one that is installed.
    gamma : float or sequence of float, default=(0, 0.5, 1, 2, 5)
        Focusing parameters to try, >= 0. 0 without alpha is the built-in log loss.
    alpha : None, "balanced", float in (0, 1), or sequence of these, default=None
        Class weights to try with each gamma; a float is the weight of the positive of two classes.
    folds : int, default=5
        Number of folds, at least 3. Ten folds detect smaller differences than five.
    repeats : int, default=1
        Number of repetitions of the cross-validation, each with other folds.
    positive : label, optional
        The positive class, by default the rarer of two. With more classes, all others become the negative class.
    exclude_class : sequence of labels, default=()
        Classes to leave out.
    min_rows : int, default=0
        Classes with fewer rows are left out.
    categorical : sequence of column names, default=()
        Numeric columns that contain categories.
    cost_ratio : float, optional
        With two classes, the cost of a missed positive as a multiple of that of a false alarm, by default the
        number of negatives per positive.
    params : dict, optional
        Parameters for all boosters, or one dict per booster by its name. Defaults of the comparison are
        ``n_estimators=1000``, ``learning_rate=0.1`` and ``early_stopping_rounds=25``.
    jobs : int, default=1
        Number of models to train in parallel, -1 for the number of processors.
    seed : int, default=0
        Seed of the folds and of the boosters.
    out : path-like, optional
        Directory for the results and the report. Finished folds are stored there, and reused by the same call.
    progress : bool, default=False
        Whether to show the progress, which requires the package rich.

    Returns
    -------
    comparison : Comparison
        The data frames ``scores``, ``summary`` and ``differences``, the texts ``verdict`` and ``script``, the
        figure ``plot()`` and the unfitted ``estimator()``.

    Raises
    ------
    ValueError
        If an argument or the data are invalid. Raised before the cross-validation starts.

    Warns
    -----
    UserWarning
        If Ctrl-C interrupted the comparison; the result is that of the finished folds. Without a finished fold,
        KeyboardInterrupt is raised. Also if files in ``out`` cannot be written.

    Notes
    -----
    Rows are assumed to be independent: with grouped or time-ordered rows, all scores are too optimistic.

    Integers are not treated as categories unless requested. Doing so for columns with 3 to 10 values changed the
    log loss of XGBoost by a factor of 1.000 to 1.026 and that of LightGBM by 0.975 to 0.998 (four data sets with 5
    to 78 such columns).

    References
    ----------
    C. Nadeau, Y. Bengio, "Inference for the Generalization Error", Machine Learning 52, 2003,
    `doi:10.1023/A:1024068626366 <https://doi.org/10.1023/A:1024068626366>`_. For repeated cross-validation:
    R. Bouckaert, E. Frank, "Evaluating the Replicability of Significance Tests for Comparing Learning Algorithms",
    PAKDD 2004, `doi:10.1007/978-3-540-24775-3_3 <https://doi.org/10.1007/978-3-540-24775-3_3>`_.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> import focal_boost
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> comparison = focal_boost.compare(X, y, gamma=2, folds=3, params={"n_estimators": 20})
    >>> list(comparison.summary.loc["xgboost"].index)
    ['log loss (gamma 0)', 'class weights', 'class weights, corrected', 'gamma 2']
    >>> comparison.best
    ('xgboost', 'log loss (gamma 0)')
    """
    labels = Labels(positive, _labels("exclude_class", exclude_class), min_rows)
    plan = make_plan(
        from_arrays(X, y, labels, _labels("categorical", categorical)),
        booster=booster,
        gamma=gamma,
        alpha=alpha,
        folds=folds,
        repeats=repeats,
        params=params,
        cost_ratio=cost_ratio,
        jobs=jobs,
        seed=seed,
    )
    if progress:
        from focal_boost.comparison import _progress

        with _progress.progress(plan.n_fits, plan.n_fits_per_fold) as advance:
            comparison = run_plan(plan, out, advance)
    else:
        comparison = run_plan(plan, out)
    for message in filter(None, (comparison.interruption, comparison.unsaved)):
        warnings.warn(message, UserWarning, stacklevel=2)
    return comparison


def _labels(name: str, values: Any) -> list[Any]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InputError(f"{name} must be a sequence; got {values!r}: write [{values!r}].")
    return list(values)


def run_plan(
    plan: Plan, out: Any = None, advance: Callable[[int], Any] = lambda n: None, command: str = ""
) -> Comparison:
    """Train all models, and save the result in the directory ``out`` if one is given."""
    if out is None:
        return Comparison(plan, run(plan, None, advance), command)
    if not isinstance(out, str | os.PathLike) or not os.fspath(out):
        raise InputError(f"out must be the path of a directory; got {out!r}.")
    directory = Path(out)
    try:
        (directory / "folds").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"out {str(out)!r} cannot be a directory: {error.strerror}.") from error
    kept = KeptFolds(directory / "folds", plan)
    comparison = Comparison(plan, run(plan, kept, advance), command)
    failures = [kept.failure] if kept.failure else []
    try:
        comparison.save(directory)
    except OSError as error:
        failures.append(str(error))
    if failures:
        comparison.unsaved = f"Not saved in {str(out)!r}: {'; '.join(failures)}."
    return comparison
