"""XGBoost: base_score, margins, the stored objective."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from focal_boost.losses._base import FocalLoss, Objective
from focal_boost.losses._kernel import Array
from focal_boost.objectives._adapter import (
    BoosterAdapter,
    EvalSet,
    FocalMetric,
    ProbabilityMetric,
    arrow_frame,
    metric_name,
)

_OBJECTIVES = (None, "binary:logistic", "multi:softprob", "multi:softmax")

# XGBoost evaluates its own metrics on the plain sigmoid or softmax: those that look at the order of the rows alone
# agree with the probabilities that the estimator returns.
_RANK_METRICS = ("auc", "aucpr")

# XGBoost stores the binary intercept as a probability, clipped to [1e-6, 1 - 1e-6].
_LARGEST_START = float(np.log((1 - 1e-6) / 1e-6))


class XGBoostMetric(FocalMetric):
    """A metric for XGBoost: ``eval_metric=`` of XGBClassifier, ``custom_metric=`` of ``xgboost.train``.

    Parameters
    ----------
    loss : BinaryFocalLoss or MulticlassFocalLoss
        The loss that the model is trained with.
    name : {"log_loss", "focal_loss"}, default="log_loss"
        The log loss of ``loss.predict_proba``, or the focal loss; weighted means.
    calibrated : bool, default=True
        Whether the log loss is of the posterior or of the plain sigmoid or softmax.

    Examples
    --------
    >>> from focal_boost import BinaryFocalLoss
    >>> from focal_boost.objectives import XGBoostMetric
    >>> XGBoostMetric(BinaryFocalLoss(gamma=0, alpha=None))([0, 1], np.array([0.0, 0.0]))
    0.6931471805599453
    """

    @property
    def __name__(self) -> str:
        return self.name

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the metric, or (name, metric) in the native order (raw prediction, DMatrix)."""
        if not hasattr(y_pred, "get_label"):
            return _over_workers(self.value, y_true, y_pred, sample_weight)
        weight = y_pred.get_weight()
        weight = weight if len(weight) else None
        return self.name, _over_workers(self.value, y_pred.get_label(), y_true, weight)


def _over_workers(metric: Callable[..., float], y_true: Any, y_pred: Any, sample_weight: Any) -> float:
    """Return the metric's weighted mean over the workers of a distributed training.

    XGBoost takes the plain mean of what the workers return, which then is this one.
    """
    from xgboost import collective

    if not collective.is_distributed():
        return metric(y_true, y_pred, sample_weight)
    weight = float(len(y_true) if sample_weight is None else np.sum(sample_weight, dtype=np.float64))
    value = metric(y_true, y_pred, sample_weight) if weight > 0 else 0.0
    total, weight = collective.allreduce(np.array([value * weight, weight]), collective.Op.SUM)
    return float(total / weight)


class _UserMetric(ProbabilityMetric):
    @property
    def __name__(self) -> str:
        return getattr(self.function, "__name__", type(self.function).__name__)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        return _over_workers(self._value, y_true, y_pred, sample_weight)

    def _value(self, y_true: Any, y_pred: Any, sample_weight: Any) -> float:
        weight = {} if sample_weight is None else {"sample_weight": sample_weight}
        return float(self.function(y_true, self.probabilities(y_pred), **weight))


class XGBoostAdapter(BoosterAdapter):
    """Translates for XGBClassifier and XGBRFClassifier."""

    def clone(self, estimator: Any) -> Any:
        """Return an unfitted copy of ``estimator`` to train."""
        copied = super().clone(estimator)
        copied.callbacks = estimator.callbacks  # a copy of a callback would report to a copy of its study
        return copied

    def check(self, estimator: Any) -> None:
        """Raise ValueError for a parameter that the focal loss replaces or that XGBoost would misuse."""
        params = estimator.get_params()
        if params["objective"] not in _OBJECTIVES:
            raise ValueError(
                f"estimator must have a native classification objective, one of {_OBJECTIVES}: "
                f"the focal loss replaces it; got objective={params['objective']!r}."
            )
        if params.get("scale_pos_weight") not in (None, 1):
            raise ValueError(
                "estimator must not set scale_pos_weight, XGBoost ignores it for a custom loss: use alpha; "
                f"got scale_pos_weight={params['scale_pos_weight']!r}."
            )
        if params.get("base_score") is not None:
            raise ValueError(
                "estimator must not set base_score, the model starts from the class prior; "
                f"got base_score={params['base_score']!r}."
            )
        if params.get("multi_strategy") == "multi_output_tree":
            raise ValueError(
                "estimator must have multi_strategy 'one_output_per_tree' or None; got 'multi_output_tree'."
            )

    def start(self, initial_raw_prediction: Any) -> Any:
        """Return the starting value that XGBoost can hold nearest to the given one."""
        if np.ndim(initial_raw_prediction) == 1:
            return initial_raw_prediction
        return min(max(initial_raw_prediction, -_LARGEST_START), _LARGEST_START)

    def fit(
        self,
        estimator: Any,
        loss: FocalLoss,
        start: Any,
        calibrated: bool,
        X: Any,
        y: Array,
        sample_weight: Array | None,
        eval_set: EvalSet,
        fit_params: dict[str, Any],
    ) -> None:
        """Train ``estimator`` with the loss and leave a plain native model in it.

        XGBoost stores the native objective beside a callable one: only the parameters are put back.
        """
        for name in ("xgb_model", "base_margin", "base_margin_eval_set", "sample_weight_eval_set"):
            if fit_params.get(name) is not None:
                instead = "eval_sample_weight" if name == "sample_weight_eval_set" else "nothing: it starts anew"
                raise ValueError(f"fit does not take {name}; use {instead}.")
        own = {name: getattr(estimator, name) for name in ("early_stopping_rounds", "callbacks", "eval_metric")}
        own_kwargs = dict(estimator.kwargs) if getattr(estimator, "kwargs", None) else {}
        multiclass = np.ndim(start) == 1
        estimator.set_params(
            objective=Objective(loss),
            # Binary in probability space, multiclass in margin space.
            base_score=[float(value) for value in start] if multiclass else float(1 / (1 + np.exp(-start))),
        )
        metrics = self._metrics(own["eval_metric"], loss, calibrated)
        if eval_set:
            self._set_metrics(estimator, metrics)
        try:
            with _errors_without_trace():
                self._train(estimator, X, y, sample_weight, eval_set, {"verbose": False, **fit_params})
        finally:
            # Not by set_params, which hands the parameters of a fitted estimator on to the model. There may only
            # be metrics then that XGBoost knows.
            native = [metric for metric in metrics if not isinstance(metric, XGBoostMetric | _UserMetric)]
            own["eval_metric"] = native[0] if len(native) == 1 else native or None
            objective = "multi:softprob" if multiclass else "binary:logistic"
            vars(estimator).update(objective=objective, base_score=None, kwargs=own_kwargs, **own)

    def _train(
        self, estimator: Any, X: Any, y: Any, sample_weight: Any, eval_set: EvalSet, fit_params: dict[str, Any]
    ) -> None:
        weights = [weight for *_, weight in eval_set]
        estimator.fit(
            _readable(X),
            y,
            sample_weight=sample_weight,
            eval_set=[(_readable(X_eval), y_eval) for X_eval, y_eval, _ in eval_set] or None,
            sample_weight_eval_set=_all_or_none(weights, eval_set),
            **fit_params,
        )

    def _metrics(self, requested: Any, loss: FocalLoss, calibrated: bool) -> list[Any]:
        requested = "log_loss" if requested is None else requested
        requested = requested if isinstance(requested, list | tuple) else [requested]
        metrics: list[Any] = []
        for metric in requested:
            if callable(metric):
                metrics.append(_UserMetric(metric, loss, calibrated))
            elif metric_name(metric) in ("log_loss", "focal_loss"):
                metrics.append(XGBoostMetric(loss, metric_name(metric), calibrated))
            elif metric in _RANK_METRICS:
                metrics.append(metric)
            else:
                raise ValueError(
                    "eval_metric must be 'log_loss', 'focal_loss', a callable of probabilities or one of "
                    f"{_RANK_METRICS}: XGBoost would compute the others on plain sigmoids; got {metric!r}."
                )
        if not metrics or sum(map(callable, metrics)) > 1:
            raise ValueError(
                "eval_metric must be one metric or more, at most one of them 'log_loss', 'focal_loss' or a "
                f"callable: XGBoost takes no second; got {requested!r}."
            )
        return metrics

    def _set_metrics(self, estimator: Any, metrics: list[Any]) -> None:
        built_in = [metric for metric in metrics if not callable(metric)]
        if not built_in:
            # A lone callable goes without a list, or XGBoost keeps the list as a name that no restored model
            # knows; and XGBoost adds the log loss of the plain sigmoid or softmax unless told not to.
            estimator.set_params(eval_metric=metrics[0], disable_default_eval_metric=True)
            return
        estimator.set_params(eval_metric=metrics)
        if (
            len(built_in) < len(metrics)
            and not callable(metrics[-1])
            and estimator.early_stopping_rounds is not None
        ):
            # XGBoost stops on the last metric and puts the callable one last, wherever it was asked for.
            from xgboost.callback import EarlyStopping

            stop = EarlyStopping(rounds=estimator.early_stopping_rounds, metric_name=metrics[-1])
            estimator.set_params(early_stopping_rounds=None, callbacks=[*(estimator.callbacks or []), stop])

    def raw_prediction(self, estimator: Any, X: Any) -> Array:
        """Return margins, (n,) or (n, K), float32."""
        with _errors_without_trace():
            return np.asarray(estimator.predict(_readable(X), output_margin=True))

    def booster(self, estimator: Any) -> Any:
        """Return the xgboost.Booster."""
        return estimator.get_booster()

    def evals_result(self, estimator: Any) -> dict[str, dict[str, list[float]]]:
        """Return {set: {metric: [value per round]}}, empty without eval sets."""
        return getattr(estimator, "evals_result_", None) or {}

    def best_iteration(self, estimator: Any) -> int | None:
        """Return the best iteration, counted from 0, None without early stopping."""
        try:
            return int(estimator.best_iteration)
        except AttributeError:
            return None

    def made_a_split(self, estimator: Any) -> bool:
        """Return whether any tree has more than one leaf (any coefficient, for gblinear)."""
        return bool(estimator.get_booster().get_score(importance_type="weight"))


def _readable(X: Any) -> Any:
    """Return the data as XGBoost reads them: of polars' categories newer versions know the Enum only."""
    frame = arrow_frame(X)
    if frame is None:
        return X
    import narwhals as nw

    categories = [name for name, dtype in frame.schema.items() if dtype == nw.Categorical]
    if not categories or not nw.dependencies.is_polars_dataframe(X):
        return X
    import polars as pl

    words = X.select(pl.col(categories).cast(pl.String))
    enums = [column.cast(pl.Enum(column.drop_nulls().unique().sort())) for column in words]
    return X.with_columns(enums)


@contextmanager
def _errors_without_trace() -> Iterator[None]:
    """Take the place in XGBoost's C++ code and the trace of it out of its errors."""
    from xgboost.core import XGBoostError

    try:
        yield
    except XGBoostError as error:
        reason = str(error).partition("Stack trace")[0].strip()
        raise XGBoostError("XGBoost: " + re.sub(r"^\[[\d:]+\] \S+:\d+: ", "", reason)) from None


def _all_or_none(weights: list[Array | None], eval_set: EvalSet) -> list[Array] | None:
    """Return the eval weights, 1 where only some sets have them: XGBoost wants all or none."""
    if all(weight is None for weight in weights):
        return None
    return [np.ones(len(y)) if weight is None else weight for _, y, weight in eval_set]
