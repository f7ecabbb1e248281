"""The cluster of the tests on Dask, and how thorough the property tests are.

HYPOTHESIS_PROFILE=ci (the default) or nightly.
"""

import os

import pytest
from hypothesis import settings

settings.register_profile("ci", max_examples=200, deadline=None, derandomize=True)
settings.register_profile("nightly", max_examples=10_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="module")
def client():
    """A client of a cluster of two worker processes."""
    from .clusters import distributed, start_cluster

    with start_cluster() as cluster, distributed.Client(cluster) as client:
        yield client
