"""The benchmark harness, the committed results, and the pages generated from them."""

import re
import shutil
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks import harness  # noqa: E402  # the benchmarks are not part of the library
from benchmarks.__main__ import PAGES, PLOTS, app  # noqa: E402


def results(folder, **settings):
    return harness.Results(folder, "some", ("problem", "gamma"), ("seconds", "error"), **settings)


def test_reopened_results_keep_their_rows_with_four_significant_digits(tmp_path):
    results(tmp_path).add({"problem": "a, b", "gamma": 2.0, "seconds": 0.123456})
    opened = results(tmp_path)
    assert {"problem": "a, b", "gamma": 2.0} in opened
    assert {"problem": "a, b", "gamma": None} not in opened
    opened.add({"problem": "c", "gamma": None, "error": "ValueError: no"})
    opened.add({"problem": "a, b", "gamma": 2.0, "seconds": 12345.6})
    lines = (tmp_path / "some.csv").read_text().splitlines()
    assert lines == ["problem,gamma,seconds,error", '"a, b",2,1.235e+04,', "c,,,ValueError: no"]


def test_the_environment_names_machine_versions_and_settings_of_each_experiment(tmp_path):
    results(tmp_path, rounds=300, rate=0.1, quick=False)
    harness.Results(tmp_path, "other-3.2.0", ("problem",), ())
    recorded = tomllib.loads((tmp_path / "environment.toml").read_text())
    assert set(recorded) == {"some", "other-3.2.0"}
    assert recorded["some"] == harness.environment() | {"rounds": 300, "rate": 0.1, "quick": False}
    assert {"python", "numpy", "xgboost"} <= set(recorded["some"]["versions"])


def test_rows_measured_with_other_settings_are_not_mixed(tmp_path):
    results(tmp_path, rounds=300).add({"problem": "a", "gamma": 1.0})
    with pytest.raises(SystemExit, match=r"other settings.*--results"):
        results(tmp_path, rounds=100)
    (tmp_path / "some.csv").unlink()
    results(tmp_path, rounds=100)


@pytest.mark.parametrize("jobs", [0, 2])
def test_problems_run_in_order_and_write_their_rows_before_a_later_one_fails(tmp_path, jobs):
    found = results(tmp_path)
    problems = {name: Problem(name) for name in ("a", "b", "broken", "c")}
    with pytest.raises(ZeroDivisionError):
        harness.run(found, problems, jobs)
    assert [row["problem"] for row in harness.read_rows(found.path)] == ["a", "b"]


class Problem:
    def __init__(self, name):
        self.name = name

    def __call__(self):
        return [{"problem": self.name, "gamma": 1.0, "seconds": 1 / (self.name != "broken")}]


def test_the_tables_of_the_pages_match_the_committed_results(tmp_path):
    copies = [Path(shutil.copy(page, tmp_path)) for page in PAGES]
    assert CliRunner().invoke(app, ["tables", *map(str, copies)]).exit_code == 0
    for page, copy in zip(PAGES, copies, strict=True):
        assert "<!-- table " in page.read_text()
        assert copy.read_text() == page.read_text()


def test_every_figure_can_be_drawn_from_the_committed_results(tmp_path):
    assert CliRunner().invoke(app, ["plot", "--images", str(tmp_path)]).exit_code == 0
    drawn = {path.name for path in tmp_path.iterdir()}
    pages = (ROOT / "docs").glob("benchmark-*.md")
    shown = {name for page in pages for name in re.findall(r"images/(\S+\.png)", page.read_text())}
    assert shown <= drawn
    assert all((ROOT / "docs" / "images" / name).exists() for name in drawn)
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in tmp_path.iterdir())
    assert all((harness.RESULTS / f"{name}.csv").exists() for name in PLOTS)
