"""scikit-learn's own checks of an estimator, over every booster."""

import pytest
from sklearn.utils.estimator_checks import check_estimator

from focal_boost import FocalBoostClassifier

from ..cases import BINARY_BOOSTERS, booster

# Reasons why a weight of 2 and two copies of a row do not give equal results to 1e-7.
INNER = {
    "xgboost": "XGBoost sums in float32: results are equal to about 2e-7",
    "lightgbm": "LightGBM counts rows, not weights, where it limits bins and leaves",
    "hist_gradient_boosting": "scikit-learn counts rows, not weights, where it limits leaves",
    "catboost": "CatBoost draws rows, not weights",
}


@pytest.mark.filterwarnings("ignore:No split was made:UserWarning")
@pytest.mark.parametrize("name", BINARY_BOOSTERS)
def test_scikit_learn_checks(name):
    weight_equivalence = {
        f"check_sample_weight_equivalence_on_{kind}_data": INNER[name] for kind in ("dense", "sparse")
    }
    results = check_estimator(
        FocalBoostClassifier(booster(name, 5)),
        expected_failed_checks=weight_equivalence,
        on_fail=None,
        on_skip=None,
    )
    assert len(results) > 50
    assert {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"} == {}
