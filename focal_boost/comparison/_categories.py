"""A transformer that gives all data the categories of the training data."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin


class FixedCategories(TransformerMixin, BaseEstimator):
    """Turn columns of a data frame into categories: the values in the training data, as text.

    A value that occurs only in new data becomes a missing value. New data have the categories of the training
    data, even if they consist of a single row. skrub's ``ToCategorical`` takes the categories from the data that
    it transforms, and XGBoost raises an error for unknown categories and for a column without any.

    Attributes
    ----------
    dtypes_ : dict of str to pandas.CategoricalDtype
        The categories of each column, before they become text.

    Examples
    --------
    >>> import pandas as pd
    >>> from focal_boost.comparison import FixedCategories
    >>> fixed = FixedCategories().fit(pd.DataFrame({"colour": ["red", "blue"]}))
    >>> fixed.transform(pd.DataFrame({"colour": ["green"]}))["colour"].cat.categories.tolist()
    ['blue', 'red']
    """

    def fit(self, X: pd.DataFrame, y: Any = None) -> FixedCategories:
        """Store the values of each column; ``y`` is ignored."""
        self.dtypes_ = {name: column.astype("category").dtype for name, column in X.items()}
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the columns as categories."""
        return X.apply(lambda column: _as_text(column, self.dtypes_[column.name]))


def _as_text(column: pd.Series, dtype: pd.CategoricalDtype) -> pd.Series:
    known = column.where(column.isin(dtype.categories)).astype(dtype)
    # XGBoost accepts neither floats nor nullable integers as categories.
    return known.cat.rename_categories(str)
