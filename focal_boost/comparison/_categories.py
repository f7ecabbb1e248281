"""A transformer that gives all data the categories of the training data."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted


class FixedCategories(TransformerMixin, BaseEstimator):
    """Turn columns of a data frame into categories: the values in the training data, as text.

    A value that occurs only in new data becomes a missing value. New data have the categories of the training
    data, even if they consist of a single row. skrub's ``ToCategorical`` takes the categories from the data that
    it transforms, and XGBoost raises an error for unknown categories and for a column without any.

    Values are compared before they become text: 1 equals 1.0, but not "1" or True.

    Attributes
    ----------
    categories_ : dict of str to pandas.Index
        The values of each column in the training data.

    Examples
    --------
    >>> import pandas as pd
    >>> from focal_boost.comparison import FixedCategories
    >>> fixed = FixedCategories().fit(pd.DataFrame({"colour": ["red", "blue"]}))
    >>> fixed.transform(pd.DataFrame({"colour": ["green"]}))["colour"].cat.categories.tolist()
    ['blue', 'red']
    """

    def fit(self, X: pd.DataFrame, y: Any = None) -> FixedCategories:
        """Store the values of each column; ``y`` is ignored.

        Raises TypeError for a column with different values of the same text, such as 1 and "1".
        """
        categories = {name: column.astype("category").cat.categories for name, column in X.items()}
        for name, values in categories.items():
            if not values.map(str).is_unique:
                raise TypeError(f"Column {name!r} contains numbers and the same numbers as text.")
        self.categories_ = categories
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the columns as categories."""
        check_is_fitted(self)
        # As text, because XGBoost accepts neither floats nor nullable integers as categories.
        columns = {
            name: pd.Categorical.from_codes(values.get_indexer(pd.Index(X[name])), values.map(str))
            for name, values in self.categories_.items()
        }
        return pd.DataFrame(columns, index=X.index)
