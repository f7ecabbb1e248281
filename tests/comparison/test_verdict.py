import numpy as np
import pandas as pd
import pytest
from scipy import stats

from focal_boost.comparison._contenders import CHOSEN
from focal_boost.comparison._verdict import corrected_t_test, paired_differences, recommend, signed, verdict


def scores(differences, spread=0.01, n_folds=10):
    """Scores of one booster; contenders differ from the log loss by {name: (average precision, log loss)}."""
    random = np.random.default_rng(0)
    rows = []
    for fold in range(n_folds):
        ranking, loss = random.normal(0.5, 0.1), random.normal(0.3, 0.1)
        for name, (of_ranking, of_loss) in {"log loss (gamma 0)": (0, 0), **differences}.items():
            noise = random.normal(0, spread, 2) if of_ranking or of_loss else (0, 0)
            rows.append(
                {
                    "booster": "xgboost",
                    "contender": name,
                    "fold": fold,
                    "average precision": ranking + of_ranking + noise[0],
                    "log loss": loss + of_loss + noise[1],
                }
            )
    return pd.DataFrame(rows)


def text(frame, n_folds=10):
    pairs = verdict(paired_differences(frame, n_folds), frame, n_folds)
    return " ".join(word for pair in pairs for word in pair)


def test_without_correction_the_test_is_the_paired_t_test():
    values = np.random.default_rng(0).normal(0.3, 1, 12)
    expected = stats.ttest_1samp(values, 0)
    mean, low, high, p_value = corrected_t_test(values, 0.0, 1)
    assert mean == pytest.approx(values.mean())
    assert p_value == pytest.approx(expected.pvalue)
    assert (low, high) == pytest.approx(tuple(expected.confidence_interval()))


def test_the_correction_is_that_of_nadeau_and_bengio():
    values = np.array([0.1, 0.3, 0.2, 0.4, 0.25])
    t = values.mean() / np.sqrt((1 / 5 + 1 / 4) * values.var(ddof=1))
    assert corrected_t_test(values, 1 / 4, 1)[3] == pytest.approx(2 * stats.t.sf(t, 4))


@pytest.mark.parametrize("n_comparisons", [1, 4, 12])
def test_interval_and_p_value_agree(n_comparisons):
    random = np.random.default_rng(1)
    for shift in np.linspace(0, 3, 200):
        _, low, high, p_value = corrected_t_test(random.normal(shift, 1, 6), 0.2, n_comparisons)
        assert (low > 0 or high < 0) == (p_value < 0.05)


def test_the_error_rate_is_five_per_cent_with_correlated_folds():
    # The correction assumes that all pairs of folds have the correlation n_test / (n_train + n_test).
    random = np.random.default_rng(2)
    n_folds, n_runs = 5, 2500
    shared = np.sqrt(1 / n_folds) * random.normal(size=(n_runs, 1))
    runs = shared + np.sqrt(1 - 1 / n_folds) * random.normal(size=(n_runs, n_folds))
    corrected = np.mean([corrected_t_test(run, 1 / (n_folds - 1), 1)[3] < 0.05 for run in runs])
    plain = np.mean([corrected_t_test(run, 0.0, 1)[3] < 0.05 for run in runs])
    assert 0.04 < corrected < 0.06
    assert plain > 0.12


def test_equal_scores_are_no_difference():
    assert corrected_t_test(np.zeros(5), 0.25, 3) == (0.0, 0.0, 0.0, 1.0)


def test_noise_is_reported_as_noise():
    frame = scores({"gamma 2": (0.001, 0.001), "gamma 5": (-0.001, 0.001)}, spread=0.02)
    report = text(frame)
    assert "no difference beyond noise. Keep the built-in log loss." in report
    assert "None of the 2 alternatives differs from it beyond noise" in report
    assert recommend(paired_differences(frame, 10), frame) == ("xgboost", "log loss (gamma 0)")


def test_a_better_focal_loss_is_reported_with_the_size_of_the_difference():
    frame = scores({"gamma 2": (0.1, -0.05), "gamma 5": (0.001, 0.001)})
    report = text(frame)
    assert "XGBoost: the focal loss improves the model. Use gamma 2." in report
    assert "'gamma 2' is better in average precision by 0." in report
    assert "No difference beyond noise in the other 1." in report
    assert recommend(paired_differences(frame, 10), frame) == ("xgboost", "gamma 2")


def test_better_class_weights_are_recommended():
    frame = scores({"class weights": (0.1, 0.001), "gamma 2": (0.001, 0.001)})
    assert "class weights improve the model. Use class weights." in text(frame)


def test_a_contender_worse_in_one_score_is_not_recommended():
    frame = scores({"class weights": (0.1, 0.1), "gamma 2": (0.001, 0.001)})
    assert "each improvement in one score comes with a loss in the other" in text(frame)
    assert recommend(paired_differences(frame, 10), frame)[1] == "log loss (gamma 0)"


def test_without_a_better_contender_the_log_loss_is_recommended():
    assert "no alternative is better than the built-in log loss. Keep it." in text(
        scores({"gamma 2": (-0.1, 0.1)})
    )


def test_it_is_reported_if_inner_folds_always_chose_the_log_loss():
    assert "Inner cross-validation always chose the log loss itself." in text(scores({CHOSEN: (0, 0)}))


def test_one_fold_gives_no_verdict():
    frame = scores({"gamma 2": (0.1, 0.1)}, n_folds=1)
    assert len(paired_differences(frame, 10)) == 0
    assert "A verdict needs at least two finished folds." in text(frame)


def test_unfinished_folds_are_reported_and_the_correction_is_that_of_the_plan():
    frame = scores({"gamma 2": (0.1, -0.05)}, n_folds=4)
    assert "over 4 of 10 folds" in text(frame)
    narrow, wide = paired_differences(frame, 10), paired_differences(frame, 4)
    assert (narrow["low"] > wide["low"]).all()


def test_p_values_are_adjusted_for_all_comparisons():
    one = paired_differences(scores({"gamma 2": (0.01, 0.01)}), 10)
    two = paired_differences(scores({"gamma 2": (0.01, 0.01), "gamma 5": (0, 0)}), 10)
    assert len(one) == 2
    assert two["p_value"].iloc[0] == pytest.approx(min(1, 2 * one["p_value"].iloc[0]))


def test_a_difference_that_rounds_to_zero_has_no_sign():
    frame = scores({CHOSEN: (-1e-9, 1e-9)}, spread=1e-6)
    assert "changes average precision by 0.0000 [0.0000, 0.0000] and log loss by 0.0000" in text(frame)
    assert signed(-0.12345) == "-0.1235"
    assert signed(0.00005001) == "+0.0001"


def test_folds_of_all_repeats_enter_the_corrected_test():
    # Bouckaert & Frank 2004: variance (1 / (k r) + n_test / n_train) and k r - 1 degrees of freedom.
    frame = scores({"gamma 2": (0.01, 0.01)}, n_folds=10)
    values = np.diff(
        frame.pivot(index="fold", columns="contender", values="log loss")[["log loss (gamma 0)", "gamma 2"]]
    )
    t = values.mean() / np.sqrt((1 / 10 + 1 / 4) * values.var(ddof=1))
    found = paired_differences(frame, 5).query("score == 'log loss'")["p_value"].item()
    assert found == pytest.approx(min(1, 2 * 2 * stats.t.sf(abs(t), 9)))
    assert "over 10 folds (2 repeats of 5)" in " ".join(
        evidence for _, evidence in verdict(paired_differences(frame, 5), frame, 5, 2)
    )
