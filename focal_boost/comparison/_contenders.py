"""The contenders of the comparison and their training, with early stopping on held-out rows.

The only module of the comparison that knows the boosters.
"""

from __future__ import annotations

import importlib
import inspect
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from sklearn.utils.class_weight import compute_sample_weight

from focal_boost.classifier import FocalBoostClassifier
from focal_boost.comparison._data import InputError, Problem, is_integer, one_line

Alpha: TypeAlias = float | Literal["balanced"] | None

# For each package, its name as its authors write it, and its scikit-learn class.
TITLES = {"xgboost": "XGBoost", "lightgbm": "LightGBM"}
_CLASSES = {"xgboost": "XGBClassifier", "lightgbm": "LGBMClassifier"}


@dataclass(frozen=True)
class Contender:
    """A loss to train with: the built-in log loss, the same with class weights, or a focal loss."""

    name: str
    gamma: float = 0.0
    alpha: Alpha = None
    calibrated: bool = True

    @property
    def built_in(self) -> bool:
        """Whether the booster trains with its own objective."""
        return not self.calibrated or (not self.gamma and self.alpha is None)


LOG_LOSS = Contender("log loss (gamma 0)")
# As commonly used: weighted rows and uncorrected probabilities.
CLASS_WEIGHTS = Contender("class weights", alpha="balanced", calibrated=False)
# Trained separately, because early stopping selects another round. At the round selected for the corrected
# probabilities, the log loss of the uncorrected ones was 1.00 to 1.35 times as large as at their own (7 data sets,
# both boosters).
CORRECTED = Contender("class weights, corrected", alpha="balanced")
CHOSEN = "gamma chosen"


def gamma_text(gamma: float) -> str:
    """Return gamma with six significant digits, or all digits if it has more."""
    text = f"{gamma:g}"
    return text if float(text) == gamma else repr(gamma)


def make_contenders(
    gammas: Sequence[float], alphas: Sequence[Alpha]
) -> tuple[tuple[Contender, ...], tuple[Contender, ...]]:
    """Return all contenders, and the requested ones, among which inner cross-validation chooses."""
    named = {(contender.gamma, contender.alpha): contender for contender in (LOG_LOSS, CORRECTED)}
    candidates = []
    for alpha in alphas:
        for gamma in gammas:
            name = f"gamma {gamma_text(gamma)}" + ("" if alpha is None else f", alpha {alpha}")
            candidates.append(named.get((gamma, alpha), Contender(name, gamma, alpha)))
    contenders = dict.fromkeys((LOG_LOSS, CLASS_WEIGHTS, CORRECTED, *candidates))
    return tuple(contenders), tuple(dict.fromkeys(candidates))


@dataclass(frozen=True)
class Result:
    """The probabilities of a trained contender, and the course of its training.

    ``proba`` and ``uncalibrated`` are those of the test rows, ``proba_stop`` those of the rows for early stopping,
    all of shape (n, K); ``curve`` is the log loss on the rows for early stopping after each round.
    """

    proba: npt.NDArray[Any]
    uncalibrated: npt.NDArray[Any]
    proba_stop: npt.NDArray[Any]
    curve: list[float]
    n_rounds: int
    seconds: float


@dataclass(frozen=True)
class Booster:
    """A booster with its parameters."""

    name: str
    version: str
    params: Mapping[str, Any]
    early_stopping_rounds: int

    @property
    def title(self) -> str:
        """The name as its authors write it."""
        return TITLES[self.name]

    def make(self, **more: Any) -> Any:
        """Return an unfitted estimator."""
        return getattr(importlib.import_module(self.name), _CLASSES[self.name])(**{**self.params, **more})

    def classifier(self, contender: Contender, **more: Any) -> FocalBoostClassifier:
        """Return the unfitted classifier with the loss and the probabilities of the contender."""
        return FocalBoostClassifier(
            self.make(**more),
            gamma=contender.gamma,
            alpha=contender.alpha,
            calibrated=contender.calibrated,
        )

    def train(
        self, contender: Contender, X: Any, y: npt.NDArray[Any], X_stop: Any, y_stop: npt.NDArray[Any]
    ) -> Any:
        """Return a model trained on (X, y), stopped early by its unweighted log loss on (X_stop, y_stop)."""
        fit_params: dict[str, Any] = {"eval_set": [(X_stop, y_stop)]}
        more: dict[str, Any] = {}
        if self.name == "xgboost":
            more["early_stopping_rounds"] = self.early_stopping_rounds
            fit_params["verbose"] = False
        else:
            from lightgbm import early_stopping

            fit_params["callbacks"] = [early_stopping(self.early_stopping_rounds, verbose=False)]
        if not contender.built_in:
            return self.classifier(contender, **more).fit(X, y, **fit_params)
        model = self.make(**more)
        if contender.alpha is not None:
            fit_params["sample_weight"] = compute_sample_weight(contender.alpha, y)
        if "eval_X" in inspect.signature(model.fit).parameters:  # LightGBM 4.7 deprecates eval_set
            del fit_params["eval_set"]
            fit_params |= {"eval_X": (X_stop,), "eval_y": (y_stop,)}
        return model.fit(X, y, **fit_params)

    def evaluate(
        self, contender: Contender, X: Any, y: npt.NDArray[Any], X_stop: Any, y_stop: npt.NDArray[Any], X_test: Any
    ) -> Result:
        """Train and predict; without ``X_test`` only the rows for early stopping are predicted."""
        start = time.perf_counter()
        model = self.train(contender, X, y, X_stop, y_stop)
        seconds = time.perf_counter() - start
        proba_stop = model.predict_proba(X_stop)
        if X_test is None:
            proba = uncalibrated = proba_stop
        elif isinstance(model, FocalBoostClassifier):
            raw = model.decision_function(X_test)
            proba, uncalibrated = (model.loss_.predict_proba(raw, calibrated=c) for c in (True, False))
        else:
            proba = uncalibrated = model.predict_proba(X_test)
        return Result(proba, uncalibrated, proba_stop, _curve(model), n_rounds(model), seconds)


def _curve(model: Any) -> list[float]:
    """Return the log loss on the rows for early stopping after each round."""
    is_xgboost = callable(getattr(model, "evals_result", None))
    (metrics,) = (model.evals_result() if is_xgboost else model.evals_result_).values()
    return next((values for name, values in metrics.items() if "log" in name), [])


def n_rounds(model: Any) -> int:
    """Return the number of boosting rounds that prediction uses."""
    if isinstance(model, FocalBoostClassifier):
        return model.n_iter_
    # XGBoost counts its iterations from 0, LightGBM from 1.
    return model.best_iteration + 1 if hasattr(model, "best_iteration") else model.best_iteration_


def default_booster() -> str:
    """Return the first installed booster, or the first one if none is installed."""
    return next(filter(_is_installed, TITLES), next(iter(TITLES)))


def _is_installed(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    except OSError as error:
        raise InputError(f"booster {name!r} cannot be loaded: {one_line(error)}") from error
    return True


def check_names(names: Sequence[Any]) -> list[str]:
    """Return the names of the boosters without duplicates and with "both" expanded."""
    for name in names:
        if not isinstance(name, str) or name not in (*TITLES, "both"):
            raise InputError(f"booster must be 'xgboost', 'lightgbm' or 'both'; got {name!r}.")
    return list(TITLES) if "both" in names else list(dict.fromkeys(names))


def make_booster(name: str, params: Mapping[str, Any] | None, problem: Problem, seed: int, jobs: int) -> Booster:
    """Return a booster with the user's parameters and defaults for the others, checked by fits of one round."""
    if not _is_installed(name):
        raise InputError(f"booster {name!r} is not installed: pip install {name}")
    version = str(importlib.import_module(name).__version__)
    defaults: dict[str, Any] = {"n_estimators": 1000, "learning_rate": 0.1, "random_state": seed}
    # Threads slow training down on small data, and with several models at the same time.
    if jobs != 1 or problem.X.size < 500_000:
        defaults["n_jobs"] = 1
    if name == "xgboost" and any(str(dtype) == "category" for dtype in problem.X.dtypes):
        defaults["enable_categorical"] = True
    own = {"early_stopping_rounds": 25, **defaults, **_params_of(name, params)}
    for parameter in ("early_stopping_rounds", "n_estimators"):
        if not is_integer(own[parameter]) or own[parameter] < 1:
            raise InputError(f"params: {parameter} must be a positive integer; got {own[parameter]!r}.")
    if name == "lightgbm":
        own["verbosity"] = -1  # by default it prints to standard output
        if "dart" in (own.get(alias) for alias in ("boosting_type", "boosting", "boost")):
            raise InputError("params for lightgbm: early stopping is not available with boosting_type 'dart'.")
    early_stopping_rounds = own.pop("early_stopping_rounds")
    booster = Booster(name, version, own, early_stopping_rounds)
    trial = replace(booster, params={**booster.params, "n_estimators": 1})
    rows = _some_rows(problem.y)
    X, y = problem.X.iloc[rows], problem.y[rows]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for contender in (LOG_LOSS, Contender("trial", gamma=1.0)):
                trial.train(contender, X, y, X, y)
    except Exception as error:
        raise InputError(f"params for {name}: {one_line(error)}") from error
    return booster


def _params_of(name: str, params: Any) -> dict[str, Any]:
    """Return the user's parameters of one booster."""
    params = {} if params is None else params
    _check_params("params", params)
    of_boosters = [key for key in params if key in TITLES]
    if not of_boosters:
        return dict(params)
    if len(of_boosters) < len(params):
        raise InputError(f"params must not mix names of boosters with names of parameters; got {list(params)}.")
    for key in of_boosters:
        _check_params(f"params for {key}", params[key])
    return dict(params.get(name, {}))


def _check_params(name: str, params: Any) -> None:
    if not isinstance(params, Mapping) or not all(isinstance(key, str) for key in params):
        raise InputError(f"{name} must be a dict of names and values; got {one_line(repr(params))}.")


def _some_rows(y: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return about 2,000 rows with every class among them, enough to check parameters."""
    step = -(-len(y) // 2000)
    return np.sort(np.concatenate([np.flatnonzero(y == c)[::step] for c in np.unique(y)]))
