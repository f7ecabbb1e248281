from contextlib import nullcontext

import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer

import focal_boost
from focal_boost.comparison import InputError, _progress
from focal_boost.comparison._compare import run_plan
from focal_boost.comparison._contenders import CLASS_WEIGHTS, CORRECTED, LOG_LOSS
from focal_boost.comparison._files import from_file
from focal_boost.comparison._plan import make_plan

from .builders import BOOSTERS, FAST, HOSTILE, hostile_file, quick_plan, small


def test_the_function_returns_frames_a_figure_and_html():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    comparison = focal_boost.compare(X[::3], y[::3], gamma=2, folds=3, params=FAST)
    names = [LOG_LOSS.name, CLASS_WEIGHTS.name, CORRECTED.name, "gamma 2"]
    assert list(comparison.summary.loc["xgboost"].index) == names
    mean = comparison.scores.query("contender == 'gamma 2'")["log loss"].mean()
    assert comparison.summary.loc[("xgboost", "gamma 2"), ("log loss", "mean")] == pytest.approx(mean)
    assert "<table" in comparison._repr_html_()
    assert comparison.verdict in repr(comparison)
    assert len(comparison.plot().axes) == 7
    assert comparison.plot()._repr_png_().startswith(b"\x89PNG")


def test_the_directory_contains_all_files(tmp_path):
    comparison = run_plan(quick_plan(booster=BOOSTERS, gamma=2), tmp_path)
    names = {
        "results.json",
        "scores.csv",
        "differences.csv",
        "report.html",
        "best_model.py",
        "folds",
    }
    assert {path.name for path in tmp_path.iterdir()} == names
    read = pd.read_csv(tmp_path / "scores.csv")
    pd.testing.assert_frame_equal(read, comparison.scores)
    assert len(comparison.plot().axes) == 14


def test_polars_frames_are_accepted():
    polars = pytest.importorskip("polars")
    X, y = small()
    frame = polars.DataFrame(X).with_columns(polars.Series("kind", ["a", "b"] * 95))
    comparison = focal_boost.compare(frame, y, gamma=2, folds=3, params=FAST)
    assert comparison.notes == ["Used as categories: 'kind'."]


def test_an_interrupt_returns_the_finished_folds_with_a_warning(tmp_path, monkeypatch, no_figures):
    moves = []

    def interrupt(n):
        moves.append(n)
        if len(moves) == 22:  # ten models per fold
            raise KeyboardInterrupt

    monkeypatch.setattr(_progress, "progress", lambda *counts: nullcontext(interrupt))
    X, y = small()
    arguments = {"gamma": (0, 2), "folds": 3, "params": FAST, "out": tmp_path}
    with pytest.warns(UserWarning, match="2 of 3 folds") as warnings:
        comparison = focal_boost.compare(X, y, **arguments, progress=True)
    assert warnings[0].filename == __file__
    assert comparison.interrupted
    assert comparison.scores["fold"].nunique() == 2
    assert comparison.interruption in (tmp_path / "report.html").read_text()
    again = focal_boost.compare(X, y, **arguments)
    assert (again.interrupted, again.n_finished) == (False, 3)


@pytest.mark.parametrize("out", ["", 3, b"out", True])
def test_an_invalid_output_directory_is_rejected(out):
    with pytest.raises(InputError, match="out must be the path of a directory; got "):
        run_plan(quick_plan(), out)


def test_files_that_cannot_be_written_cause_a_warning(tmp_path, no_figures):
    (tmp_path / "report.html").mkdir()
    X, y = small()
    with pytest.warns(UserWarning, match=r"Not saved in '.*': report.html \(Is a directory\)\.") as warnings:
        comparison = focal_boost.compare(X, y, gamma=2, folds=3, params=FAST, out=tmp_path)
    assert warnings[0].filename == __file__
    assert comparison.unsaved == str(warnings[0].message)
    with pytest.raises(OSError, match=r"^report.html \(Is a directory\)$"):
        comparison.save(tmp_path)
    assert (tmp_path / "best_model.py").is_file()


def test_names_of_columns_and_classes_are_escaped_in_the_report(tmp_path, no_figures):
    problem = from_file(hostile_file(tmp_path), "target")
    comparison = run_plan(make_plan(problem, gamma=(0, 2), folds=3, params=FAST), tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert HOSTILE not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert HOSTILE not in comparison._repr_html_()
