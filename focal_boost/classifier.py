"""The scikit-learn estimator: checks, labels and class weights in; the adapter trains; probabilities out."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from focal_boost._input import canonical, check_frame, check_known, check_lengths, column, encode
from focal_boost.losses import BinaryFocalLoss, MulticlassFocalLoss
from focal_boost.losses._base import FocalLoss
from focal_boost.losses._kernel import Array
from focal_boost.losses._parameters import check_calibrated, check_sample_weight
from focal_boost.objectives import adapter_for, default_estimator
from focal_boost.objectives._adapter import EvalSet


class FocalBoostClassifier(ClassifierMixin, BaseEstimator):
    """Gradient boosting with the focal loss, over XGBoost or LightGBM, with calibrated probabilities.

    Parameters
    ----------
    estimator : XGBClassifier, XGBRFClassifier or LGBMClassifier, optional
        The unfitted booster. It is cloned, never modified. None: ``XGBClassifier()``.
    gamma : float or sequence of one float per class, default=2.0
        Focusing parameter, finite, >= 0. 0 is the log loss.
    alpha : None, "balanced", float, sequence or dict, default=None
        Class weight: none; inverse class frequencies as scikit-learn computes them; for two classes a float in
        (0, 1) that weighs the second class, 1 - alpha the first; one positive number per class, in the order of
        ``classes_``; or a dict by class label (1 for a class not named). It multiplies ``sample_weight``.
    calibrated : bool, default=True
        Whether `predict_proba` estimates the class posterior, undoing the distortion by gamma and alpha in closed
        form, or is the plain sigmoid or softmax of the raw prediction, which keeps the shift that alpha puts on
        the decision. Read at predict time; no refit is needed to change it.
    hessian : str, default="dominant"
        The second derivative that the booster is given: "dominant", "safeguarded", "exact", "gauss_newton",
        "absolute_gradient" or "bounded"; see `BinaryFocalLoss` and `MulticlassFocalLoss`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels, sorted.
    n_features_in_ : int
        Number of features seen in fit.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, where the data have them all as strings.
    loss_ : BinaryFocalLoss or MulticlassFocalLoss
        The loss, with alpha resolved to numbers.
    initial_raw_prediction_ : float or ndarray of shape (n_classes,)
        The constant that the model starts from, whose posterior is the class prior; K values sum to zero.
    estimator_ : XGBClassifier, XGBRFClassifier or LGBMClassifier
        The fitted booster, a plain native model of the logistic or softmax objective over labels 0 to K - 1: it
        predicts the sigmoid or softmax of the raw prediction, and saves, loads and exports without focal_boost.
    booster_ : xgboost.Booster or lightgbm.Booster
        The native model inside.
    feature_importances_ : ndarray of shape (n_features,)
        As the booster computes them.
    best_iteration_ : int
        With early stopping, as the booster counts: XGBoost from 0, LightGBM from 1.
    evals_result_ : dict
        With ``eval_set``, {set: {metric: [value per round]}}.

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

    _adapter_for = staticmethod(adapter_for)
    _default_estimator = staticmethod(default_estimator)

    def __init__(
        self,
        estimator: Any = None,
        *,
        gamma: Any = 2.0,
        alpha: Any = None,
        calibrated: bool = True,
        hessian: str = "dominant",
    ) -> None:
        self.estimator = estimator
        self.gamma = gamma
        self.alpha = alpha
        self.calibrated = calibrated
        self.hessian = hessian

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        eval_set: Any = None,
        eval_sample_weight: Any = None,
        **fit_params: Any,
    ) -> FocalBoostClassifier:
        """Train the booster with the focal loss.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Frames of pandas, polars or pyarrow reach the booster with their categories. NaN is a missing value.
        y : array-like of shape (n_samples,)
            Class labels of any type, at least two classes.
        sample_weight : array-like of shape (n_samples,), optional
            Finite, not negative, positive somewhere in every class.
        eval_set : list of (X, y) pairs, optional
            Sets to evaluate after every round, labelled as ``y``. The number reported is the log loss of what
            `predict_proba` returns; ``"focal_loss"``, rank metrics and callables of (y_true, probabilities) are
            requested as the booster's ``eval_metric``: a parameter of XGBClassifier, of LGBMClassifier's fit.
            LightGBM's newer ``eval_X`` and ``eval_y`` are understood too.
        eval_sample_weight : list of array-likes or None, optional
            Weights of the eval sets.
        **fit_params
            Passed to the fit of the booster: ``verbose``, ``callbacks``, ...

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            On wrong input, before anything is trained; a previous fit is then left as it was.
        """
        before = self.__dict__.copy()
        try:
            self._fit(X, y, sample_weight, eval_set, eval_sample_weight, fit_params)
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise
        return self

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        eval_set: Any,
        eval_sample_weight: Any,
        fit_params: dict[str, Any],
    ) -> None:
        estimator = self._default_estimator() if self.estimator is None else self.estimator
        adapter = self._adapter_for(estimator)
        adapter.check(estimator)
        check_calibrated(self.calibrated)

        X = self._check_X(X, reset=True)
        self.classes_, counts, totals, labels, weight = self._check_y(X, y, sample_weight)
        if len(self.classes_) < 2:
            raise ValueError(f"y must hold at least two classes; got one class: {self.classes_.tolist()}.")
        loss = self._resolve_loss(counts)
        if not totals.all():
            empty = self.classes_[totals == 0].tolist()
            raise ValueError(
                f"sample_weight must be positive somewhere in every class; it is zero for all of {empty}."
            )
        evals = self._check_eval_set(eval_set, eval_sample_weight, fit_params)

        # Only their ratios count, and a sum may be larger than a weight may be.
        start = adapter.start(loss.fit_intercept_only(np.arange(len(totals)), totals / totals.max()))
        fitted = adapter.clone(estimator)
        adapter.fit(fitted, loss, start, self.calibrated, X, labels, weight, evals, fit_params)
        self.estimator_ = fitted
        self.loss_ = loss
        self.initial_raw_prediction_ = start
        if not adapter.made_a_split(fitted):
            warnings.warn(
                "No split was made: the model is the constant it starts from. The gradients may be too small for "
                f"the booster's regularisation at gamma={self.gamma!r}, or the features carry nothing.",
                UserWarning,
                stacklevel=3,
            )

    def decision_function(self, X: Any) -> Array:
        """Return the raw prediction, float64: (n_samples,) before the sigmoid, (n_samples, K) before softmax."""
        check_is_fitted(self)
        raw = self._adapter_for(self.estimator_).raw_prediction(self.estimator_, self._check_X(X, reset=False))
        return raw.astype(np.float64, copy=False)

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of `predict_proba`, with full relative accuracy for improbable classes."""
        raw = self.decision_function(X)
        return self.loss_.predict_log_proba(raw, self.calibrated)

    def predict_proba(self, X: Any) -> Array:
        """Return class probabilities, float64 of shape (n_samples, n_classes), in the order of ``classes_``.

        With ``calibrated=True`` the estimated posterior, else the plain sigmoid or softmax.
        """
        raw = self.decision_function(X)
        return self.loss_.predict_proba(raw, self.calibrated)

    def predict(self, X: Any) -> Array:
        """Return the class with the largest `predict_proba`, (n_samples,)."""
        proba = self.predict_proba(X)
        return self.classes_[proba.argmax(axis=1)]

    @property
    def booster_(self) -> Any:
        """The native model inside."""
        check_is_fitted(self)
        return self._adapter_for(self.estimator_).booster(self.estimator_)

    @property
    def feature_importances_(self) -> Array:
        """As the booster computes them, (n_features,)."""
        check_is_fitted(self)
        return self.estimator_.feature_importances_

    @property
    def evals_result_(self) -> dict[str, dict[str, list[float]]]:
        """{set: {metric: [value per round]}}."""
        check_is_fitted(self)
        return self._adapter_for(self.estimator_).evals_result(self.estimator_)

    @property
    def best_iteration_(self) -> int:
        """With early stopping, the best iteration as the booster counts: XGBoost from 0, LightGBM from 1."""
        check_is_fitted(self)
        best = self._adapter_for(self.estimator_).best_iteration(self.estimator_)
        if best is None:
            raise AttributeError("best_iteration_ is there only after early stopping.")
        return best

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        return tags

    def _check_X(self, X: Any, reset: bool) -> Any:
        if hasattr(X, "columns"):
            check_frame(X)
            # Names, number and types of the features are checked: categories must reach the booster untouched.
            return validate_data(self, X, reset=reset, skip_check_array=True)
        if getattr(getattr(X, "dtype", None), "kind", None) in ("m", "M"):
            raise TypeError(f"X must hold numbers; got {X.dtype}.")
        try:
            X = validate_data(
                self,
                X,
                reset=reset,
                accept_sparse=("csr", "csc"),
                dtype=(np.float64, np.float32),
                ensure_all_finite="allow-nan",
            )
        except TypeError as error:
            raise TypeError(
                f"X must be an array, a sparse matrix or a data frame; got {type(X).__name__}. {error}"
            ) from None
        return canonical(X)

    def _check_eval_set(self, eval_set: Any, eval_sample_weight: Any, fit_params: dict[str, Any]) -> EvalSet:
        """Return (X, labels, weight) of each eval set; also from LightGBM's spelling, eval_X and eval_y."""
        eval_X, eval_y = fit_params.pop("eval_X", None), fit_params.pop("eval_y", None)
        if eval_X is not None or eval_y is not None:
            if eval_set is not None or eval_X is None or eval_y is None:
                raise ValueError("eval_X and eval_y must be given together, and instead of eval_set.")
            eval_set = list(zip(eval_X, eval_y, strict=True)) if isinstance(eval_X, tuple) else [(eval_X, eval_y)]
        if eval_set is None:
            if eval_sample_weight is not None:
                raise ValueError("eval_sample_weight must come with eval_set.")
            return []
        if isinstance(eval_set, tuple) and len(eval_set) == 2 and not isinstance(eval_set[0], tuple):
            eval_set = [eval_set]
        if not isinstance(eval_set, tuple | list) or not all(
            isinstance(pair, tuple | list) and len(pair) == 2 for pair in eval_set
        ):
            raise ValueError(f"eval_set must be a list of (X, y) pairs; got {eval_set!r}.")
        weights = [None] * len(eval_set) if eval_sample_weight is None else eval_sample_weight
        if not isinstance(weights, tuple | list) or len(weights) != len(eval_set):
            raise ValueError(
                f"eval_sample_weight must be a list with an entry per pair of eval_set, {len(eval_set)}; "
                f"got {eval_sample_weight!r}."
            )
        checked: EvalSet = []
        for i, ((X, y), weight) in enumerate(zip(eval_set, weights, strict=True)):
            X = self._check_X(X, reset=False)
            checked.append((X, *self._check_eval_y(f"eval_set[{i}]", X, y, weight)))
        return checked

    def _check_y(self, X: Any, y: Any, sample_weight: Any) -> tuple[Array, Array, Array, Any, Any]:
        """Return the classes, their numbers of rows and total weights; the labels 0..K-1 and the weights."""
        check_lengths("X and y", X, y)
        classes, labels = encode(y)
        weight = check_sample_weight(sample_weight, len(labels))
        return classes, np.bincount(labels), np.bincount(labels, weights=weight), labels, weight

    def _check_eval_y(self, name: str, X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any]:
        """Return the labels 0..K-1 and the weights of an eval set."""
        check_lengths(f"X and y of {name}", X, y)
        y = column(name, y)
        check_known(name, y, self.classes_)
        weight = check_sample_weight(sample_weight, len(y), f"sample_weight of {name}")
        if weight is not None and not weight.any():
            raise ValueError(f"{name} must hold rows of positive weight.")
        return np.searchsorted(self.classes_, y), weight

    def _resolve_loss(self, counts: Array) -> FocalLoss:
        """Return the loss with alpha in numbers, for classes of so many rows each."""
        n_classes = len(self.classes_)
        alpha = self.alpha
        if isinstance(alpha, dict):
            classes = set(self.classes_)
            unknown = [label for label in alpha if label not in classes]
            if unknown:
                raise ValueError(f"alpha must name classes of y, {self.classes_.tolist()}; got {unknown[0]!r}.")
            alpha = tuple(alpha.get(label, 1.0) for label in self.classes_)
        elif isinstance(alpha, str):
            if alpha != "balanced":
                raise ValueError(
                    "alpha must be None, 'balanced', a float, one number per class or a dict by class label; "
                    f"got {alpha!r}."
                )
            # As sklearn.utils.class_weight.compute_class_weight does, from counts instead of labels.
            alpha = tuple((counts.sum() / (n_classes * counts)).tolist())
        if n_classes == 2:
            return BinaryFocalLoss(self.gamma, alpha, self.hessian)
        return MulticlassFocalLoss(n_classes, self.gamma, alpha, self.hessian)
