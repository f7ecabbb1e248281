"""scikit-learn's HistGradientBoostingClassifier, trained through its private loss interface."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import clone

from focal_boost._data import EvalSet, Training
from focal_boost._features import Features, pandas_categories
from focal_boost.boosters._metrics import LOG_LOSS
from focal_boost.boosters._objective import is_log_loss
from focal_boost.losses import FocalLoss

# {parameter: (allowed value, reason for rejecting others)}; {} in a reason is replaced by the value.
_REJECTED: dict[str, tuple[Any, str]] = {
    "class_weight": (None, "use alpha={!r}: predict_proba corrects for it"),
    "warm_start": (False, "training cannot continue from another model"),
    "scoring": ("loss", "early stopping monitors the log loss of predict_proba"),
}
_UNSUPPORTED = {
    "callbacks": "HistGradientBoostingClassifier has no callbacks",
    "verbose": "set verbose of the estimator",
}

# Number of rows above which early_stopping="auto" stops early.
_AUTO = 10_000


class HistGradientBoosting:
    """A HistGradientBoostingClassifier."""

    reads_sparse = False

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def check_parameters(self) -> None:
        """Raise ValueError for a parameter that the focal loss replaces or cannot honour."""
        params = self.estimator.get_params()
        if params["loss"] != "log_loss":
            raise ValueError(
                f"estimator must have loss='log_loss', which the focal loss replaces; got loss={params['loss']!r}."
            )
        for name, (allowed, reason) in _REJECTED.items():
            value = params[name]
            if value != allowed:
                raise ValueError(f"estimator must not set {name}: {reason.format(value)}; got {name}={value!r}.")

    def nearest_start(self, initial_raw_prediction: Any) -> Any:
        """Return the starting value unchanged: scikit-learn can store any value."""
        return initial_raw_prediction

    def train(
        self, training: Training, loss: FocalLoss, start: Any, calibrated: bool, fit_params: Mapping[str, Any]
    ) -> Any:
        """Return a clone of the estimator that is trained with the loss and holds a plain native model."""
        from focal_boost.boosters._scikit_learn_loss import ScikitLearnLoss, native_loss

        own, estimator, n_classes = self.estimator, clone(self.estimator), len(training.classes)
        fit_params = _read_fit_params(fit_params)
        if own.categorical_features is None or isinstance(own.categorical_features, str):
            _check_columns(training.features.X)
        X = _readable(training.features)
        if training.n_iter_no_change is not None and own.early_stopping is True:
            raise ValueError(
                "early_stopping=True must not be combined with early_stopping=True of the estimator: leave that "
                "at 'auto' or False and set n_iter_no_change."
            )
        if training.eval_sets:
            fit_params.update(self._validation(training.eval_sets))
            stops = self._stops(training)
            # scikit-learn evaluates validation data only with early stopping.
            n_iter_no_change = training.n_iter_no_change or (own.n_iter_no_change if stops else own.max_iter)
            estimator.set_params(early_stopping=True, n_iter_no_change=n_iter_no_change)
        if not is_log_loss(loss):
            validates = bool(training.eval_sets) or own.validation_fraction is not None
            estimator.set_params(loss=ScikitLearnLoss(loss, n_classes, calibrated, validates))
        estimator.fit(X, training.labels, sample_weight=training.sample_weight, **fit_params)
        if training.eval_sets:
            estimator.do_early_stopping_ = stops
        if training.n_iter_no_change is not None:
            # scikit-learn keeps the rounds after the best one.
            del estimator._predictors[int(np.argmax(estimator.validation_score_[1:])) + 1 :]
        estimator._loss = native_loss(n_classes)
        return estimator.set_params(
            loss="log_loss", early_stopping=own.early_stopping, n_iter_no_change=own.n_iter_no_change
        )

    def _stops(self, training: Training) -> bool:
        """Return whether early stopping is on for an eval set, in FocalBoostClassifier or the inner estimator."""
        own = self.estimator.early_stopping
        auto = own == "auto" and len(training.labels) > _AUTO
        return training.n_iter_no_change is not None or own is True or auto

    def _validation(self, eval_sets: list[EvalSet]) -> dict[str, Any]:
        """Return the eval set as arguments of fit."""
        if "X_val" not in inspect.signature(self.estimator.fit).parameters:
            raise ValueError(
                "early_stopping=True and eval_set need scikit-learn 1.7 or later for a "
                "HistGradientBoostingClassifier: set early_stopping=True of the estimator instead."
            )
        if len(eval_sets) > 1:
            raise ValueError(
                f"eval_set must be one (X, y) pair for a HistGradientBoostingClassifier; got {len(eval_sets)}."
            )
        ((features, labels, weight),) = eval_sets
        return {"X_val": _readable(features), "y_val": labels, "sample_weight_val": weight}

    def model_start(self, start: Any) -> Any:
        """Return the starting value of the model, computed without the rows held out by its own early stopping."""
        baseline = self.estimator._baseline_prediction[0]
        return baseline if np.ndim(start) else float(baseline[0])

    def raw_prediction(self, features: Features) -> np.ndarray:
        """Return raw predictions, (n,) or (n, K), float64."""
        return self.estimator.decision_function(_readable(features))

    def staged_raw_prediction(self, features: Features) -> Iterator[np.ndarray]:
        """Yield the raw predictions after each round."""
        return self.estimator.staged_decision_function(_readable(features))

    @property
    def native(self) -> Any:
        """The HistGradientBoostingClassifier itself."""
        return self.estimator

    @property
    def evals_result(self) -> dict[str, dict[str, list[float]]]:
        """{set: {metric: [value per round]}} of the eval set, or of the rows that early stopping held out."""
        losses = self._log_losses
        return {"validation_0": {"log_loss": losses.tolist()}} if len(losses) else {}

    @property
    def _log_losses(self) -> np.ndarray:
        return -self.estimator.validation_score_[1:]  # the first score is that of the starting value

    @property
    def best_iteration(self) -> int | None:
        """The best iteration on the validation data, counted from 1, None without early stopping."""
        if not self.estimator.do_early_stopping_ or len(self._log_losses) == 0:
            return None
        return int(self._log_losses.argmin()) + 1

    @property
    def best_score(self) -> float | None:
        """The log loss in the best iteration, None without early stopping."""
        return None if self.best_iteration is None else float(self._log_losses.min())

    @property
    def n_iter(self) -> int:
        """The number of boosting rounds used for prediction."""
        return int(self.estimator.n_iter_)

    @property
    def made_a_split(self) -> bool:
        """Whether any tree has more than one leaf."""
        return any(tree.get_n_leaf_nodes() > 1 for trees in self.estimator._predictors for tree in trees)


def _read_fit_params(fit_params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments for scikit-learn's fit; raise ValueError for an unsupported one."""
    for name, reason in _UNSUPPORTED.items():
        if fit_params.get(name):
            raise ValueError(f"{name} is not supported: {reason}.")
    requested = fit_params.get("eval_metric")
    metrics = (
        requested if isinstance(requested, list | tuple) else ["log_loss" if requested is None else requested]
    )
    if len(metrics) != 1 or metrics[0] not in LOG_LOSS:
        raise ValueError(
            f"eval_metric must be 'log_loss' for a HistGradientBoostingClassifier; got {requested!r}."
        )
    for name in ("X_val", "y_val", "sample_weight_val"):
        if fit_params.get(name) is not None:
            raise ValueError(f"{name} is not supported: use eval_set and eval_sample_weight.")
    return {name: value for name, value in fit_params.items() if name not in ("eval_metric", *_UNSUPPORTED)}


def _check_columns(X: Any) -> None:
    """Raise ValueError for a string column."""
    for name, dtype in zip(getattr(X, "columns", ()), getattr(X, "dtypes", ()), strict=False):
        if str(dtype) in ("object", "str", "string"):
            raise ValueError(
                f"X must contain columns of numbers, booleans or categories; got {name!r} of {dtype}: "
                "convert it to a category."
            )


def _readable(features: Features) -> Any:
    """Return the data in a form that scikit-learn reads; raise ValueError for a sparse matrix."""
    if sparse.issparse(features.X):
        raise ValueError(
            "X must be dense for a HistGradientBoostingClassifier, which does not support sparse data: "
            "pass X.toarray(); "
            f"got {type(features.X).__name__}."
        )
    return features.X if features.frame is None else pandas_categories(features)
