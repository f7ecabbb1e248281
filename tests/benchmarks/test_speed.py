"""The benchmark of speed on small data: that it runs, and that its tables and picture hold what it measured."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import focal_boost

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.speed.run import package_of  # noqa: E402  # the benchmarks are no package of the library


def run(module, *arguments):
    command = [sys.executable, "-m", f"benchmarks.speed.{module}", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    path = tmp_path_factory.mktemp("speed") / "results.json"
    run("run", path, "--quick")
    return path


def test_every_contender_that_is_installed_is_measured(results):
    problems = json.loads(results.read_text())["problems"]
    assert {"plain NumPy log loss", "focal_boost"} <= set(problems["call, 1M rows, gamma 2"])
    for name in ("xgboost, 1M x 10, 1 thread", "lightgbm, 200k x 10, 7 classes, 2 threads"):
        assert {"built-in", "focal_boost", "focal_boost, objective alone"} <= set(problems[name])
    for contenders in problems.values():
        for measured in contenders.values():
            assert len(measured["wall"]) == len(measured["cpu"]) >= 1
            assert min(measured["wall"]) > 0


def test_the_tables_have_a_row_per_measurement(results):
    n_measured = sum(len(contenders) for contenders in json.loads(results.read_text())["problems"].values())
    assert len(run("compare", results).splitlines()) == n_measured + 2


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="the base is a commit")
def test_two_versions_are_measured_against_each_other(tmp_path):
    printed = run("run", tmp_path / "versions.json", "--quick", "--base", "HEAD", "--only", "gamma 2")
    for problem, contenders in json.loads((tmp_path / "versions.json").read_text())["problems"].items():
        assert list(contenders) == ["base", "focal_boost"]
        assert f"| {problem} | focal_boost |" in printed


def test_a_version_is_loaded_beside_the_one_here(tmp_path, monkeypatch):
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


def test_the_picture_is_drawn(results, tmp_path):
    run("plot", results, tmp_path / "speed.png")
    assert (tmp_path / "speed.png").read_bytes().startswith(b"\x89PNG")
