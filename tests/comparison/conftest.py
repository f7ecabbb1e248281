import json

import numpy as np
import pandas as pd
import pytest

from focal_boost.comparison import _report


@pytest.fixture
def no_figures(monkeypatch):
    """Save time: write reports without figures."""
    monkeypatch.setattr(_report, "svgs", lambda comparison: {})


@pytest.fixture
def files(tmp_path, monkeypatch, no_figures):
    """A working directory with a small CSV file and parameters for fast training."""
    random = np.random.default_rng(0)
    x = random.normal(size=(300, 2))
    frame = pd.DataFrame({"__class__": x[:, 0], "shop [id]": np.where(x[:, 1] > 0, "a", "b"), "day": "2024-01-01"})
    frame["churn"] = np.where(x[:, 0] + random.normal(size=300) > 1.5, "yes", "no")
    frame.to_csv(tmp_path / "data.csv.gz", index=False)
    params = {"n_estimators": 5, "max_depth": 2, "n_jobs": 1, "early_stopping_rounds": 3}
    (tmp_path / "params.json").write_text(json.dumps(params))
    (tmp_path / "params.toml").write_text("[xgboost]\nn_estimators = 10\nearly_stopping_rounds = 5\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path
