import numpy as np
import pytest

from focal_boost.comparison import InputError
from focal_boost.comparison._plan import hold_out, inner_folds

from .builders import quick_plan


def test_held_out_rows_leave_rows_of_every_class_to_fit():
    y = np.array([0] * 50 + [1] * 5 + [2] * 4 + [3] * 2)
    fit, stop = hold_out(y, np.arange(len(y)), np.random.default_rng(0))
    assert sorted([*fit, *stop]) == list(range(len(y)))
    assert np.bincount(y[stop], minlength=4).tolist() == [10, 1, 0, 0]
    for fit, stop in inner_folds(y, np.arange(len(y)), np.random.default_rng(0)):
        assert not set(fit) & set(stop)
        assert (np.bincount(y[fit], minlength=4) > 0).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"booster": "catboost"}, "booster must be 'xgboost' or 'lightgbm'; got 'catboost'"),
        ({"gamma": ()}, "gamma must have at least one value"),
        ({"gamma": -1}, "gamma must be .*-1"),
        ({"gamma": [(0, 1)]}, "gamma must be a number or a sequence of numbers; got .0, 1."),
        ({"alpha": [(1, 2)]}, "alpha must be None, 'balanced' or a float"),
        ({"alpha": 1.5}, "alpha must be .*1.5"),
        ({"alpha": "heavy"}, "alpha must be None, 'balanced' or a float .*'heavy'"),
        ({"folds": 2}, "folds must be 3 or more"),
        ({"folds": 213}, "class '0' has 212 rows, fewer than 213 folds"),
        ({"seed": -1}, "seed must be 0 or more"),
        ({"params": {"scale_pos_weight": 3}}, "params for xgboost: .*scale_pos_weight"),
        ({"params": {"max_depth": "deep"}}, "params for xgboost: .*max_depth"),
        ({"params": {"early_stopping_rounds": 0}}, "early_stopping_rounds must be a positive integer"),
    ],
)
def test_wrong_arguments_are_rejected_in_one_line(arguments, message):
    with pytest.raises(InputError, match=message) as error:
        quick_plan(**arguments)
    assert "\n" not in str(error.value)
