"""CatBoost: training with its own ``Focal`` loss; the starting value is stored in the first tree."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from focal_boost._data import EvalSet, Training
from focal_boost._features import Features
from focal_boost.boosters._catboost_metrics import RANK_METRICS, metric_settings, read_metrics
from focal_boost.boosters._catboost_pools import categorical_columns, check_categories, make_pool, readable
from focal_boost.losses import FocalLoss

# Names under which CatBoost reports its own loss.
_OWN_LOSS = ("Focal", "Logloss")

_LABELS = "labels are encoded as 0 and 1, in the order of classes_"
_PRIOR = "the model starts from the class prior"
_SHRINKAGE = "CatBoost does not support model shrinkage with a starting value"
_NO_SNAPSHOT = "training cannot continue from a snapshot"
# {parameter: (allowed values, reason for rejecting others)}; {} in a reason is replaced by the value.
_REJECTED: dict[str, tuple[tuple[Any, ...], str]] = {
    "task_type": ((None, "CPU"), "CatBoost trains its Focal loss only on the CPU"),
    "auto_class_weights": ((None, "None"), "use alpha='balanced': predict_proba corrects for it"),
    "class_weights": ((None,), "use alpha={!r}: predict_proba corrects for it"),
    "scale_pos_weight": ((None, 1), "use alpha=[1, {}]: predict_proba corrects for it"),
    "boost_from_average": ((None,), _PRIOR),
    "class_names": ((None,), _LABELS),
    "classes_count": ((None,), _LABELS),
    "target_border": ((None,), _LABELS),
    "posterior_sampling": ((None, False), _SHRINKAGE),
    "langevin": ((None, False), _SHRINKAGE),
    "model_shrink_rate": ((None, 0), _SHRINKAGE),
    "eval_fraction": ((None, 0), "use early_stopping=True, or pass an eval_set"),
    "save_snapshot": ((None, False), _NO_SNAPSHOT),
    "snapshot_file": ((None,), _NO_SNAPSHOT),
}
_UNSUPPORTED = {
    "baseline": _PRIOR,
    "init_model": "training cannot continue from another model",
    "save_snapshot": _NO_SNAPSHOT,
    "snapshot_file": _NO_SNAPSHOT,
}
_LEARNING_RATE = ("learning_rate", "eta")
_STOPPING = ("early_stopping_rounds", "od_type", "od_wait", "od_pval")
_VERBOSITY = ("verbose", "silent", "logging_level", "verbose_eval")
_BORDERS = ("border_count", "max_bin", "feature_border_type", "per_float_feature_quantization")
_METRICS = ("eval_metric", "custom_metric", "custom_loss")
# The largest ratio of the class weights. CatBoost stores focal_alpha in single precision: at this ratio the weight
# of the first class is inaccurate by up to 0.3 %, and beyond 2**25 it is 0.
_LARGEST_RATIO = 100_000
# Passed to the pools, not to the estimator.
_COLUMNS = ("cat_features", "text_features", "embedding_features")


class CatBoost:
    """A CatBoostClassifier."""

    reads_sparse = True

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def check_parameters(self) -> None:
        """Raise ValueError for a parameter that the focal loss replaces or that CatBoost would misuse."""
        params = self.estimator.get_params()
        for name in ("loss_function", "objective"):
            if params.get(name) not in (None, "Logloss"):
                raise ValueError(
                    f"estimator must have {name} 'Logloss' or None: FocalBoostClassifier's gamma and alpha choose "
                    f"the loss; got {name}={params[name]!r}."
                )
        for name, (allowed, reason) in _REJECTED.items():
            value = params.get(name)
            if not any(value is allow or (np.ndim(value) == 0 and value == allow) for allow in allowed):
                raise ValueError(f"estimator must not set {name}: {reason.format(value)}; got {name}={value!r}.")

    def nearest_start(self, initial_raw_prediction: Any) -> Any:
        """Return the starting value nearest to the given one that CatBoost can store, a float32."""
        if np.ndim(initial_raw_prediction):
            return initial_raw_prediction
        return float(np.float32(initial_raw_prediction))

    def clone(self) -> Any:
        """Return an unfitted copy of the estimator."""
        # sklearn.base.clone fails if a parameter is a list, because CatBoost's get_params copies it.
        return type(self.estimator)(**self.estimator.get_params())

    def train(
        self, training: Training, loss: FocalLoss, start: Any, calibrated: bool, fit_params: Mapping[str, Any]
    ) -> Any:
        """Return a clone of the estimator that is trained with the loss and holds a plain native model."""
        _check_loss(loss, len(training.classes))
        for name, reason in _UNSUPPORTED.items():
            if fit_params.get(name) is not None:
                raise ValueError(f"{name} is not supported: {reason}.")
        if training.n_iter_no_change is not None:
            self._check_early_stopping(fit_params)
        metrics = self.metrics(training, loss, calibrated, fit_params)
        columns = self._columns(training.features, fit_params)
        fit_params = {name: value for name, value in fit_params.items() if name not in (*_METRICS, *_COLUMNS)}
        negative, positive = _class_weights(loss.alpha)
        weight = training.sample_weight
        if loss.gamma == 0:
            objective = "Logloss"
            if negative != 1 or positive != 1:
                by_label = np.where(training.labels, positive, negative)
                weight = by_label if weight is None else weight * by_label
        else:
            objective = f"Focal:focal_alpha={positive / (negative + positive)!r};focal_gamma={loss.gamma!r}"
        rows = EvalSet(training.features, training.labels, weight)
        pool, *eval_pools = (make_pool(data, columns, start) for data in (rows, *training.eval_sets))
        settings = self._settings(fit_params)
        fit_params = self._fit_arguments(training, fit_params)
        if objective != "Logloss":
            settings |= self._defaults_of_logloss(settings, pool, eval_pools, fit_params.get("use_best_model"))
        if eval_pools:
            settings |= metric_settings(metrics, training)
        trained = type(self.estimator)(**settings, loss_function=objective)
        trained.fit(pool, eval_set=eval_pools or None, **fit_params)
        return finish_native(trained, start, self.estimator.get_params())

    def metrics(
        self, training: Training, loss: FocalLoss, calibrated: bool, fit_params: Mapping[str, Any]
    ) -> list[Any]:
        """Return the metrics, the monitored one first; raise ValueError for an unsupported metric."""
        requested = [
            *_as_list(fit_params.get("eval_metric") or self._param("eval_metric") or "log_loss"),
            *_as_list(self._param("custom_metric", "custom_loss") or []),
        ]
        return read_metrics(requested, training.n_iter_no_change is not None, loss, calibrated)

    def _check_early_stopping(self, fit_params: Mapping[str, Any]) -> None:
        given = {**self.estimator.get_params(), **fit_params}
        for name in _STOPPING:
            if given.get(name) is not None:
                raise ValueError(
                    f"early_stopping=True must not be combined with {name}: set n_iter_no_change; "
                    f"got {name}={given[name]!r}."
                )
        if given.get("use_best_model") is False:
            raise ValueError(
                "use_best_model must not be False with early_stopping=True, which uses the best round."
            )

    def _columns(self, features: Features, fit_params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the non-numeric columns: those requested, or the categorical columns of a data frame."""
        requested = {name: fit_params.get(name) for name in _COLUMNS}
        columns = {name: self._param(name) if value is None else value for name, value in requested.items()}
        frame = features.X if features.frame is None else features.frame
        if columns["cat_features"] is None:
            columns["cat_features"] = categorical_columns(features)
        elif not hasattr(frame, "columns"):
            raise ValueError(
                "cat_features requires a data frame, because an array is numeric; "
                f"got cat_features={columns['cat_features']!r} with X of type {type(features.X).__name__}."
            )
        return {name: value for name, value in columns.items() if value is not None}

    def _settings(self, fit_params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the training parameters, without output or files unless the user requested them."""
        own = self.estimator.get_params()
        dropped = {"loss_function", "objective", *_METRICS, *_COLUMNS}
        if fit_params.get("verbose"):
            dropped |= set(_VERBOSITY)
        settings = {name: value for name, value in own.items() if name not in dropped and value is not None}
        if not any(name in settings or fit_params.get(name) for name in _VERBOSITY):
            settings["verbose"] = False
        if not ({"allow_writing_files", "train_dir"} & settings.keys() or fit_params.get("plot")):
            settings["allow_writing_files"] = False
        # With monotone constraints CatBoost would choose a different default, then warn and use 0.
        return settings | {"model_shrink_rate": 0}

    def _fit_arguments(self, training: Training, fit_params: Mapping[str, Any]) -> dict[str, Any]:
        arguments = {name: value for name, value in fit_params.items() if value is not None}
        if not arguments.get("verbose"):
            arguments.pop("verbose", None)
        if training.n_iter_no_change is not None:
            arguments |= {"early_stopping_rounds": training.n_iter_no_change, "use_best_model": True}
        return arguments

    def _defaults_of_logloss(
        self, settings: Mapping[str, Any], pool: Any, eval_pools: list[Any], use_best_model: bool | None
    ) -> dict[str, Any]:
        """Return the learning rate and leaf iterations that CatBoost chooses for Logloss but not for ``Focal``."""
        missing = [name for name in ("learning_rate", "leaf_estimation_iterations") if settings.get(name) is None]
        if settings.get("eta") is not None:
            missing.remove("learning_rate")
        if not missing:
            return {}
        quick = {name: value for name, value in settings.items() if name not in (*_VERBOSITY, *_BORDERS)}
        quick |= {"allow_writing_files": False, "verbose": False, "loss_function": "Logloss"}
        # The choice does not depend on the borders, whose computation takes most of the time of a round.
        first_round = type(self.estimator)(**quick, border_count=1, feature_border_type="Uniform")
        first_round.fit(
            pool, eval_set=eval_pools or None, use_best_model=use_best_model, callbacks=[_FirstRound()]
        )
        chosen = first_round.get_all_params()
        return {name: chosen[name] for name in missing}

    def _param(self, *aliases: str) -> Any:
        params = self.estimator.get_params()
        return next((params[name] for name in aliases if params.get(name) is not None), None)

    def model_start(self, start: Any) -> Any:
        """Return the starting value of the model, which is the requested one."""
        return start

    def raw_prediction(self, features: Features) -> np.ndarray:
        """Return raw predictions, (n,), float64."""
        return np.asarray(self.estimator.predict(self._read(features), **self._prediction))

    def staged_raw_prediction(self, features: Features) -> Iterator[np.ndarray]:
        """Yield the raw predictions after each round."""
        for raw in self.estimator.staged_predict(self._read(features), **self._prediction):
            yield np.array(raw)

    @property
    def _prediction(self) -> dict[str, Any]:
        return {"prediction_type": "RawFormulaVal", "thread_count": self._param("thread_count") or -1}

    def _read(self, features: Features) -> Any:
        names = self.estimator.feature_names_
        data = readable(features)
        check_categories(data, [names[column] for column in self.estimator.get_cat_feature_indices()])
        return data

    @property
    def native(self) -> Any:
        """The CatBoostClassifier, CatBoost's only model object."""
        return self.estimator

    @property
    def evals_result(self) -> dict[str, dict[str, list[float]]]:
        """{set: {metric: [value per round]}} without CatBoost's own loss, empty without eval sets."""
        return {
            name: {metric: list(curve) for metric, curve in curves.items() if not metric.startswith(_OWN_LOSS)}
            for name, curves in self.estimator.get_evals_result().items()
            if name != "learn"
        }

    @property
    def best_iteration(self) -> int | None:
        """The best iteration, counted from 0, None without an eval set."""
        best = self.estimator.get_best_iteration()
        return None if best is None else int(best)

    @property
    def best_score(self) -> float | None:
        """The monitored metric of the last eval set in the best iteration, None without an eval set."""
        best = self.best_iteration
        if best is None:
            return None
        *_, curves = self.evals_result.values()
        built_in = self.estimator.get_all_params()["eval_metric"]
        watched = next((metric for metric in curves if metric not in RANK_METRICS), built_in)
        return float(curves[watched][best])

    @property
    def n_iter(self) -> int:
        """The number of boosting rounds used for prediction."""
        return int(self.estimator.tree_count_)

    @property
    def made_a_split(self) -> bool:
        """Whether any tree has more than one leaf."""
        return bool((np.asarray(self.estimator.get_tree_leaf_counts()) > 1).any())


class _FirstRound:
    """A callback that stops training after one round."""

    def after_iteration(self, info: Any) -> bool:
        return False


def _check_loss(loss: FocalLoss, n_classes: int) -> None:
    instead = "use an XGBClassifier or an LGBMClassifier"
    if n_classes > 2:
        raise ValueError(
            "Only binary classification is supported with a CatBoostClassifier, whose Focal loss is binary: "
            f"{instead}; got {n_classes} classes in y."
        )
    if not isinstance(loss.gamma, float):
        raise ValueError(
            f"gamma must be a single number with a CatBoostClassifier, whose Focal loss has only one: {instead}; "
            f"got {loss.gamma!r}."
        )
    if loss.hessian != "safeguarded":
        raise ValueError(
            f"hessian must be 'safeguarded' with a CatBoostClassifier, which computes its own: {instead}; "
            f"got {loss.hessian!r}."
        )
    negative, positive = _class_weights(loss.alpha)
    if loss.gamma != 0 and positive > _LARGEST_RATIO * negative:
        raise ValueError(
            f"alpha must give the second class at most {_LARGEST_RATIO} times the weight of the first with a "
            f"CatBoostClassifier, which stores the weights in single precision: {instead}; got {loss.alpha!r}."
        )


def _class_weights(alpha: Any) -> tuple[float, float]:
    if alpha is None:
        return 1.0, 1.0
    return alpha if isinstance(alpha, tuple) else (1 - alpha, alpha)


def _as_list(requested: Any) -> list[Any]:
    return list(requested) if isinstance(requested, list | tuple) else [requested]


def finish_native(trained: Any, start: float, params: dict[str, Any]) -> Any:
    """Return the trained model with the starting value in the leaves of its first tree and with ``params``.

    CatBoost itself would store the starting value as a bias, which its ONNX export does not handle correctly.
    """
    values, n_leaves = np.array(trained.get_leaf_values()), trained.get_tree_leaf_counts()[0]
    values[:n_leaves] += start
    trained.set_leaf_values(values)
    # The metadata record that the metric was a Python object, which a restored model does not have.
    metadata = trained.get_metadata()
    recorded = json.loads(metadata["params"])
    if recorded["metrics"]["eval_metric"]["type"].startswith("PythonUserDefined"):
        recorded["metrics"]["eval_metric"] = recorded["metrics"]["objective_metric"]
        recorded["flat_params"].pop("eval_metric", None)
        metadata["params"] = json.dumps(recorded)
    # The pickled state contains the parameters and, under names with an underscore, the model. Restoring it
    # discards the leaf values that a model caches when it first predicts.
    model = {name: value for name, value in trained.__getstate__().items() if name.startswith("_")}
    native = type(trained)()
    native.__setstate__({**params, **model})
    return native
