"""Fixture that forbids training on input that must be rejected."""

from importlib.util import find_spec

import pytest


@pytest.fixture
def no_training(monkeypatch):
    """Make fit of every booster raise."""

    def trained(*args, **kwargs):
        raise AssertionError("a booster was trained on input that must be rejected")

    monkeypatch.setattr("xgboost.XGBClassifier.fit", trained)
    monkeypatch.setattr("lightgbm.LGBMClassifier.fit", trained)
    monkeypatch.setattr("sklearn.ensemble.HistGradientBoostingClassifier.fit", trained)
    if find_spec("catboost"):
        monkeypatch.setattr("catboost.CatBoostClassifier.fit", trained)
