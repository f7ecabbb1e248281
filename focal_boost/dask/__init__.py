"""Training and prediction on a Dask cluster."""

try:
    from focal_boost.dask._estimator import DaskFocalBoostClassifier
except ImportError as error:
    raise ImportError('focal_boost.dask needs Dask: pip install "dask[array,dataframe]" distributed') from error

__all__ = ["DaskFocalBoostClassifier"]
