"""LightGBM: training through init_score; the starting value is added to the first trees afterwards."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from joblib import cpu_count
from scipy import sparse
from sklearn.base import clone

from focal_boost._data import Training
from focal_boost._features import Features, pandas_categories
from focal_boost.boosters._metrics import LightGBMMetric, LightGBMUserMetric, requested_metrics, watch_log_loss
from focal_boost.boosters._objective import bind, is_log_loss
from focal_boost.losses import FocalLoss

_OBJECTIVES = (None, "binary", "multiclass", "softmax")

# LightGBM computes its own metrics from raw scores as if they were probabilities; only rank metrics are valid.
_RANK_METRICS = ("auc", "average_precision", "auc_mu")

_IGNORED = "LightGBM ignores it for a custom loss"
_NAMED = "set objective={!r}"
_PRIOR = "the model starts from the class prior"
# {parameter: (allowed values, reason for rejecting others)}; {} in a reason is replaced by the value.
_REJECTED: dict[str, tuple[tuple[Any, ...], str]] = {
    "objective_type": ((None,), _NAMED),
    "app": ((None,), _NAMED),
    "application": ((None,), _NAMED),
    "loss": ((None,), _NAMED),
    "class_weight": ((None,), "use alpha={!r}: predict_proba corrects for it"),
    "scale_pos_weight": ((None, 1), f"{_IGNORED}: use alpha=[1, {{}}]"),
    "is_unbalance": ((None, False), f"{_IGNORED}: use alpha='balanced'"),
    "unbalance": ((None, False), f"{_IGNORED}: use alpha='balanced'"),
    "unbalanced_sets": ((None, False), f"{_IGNORED}: use alpha='balanced'"),
    "pos_bagging_fraction": ((None, 1), f"{_IGNORED}: use alpha"),
    "neg_bagging_fraction": ((None, 1), f"{_IGNORED}: use alpha"),
    "sigmoid": ((None, 1), "the probabilities are those of sigmoid=1"),
    "boost_from_average": ((None, True), _PRIOR),
    "linear_tree": ((None, False), "the starting value cannot be stored in linear leaves"),
    "linear_trees": ((None, False), "the starting value cannot be stored in linear leaves"),
}
_UNSUPPORTED = {
    "init_model": "training cannot continue from another model",
    **dict.fromkeys(("init_score", "eval_init_score"), _PRIOR),
    "eval_class_weight": "use eval_sample_weight",
    **dict.fromkeys(("group", "eval_group"), "ranking is not supported"),
}


class LightGBM:
    """An LGBMClassifier."""

    reads_sparse = True

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def check_parameters(self) -> None:
        """Raise ValueError for a parameter that the focal loss replaces or that LightGBM would misuse."""
        params = self.estimator.get_params()
        if params["objective"] not in _OBJECTIVES:
            raise ValueError(
                f"estimator must have a native classification objective, one of {_OBJECTIVES}: "
                f"the focal loss replaces it; got objective={params['objective']!r}."
            )
        for name, (allowed, reason) in _REJECTED.items():
            if params.get(name) not in allowed:
                value = params[name]
                raise ValueError(f"estimator must not set {name}: {reason.format(value)}; got {name}={value!r}.")
        boosting = _first(params, "boosting", "boost", "boosting_type")
        if boosting in ("rf", "random_forest"):
            raise ValueError(
                "estimator must have boosting_type 'gbdt' or 'dart': LightGBM's random forest does not support "
                f"a custom loss; got {boosting!r}."
            )

    def nearest_start(self, initial_raw_prediction: Any) -> Any:
        """Return the starting value unchanged: LightGBM can store any value."""
        return initial_raw_prediction

    def clone(self) -> Any:
        """Return an unfitted copy of the estimator to train."""
        return clone(self.estimator)

    def train(
        self, training: Training, loss: FocalLoss, start: Any, calibrated: bool, fit_params: Mapping[str, Any]
    ) -> Any:
        """Return a clone of the estimator that is trained with the loss and holds a plain native model."""
        estimator = self.clone()
        metrics = self.metrics(training, loss, calibrated, fit_params)
        objective: Any = _native_objective(start)
        # With a native objective LightGBM passes probabilities to metrics, which round to 0 and 1, not raw scores.
        if training.eval_sets or not is_log_loss(loss):
            objective = bind(loss, training, *derivative_settings(loss, len(training.classes)))
        self.fit(estimator, objective, metrics, repeat, training, start, fit_params)
        return estimator

    def metrics(
        self, training: Training, loss: FocalLoss, calibrated: bool, fit_params: Mapping[str, Any]
    ) -> list[Any]:
        """Return the metrics of the eval sets; raise ValueError for an unsupported metric or fit parameter."""
        for name, reason in _UNSUPPORTED.items():
            if fit_params.get(name) is not None:
                raise ValueError(f"{name} is not supported: {reason}.")
        requested = _split_metrics(fit_params.get("eval_metric") or _metric(self.estimator.get_params()))
        if training.n_iter_no_change is not None:
            requested = watch_log_loss(requested)
        return _read_metrics(requested, loss, calibrated)

    def fit(
        self,
        estimator: Any,
        objective: Any,
        metrics: list[Any],
        init_score: Callable[[Any, Any], Any],
        training: Training,
        start: Any,
        fit_params: Mapping[str, Any],
    ) -> None:
        """Train ``estimator`` with objective and metrics, and turn it into a plain native model.

        ``init_score(start, labels)`` returns the starting value for every row.
        """
        import lightgbm

        verbose, callbacks = fit_params.get("verbose"), list(fit_params.get("callbacks") or [])
        own = ("eval_metric", "verbose", "callbacks")
        fit_params = {name: value for name, value in fit_params.items() if name not in own}
        if verbose:
            callbacks.append(lightgbm.log_evaluation(int(verbose)))
        if training.n_iter_no_change is not None:
            callbacks.append(_StopOnLogLoss(training.n_iter_no_change))
        params = estimator.get_params()
        estimator.set_params(objective=objective, metric="None")
        if _first(params, "verbosity", "verbose") is None:
            estimator.set_params(verbosity=-1)
        for function in filter(callable, (objective, *metrics)):
            # LightGBM reads the signature every round; deriving it takes half as long as the loss of 1,000 rows.
            object.__setattr__(function, "__signature__", inspect.signature(function))
        if training.eval_sets:
            fit_params.update(self._eval_arguments(training, metrics, start, init_score))
        arguments = {
            "X": self._readable(training.features),
            "y": training.labels,
            "sample_weight": training.sample_weight,
            "init_score": init_score(start, training.labels),
            "callbacks": callbacks,
            **fit_params,
        }
        try:
            estimator.fit(**arguments)
        except lightgbm.basic.LightGBMError as error:
            # With a callable objective LightGBM fails on data in which no feature passes its filter.
            if "num_features" not in str(error):
                raise
            estimator.set_params(feature_pre_filter=False).fit(**arguments)
        # An empty metric means the objective's default.
        estimator.set_params(objective=_native_objective(start), metric=_metric(params) or "")
        _store_start(estimator.booster_, np.atleast_1d(start))
        if callable(objective):
            _store_objective(estimator.booster_, len(training.classes))

    def _eval_arguments(
        self, training: Training, metrics: list[Any], start: Any, init_score: Callable[[Any, Any], Any]
    ) -> dict[str, Any]:
        arguments: dict[str, Any] = {
            "eval_metric": metrics,
            "eval_init_score": [init_score(start, labels) for _, labels, _ in training.eval_sets],
        }
        weights = [weight for *_, weight in training.eval_sets]
        if any(weight is not None for weight in weights):
            arguments["eval_sample_weight"] = weights
        X = tuple(self._readable(features) for features, *_ in training.eval_sets)
        y = tuple(labels for _, labels, _ in training.eval_sets)
        if self._since_4_7:
            return {**arguments, "eval_X": X, "eval_y": y}
        return {**arguments, "eval_set": list(zip(X, y, strict=True))}

    @property
    def _since_4_7(self) -> bool:
        return "eval_X" in inspect.signature(self.estimator.fit).parameters

    def _readable(self, features: Features) -> Any:
        """Return the data in a form that LightGBM reads: no sparse arrays, no categories in Arrow's format."""
        X = features.X
        if sparse.issparse(X):
            return sparse.csc_matrix(X) if X.format == "csc" else sparse.csr_matrix(X)
        if features.frame is None or (self._since_4_7 and not features.categories):
            return X
        return pandas_categories(features)

    def model_start(self, start: Any) -> Any:
        """Return the starting value of the model, which is the requested one."""
        return start

    def raw_prediction(self, features: Features) -> np.ndarray:
        """Return raw scores, (n,) or (n, K), float64."""
        # Not estimator.predict, which warns about feature names that LightGBM 4.6 generated itself.
        X = self._readable(features)
        return np.asarray(self.native.predict(X, raw_score=True, num_threads=self._n_threads))

    def staged_raw_prediction(self, features: Features) -> Iterator[np.ndarray]:
        """Yield the raw predictions after each round."""
        X = self._readable(features)
        raw: Any = 0.0  # the first trees contain the starting value
        for i in range(self.n_iter):
            raw = raw + self.native.predict(
                X, raw_score=True, start_iteration=i, num_iteration=1, num_threads=self._n_threads
            )
            yield raw

    @property
    def _n_threads(self) -> int:
        n_jobs = self.estimator.n_jobs
        return n_jobs if n_jobs is not None and n_jobs > 0 else cpu_count()

    @property
    def native(self) -> Any:
        """The lightgbm.Booster."""
        return self.estimator.booster_

    @property
    def evals_result(self) -> dict[str, dict[str, list[float]]]:
        """{set: {metric: [value per round]}}, empty without eval sets."""
        return {name: dict(values) for name, values in self.estimator.evals_result_.items()}

    @property
    def best_iteration(self) -> int | None:
        """The best iteration, counted from 1, None without early stopping."""
        best = self.estimator.best_iteration_
        return int(best) if best is not None and best > 0 else None

    @property
    def best_score(self) -> float | None:
        """The log loss, or else the first metric, of the last eval set in the best iteration."""
        best = self.best_iteration
        if best is None:
            return None
        *_, curves = self.evals_result.values()
        return float(curves.get("log_loss", next(iter(curves.values())))[best - 1])

    @property
    def n_iter(self) -> int:
        """The number of boosting rounds used for prediction."""
        best = self.best_iteration
        return int(self.native.current_iteration()) if best is None else best

    @property
    def made_a_split(self) -> bool:
        """Whether any tree has more than one leaf."""
        return bool(self.native.feature_importance("split").any())


class _StopOnLogLoss:
    """A callback that stops training when the log loss of the last eval set has not improved for some rounds.

    LightGBM's own callback monitors either every metric of every set or only the first metric, and LightGBM places
    callables after its own metrics.
    """

    before_iteration = False

    def __init__(self, rounds: int) -> None:
        self.order = 40  # after the metrics are recorded; LightGBM would replace a class attribute
        self.rounds = rounds
        self.best: tuple[float, int, Any] | None = None

    def __call__(self, env: Any) -> None:
        from lightgbm.callback import EarlyStopException

        results = env.evaluation_result_list
        *_, value = (entry[2] for entry in results if entry[1] == "log_loss")
        if self.best is None or value < self.best[0]:
            self.best = value, env.iteration, results
        _, iteration, best_results = self.best
        if env.iteration - iteration >= self.rounds or env.iteration == env.end_iteration - 1:
            raise EarlyStopException(iteration, best_results)


def _first(params: Mapping[str, Any], *aliases: str) -> Any:
    """Return the value of the first alias that is set, else None."""
    return next((params[name] for name in aliases if params.get(name) is not None), None)


def _metric(params: Mapping[str, Any]) -> Any:
    return _first(params, "metric", "metrics", "metric_types")


def _native_objective(start: Any) -> str:
    return "multiclass" if np.ndim(start) else "binary"


def derivative_settings(loss: FocalLoss, n_classes: int) -> tuple[Any, float]:
    """Return the dtype in which LightGBM computes derivatives and the factor of its diagonal Hessian."""
    # LightGBM computes its log loss in float64 and rounds the result. At gamma = 0 doing the same gives identical
    # derivatives, so that ties between splits are broken in the same way.
    dtype = np.float64 if loss.gamma == 0 else np.float32
    return dtype, 1.0 if n_classes == 2 else n_classes / (n_classes - 1)


def _split_metrics(requested: Any) -> list[Any]:
    requested = (requested or "log_loss").split(",") if isinstance(requested, str | None) else requested
    requested = requested if isinstance(requested, list | tuple) else [requested]
    no_metric = ("none", "null", "na", "custom")
    return [metric for metric in requested if not (isinstance(metric, str) and metric.lower() in no_metric)]


def _read_metrics(requested: list[Any], loss: FocalLoss, calibrated: bool) -> list[Any]:
    return requested_metrics(
        requested,
        _RANK_METRICS,
        lambda name: LightGBMMetric(loss, name, calibrated),
        lambda function: LightGBMUserMetric(function, loss, calibrated),
        "LightGBM evaluates its other metrics on raw scores",
    )


def repeat(start: Any, labels: Any) -> np.ndarray:
    """Return the starting value for every row, (n,) or (n, K)."""
    return np.full(len(labels), start) if np.ndim(start) == 0 else np.tile(start, (len(labels), 1))


def _store_start(booster: Any, start: np.ndarray) -> None:
    """Add the starting value, (K,) or (1,), to the leaves of the first tree of each class."""
    # dump_model writes invalid JSON if feature names contain backslashes or control characters.
    first_trees = re.findall(r"^num_leaves=(\d+)$", booster.model_to_string(num_iteration=1), re.MULTILINE)
    for tree, n_leaves in enumerate(first_trees):
        for leaf in range(int(n_leaves)):
            booster.set_leaf_output(tree, leaf, booster.get_leaf_output(tree, leaf) + start[tree])


def _store_objective(booster: Any, n_classes: int) -> None:
    """Write the native objective into a model that was trained with a callable objective."""
    objective = "binary sigmoid:1" if n_classes == 2 else f"multiclass num_class:{n_classes}"
    header, found, rest = booster.model_to_string(num_iteration=-1).partition("max_feature_idx=")
    line, newline, rest = rest.partition("\n")
    custom = "[objective: custom]"
    if not found or custom not in rest:
        raise RuntimeError(
            "focal_boost does not recognise the model text of this version of LightGBM: "
            f"{'no ' + custom if found else 'no max_feature_idx'}."
        )
    rest = rest.replace(custom, f"[objective: {objective.split()[0]}]", 1)
    booster.model_from_string(f"{header}{found}{line}{newline}objective={objective}\n{rest}")
    booster.params["objective"] = objective.split()[0]
