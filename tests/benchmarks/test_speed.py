"""The speed benchmark on small data."""

import importlib
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.testing import CliRunner

import focal_boost

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.__main__ import app  # noqa: E402  # the benchmarks are not part of the library
from benchmarks.harness import read_rows  # noqa: E402
from benchmarks.speed import report  # noqa: E402
from benchmarks.speed.run import package_of  # noqa: E402


def benchmarks(*arguments):
    run = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
    assert run.exit_code == 0, run.output
    return run.stdout


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("speed")
    benchmarks("run", "speed", "--results", folder, "--quick")
    benchmarks("run", "speed-small", "--results", folder, "--quick")
    benchmarks("run", "speed-boosters", "--results", folder, "--quick")
    return folder


@pytest.mark.nightly
def test_every_contender_that_is_installed_is_measured(results):
    problems = {}
    for row in read_rows(results / "speed.csv"):
        problems.setdefault(row["problem"], {})[row["contender"]] = row
    assert {"plain NumPy log loss", "focal_boost"} <= set(problems["call, 1M rows, gamma 2"])
    for name in ("xgboost, 1M x 10, 1 thread", "lightgbm, 200k x 10, 7 classes, 1 thread"):
        assert {"built-in", "focal_boost", "focal_boost, objective alone"} <= set(problems[name])
    for contenders in problems.values():
        for row in contenders.values():
            assert 0 < float(row["seconds_low"]) <= float(row["seconds"]) <= float(row["seconds_high"])
            assert float(row["cpu_seconds"]) >= 0
        assert sum(not row["ratio"] for row in contenders.values()) == 1


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["speed", "speed-small"])
def test_the_table_has_a_row_per_measurement(results, name):
    rows = read_rows(results / f"{name}.csv")
    assert len(report.table(results, name).splitlines()) == len(rows) + 2
    assert {row["contender"] for row in rows} >= {"focal_boost", "built-in", "plain NumPy log loss"}


@pytest.mark.nightly
def test_each_booster_is_measured_against_its_own_loss(results):
    rows = read_rows(results / "speed-boosters.csv")
    assert len(report.table(results, "speed-boosters").splitlines()) == len(rows) + 2
    expected = [{"built-in", "focal_boost"}] + [{"CatBoost Focal", "focal_boost"}] * bool(find_spec("catboost"))
    for contenders in expected:
        assert any(
            {row["contender"] for row in rows if row["problem"] == r["problem"]} == contenders for r in rows
        )
    assert all(row["ratio"] for row in rows if row["contender"].startswith("focal_boost"))


@pytest.mark.nightly
def test_a_second_run_measures_the_missing_problems_only(results):
    file = results / "speed.csv"
    complete = file.read_text()
    first, *rows = complete.splitlines(keepends=True)
    kept = [row for row in rows if "predict_proba, xgboost" not in row]
    assert len(kept) == len(rows) - 2
    file.write_text(first + "".join(kept))
    benchmarks("run", "speed", "--results", results, "--quick", "--only", "predict_proba")
    again = file.read_text()
    assert again.startswith(first + "".join(kept))
    assert len(again.splitlines()) == len(complete.splitlines())


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="the base is a commit")
def test_two_versions_are_measured_against_each_other():
    # In a subprocess, because it loads another version of the package.
    command = [sys.executable, "-m", "benchmarks", "compare-commits", "HEAD", "--quick", "--only", "rows, gamma 2"]
    lines = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    rows = [line.split(" | ") for line in lines if line.startswith("| call")]
    assert rows
    assert [row[1] for row in rows] == ["base", "focal_boost"] * (len(rows) // 2)
    assert all((row[3] == "-") == (row[1] == "base") for row in rows)


def test_a_version_is_loaded_alongside_the_working_tree(tmp_path, monkeypatch):
    def git(*arguments):
        settings = ["-c", "user.name=n", "-c", "user.email=e"]
        subprocess.run(["git", *settings, *arguments], cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "focal_boost").mkdir()
    (tmp_path / "focal_boost" / "__init__.py").write_text("from focal_boost.part import NAME\n")
    (tmp_path / "focal_boost" / "part.py").write_text("NAME = 'base'\n")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "base")
    monkeypatch.chdir(tmp_path)
    assert package_of("HEAD").NAME == "base"
    assert sys.modules["focal_boost"] is focal_boost
    assert importlib.import_module("focal_boost") is focal_boost
    assert "focal_boost.part" not in sys.modules


@pytest.mark.nightly
def test_the_figure_is_drawn(results, tmp_path):
    benchmarks("plot", "--results", results, "--images", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["speed.png"]
    assert (tmp_path / "speed.png").read_bytes().startswith(b"\x89PNG")
