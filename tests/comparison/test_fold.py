import numpy as np
from sklearn.datasets import load_breast_cancer

from focal_boost.comparison._fold import digest_of, file_name
from focal_boost.comparison._run import run

from .builders import FAST, quick_plan

REUSED = [3 + 3 * 2]  # all models of a fold at once


def trained(plan, directory):
    """The folds, and for each call of the progress how many models were done."""
    moves = []
    return run(plan, directory, moves.append), moves


def test_finished_folds_are_reused_only_if_nothing_changed(tmp_path):
    first, moves = trained(quick_plan(), tmp_path)
    assert moves == [1] * 27
    again, moves = trained(quick_plan(), tmp_path)
    assert moves == REUSED * 3
    for a, b in zip(first, again, strict=True):
        assert a.rows == b.rows
        np.testing.assert_array_equal(a.proba, b.proba)
    X, y = load_breast_cancer(return_X_y=True)
    X = X.copy()
    X[0, 0] += 1
    for changed in (
        quick_plan(X, y),
        quick_plan(gamma=(0, 1)),
        quick_plan(seed=1),
        quick_plan(params={**FAST, "max_depth": 2}),
    ):
        names = [file_name(digest_of(changed), changed.boosters[0], i) for i in range(3)]
        assert not any((tmp_path / name).exists() for name in names)


def test_a_damaged_file_of_a_fold_is_trained_again(tmp_path):
    trained(quick_plan(), tmp_path)
    files = sorted(tmp_path.iterdir())
    files[0].write_bytes(b"")
    files[1].write_bytes(files[1].read_bytes()[:-100])
    assert trained(quick_plan(), tmp_path)[1] == [1] * 18 + REUSED
    assert trained(quick_plan(), tmp_path)[1] == REUSED * 3
