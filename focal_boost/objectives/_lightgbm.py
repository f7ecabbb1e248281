"""LightGBM: init_score, raw scores, and the model text into which the starting value goes after training."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from scipy import sparse

from focal_boost.losses._base import FocalLoss, Objective
from focal_boost.losses._kernel import Array
from focal_boost.objectives._adapter import (
    BoosterAdapter,
    EvalSet,
    FocalMetric,
    ProbabilityMetric,
    arrow_frame,
    metric_name,
    n_threads,
)

_OBJECTIVES = (None, "binary", "multiclass", "softmax")

# LightGBM evaluates its own metrics on raw scores as if they were probabilities: only those that look at the
# order of the rows alone mean anything then.
_RANK_METRICS = ("auc", "average_precision", "auc_mu")


class LightGBMMetric(FocalMetric):
    """A metric for LightGBM: ``eval_metric=`` of LGBMClassifier.fit, ``feval=`` of ``lightgbm.train``.

    Set ``metric="None"`` too: LightGBM's own default is computed on raw scores as if they were probabilities.

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
    >>> from focal_boost.objectives import LightGBMMetric
    >>> LightGBMMetric(BinaryFocalLoss(gamma=0, alpha=None))([0, 1], np.array([0.0, 0.0]))
    ('log_loss', 0.6931471805599453, False)
    """

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[str, float, bool]:
        """Return (name, metric, False); also for the native order (raw prediction, Dataset)."""
        if hasattr(y_pred, "get_label"):
            data, y_pred = y_pred, y_true
            y_true, sample_weight = data.get_label(), data.get_weight()
        return self.name, self.value(y_true, y_pred, sample_weight), False


class _UserMetric(ProbabilityMetric):
    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any) -> Any:
        # LightGBM passes weights to a metric of three parameters.
        arguments = (sample_weight,) if len(inspect.signature(self.function).parameters) > 2 else ()
        return self.function(y_true, self.probabilities(y_pred), *arguments)


def _param(estimator: Any, *aliases: str) -> Any:
    """Return the value of the first alias that is set, else None."""
    params = estimator.get_params()
    return next((params[name] for name in aliases if params.get(name) is not None), None)


class LightGBMAdapter(BoosterAdapter):
    """Translates for LGBMClassifier."""

    def check(self, estimator: Any) -> None:
        """Raise ValueError for a parameter that the focal loss replaces or that LightGBM would misuse."""
        objective = _param(estimator, "objective", "objective_type", "app", "application", "loss")
        if objective not in _OBJECTIVES:
            raise ValueError(
                f"estimator must have a native classification objective, one of {_OBJECTIVES}: "
                f"the focal loss replaces it; got objective={objective!r}."
            )
        refused = {
            "class_weight": ((None,), "use alpha, which the probabilities then undo"),
            "scale_pos_weight": ((None, 1), "LightGBM ignores it for a custom loss: use alpha"),
            "is_unbalance": ((None, False), "LightGBM ignores it for a custom loss: use alpha='balanced'"),
            "unbalance": ((None, False), "LightGBM ignores it for a custom loss: use alpha='balanced'"),
            "unbalanced_sets": ((None, False), "LightGBM ignores it for a custom loss: use alpha='balanced'"),
            "pos_bagging_fraction": ((None, 1), "LightGBM ignores it for a custom loss: use alpha"),
            "neg_bagging_fraction": ((None, 1), "LightGBM ignores it for a custom loss: use alpha"),
            "sigmoid": ((None, 1), "the probabilities are those of sigmoid=1"),
            "boost_from_average": ((None, True), "the model starts from the class prior"),
            "linear_tree": ((None, False), "the starting value cannot be stored in linear leaves"),
            "linear_trees": ((None, False), "the starting value cannot be stored in linear leaves"),
        }
        params = estimator.get_params()
        for name, (allowed, reason) in refused.items():
            if params.get(name) not in allowed:
                raise ValueError(f"estimator must not set {name}: {reason}; got {name}={params[name]!r}.")
        boosting = _param(estimator, "boosting", "boost", "boosting_type")
        if boosting in ("rf", "random_forest"):
            raise ValueError(
                "estimator must have boosting_type 'gbdt' or 'dart': LightGBM's random forest takes no custom "
                f"loss; got {boosting!r}."
            )

    def start(self, initial_raw_prediction: Any) -> Any:
        """Return the starting value itself: LightGBM holds any."""
        return initial_raw_prediction

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
        """Train ``estimator`` with the loss and leave a plain native model in it."""
        for name in ("init_model", "init_score", "eval_init_score", "eval_class_weight", "group", "eval_group"):
            if fit_params.get(name) is not None:
                raise ValueError(f"fit does not take {name}: the model starts anew, from the class prior.")
        multiclass = np.ndim(start) == 1
        n_classes = len(start) if multiclass else 2
        fit_params = dict(fit_params)
        own_metric = _param(estimator, "metric", "metrics", "metric_types")
        metrics = self._metrics(fit_params.pop("eval_metric", None) or own_metric, loss, calibrated)
        settings: dict[str, Any] = {
            "objective": Objective(
                loss,
                # LightGBM's own log loss is calculated in float64 and then rounded: the same bits at gamma = 0
                # break ties between splits the same way.
                np.float64 if loss.gamma == 0 else np.float32,
                n_classes / (n_classes - 1) if multiclass else 1.0,
            ),
            "metric": "None",
        }
        if _param(estimator, "feature_pre_filter") is None:
            # With a callable objective LightGBM fails on data in which no feature passes the filter.
            settings["feature_pre_filter"] = False
        if _param(estimator, "verbosity", "verbose") is None:
            settings["verbosity"] = -1
        estimator.set_params(**settings)
        try:
            self._train(estimator, start, X, y, sample_weight, eval_set, metrics, fit_params)
        finally:
            # An empty metric is LightGBM's word for the objective's own.
            native = "multiclass" if multiclass else "binary"
            estimator.set_params(objective=native, metric=own_metric or "")
        finish_native(estimator.booster_, np.atleast_1d(start))

    def _train(
        self,
        estimator: Any,
        start: Any,
        X: Any,
        y: Array,
        sample_weight: Array | None,
        eval_set: EvalSet,
        metrics: list[Any],
        fit_params: dict[str, Any],
    ) -> None:
        estimator.fit(
            _readable(estimator, X),
            y,
            sample_weight=sample_weight,
            init_score=self._init_score(start, y),
            **self._eval_arguments(estimator, eval_set, start, metrics),
            **fit_params,
        )

    def _init_score(self, start: Any, y: Array) -> Any:
        return repeat(start, len(y))

    def _metrics(self, requested: Any, loss: FocalLoss, calibrated: bool) -> list[Any]:
        requested = "log_loss" if requested in (None, "") else requested
        requested = requested.split(",") if isinstance(requested, str) else requested
        metrics: list[Any] = []
        for metric in requested if isinstance(requested, list | tuple) else [requested]:
            if callable(metric):
                metrics.append(_UserMetric(metric, loss, calibrated))
            elif metric_name(metric) in ("log_loss", "focal_loss"):
                metrics.append(LightGBMMetric(loss, metric_name(metric), calibrated))
            elif metric in _RANK_METRICS:
                metrics.append(metric)
            elif not isinstance(metric, str) or metric.lower() not in ("none", "null", "na", "custom"):
                raise ValueError(
                    "eval_metric must be 'log_loss', 'focal_loss', a callable of probabilities or one of "
                    f"{_RANK_METRICS}: LightGBM would compute the others on raw scores; got {metric!r}."
                )
        return metrics

    def _eval_arguments(self, estimator: Any, eval_set: EvalSet, start: Any, metrics: list[Any]) -> dict[str, Any]:
        if not eval_set:
            return {}
        arguments: dict[str, Any] = {
            "eval_metric": metrics,
            "eval_init_score": [self._init_score(start, y) for _, y, _ in eval_set],
            "eval_sample_weight": [weight for *_, weight in eval_set],
        }
        X, y = tuple(_readable(estimator, X) for X, *_ in eval_set), tuple(y for _, y, _ in eval_set)
        if _since_4_7(estimator):
            return {**arguments, "eval_X": X, "eval_y": y}
        return {**arguments, "eval_set": list(zip(X, y, strict=True))}

    def raw_prediction(self, estimator: Any, X: Any) -> Array:
        """Return raw scores, (n,) or (n, K), float64."""
        # Not by the estimator's own predict, which warns of feature names that LightGBM 4.6 made up.
        threads = n_threads(estimator.n_jobs)
        return np.asarray(estimator.booster_.predict(_readable(estimator, X), raw_score=True, num_threads=threads))

    def booster(self, estimator: Any) -> Any:
        """Return the lightgbm.Booster."""
        return estimator.booster_

    def evals_result(self, estimator: Any) -> dict[str, dict[str, list[float]]]:
        """Return {set: {metric: [value per round]}}, empty without eval sets."""
        return {name: dict(values) for name, values in estimator.evals_result_.items()}

    def best_iteration(self, estimator: Any) -> int | None:
        """Return the best iteration, counted from 1, None without early stopping."""
        best = estimator.best_iteration_
        return int(best) if best is not None and best > 0 else None

    def made_a_split(self, estimator: Any) -> bool:
        """Return whether any tree has more than one leaf."""
        return bool(estimator.booster_.feature_importance("split").any())


def _since_4_7(estimator: Any) -> bool:
    return "eval_X" in inspect.signature(estimator.fit).parameters


def _readable(estimator: Any, X: Any) -> Any:
    """Return the data as LightGBM reads them: it knows no sparse arrays, and no categories in Arrow's format."""
    if sparse.issparse(X):
        return sparse.csc_matrix(X) if X.format == "csc" else sparse.csr_matrix(X)
    frame = arrow_frame(X)
    if frame is None:
        return X
    import narwhals as nw

    categories = [name for name, dtype in frame.schema.items() if dtype in (nw.Categorical, nw.Enum)]
    if _since_4_7(estimator) and not categories:
        return X
    # By way of words: an Enum would become an ordered categorical, whose codes LightGBM takes for numbers, and
    # pyarrow did not always hand unsigned codes on.
    words = [nw.col(name).cast(nw.String) for name in categories]
    return frame.with_columns(*words).to_pandas().astype(dict.fromkeys(categories, "category"))


def repeat(start: Any, n_samples: int) -> Array:
    """Return the starting value for every row, (n,) or (n, K)."""
    return np.full(n_samples, start) if np.ndim(start) == 0 else np.tile(start, (n_samples, 1))


def finish_native(booster: Any, start: Array) -> None:
    """Turn a booster trained with a callable from ``start``, (K,) or (1,), into one of the native objective.

    The starting value goes into the leaves of the first tree of each class, the objective into the model text.
    """
    for tree, info in enumerate(booster.dump_model(num_iteration=1)["tree_info"]):
        for leaf in range(info["num_leaves"]):
            booster.set_leaf_output(tree, leaf, booster.get_leaf_output(tree, leaf) + start[tree])
    objective = "binary sigmoid:1" if len(start) == 1 else f"multiclass num_class:{len(start)}"
    header, found, rest = booster.model_to_string(num_iteration=-1).partition("max_feature_idx=")
    line, newline, rest = rest.partition("\n")
    custom = "[objective: custom]"
    if not found or custom not in rest:
        raise RuntimeError(
            "This version of LightGBM writes its model text in a way that focal_boost does not know: "
            f"{'no ' + custom if found else 'no max_feature_idx'}."
        )
    rest = rest.replace(custom, f"[objective: {objective.split()[0]}]", 1)
    booster.model_from_string(f"{header}{found}{line}{newline}objective={objective}\n{rest}")
    booster.params["objective"] = objective.split()[0]
