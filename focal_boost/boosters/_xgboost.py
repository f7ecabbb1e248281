"""XGBoost: training with base_score as the starting value, and the native model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import numpy as np
from sklearn.base import clone

from focal_boost._data import Training
from focal_boost._features import Features, polars_enums
from focal_boost.boosters._metrics import XGBoostMetric, XGBoostUserMetric, requested_metrics, watch_log_loss
from focal_boost.boosters._objective import bind, is_log_loss
from focal_boost.losses import FocalLoss

_OBJECTIVES = (None, "binary:logistic", "multi:softprob", "multi:softmax")

# XGBoost computes its own metrics from the plain sigmoid or softmax. Only rank metrics are the same for the
# probabilities that the estimator returns.
_RANK_METRICS = ("auc", "aucpr")

# XGBoost stores the binary intercept as a probability, clipped to [1e-6, 1 - 1e-6].
_LARGEST_START = float(np.log((1 - 1e-6) / 1e-6))

_UNSUPPORTED = {
    "xgb_model": "training cannot continue from another model",
    "base_margin": "the model starts from the class prior",
    "base_margin_eval_set": "the model starts from the class prior",
    "sample_weight_eval_set": "use eval_sample_weight",
}


class XGBoost:
    """An XGBClassifier or XGBRFClassifier."""

    reads_sparse = True

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def check_parameters(self) -> None:
        """Raise ValueError for a parameter that the focal loss replaces or that XGBoost would misuse."""
        params = self.estimator.get_params()
        if params["objective"] not in _OBJECTIVES:
            raise ValueError(
                f"estimator must have a native classification objective, one of {_OBJECTIVES}: "
                f"the focal loss replaces it; got objective={params['objective']!r}."
            )
        if params.get("scale_pos_weight") not in (None, 1):
            weight = params["scale_pos_weight"]
            raise ValueError(
                "estimator must not set scale_pos_weight, which XGBoost ignores for a custom loss: use "
                f"alpha=[1, {weight}]; got scale_pos_weight={weight!r}."
            )
        if params.get("base_score") is not None:
            raise ValueError(
                "estimator must not set base_score: the model starts from the class prior; "
                f"got base_score={params['base_score']!r}."
            )
        if params.get("multi_strategy") == "multi_output_tree":
            if not _is_at_least(3, 4):
                raise ValueError(
                    "estimator must have multi_strategy 'one_output_per_tree' or None before XGBoost 3.4, the "
                    "first release that fully supports vector-leaf trees; got 'multi_output_tree'."
                )
            if params.get("tree_method") not in (None, "auto", "hist"):
                raise ValueError(
                    "estimator must have tree_method 'hist', 'auto' or None for multi_strategy="
                    f"'multi_output_tree'; got {params['tree_method']!r}."
                )

    def nearest_start(self, initial_raw_prediction: Any) -> Any:
        """Return the starting value nearest to the given one that XGBoost can store."""
        if np.ndim(initial_raw_prediction) == 1:
            return initial_raw_prediction
        return min(max(initial_raw_prediction, -_LARGEST_START), _LARGEST_START)

    def clone(self) -> Any:
        """Return an unfitted copy of the estimator to train."""
        copied = clone(self.estimator)
        copied.callbacks = _fresh(self.estimator.callbacks)
        return copied

    def train(
        self, training: Training, loss: FocalLoss, start: Any, calibrated: bool, fit_params: Mapping[str, Any]
    ) -> Any:
        """Return a clone of the estimator that is trained with the loss and holds a plain native model."""
        estimator = self.clone()
        metrics = self.metrics(training, loss, calibrated, fit_params)
        # XGBoost's random forest, which trains a single round, does not support callbacks.
        by_callback = not _is_forest(estimator)
        objective: Any = _native_objective(start)
        if not (is_log_loss(loss) and by_callback):
            objective = bind(loss, training)
        if not by_callback:
            check_one_callable(metrics)
        elif training.eval_sets:
            from focal_boost.boosters._xgboost_evaluation import Evaluation

            data = [_matrix(features, estimator) for features, *_ in training.eval_sets]
            evaluation = Evaluation(list(filter(callable, metrics)), data, training.eval_sets)
            estimator.set_params(callbacks=[evaluation, *(estimator.callbacks or [])])
        self.fit(estimator, objective, metrics, training, start, fit_params, by_callback)
        return estimator

    def metrics(
        self, training: Training, loss: FocalLoss, calibrated: bool, fit_params: Mapping[str, Any]
    ) -> list[Any]:
        """Return the metrics of the eval sets; raise ValueError for an unsupported metric or fit parameter."""
        for name, reason in _UNSUPPORTED.items():
            if fit_params.get(name) is not None:
                raise ValueError(f"{name} is not supported: {reason}.")
        requested = fit_params.get("eval_metric")
        if requested is None:
            requested = "log_loss" if self.estimator.eval_metric is None else self.estimator.eval_metric
        requested = list(requested) if isinstance(requested, list | tuple) else [requested]
        if training.n_iter_no_change is not None:
            requested = watch_log_loss(requested)
            self._check_early_stopping()
        return _read_metrics(requested, loss, calibrated)

    def _check_early_stopping(self) -> None:
        from xgboost.callback import EarlyStopping

        if _is_forest(self.estimator):
            raise ValueError("early_stopping must be False for an XGBRFClassifier, which trains one round.")
        if any(isinstance(callback, EarlyStopping) for callback in self.estimator.callbacks or []):
            raise ValueError(
                "early_stopping=True must not be combined with an EarlyStopping callback: set n_iter_no_change."
            )
        if self.estimator.early_stopping_rounds is not None:
            raise ValueError(
                "early_stopping=True must not be combined with early_stopping_rounds: set n_iter_no_change; got "
                f"early_stopping_rounds={self.estimator.early_stopping_rounds!r}."
            )

    def fit(
        self,
        estimator: Any,
        objective: Any,
        metrics: list[Any],
        training: Training,
        start: Any,
        fit_params: Mapping[str, Any],
        by_callback: bool = False,
    ) -> None:
        """Train ``estimator`` with objective and metrics, and turn it into a plain native model.

        If ``by_callback``, a callback evaluates the callable metrics instead of XGBoost.
        """
        own = self.estimator
        fit_params = {name: value for name, value in fit_params.items() if name != "eval_metric"}
        callbacks = _fresh(fit_params.pop("callbacks", None))
        if callbacks:
            estimator.set_params(callbacks=[*(estimator.callbacks or []), *callbacks])
        if training.features.has_categories and not (
            estimator.enable_categorical or _is_at_least(3, 3)  # the default from 3.3 on
        ):
            raise ValueError("estimator must have enable_categorical=True for categorical columns.")
        # XGBoost expects the binary start as a probability and the multiclass start as raw predictions.
        base_score = [float(value) for value in start] if np.ndim(start) else float(1 / (1 + np.exp(-start)))
        estimator.set_params(objective=objective, base_score=base_score)
        evals = training.eval_sets
        built_in = [metric for metric in metrics if not callable(metric)]
        if evals:
            from focal_boost.boosters._xgboost_evaluation import set_metrics, stop_early

            stop_early(estimator, metrics, training.n_iter_no_change)
            evaluated = built_in if by_callback else metrics
            set_metrics(estimator, evaluated)
            evals = evals if evaluated else []
        weights = [weight for *_, weight in evals]
        if any(weight is not None for weight in weights):  # XGBoost expects weights for all sets or for none
            weights = [np.ones(len(y)) if weight is None else weight for _, y, weight in evals]
        with _errors_without_trace():
            estimator.fit(
                polars_enums(training.features),
                training.labels,
                sample_weight=training.sample_weight,
                eval_set=[(polars_enums(features), labels) for features, labels, _ in evals] or None,
                sample_weight_eval_set=weights if any(weight is not None for weight in weights) else None,
                **{"verbose": False, **fit_params},
            )
        # Not set_params, which on a fitted estimator also changes the model. Only XGBoost's own metrics are kept,
        # because a restored model cannot contain callables.
        vars(estimator).update(
            objective=_native_objective(start),
            base_score=None,
            eval_metric=built_in[0] if len(built_in) == 1 else built_in or None,
            early_stopping_rounds=own.early_stopping_rounds,
            callbacks=own.callbacks,
            kwargs=dict(own.kwargs) if getattr(own, "kwargs", None) else {},
        )

    def model_start(self, start: Any) -> Any:
        """Return the starting value of the model, which is the requested one."""
        return start

    def raw_prediction(self, features: Features) -> np.ndarray:
        """Return margins, (n,) or (n, K), float32."""
        with _errors_without_trace():
            return np.asarray(self.estimator.predict(polars_enums(features), output_margin=True))

    def staged_raw_prediction(self, features: Features) -> Iterator[np.ndarray]:
        """Yield the raw predictions after each round."""
        if self.estimator.booster == "gblinear":
            raise ValueError("estimator must use a tree booster for staged predictions; got booster='gblinear'.")
        with _errors_without_trace():
            data = _matrix(features, self.estimator)
            raw, start = None, None
            for i in range(self.n_iter):
                # The prediction of each round includes the starting value.
                own = self.native.predict(data, output_margin=True, iteration_range=(i, i + 1))
                if raw is None:
                    raw, start = own, self._start(own.shape)
                else:
                    raw = raw + (own - start)
                yield raw

    def _start(self, shape: tuple[int, ...]) -> Any:
        """Return the raw prediction of a model without trees."""
        config = json.loads(self.native.save_config())["learner"]["learner_model_param"]
        base_score = np.atleast_1d(json.loads(config["base_score"])).astype(np.float32)
        return base_score if len(shape) == 2 else np.log(base_score / (1 - base_score))

    @property
    def native(self) -> Any:
        """The xgboost.Booster."""
        return self.estimator.get_booster()

    @property
    def evals_result(self) -> dict[str, dict[str, list[float]]]:
        """{set: {metric: [value per round]}}, empty without eval sets."""
        return getattr(self.estimator, "evals_result_", None) or {}

    @property
    def best_iteration(self) -> int | None:
        """The best iteration, counted from 0, None without early stopping."""
        try:
            return int(self.estimator.best_iteration)
        except AttributeError:
            return None

    @property
    def best_score(self) -> float | None:
        """The monitored metric in the best iteration, None without early stopping."""
        try:
            return float(self.estimator.best_score)
        except AttributeError:
            return None

    @property
    def n_iter(self) -> int:
        """The number of boosting rounds used for prediction."""
        best = self.best_iteration
        return int(self.native.num_boosted_rounds()) if best is None else best + 1

    @property
    def made_a_split(self) -> bool:
        """Whether any tree has more than one leaf (gblinear: any coefficient)."""
        return bool(self.native.get_score(importance_type="weight"))


def _fresh(callbacks: Sequence[Any] | None) -> list[Any] | None:
    """Return copies of XGBoost's own callbacks, which store training state, and all others unchanged.

    Other callbacks are not copied, because a copy of, for example, Optuna's callback would report to a copy of its
    study.
    """
    if not callbacks:
        return None
    return [deepcopy(c) if type(c).__module__ == "xgboost.callback" else c for c in callbacks]


def _is_at_least(*version: int) -> bool:
    """Return whether XGBoost is at least this version."""
    from xgboost import __version__

    major, minor = __version__.split(".")[:2]
    return (int(major), int(minor)) >= version


def _read_metrics(requested: Sequence[Any], loss: FocalLoss, calibrated: bool) -> list[Any]:
    metrics = requested_metrics(
        requested,
        _RANK_METRICS,
        lambda name: XGBoostMetric(loss, name, calibrated),
        lambda function: XGBoostUserMetric(function, loss, calibrated),
        "XGBoost evaluates its other metrics on the uncorrected sigmoid or softmax",
    )
    if not metrics:
        raise ValueError(f"eval_metric must be a metric or a non-empty list of metrics; got {requested!r}.")
    return metrics


def check_one_callable(metrics: Sequence[Any]) -> None:
    """Raise ValueError if there is more than one metric that XGBoost does not compute itself."""
    if sum(map(callable, metrics)) > 1:
        raise ValueError(
            "eval_metric must contain at most one of 'log_loss', 'focal_loss' and callables for a random forest "
            f"and on Dask; got {[getattr(metric, '__name__', metric) for metric in metrics]}."
        )


def _native_objective(start: Any) -> str:
    return "multi:softprob" if np.ndim(start) else "binary:logistic"


def _is_forest(estimator: Any) -> bool:
    from xgboost import XGBRFClassifier

    return isinstance(estimator, XGBRFClassifier)


def _matrix(features: Features, estimator: Any) -> Any:
    """Return the features as a DMatrix for prediction."""
    from xgboost import DMatrix

    return DMatrix(
        polars_enums(features),
        missing=estimator.missing,
        nthread=estimator.n_jobs,
        feature_types=estimator.feature_types,
        enable_categorical=True,
    )


@contextmanager
def _errors_without_trace() -> Iterator[None]:
    """Strip the C++ location and stack trace from XGBoost's errors."""
    from xgboost.core import XGBoostError

    try:
        yield
    except XGBoostError as error:
        reason = str(error).partition("Stack trace")[0].strip()
        raise XGBoostError("XGBoost: " + re.sub(r"^\[[\d:]+\] \S+:\d+: ", "", reason)) from None
