"""Who is compared, and how each is trained: with early stopping on rows held out of the training part.

The only module of the comparison that knows the boosters.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.class_weight import compute_sample_weight

from focal_boost._compare._data import InputError
from focal_boost.classifier import FocalBoostClassifier
from focal_boost.losses._kernel import Array
from focal_boost.objectives import adapter_for

Alpha = float | str | None


@dataclass(frozen=True)
class Contender:
    """A way to train: the built-in log loss, the same with class weights, or a focal loss."""

    name: str
    gamma: float = 0.0
    alpha: Alpha = None
    class_weights: bool = False

    @property
    def built_in(self) -> bool:
        """Whether the booster's own objective trains it."""
        return not self.gamma and self.alpha is None


LOG_LOSS = Contender("log loss (gamma 0)")
CLASS_WEIGHTS = Contender("class weights", class_weights=True)
CHOSEN = "gamma chosen"


def focal(gamma: float, alpha: Alpha) -> Contender:
    """Return the contender of one focal loss; gamma 0 without alpha is the built-in log loss."""
    if not gamma and alpha is None:
        return LOG_LOSS
    weight = "" if alpha is None else f", alpha {alpha}"
    return Contender(f"gamma {gamma:g}{weight}", gamma, alpha)


@dataclass(frozen=True)
class Trained:
    """A fitted model, reduced to what is compared."""

    model: Any
    n_rounds: int

    def predict_proba(self, X: Any) -> Array:
        """Return probabilities, (n, K)."""
        return np.asarray(self.model.predict_proba(X))

    def predict_uncalibrated(self, X: Any) -> Array:
        """Return the plain sigmoid or softmax of a focal model, of others the probabilities; (n, K)."""
        if not isinstance(self.model, FocalBoostClassifier):
            return self.predict_proba(X)
        return self.model.loss_.predict_proba(self.model.decision_function(X), calibrated=False)


@dataclass(frozen=True)
class Booster:
    """One of the boosters, with its parameters."""

    name: str
    params: Mapping[str, Any]
    early_stopping_rounds: int

    @property
    def title(self) -> str:
        """Its name as its makers write it."""
        return {"xgboost": "XGBoost", "lightgbm": "LightGBM"}[self.name]

    @property
    def class_name(self) -> str:
        """Its scikit-learn class."""
        return {"xgboost": "XGBClassifier", "lightgbm": "LGBMClassifier"}[self.name]

    def make(self, **more: Any) -> Any:
        """Return an unfitted estimator."""
        return self._class()(**{**self.params, **more})

    def _class(self) -> Any:
        try:
            if self.name == "xgboost":
                from xgboost import XGBClassifier

                return XGBClassifier
            from lightgbm import LGBMClassifier

            return LGBMClassifier
        except ImportError as error:
            raise InputError(
                f"booster {self.name!r} is not installed: pip install 'focal-boost[{self.name}]'."
            ) from error

    @property
    def version(self) -> str:
        """Version of the installed package."""
        import importlib

        self._class()
        return str(importlib.import_module(self.name).__version__)

    def train(self, contender: Contender, X: Any, y: Array, X_stop: Any, y_stop: Array) -> Trained:
        """Train on (X, y) until the log loss of predict_proba on (X_stop, y_stop), unweighted, does not fall."""
        xgboost = self.name == "xgboost"
        more: dict[str, Any] = (
            {"early_stopping_rounds": self.early_stopping_rounds} if xgboost else {"verbosity": -1}
        )
        fit_params: dict[str, Any] = {}
        if not xgboost:
            from lightgbm import early_stopping

            fit_params["callbacks"] = [early_stopping(self.early_stopping_rounds, verbose=False)]
        estimator = self.make(**more)
        if not contender.built_in:
            model = FocalBoostClassifier(estimator, gamma=contender.gamma, alpha=contender.alpha)
            model.fit(X, y, eval_set=[(X_stop, y_stop)], **fit_params)
            return Trained(model, model.best_iteration_ + xgboost)
        if contender.class_weights:
            fit_params["sample_weight"] = compute_sample_weight("balanced", y)
        if xgboost:
            model = estimator.fit(X, y, eval_set=[(X_stop, y_stop)], verbose=False, **fit_params)
            return Trained(model, int(model.best_iteration) + 1)
        if "eval_X" in inspect.signature(estimator.fit).parameters:
            fit_params |= {"eval_X": (X_stop,), "eval_y": (y_stop,)}
        else:
            fit_params["eval_set"] = [(X_stop, y_stop)]
        model = estimator.fit(X, y, **fit_params)
        return Trained(model, int(model.best_iteration_))


def make_booster(
    name: str, params: Mapping[str, Any] | None, n_cells: int, categories: bool, seed: int
) -> Booster:
    """Return a booster with the user's parameters over the defaults, its settings checked."""
    if name not in ("xgboost", "lightgbm"):
        raise InputError(f"booster must be 'xgboost' or 'lightgbm'; got {name!r}.")
    own = dict(params or {})
    if set(own) <= {"xgboost", "lightgbm"}:
        own = dict(own.get(name, {}))
    early_stopping_rounds = own.pop("early_stopping_rounds", 25)
    if not isinstance(early_stopping_rounds, int) or early_stopping_rounds < 1:
        raise InputError(
            f"params: early_stopping_rounds must be a positive integer; got {early_stopping_rounds!r}."
        )
    defaults: dict[str, Any] = {"n_estimators": 1000, "learning_rate": 0.1, "random_state": seed}
    # On few data the threads cost more than they bring.
    if n_cells < 500_000:
        defaults["n_jobs"] = 1
    if name == "xgboost" and categories:
        defaults["enable_categorical"] = True
    booster = Booster(name, {**defaults, **own}, early_stopping_rounds)
    try:
        estimator = booster.make()
        adapter_for(estimator).check(estimator)
    except (TypeError, ValueError) as error:
        raise InputError(f"params for {name}: {' '.join(str(error).split())}") from error
    return booster


def make_contenders(gammas: Sequence[float], alphas: Sequence[Alpha]) -> list[Contender]:
    """Return the built-in ones and every focal loss, without repetition."""
    return list(
        dict.fromkeys([LOG_LOSS, CLASS_WEIGHTS, *(focal(gamma, alpha) for alpha in alphas for gamma in gammas)])
    )
