import pandas as pd

from focal_boost.comparison._report import _differences, summary_table
from focal_boost.comparison.scores import SCORES


def test_a_score_that_rounds_to_zero_has_no_sign():
    columns = pd.MultiIndex.from_product([[score.name for score in SCORES], ["mean", "std"]])
    index = pd.MultiIndex.from_tuples([("xgboost", "gamma 2")])
    summary = pd.DataFrame([[-0.0, -1e-9] * 6], index=index, columns=columns)
    assert set(summary_table(summary).iloc[0]) == {"0.0000 ± 0.0000"}


def test_a_difference_that_rounds_to_zero_has_no_sign_in_the_report():
    row = {"booster": "xgboost", "contender": "gamma 2", "score": "log loss", "p_value": 1.0, "finding": ""}
    cells = _differences(pd.DataFrame([{**row, "difference": -1e-9, "low": -0.25, "high": -0.0}]))
    assert cells.iloc[0][["difference", "interval"]].tolist() == ["0.0000", "-0.2500 to 0.0000"]
