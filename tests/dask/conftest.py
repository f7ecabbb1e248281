"""The cluster of the tests on Dask."""

import pytest

from .clusters import distributed, start_cluster


@pytest.fixture(scope="package")
def client():
    """A client of a cluster of two worker processes."""
    with start_cluster() as cluster, distributed.Client(cluster) as client:
        yield client
