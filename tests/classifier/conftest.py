"""A guard against training on input that must be refused."""

import pytest


@pytest.fixture
def no_training(monkeypatch):
    """Whoever trains, fails."""

    def trained(*args, **kwargs):
        raise AssertionError("a booster was trained on input that must be refused")

    monkeypatch.setattr("xgboost.XGBClassifier.fit", trained)
    monkeypatch.setattr("lightgbm.LGBMClassifier.fit", trained)
    monkeypatch.setattr("sklearn.ensemble.HistGradientBoostingClassifier.fit", trained)
