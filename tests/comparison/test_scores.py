import numpy as np
import pytest
from sklearn import metrics

from focal_boost.comparison.scores import SCORES, best_thresholds, score
from focal_boost.metrics import expected_calibration_error


def example(n_classes, n=400, seed=0):
    random = np.random.default_rng(seed)
    proba = random.dirichlet(np.ones(n_classes), n)
    return np.array([random.choice(n_classes, p=p) for p in proba]), proba


def test_two_classes_agree_with_scikit_learn():
    y, proba = example(2)
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


def test_many_classes_are_macro_means_as_in_scikit_learn():
    y, proba = example(4)
    found = score(y, proba, np.full(4, 0.3))
    one_hot = np.eye(4)[y]
    assert found["average precision"] == pytest.approx(metrics.average_precision_score(one_hot, proba))
    assert found["ROC AUC"] == pytest.approx(metrics.roc_auc_score(y, proba, multi_class="ovr"))
    assert found["log loss"] == pytest.approx(metrics.log_loss(y, proba))
    assert found["Brier"] == pytest.approx(((proba - one_hot) ** 2).sum(axis=1).mean())
    assert found["F1"] == pytest.approx(metrics.f1_score(one_hot, proba >= 0.3, average="macro"))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_no_other_threshold_gives_a_larger_f1(n_classes):
    y, proba = example(n_classes, n=100)
    for c, at in zip(range(n_classes == 2, n_classes), best_thresholds(y, proba), strict=True):
        every = [
            metrics.f1_score(y == c, proba[:, c] >= other, zero_division=0) for other in np.unique(proba[:, c])
        ]
        assert metrics.f1_score(y == c, proba[:, c] >= at) == pytest.approx(max(every))


def test_an_absent_class_has_the_threshold_one_half():
    y, proba = example(3)
    assert best_thresholds(y[y < 2], proba[y < 2])[2] == 0.5


def test_a_certain_error_costs_a_finite_log_loss():
    assert score(np.array([0, 1, 0, 1]), np.eye(2)[[0, 1, 1, 1]], np.array([0.5]))["log loss"] < 4.1


class TestExpectedCalibrationError:
    def test_one_bin_is_the_gap_of_the_means(self):
        y, proba = example(2)
        assert expected_calibration_error(y, proba, n_bins=1) == pytest.approx(abs(y.mean() - proba[:, 1].mean()))

    @pytest.mark.parametrize("strategy", ["quantile", "uniform"])
    def test_it_is_the_weighted_gap_of_scikit_learns_calibration_curve(self, strategy):
        from sklearn.calibration import calibration_curve

        y, proba = example(2)
        p = proba[:, 1]
        observed, predicted = calibration_curve(y, p, n_bins=10, strategy=strategy)
        edges = np.linspace(0, 1, 11) if strategy == "uniform" else np.quantile(p, np.linspace(0, 1, 11))
        counts = np.histogram(p, edges)[0]
        expected = (counts * np.abs(observed - predicted)).sum() / len(y)
        assert expected_calibration_error(y, p, strategy=strategy) == pytest.approx(expected)

    def test_many_classes_are_the_one_vs_rest_mean(self):
        y, proba = example(3)
        each = [expected_calibration_error((y == c).astype(int), proba[:, c]) for c in range(3)]
        assert expected_calibration_error(y, proba) == pytest.approx(np.mean(each))

    def test_a_weight_is_that_many_copies_where_the_bins_are_fixed(self):
        y, proba = example(2, n=60)
        copies = np.arange(60) % 3
        weighted = expected_calibration_error(y, proba, strategy="uniform", sample_weight=copies)
        repeated = np.repeat(np.arange(60), copies)
        assert weighted == pytest.approx(
            expected_calibration_error(y[repeated], proba[repeated], strategy="uniform")
        )

    def test_distorted_probabilities_have_a_larger_error_than_true_ones(self):
        y, proba = example(2, n=5000)
        p = proba[:, 1]
        assert expected_calibration_error(y, p) < 0.03
        assert expected_calibration_error(y, p**2) > 0.1

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (([0, 1], [0.5, 1.5]), "must lie in"),
            (([0, 1], [0.5, np.nan]), "must lie in"),
            (([0, 1], [[0.5], [0.5]]), "shape"),
            (([0, 1, 1], [0.5, 0.5]), "y_true"),
            (([0, 2], [0.5, 0.5]), "y_true"),
            (([0, 1], ["0.5", "0.5"]), "y_proba must hold real numbers; got .*'0.5'"),
            (([0, 1], [0.5, 0.5j]), "y_proba must hold real numbers; got .*0.5"),
        ],
    )
    def test_wrong_input_is_rejected(self, arguments, message):
        with pytest.raises((ValueError, TypeError), match=message):
            expected_calibration_error(*arguments)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"n_bins": 0},
            {"n_bins": 2.5},
            {"n_bins": "10"},
            {"n_bins": True},
            {"strategy": "equal"},
            {"strategy": np.array(["quantile", "uniform"])},
            {"sample_weight": [0, 0]},
        ],
        ids=str,
    )
    def test_wrong_options_are_rejected(self, wrong):
        with pytest.raises(ValueError, match=f"^{next(iter(wrong))} must "):
            expected_calibration_error([0, 1], [0.5, 0.5], **wrong)
