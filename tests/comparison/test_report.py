import pandas as pd
import pytest
from markupsafe import escape
from sklearn.datasets import load_iris

from focal_boost.comparison import InputError
from focal_boost.comparison._compare import run_plan
from focal_boost.comparison._picture import COLOURS
from focal_boost.comparison._report import _differences, summary_table
from focal_boost.comparison.scores import SCORES

from .builders import quick_plan


def test_a_score_that_rounds_to_zero_has_no_sign():
    columns = pd.MultiIndex.from_product([[score.name for score in SCORES], ["mean", "std"]])
    index = pd.MultiIndex.from_tuples([("xgboost", "gamma 2")])
    summary = pd.DataFrame([[-0.0, -1e-9] * 6], index=index, columns=columns)
    assert set(summary_table(summary).iloc[0]) == {"0.0000 ± 0.0000"}


def test_a_difference_that_rounds_to_zero_has_no_sign_in_the_report():
    row = {"booster": "xgboost", "contender": "gamma 2", "score": "log loss", "p_value": 1.0, "finding": ""}
    cells = _differences(pd.DataFrame([{**row, "difference": -1e-9, "low": -0.25, "high": -0.0}]))
    assert cells.iloc[0][["difference", "interval"]].tolist() == ["0.0000", "-0.2500 to 0.0000"]


def test_the_report_has_every_panel_and_its_provenance():
    comparison = run_plan(quick_plan(booster="both", cost_ratio=4), command="focal-boost compare x.csv")
    page = comparison.to_html()
    assert page.count("<svg") == 2 * 7
    for text in (
        "Change of log loss",
        "Expected cost at ratio 4",
        "Learning curves",
        "focal-boost compare x.csv",
        comparison.provenance["data fingerprint"],
        "prefers-color-scheme: dark",
        *comparison.reasons,
    ):
        assert str(escape(text)) in page
    assert "xmlns" not in page
    assert not any(colour in page.split("</style>", 1)[1] for colour in COLOURS.values())


def test_the_report_has_scores_for_each_of_many_classes():
    X, y = load_iris(return_X_y=True)
    comparison = run_plan(quick_plan(X, y))
    assert len(comparison.costs) == 0
    assert comparison.per_class["class"].unique().tolist() == ["0", "1", "2"]
    means = comparison.per_class.groupby("contender")["average precision"].mean()
    assert means["gamma 2"] == pytest.approx(
        comparison.summary.loc[("xgboost", "gamma 2"), ("average precision", "mean")]
    )
    page = comparison.to_html()
    assert "<h2>Classes</h2>" in page
    assert "Precision and recall, mean over classes" in page
    with pytest.raises(InputError, match="cost_ratio 2 needs two classes"):
        quick_plan(X, y, cost_ratio=2)
