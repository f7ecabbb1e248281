"""Meta-estimator that corrects predicted probabilities for class weights and sampling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import check_is_fitted

from focal_boost._arguments import float_array
from focal_boost._data import encode
from focal_boost.losses import posterior


class PriorCorrectedClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Meta-estimator that corrects probabilities for the class weights used in training.

    A model trained with class weights, or on classes sampled at different rates, predicts the probabilities of the
    weighted population. This meta-estimator converts them, in closed form, to the probabilities of the original
    population. The correction has no parameters to estimate, so no rows are held out.

    Parameters
    ----------
    estimator : classifier
        A classifier with ``predict_proba``. It is cloned and fitted; to use a fitted classifier, wrap it in
        scikit-learn's ``FrozenEstimator``. The classifier must apply the weights itself: ``training_weight`` only
        describes them.
    training_weight : dict or "balanced"
        The weights that the estimator trains with. A dict maps class labels to positive weights; classes that are
        not in it have weight 1. For example, ``{1: 20}`` describes ``scale_pos_weight=20`` with labels 0 and 1,
        and ``{0: 0.1}`` a sample that contains one in ten negatives. ``"balanced"`` describes scikit-learn's
        ``class_weight="balanced"``, LightGBM's ``is_unbalance``, or a sampler in the pipeline that makes all
        classes equally frequent.

    Attributes
    ----------
    estimator_ : classifier
        The fitted classifier, which predicts uncorrected probabilities.
    classes_ : ndarray of shape (n_classes,)
        The class labels.
    training_weight_ : ndarray of shape (n_classes,)
        The weight of each class, in the order of ``classes_``.
    n_features_in_ : int
        Number of features seen in fit, if the estimator records it.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if the estimator records them.

    See Also
    --------
    focal_boost.losses.posterior : Correct given probabilities.
    focal_boost.FocalBoostClassifier : Train a booster with class weights and correct its probabilities.

    Notes
    -----
    The weights are not read from the estimator, because the same parameter shifts the probabilities of some
    classifiers and not of others: ``SVC(probability=True)`` and ``CalibratedClassifierCV`` estimate probabilities
    from rows without weights. Synthetic rows, such as those of SMOTE, also change the distribution within a class,
    for which this correction cannot account.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from focal_boost import PriorCorrectedClassifier
    >>> X, y = make_classification(n_samples=2000, weights=[0.95], class_sep=0.5, random_state=0)
    >>> balanced = LogisticRegression(class_weight="balanced")
    >>> model = PriorCorrectedClassifier(balanced, training_weight="balanced").fit(X, y)
    >>> shares = y, model.estimator_.predict_proba(X)[:, 1], model.predict_proba(X)[:, 1]
    >>> print(*(f"{share.mean():.2f}" for share in shares))  # true, with class weights, corrected
    0.06 0.19 0.05
    """

    estimator_: Any
    classes_: npt.NDArray[Any]
    training_weight_: npt.NDArray[np.float64]

    def __init__(self, estimator: Any, *, training_weight: Mapping[Any, float] | Literal["balanced"]) -> None:
        self.estimator = estimator
        self.training_weight = training_weight

    def fit(self, X: Any, y: ArrayLike, **params: Any) -> Self:
        """Fit the classifier and resolve its class weights.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data, in any form that the estimator accepts.
        y : array-like of shape (n_samples,)
            Class labels.
        **params
            Passed to ``fit`` of the estimator, by metadata routing if it is enabled in scikit-learn.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If a weight is not positive and finite, if a class in the dict is not in ``y``, or if ``"balanced"`` is
            ambiguous, which it is for a frozen estimator or with ``sample_weight``. Raised before training.
        """
        if not hasattr(self.estimator, "predict_proba"):
            raise TypeError(f"estimator must have predict_proba; got {self.estimator!r}.")
        frozen = isinstance(self.estimator, FrozenEstimator)
        classes, labels = (self.estimator.classes_, None) if frozen else encode(y)
        if len(classes) < 2:
            raise ValueError(f"y must contain at least two classes; got one class: {classes.tolist()}.")
        if get_config()["enable_metadata_routing"] and params:
            params = process_routing(self, "fit", **params).estimator.fit
        if isinstance(self.training_weight, Mapping):
            weight = _weights(self.training_weight, classes)
        else:
            weight = self._balanced(labels, params)
        fitted = clone(self.estimator).fit(X, y, **params)
        self.estimator_, self.classes_, self.training_weight_ = fitted, fitted.classes_, weight
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(fitted, name):
                setattr(self, name, getattr(fitted, name))
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Return the corrected class probabilities, shape (n_samples, n_classes), in the order of ``classes_``."""
        check_is_fitted(self)
        return posterior(self.estimator_.predict_proba(X), gamma=0, alpha=self.training_weight_)

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the class with the largest `predict_proba`, shape (n_samples,)."""
        proba = self.predict_proba(X)
        return self.classes_[proba.argmax(axis=1)]

    def get_metadata_routing(self) -> MetadataRouter:
        """Return the router that passes the metadata of ``fit`` to the estimator."""
        return MetadataRouter(owner=self).add(
            estimator=self.estimator, method_mapping=MethodMapping().add(caller="fit", callee="fit")
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.estimator).input_tags
        return tags

    def _balanced(self, labels: npt.NDArray[Any] | None, params: Mapping[str, Any]) -> Any:
        """Return balanced weights; raise ValueError if the labels alone do not determine them."""
        if not isinstance(self.training_weight, str) or self.training_weight != "balanced":
            raise TypeError(f"training_weight must be a dict or 'balanced'; got {self.training_weight!r}.")
        if labels is None:
            raise ValueError(
                "training_weight must be a dict for a frozen estimator; got 'balanced', which depends on the "
                "labels used in training."
            )
        for name, value in params.items():
            if name.endswith("sample_weight") and value is not None:
                raise ValueError(
                    f"training_weight must be a dict with {name}; got 'balanced', which some classifiers "
                    "compute from row counts and others from weights."
                )
        return compute_class_weight("balanced", classes=np.unique(labels), y=labels)


def _weights(training_weight: Mapping[Any, float], classes: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return the weight of each class, 1 for a class that is not in the dict."""
    unknown = [label for label in training_weight if label not in set(classes)]
    if unknown:
        raise ValueError(f"training_weight must name classes of y, {classes.tolist()}; got {unknown[0]!r}.")
    # As objects, because NumPy would convert numbers to strings if one value is a string.
    values = np.array([training_weight.get(label, 1.0) for label in classes], dtype=object)
    weight = float_array("training_weight", values)
    invalid = ~((weight >= 1e-15) & (weight <= 1e8))
    if invalid.any():
        raise ValueError(f"training_weight must be from 1e-15 to 1e8; got {weight[invalid][0]!s}.")
    return weight
