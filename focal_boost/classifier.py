"""The scikit-learn classifier: input validation, training and prediction."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, check_scalar

from focal_boost._arguments import check_flag
from focal_boost._data import Training, hold_out, pair_eval_sets, read_training
from focal_boost._features import read_features
from focal_boost.boosters import Trainer, booster_of, default_estimator, only_binary, unfitted_copy
from focal_boost.losses import BinaryFocalLoss, FocalLoss, Gamma, Hessian, MulticlassFocalLoss


class FocalBoostClassifier(ClassifierMixin, BaseEstimator):
    """Gradient boosting classifier with the focal loss and calibrated probabilities.

    Parameters
    ----------
    estimator : XGBClassifier, XGBRFClassifier, LGBMClassifier or CatBoostClassifier, optional
        The unfitted booster, which is cloned and never modified. None means an XGBClassifier that accepts
        categories. A CatBoostClassifier supports only two classes, a single gamma and the default Hessian. Support
        for scikit-learn's HistGradientBoostingClassifier is experimental.
    gamma : float or sequence of one float per class, default=2.0
        Focusing parameter, finite, >= 0. 0 is the log loss.
    alpha : None, "balanced", float, sequence or dict, default=None
        Class weight, multiplied by ``sample_weight``. None: no class weights. "balanced": inverse frequencies, as
        in scikit-learn. Float in (0, 1), for two classes: the weight of class 1; class 0 has 1 - alpha. Sequence:
        one positive number per class, as in ``classes_``. Dict: weight by class label, 1 for the other classes.
    calibrated : bool, default=True
        Whether `predict_proba` estimates the class posterior, which corrects in closed form for the distortion by
        gamma and alpha, or returns the plain sigmoid or softmax. Can be changed without refitting.
    hessian : {"safeguarded", "gauss_newton", "exact"}, default="safeguarded"
        The second derivative passed to the booster; see `BinaryFocalLoss` and `MulticlassFocalLoss`.
    early_stopping : bool, default=False
        Whether to stop training when the log loss of `predict_proba` on the eval set no longer improves, and to
        predict with the best round. If no ``eval_set`` is passed to `fit`, a stratified random sample of the
        training rows is held out; pass an ``eval_set`` if rows are grouped or ordered in time.
    validation_fraction : float, default=0.1
        Share of the training rows to hold out, in (0, 1).
    n_iter_no_change : int, default=10
        Number of rounds without improvement after which training stops, at least 1.
    random_state : int, RandomState instance or None, default=None
        Seed of the split.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels, sorted.
    n_classes_ : int
        Number of classes.
    n_features_in_ : int
        Number of features seen in fit.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if all of them are strings.
    loss_ : BinaryFocalLoss or MulticlassFocalLoss
        The loss, with alpha resolved to numbers.
    initial_raw_prediction_ : float or ndarray of shape (n_classes,)
        The raw prediction from which boosting starts; its posterior is the class prior. With more than two
        classes the values sum to zero.
    estimator_ : XGBClassifier, XGBRFClassifier, LGBMClassifier or CatBoostClassifier
        The fitted booster, a plain native model of the labels 0 to K - 1. It predicts the sigmoid or softmax of
        the raw prediction and can be saved, loaded and exported without focal_boost.
    booster_ : xgboost.Booster, lightgbm.Booster or the type of ``estimator_``
        The native model; for scikit-learn and CatBoost this is ``estimator_`` itself.
    feature_importances_ : ndarray of shape (n_features,)
        Importances computed by the booster; not available for HistGradientBoostingClassifier.
    n_iter_ : int
        Number of boosting rounds used for prediction, counted from 1 for every booster.
    best_iteration_ : int
        Best iteration, available only with early stopping. XGBoost and CatBoost count from 0, LightGBM and
        scikit-learn from 1.
    best_score_ : float
        Value of the monitored metric in the best iteration, available only with early stopping.
    evals_result_ : dict
        {set: {metric: [value per round]}}, empty without an eval set.

    References
    ----------
    T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollár, "Focal Loss for Dense Object Detection", ICCV 2017,
    `doi:10.1109/ICCV.2017.324 <https://doi.org/10.1109/ICCV.2017.324>`_.
    N. Charoenphakdee, J. Vongkulbhisal, N. Chairatanakul, M. Sugiyama, "On Focal Loss for Class-Posterior
    Probability Estimation", CVPR 2021.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from xgboost import XGBClassifier
    >>> from focal_boost import FocalBoostClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> model = FocalBoostClassifier(XGBClassifier(n_estimators=20), gamma=2.0).fit(X, y == 8)
    >>> model.predict(X[:9])
    array([False, False, False, False, False, False, False, False,  True])
    """

    classes_: npt.NDArray[Any]
    n_classes_: int
    n_features_in_: int
    feature_names_in_: npt.NDArray[Any]
    loss_: FocalLoss
    initial_raw_prediction_: Any
    estimator_: Any

    def __init__(
        self,
        estimator: Any = None,
        *,
        gamma: Gamma = 2.0,
        alpha: Gamma | Mapping[Any, float] | Literal["balanced"] | None = None,
        calibrated: bool = True,
        hessian: Hessian = "safeguarded",
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.gamma = gamma
        self.alpha = alpha
        self.calibrated = calibrated
        self.hessian = hessian
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        eval_set: Sequence[tuple[Any, Any]] | None = None,
        eval_X: Any = None,
        eval_y: Any = None,
        eval_sample_weight: Sequence[ArrayLike | None] | None = None,
        eval_metric: Any = None,
        callbacks: Sequence[Any] | None = None,
        verbose: bool | int = False,
        **fit_params: Any,
    ) -> Self:
        """Train the booster with the focal loss.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Categorical columns of pandas, polars and pyarrow frames are passed to the booster as categories. NaN
            and masked entries are missing values.
        y : array-like of shape (n_samples,)
            Class labels of any type, at least two classes.
        sample_weight : array-like of shape (n_samples,), optional
            Finite and non-negative, positive for at least one row of every class.
        eval_set : list of (X, y) pairs, optional
            Sets to evaluate after every round, with the same class labels as ``y``.
        eval_X, eval_y : array-like or tuple of array-likes, optional
            Alternative to ``eval_set``, as in LightGBM.
        eval_sample_weight : list of array-likes or None, optional
            Weights of the eval sets.
        eval_metric : str, callable or list of these, optional
            Metrics to report: ``"log_loss"`` (the default), ``"focal_loss"``, the booster's rank metrics, and
            callables of (y_true, probabilities[, sample_weight]) in the form that the booster expects.
        callbacks : list of callables, optional
            Callbacks for the booster, in addition to those of the estimator.
        verbose : bool or int, default=False
            Print the metrics of the eval sets after every round, or every ``verbose`` rounds.
        **fit_params
            Passed to ``fit`` of the booster.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If the input is invalid. Raised before training; an earlier fit is kept.
        """
        booster = booster_of(default_estimator() if self.estimator is None else self.estimator)
        # Results are stored on a copy: a failed fit changes nothing, and other threads never see a partial fit.
        fitted = copy(self)
        eval_sets = pair_eval_sets(eval_set, eval_X, eval_y, eval_sample_weight)
        booster.check_parameters()
        check_flag("calibrated", self.calibrated)
        _check_early_stopping(self)
        training = read_training(fitted, X, y, sample_weight, eval_sets)
        if self.early_stopping:
            if not eval_sets:
                training = hold_out(training, self.validation_fraction, self.random_state)
            training = replace(training, n_iter_no_change=self.n_iter_no_change)
        own = {"eval_metric": eval_metric, "callbacks": callbacks, "verbose": verbose}
        train(fitted, booster, training, {**fit_params, **own})
        self.__dict__ = fitted.__dict__
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the raw prediction, float64: (n_samples,) before the sigmoid, (n_samples, K) before softmax."""
        fitted = self._snapshot()
        raw = booster_of(fitted.estimator_).raw_prediction(read_features(fitted, X, reset=False))
        return raw.astype(np.float64, copy=False)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithm of `predict_proba`, with full relative accuracy for improbable classes."""
        fitted = self._snapshot()
        return fitted.loss_.predict_log_proba(fitted.decision_function(X), fitted.calibrated)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return class probabilities, float64 of shape (n_samples, n_classes), in the order of ``classes_``.

        With ``calibrated=True`` this is the estimated posterior, else the plain sigmoid or softmax.
        """
        fitted = self._snapshot()
        return fitted.loss_.predict_proba(fitted.decision_function(X), fitted.calibrated)

    def predict(self, X: Any) -> np.ndarray:
        """Return the class with the largest `predict_proba`, (n_samples,)."""
        fitted = self._snapshot()
        return fitted.classes_[fitted.predict_proba(X).argmax(axis=1)]

    def staged_decision_function(self, X: Any) -> Iterator[np.ndarray]:
        """Yield the raw prediction after each boosting round, float64, as `decision_function` returns it.

        Yields ``n_iter_`` arrays. The k-th agrees with the raw prediction of a model of k rounds up to rounding.
        """
        fitted = self._snapshot()
        features = read_features(fitted, X, reset=False)
        for raw in booster_of(fitted.estimator_).staged_raw_prediction(features):
            yield raw.astype(np.float64)

    def staged_predict_proba(self, X: Any) -> Iterator[np.ndarray]:
        """Yield the class probabilities after each boosting round, as `predict_proba` returns them."""
        fitted = self._snapshot()
        for raw in fitted.staged_decision_function(X):
            yield fitted.loss_.predict_proba(raw, fitted.calibrated)

    @property
    def booster_(self) -> Any:
        """The native model; for scikit-learn and CatBoost ``estimator_`` itself."""
        check_is_fitted(self)
        return booster_of(self.estimator_).native

    @property
    def feature_importances_(self) -> np.ndarray:
        """Importances computed by the booster; not available for HistGradientBoostingClassifier."""
        check_is_fitted(self)
        return self.estimator_.feature_importances_

    @property
    def evals_result_(self) -> dict[str, dict[str, list[float]]]:
        """{set: {metric: [value per round]}}, empty without an eval set."""
        check_is_fitted(self)
        return booster_of(self.estimator_).evals_result

    @property
    def n_iter_(self) -> int:
        """Number of boosting rounds used for prediction, counted from 1 for every booster."""
        check_is_fitted(self)
        return booster_of(self.estimator_).n_iter

    @property
    def best_iteration_(self) -> int:
        """Best iteration, only with early stopping; XGBoost and CatBoost count from 0, the others from 1."""
        return self._from_early_stopping("best_iteration")

    @property
    def best_score_(self) -> float:
        """Value of the monitored metric in the best iteration, only with early stopping."""
        return self._from_early_stopping("best_score")

    def _from_early_stopping(self, name: str) -> Any:
        check_is_fitted(self)
        value = getattr(booster_of(self.estimator_), name)
        if value is None:
            raise AttributeError(f"{name}_ is available only after fitting with early stopping.")
        return value

    def _snapshot(self) -> Self:
        """Return a copy that does not change if another thread refits the estimator."""
        check_is_fitted(self)
        return copy(self)

    def __sklearn_clone__(self) -> Self:
        bare = copy(self)
        bare.estimator = None  # sklearn.base.clone fails if a CatBoostClassifier has a list parameter
        return BaseEstimator.__sklearn_clone__(bare).set_params(estimator=unfitted_copy(self.estimator))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = not only_binary(self.estimator)
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = self.estimator is None or booster_of(self.estimator).reads_sparse
        return tags


def _check_early_stopping(model: FocalBoostClassifier) -> None:
    check_flag("early_stopping", model.early_stopping)
    between_0_and_1 = {"min_val": 0, "max_val": 1, "include_boundaries": "neither"}
    check_scalar(model.validation_fraction, "validation_fraction", Real, **between_0_and_1)
    check_scalar(model.n_iter_no_change, "n_iter_no_change", Integral, min_val=1)


def train(
    fitted: FocalBoostClassifier, booster: Trainer, training: Training, fit_params: Mapping[str, Any]
) -> None:
    """Train the booster with the loss of ``fitted`` and assign the results to it."""
    loss = _resolve_loss(fitted, training)
    start = booster.nearest_start(loss.fit_intercept_only(np.arange(len(training.classes)), training.priors))
    fitted.estimator_ = booster.train(training, loss, start, fitted.calibrated, fit_params)
    fitted.classes_, fitted.n_classes_, fitted.loss_ = training.classes, len(training.classes), loss
    fitted.initial_raw_prediction_ = booster_of(fitted.estimator_).model_start(start)
    if not booster_of(fitted.estimator_).made_a_split:
        warnings.warn(
            "No split was made: the model predicts a constant. The gradients may be too small for the booster's "
            f"regularisation at gamma={fitted.gamma!r}, or the features may be uninformative.",
            UserWarning,
            stacklevel=3,
        )


def _resolve_loss(model: FocalBoostClassifier, training: Training) -> FocalLoss:
    """Return the loss, with alpha resolved from the class labels and counts."""
    classes, counts = training.classes, training.counts
    alpha: Any = model.alpha
    if isinstance(alpha, Mapping):
        unknown = [label for label in alpha if label not in set(classes)]
        if unknown:
            raise ValueError(f"alpha must name classes of y, {classes.tolist()}; got {unknown[0]!r}.")
        alpha = tuple(alpha.get(label, 1.0) for label in classes)
    elif isinstance(alpha, str):
        if alpha != "balanced":
            raise ValueError(
                "alpha must be None, 'balanced', a float, one number per class or a dict by class label; "
                f"got {alpha!r}."
            )
        # Like sklearn.utils.class_weight.compute_class_weight, but from counts.
        alpha = tuple((counts.sum() / (len(classes) * counts)).tolist())
    if len(classes) == 2:
        return BinaryFocalLoss(model.gamma, alpha, model.hessian)
    return MulticlassFocalLoss(len(classes), model.gamma, alpha, model.hessian)
