"""Time of the focal loss against the built-in objectives on Dask, by workers and rows."""
