"""Undocumented behaviour of XGBoost."""

import json

import numpy as np
import pytest
import xgboost

from .cases import Y3, X, Y, squared

XGBOOST = f"XGBoost {xgboost.__version__}"


@pytest.mark.parametrize(("y", "objective"), [(Y, "binary:logistic"), (Y3, "multi:softprob")])
def test_xgboost_stores_a_native_objective_with_a_callable(y, objective):
    model = xgboost.XGBClassifier(n_estimators=2, objective=squared).fit(X, y)
    stored = json.loads(model.get_booster().save_config())["learner"]["objective"]["name"]
    assert stored == objective, f"{XGBOOST} stores {stored!r} when it trains with a callable objective"


def test_xgboost_expects_the_binary_base_score_as_a_probability_and_others_as_margins():
    seen = []

    def watch(y_true, y_pred):
        seen.append(y_pred[0].copy())
        return squared(y_true, y_pred)

    xgboost.XGBClassifier(n_estimators=1, objective=watch, base_score=0.2).fit(X, Y)
    xgboost.XGBClassifier(n_estimators=1, objective=watch, base_score=[0.1, 0.2, -0.3]).fit(X, Y3)
    message = f"{XGBOOST} reads base_score in another space: the first raw predictions are {seen}"
    np.testing.assert_allclose(seen[0], np.log(0.25), rtol=1e-5, err_msg=message)
    np.testing.assert_allclose(seen[1], [0.1, 0.2, -0.3], rtol=1e-5, err_msg=message)


def test_xgboost_passes_weights_to_a_callable_as_sample_weight():
    seen = []

    def watch(y_true, y_pred, sample_weight=None):
        seen.append(sample_weight)
        return squared(y_true, y_pred)

    xgboost.XGBClassifier(n_estimators=1, objective=watch).fit(X, Y, sample_weight=np.full(80, 2.0))
    assert seen[0] is not None, f"{XGBOOST} no longer passes weights to a parameter named sample_weight"
    assert (seen[0] == 2).all()


def test_xgboost_passes_raw_predictions_to_a_callable_metric():
    seen = []

    def metric(y_true, y_pred):
        seen.append(y_pred.copy())
        return 0.0

    model = xgboost.XGBClassifier(n_estimators=3, objective=squared, base_score=0.5, eval_metric=metric)
    model.fit(X, Y, eval_set=[(X, Y)], verbose=False)
    raw = model.predict(X, output_margin=True)
    np.testing.assert_allclose(
        seen[-1],
        raw,
        rtol=1e-5,
        err_msg=f"{XGBOOST} no longer passes margins to a metric if the objective is a callable",
    )


def test_xgboost_rejects_an_empty_array_at_an_unaligned_address():
    odd = np.ndarray((0, 5), np.float64, buffer=bytearray(64), offset=3)
    assert odd.flags.aligned, f"NumPy {np.__version__} no longer considers an empty array aligned at every address"
    # If this no longer raises, XGBoost does not need empty Dask partitions to be dropped.
    with pytest.raises(xgboost.core.XGBoostError, match="misalignment"):
        xgboost.DMatrix(odd)
