"""Training time on Dask relative to the built-in objectives, by numbers of workers and rows."""
