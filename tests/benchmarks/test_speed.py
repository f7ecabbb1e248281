"""The benchmark of speed on small data: that it runs, and that its tables and picture hold what it measured."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


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
    against_itself = run("compare", results, results).splitlines()
    assert len(against_itself) == n_measured + 2
    assert all(line.endswith("| 1.00 |") for line in against_itself[2:])


def test_the_picture_is_drawn(results, tmp_path):
    run("plot", results, tmp_path / "speed.png")
    assert (tmp_path / "speed.png").read_bytes().startswith(b"\x89PNG")
