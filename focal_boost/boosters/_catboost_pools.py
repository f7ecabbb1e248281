"""Conversion of features, labels, weights and starting value to CatBoost's pools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import sparse

from focal_boost._data import EvalSet
from focal_boost._features import Features, pandas_categories


def categorical_columns(features: Features) -> list[Any] | None:
    """Return the names of the categorical columns of a data frame, None if there are none."""
    if features.frame is not None:
        return list(features.categories) or None
    dtypes = getattr(features.X, "dtypes", None)
    return None if dtypes is None else [n for n, dtype in dtypes.items() if str(dtype) == "category"] or None


def make_pool(data: EvalSet, columns: Mapping[str, Any], start: float) -> Any:
    """Return a catboost.Pool that starts from ``start``; ``columns`` lists the non-numeric ones."""
    from catboost import Pool

    X = readable(data.features)
    check_categories(X, columns.get("cat_features", ()))
    baseline = np.full(len(data.labels), start)
    return Pool(X, data.labels, weight=data.sample_weight, baseline=baseline, **columns)


def readable(features: Features) -> Any:
    """Return the features in a form that CatBoost reads: no Arrow frames, no sparse arrays."""
    if features.frame is not None:
        return pandas_categories(features)
    if sparse.issparse(features.X):
        rows = sparse.csr_matrix(features.X)
        return sparse.csr_matrix((rows.data, rows.indices, rows.indptr), shape=rows.shape)  # 32-bit indices
    return features.X


def check_categories(X: Any, cat_features: Any) -> None:
    """Raise ValueError for missing values and for floats in categorical columns, which CatBoost rejects."""
    if not hasattr(X, "columns"):
        return
    for column in cat_features:
        name = column if column in X.columns else X.columns[column]
        if X[name].isna().any():
            raise ValueError(
                "X must not contain missing values in the categorical columns of a CatBoostClassifier: "
                "replace them with a category, "
                f"X[{name!r}].astype(object).fillna('missing').astype('category'); got missing values in {name!r}."
            )
        categories = getattr(X[name].dtype, "categories", X[name])
        if getattr(categories.dtype, "kind", "O") == "f":
            raise ValueError(
                "X must contain integers or strings in the categorical columns of a CatBoostClassifier; "
                f"got floats in {name!r}."
            )
