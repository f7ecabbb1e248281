import numpy as np
import pytest

from focal_boost.comparison import InputError
from focal_boost.comparison._contenders import Booster
from focal_boost.comparison._plan import hold_out, inner_folds

from .builders import BOOSTERS, quick_plan


def test_every_class_keeps_training_rows_when_rows_are_held_out():
    y = np.array([0] * 50 + [1] * 5 + [2] * 4 + [3] * 2)
    fit, stop = hold_out(y, np.arange(len(y)), np.random.default_rng(0))
    assert sorted([*fit, *stop]) == list(range(len(y)))
    assert np.bincount(y[stop], minlength=4).tolist() == [10, 1, 0, 0]
    for fit, stop in inner_folds(y, np.arange(len(y)), np.random.default_rng(0)):
        assert not set(fit) & set(stop)
        assert (np.bincount(y[fit], minlength=4) > 0).all()


def test_gammas_equal_to_six_digits_have_different_names():
    plan = quick_plan(gamma=(2, 2.0000001, 2.0, 1e-7), alpha=(None, np.float32(0.1), 0.1))
    names = [contender.name for contender in plan.contenders]
    assert names[3:6] == ["gamma 2", "gamma 2.0000001", "gamma 1e-07"]
    assert len(names) == len(set(names)) == 3 + 3 * 3


def test_every_gamma_is_combined_with_every_alpha():
    plan = quick_plan(booster=BOOSTERS, gamma=(0, 0.5), alpha=(None, 0.25))
    names = ["log loss (gamma 0)", "gamma 0.5", "gamma 0, alpha 0.25", "gamma 0.5, alpha 0.25"]
    weights = ["class weights", "class weights, corrected"]
    assert [contender.name for contender in plan.contenders] == [names[0], *weights, *names[1:]]
    assert [contender.name for contender in plan.candidates] == names
    assert [booster.name for booster in plan.boosters] == list(BOOSTERS)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (
            [50, 4, 3, 9],
            "2 classes have fewer rows than the 5 folds: 'b' (4 rows), 'c' (3 rows); leave them out with "
            "min_rows 5 (--min-rows 5) or use at most 3 folds. The minimum is 3 folds.",
        ),
        (
            [50, 1, 3, 9, 2],
            "3 classes have fewer rows than the 5 folds: 'b' (1 row), 'c' (3 rows), 'e' (2 rows); leave them out "
            "with min_rows 5 (--min-rows 5). The minimum is 3 folds.",
        ),
        (
            [50, 2],
            "1 class has fewer rows than the 5 folds: 'b' (2 rows); provide more of their rows. "
            "The minimum is 3 folds.",
        ),
        (
            [50, 4],
            "1 class has fewer rows than the 5 folds: 'b' (4 rows); use at most 4 folds. The minimum is 3 folds.",
        ),
        (
            [5, 5],
            "Early stopping needs a class of five training rows; the largest class has 5 rows: provide more data.",
        ),
    ],
)
def test_all_classes_with_fewer_rows_than_folds_are_named_with_applicable_advice(counts, message):
    y = np.repeat(list("abcde")[: len(counts)], counts)
    with pytest.raises(InputError) as error:
        quick_plan(np.arange(len(y))[:, None] / 7, y, folds=5)
    assert str(error.value) == message


def test_each_of_many_small_classes_is_named():
    y = np.repeat(np.arange(60), 4)
    with pytest.raises(InputError, match="60 classes have fewer rows than the 5 folds: ") as error:
        quick_plan(np.arange(len(y))[:, None] / 7, y, folds=5)
    assert all(f"'{c}' (4 rows)" in str(error.value) for c in range(60))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"booster": "catboost"}, "booster must be 'xgboost', 'lightgbm' or 'both'; got 'catboost'"),
        ({"booster": 3}, "booster must be 'xgboost', 'lightgbm' or 'both'; got 3"),
        ({"booster": [["xgboost"]]}, "booster must be 'xgboost', 'lightgbm' or 'both'; got .'xgboost'."),
        ({"booster": object()}, "booster must be 'xgboost', 'lightgbm' or 'both'; got <object"),
        ({"gamma": ()}, "gamma must have at least one value"),
        ({"gamma": -1}, "gamma must be .*-1"),
        ({"gamma": [(0, 1)]}, "gamma must be a number or a sequence of numbers; got .0, 1."),
        ({"gamma": [[0, 1]]}, "gamma must be a number or a sequence of numbers; got .0, 1."),
        ({"gamma": None}, "gamma must be a number or a sequence of numbers; got None"),
        ({"gamma": "2"}, "gamma must be a number or a sequence of numbers; got '2'"),
        ({"gamma": object()}, "gamma must be a number or a sequence of numbers; got <object"),
        ({"gamma": np.zeros((2, 2))}, "gamma must be a number or a sequence of numbers; got array"),
        ({"gamma": True}, "gamma must be .*True"),
        ({"alpha": [(1, 2)]}, "alpha must be None, 'balanced' or a float"),
        ({"alpha": [[0.1]]}, "alpha must be None, 'balanced' or a float"),
        ({"alpha": [np.array([0.1, 0.2])]}, "alpha must be None, 'balanced' or a float"),
        ({"alpha": object()}, "alpha must be None, 'balanced' or a float"),
        ({"alpha": 1.5}, "alpha must be .*1.5"),
        ({"alpha": "heavy"}, "alpha must be None, 'balanced' or a float .*'heavy'"),
        ({"folds": 2}, "folds must be an integer, 3 or more; got 2"),
        ({"folds": "5"}, "folds must be an integer, 3 or more; got '5'"),
        ({"folds": 5.0}, "folds must be an integer, 3 or more; got 5.0"),
        ({"folds": None}, "folds must be an integer, 3 or more; got None"),
        ({"folds": np.arange(2)}, "folds must be an integer, 3 or more; got array"),
        ({"folds": 77}, "1 class has fewer rows than the 77 folds: '0' .76 rows.; use at most 76 folds"),
        ({"seed": -1}, "seed must be an integer from 0 to 4294967295; got -1"),
        ({"seed": 2**32}, "seed must be an integer from 0 to 4294967295; got 4294967296"),
        ({"seed": 1.5}, "seed must be an integer from 0 to 4294967295; got 1.5"),
        ({"seed": True}, "seed must be an integer from 0 to 4294967295; got True"),
        ({"seed": None}, "seed must be an integer from 0 to 4294967295; got None"),
        ({"repeats": 0}, "repeats must be an integer, 1 or more; got 0"),
        ({"jobs": 0}, "jobs must be a positive integer, or -1 for all processors; got 0"),
        ({"cost_ratio": 0}, "cost_ratio must be a positive number; got 0"),
        ({"cost_ratio": "x"}, "cost_ratio must be a positive number; got 'x'"),
        ({"params": "x"}, "params must be a dict .*; got 'x'"),
        ({"params": [("max_depth", 3)]}, "params must be a dict .*; got .*max_depth"),
        ({"params": {"xgboost": None}}, "params for xgboost must be a dict .*; got None"),
        ({"params": {"xgboost": [1]}}, "params for xgboost must be a dict .*; got .1."),
        ({"params": {"lightgbm": 3}}, "params for lightgbm must be a dict .*; got 3"),
        (
            {"params": {"xgboost": {}, "max_depth": 3}},
            "params must not mix names of boosters with names of parameters; got .*'max_depth'",
        ),
        ({"params": {1: 2}}, "params must be a dict of names .*; got .1: 2."),
        ({"params": {"scale_pos_weight": 3}}, "params for xgboost: .*scale_pos_weight"),
        ({"params": {"max_depth": "deep"}}, "params for xgboost: .*max_depth"),
        ({"params": {"early_stopping_rounds": 0}}, "early_stopping_rounds must be a positive integer"),
        ({"params": {"early_stopping_rounds": True}}, "early_stopping_rounds must be a positive integer"),
        ({"params": {"n_estimators": 0}}, "n_estimators must be a positive integer; got 0"),
        ({"params": {"n_estimators": "many"}}, "n_estimators must be a positive integer; got 'many'"),
    ],
)
def test_invalid_arguments_are_rejected_in_one_line(arguments, message):
    with pytest.raises(InputError, match=message) as error:
        quick_plan(**arguments)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("parameter", ["boosting_type", "boosting", "boost"])
def test_dart_which_has_no_early_stopping_is_rejected_before_training(parameter):
    with pytest.raises(InputError, match="early stopping is not available with boosting_type 'dart'"):
        quick_plan(booster="lightgbm", params={parameter: "dart"})


def test_parameters_are_checked_on_a_sample_with_every_class(monkeypatch):
    checked = []
    train = Booster.train

    def counted(booster, contender, X, y, X_stop, y_stop):
        checked.append(np.bincount(y))
        return train(booster, contender, X, y, X_stop, y_stop)

    monkeypatch.setattr(Booster, "train", counted)
    y = np.repeat([0, 1, 2], [9000, 995, 5])
    X = np.random.default_rng(0).normal(size=(len(y), 2))
    quick_plan(X, y)
    assert checked
    assert all((counts > 0).all() and counts.sum() <= 2003 for counts in checked)
    with pytest.raises(InputError, match=r"params for xgboost: .*max_depth"):
        quick_plan(X, y, params={"max_depth": "deep"})


def test_numpy_numbers_become_python_numbers():
    numpy = quick_plan(gamma=np.array([0, 2]), alpha=np.float32(0.25), folds=np.int64(3), seed=np.int8(1))
    python = quick_plan(gamma=[0, 2], alpha=0.25, folds=3, seed=1)
    assert numpy.contenders == python.contenders
    assert repr((numpy.n_folds, numpy.seed)) == "(3, 1)"
    assert repr(numpy.boosters) == repr(python.boosters)
    assert repr(numpy.contenders) == repr(python.contenders)
