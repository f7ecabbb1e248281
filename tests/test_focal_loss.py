"""Errors and warnings of `focal_loss`."""

import numpy as np
import pytest
from scipy.special import expit, softmax

from focal_boost import focal_loss


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"gamma": -1}, "gamma must be"),
        ({"alpha": "balanced"}, "alpha must be"),
        ({"reduction": "Mean"}, "reduction must be 'mean', 'sum' or 'none'; got 'Mean'"),
        ({"reduction": None}, "reduction must be 'mean', 'sum' or 'none'; got None"),
        ({"reduction": np.array(["mean", "sum"])}, "reduction must be 'mean', 'sum' or 'none'; got array"),
        ({"y_true": [0, 2]}, "y_true must be 0 or 1; got 2"),
        ({"y_true": [0]}, "y_true must have shape"),
        ({"raw_prediction": [0.0, np.nan]}, "raw_prediction must be finite; got"),
        ({"raw_prediction": ["a", "b"]}, "raw_prediction must contain real numbers; got"),
        ({"raw_prediction": [[0.0], [1.0]]}, "raw_prediction must have shape"),
        ({"raw_prediction": 1.0}, "raw_prediction must have shape"),
        ({"raw_prediction": [[0.0], [0.0, 1.0]]}, "raw_prediction must be an array; got"),
        ({"raw_prediction": np.zeros((2, 2, 2))}, "raw_prediction must have shape"),
        ({"sample_weight": [1, -1]}, "sample_weight must be finite and >= 0"),
        ({"sample_weight": [0, 0]}, "sample_weight must have a positive sum for a mean; got 0"),
        (
            {"y_true": [], "raw_prediction": np.empty(0)},
            "sample_weight must have a positive sum for a mean; got 0",
        ),
    ],
)
def test_invalid_input_is_rejected(arguments, message):
    with pytest.raises((ValueError, TypeError), match=f"^{message}"):
        focal_loss(**{"y_true": [0, 1], "raw_prediction": [0.0, 1.0], **arguments})


PROBABILITY = expit(np.linspace(-5, 5, 20))


@pytest.mark.parametrize("probability", [PROBABILITY, softmax(np.eye(20)[:, :3], axis=1)])
def test_probabilities_in_place_of_raw_predictions_warn(probability):
    with pytest.warns(UserWarning, match="looks like probabilities.*decision_function.*losses.posterior"):
        focal_loss(np.arange(20) % 2, probability)


@pytest.mark.parametrize(
    "raw", [PROBABILITY - 0.5, 2 * PROBABILITY, PROBABILITY[:19], np.full(20, 0.5), np.full((20, 3), 0.4)]
)
def test_raw_predictions_do_not_warn(raw):
    focal_loss(np.arange(len(raw)) % 2, raw)
