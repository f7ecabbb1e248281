"""One thread per process, and Hypothesis profiles chosen by HYPOTHESIS_PROFILE: ci (the default) or nightly."""

import os

from hypothesis import settings

# Set before any booster is imported. With a thread for each core in every process of pytest-xdist, the threads
# wait for each other, and the tests of HistGradientBoostingClassifier take many times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("ci", max_examples=200, deadline=None, derandomize=True)
settings.register_profile("nightly", max_examples=10_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
