import numpy as np
import pytest
from sklearn import metrics

from focal_boost.comparison.scores import SCORES, best_thresholds, cost_at, costs, score
from focal_boost.metrics import expected_calibration_error

from ..cases import labelled_probabilities


def test_scores_of_two_classes_agree_with_scikit_learn():
    y, proba = labelled_probabilities(2)
    found = score(y, proba, np.array([0.4]))
    p = proba[:, 1]
    assert found == pytest.approx(
        {
            "average precision": metrics.average_precision_score(y, p),
            "ROC AUC": metrics.roc_auc_score(y, p),
            "log loss": metrics.log_loss(y, proba),
            "Brier": metrics.brier_score_loss(y, p),
            "ECE": expected_calibration_error(y, p),
            "F1": metrics.f1_score(y, p >= 0.4),
        }
    )
    assert list(found) == [s.name for s in SCORES]


def test_scores_of_many_classes_are_macro_averages_as_in_scikit_learn():
    y, proba = labelled_probabilities(4)
    found = score(y, proba, np.full(4, 0.3))
    one_hot = np.eye(4)[y]
    assert found["average precision"] == pytest.approx(metrics.average_precision_score(one_hot, proba))
    assert found["ROC AUC"] == pytest.approx(metrics.roc_auc_score(y, proba, multi_class="ovr"))
    assert found["log loss"] == pytest.approx(metrics.log_loss(y, proba))
    assert found["Brier"] == pytest.approx(((proba - one_hot) ** 2).sum(axis=1).mean())
    assert found["F1"] == pytest.approx(metrics.f1_score(one_hot, proba >= 0.3, average="macro"))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_no_other_threshold_gives_a_larger_f1(n_classes):
    y, proba = labelled_probabilities(n_classes, n=100)
    for c, at in zip(range(n_classes == 2, n_classes), best_thresholds(y, proba), strict=True):
        every = [
            metrics.f1_score(y == c, proba[:, c] >= other, zero_division=0) for other in np.unique(proba[:, c])
        ]
        assert metrics.f1_score(y == c, proba[:, c] >= at) == pytest.approx(max(every))


def test_the_threshold_of_a_class_without_rows_is_one_half():
    y, proba = labelled_probabilities(3)
    assert best_thresholds(y[y < 2], proba[y < 2])[2] == 0.5


def test_a_certain_error_has_a_finite_log_loss():
    assert score(np.array([0, 1, 0, 1]), np.eye(2)[[0, 1, 1, 1]], np.array([0.5]))["log loss"] < 4.1


def test_costs_count_the_errors_at_each_threshold():
    y, proba = labelled_probabilities(2, n=60)
    of_class, p = y == 1, proba[:, 1]
    thresholds, cost = costs(of_class, p, 4.0)
    assert (np.diff(thresholds) >= 0).all()
    for threshold, value in zip(thresholds[:-1], cost[:-1], strict=True):
        errors = 4 * (of_class & (p < threshold)) + (~of_class & (p >= threshold))
        assert value == pytest.approx(errors.mean()) == cost_at(of_class, p, 4.0, threshold)
    assert cost[-1] == pytest.approx(4 * of_class.mean())  # no alarm


def test_the_optimal_threshold_for_exact_probabilities_is_one_over_one_plus_the_ratio():
    random = np.random.default_rng(0)
    p = random.random(200_000)
    thresholds, cost = costs(random.random(len(p)) < p, p, 4.0)
    assert thresholds[cost.argmin()] == pytest.approx(1 / 5, abs=0.01)
