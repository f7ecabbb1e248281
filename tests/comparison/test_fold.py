import numpy as np
import pytest

from focal_boost.comparison._fold import Fold, KeptFolds
from focal_boost.comparison._run import run

from .builders import FAST, quick_plan, small

REUSED = [4 + 3 * 2]  # a stored fold reports all its models together


def trained(plan, directory):
    """The folds, and the argument of each call of the progress callback."""
    moves = []
    return run(plan, KeptFolds(directory, plan), moves.append), moves


def test_finished_folds_are_reused_only_if_nothing_changed(tmp_path):
    first, moves = trained(quick_plan(), tmp_path)
    assert moves == [1] * 30
    again, moves = trained(quick_plan(), tmp_path)
    assert moves == REUSED * 3
    for a, b in zip(first, again, strict=True):
        assert a.rows == b.rows
        np.testing.assert_array_equal(a.proba, b.proba)
    X, y = small()
    X = X.copy()
    X[0, 0] += 1
    for changed in (
        quick_plan(X, y),
        quick_plan(gamma=(0, 1)),
        quick_plan(seed=1),
        quick_plan(params={**FAST, "max_depth": 3}),
    ):
        kept = KeptFolds(tmp_path, changed)
        assert not any(kept.path(changed.boosters[0], i).exists() for i in range(3))


def test_a_damaged_file_of_a_fold_is_trained_again(tmp_path):
    trained(quick_plan(), tmp_path)
    files = sorted(tmp_path.iterdir())
    files[0].write_bytes(b"")
    files[1].write_bytes(files[1].read_bytes()[:-100])
    assert trained(quick_plan(), tmp_path)[1] == [1] * 20 + REUSED
    assert trained(quick_plan(), tmp_path)[1] == REUSED * 3


@pytest.fixture
def saved(tmp_path):
    """A fold with two contenders, and the path of its file."""
    random = np.random.default_rng(0)
    rows = [
        {"booster": "xgboost", "contender": name, "fold": 1, "log loss": loss, "n_rounds": 7}
        for name, loss in (("log loss (gamma 0)", 0.1), ("gamma 2", 0.25))
    ]
    proba = random.random((2, 30, 2)).astype(np.float32)
    curves = [[0.5, 0.1], [0.25]]
    arrays = np.arange(30), proba, proba / 2, np.full((2, 1), 0.4)
    fold = Fold("xgboost", 1, rows, curves, "gamma 2", ["a warning"], *arrays)
    fold.save(tmp_path / "xgboost-2.npz")
    return fold, tmp_path / "xgboost-2.npz"


def same(fold, other):
    return all(
        np.array_equal(value, getattr(other, name)) and getattr(value, "dtype", None) == getattr(other, name).dtype
        if isinstance(value, np.ndarray)
        else value == getattr(other, name)
        for name, value in vars(fold).items()
    )


def damaged(content, random):
    """The content with some bytes changed, removed, repeated or truncated."""
    changed = bytearray(content)
    at, n = int(random.integers(len(content))), int(random.integers(1, 40))
    match random.integers(4):
        case 0:
            for i in random.integers(len(content), size=random.integers(1, 4)):
                changed[i] = random.integers(256)
        case 1:
            del changed[at:]
        case 2:
            del changed[at : at + n]
        case 3:
            changed[at:at] = changed[at : at + n]
    return bytes(changed)


def test_a_saved_fold_is_loaded(saved):
    fold, path = saved
    assert same(fold, Fold.load(path))
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_damaged_file_is_never_loaded_as_another_fold(saved):
    fold, path = saved
    content = path.read_bytes()
    random = np.random.default_rng(0)
    for _ in range(600):
        path.write_bytes(damaged(content, random))
        loaded = Fold.load(path)
        assert loaded is None or same(fold, loaded)


def test_a_fold_that_cannot_be_stored_is_returned_and_reported(tmp_path):
    plan = quick_plan(gamma=2)
    kept = KeptFolds(tmp_path, plan)
    kept.path(plan.boosters[0], 1).mkdir()
    folds = run(plan, kept, lambda n: None)
    assert [fold.index for fold in folds] == [0, 1, 2]
    assert kept.failure == "folds (Is a directory)"
    assert len([path for path in tmp_path.iterdir() if path.is_file()]) == 2


def test_a_failed_save_leaves_no_partial_file(saved):
    fold, path = saved
    path.unlink()
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        fold.save(path)
    assert list(path.parent.iterdir()) == [path]
