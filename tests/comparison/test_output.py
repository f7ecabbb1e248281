import json
import os
import sys
from contextlib import contextmanager

import pytest
from typer.testing import CliRunner

from focal_boost.comparison.command import app

from .builders import CHURN, QUICK, run


def test_names_are_printed_without_escape_sequences_and_markup(files):
    (files / "data.csv").write_text("\x1b[31mred,target\n" + "1,0\n2,1\n" * 9)
    assert "\x1b[31m" not in run("data.csv", "--target", "x").stderr
    (files / "data.csv").write_text("a,target\n" + "1,[bold]\n2,\x1b[31mred\n3,x\n" * 30)
    done = run("data.csv", "--target", "target", "--positive", "[bold]", "--gamma", "2", *QUICK)
    assert done.exit_code == 0, done.output
    assert "of class '[bold]'" in done.stdout
    assert "\x1b[31m" not in done.stdout


def test_the_name_of_a_file_is_printed_without_escape_sequences(files):
    (files / "data.csv.gz").rename(files / "\x1b[31mr\x9b\n.csv.gz")
    done = run("\x1b[31mr\x9b\n.csv.gz", *CHURN[1:], "--out", "o\x1b[0m")
    assert done.exit_code == 0, done.output
    assert "\\x1b[31mr\\x9b\\n.csv.gz: 300 rows" in done.stdout
    assert "Report: o\\x1b[0m/report.html" in done.stdout
    (files / "\x1b.json").write_text('{"max_depth": "\x1b[31m"}')
    done = run(*CHURN, "--params", "\x1b.json")
    assert done.exit_code == 2
    assert not {"\x1b", "\x9b"} & {*done.output}


@pytest.mark.parametrize("charset", ["ascii", "cp1252"])
def test_names_that_the_output_cannot_encode_are_escaped(files, charset):
    (files / "жé.csv").write_text("a,жé\n" + "1,é\n2,ж\n3,ж\n" * 30)
    done = run("жé.csv", "--target", "жé", "--gamma", "2", *QUICK, charset=charset)
    assert done.exit_code == 0, done.output
    expected = {"ascii": ("\\u0436\\xe9.csv", "+-0.", "'\\xe9'"), "cp1252": ("\\u0436é.csv", "±0.", "'é'")}
    assert all(text in done.stdout for text in (*expected[charset], "XGBoost: "))


def test_json_is_valid_on_an_ascii_output(files):
    (files / "data.csv").write_text("a,target\n" + "1,é\n2,ж\n3,\U0001f600\n" * 30)
    done = run("data.csv", "--target", "target", "--gamma", "2", *QUICK, "--json", charset="ascii")
    assert json.loads(done.stdout)["data"]["classes"] == ["é", "ж", "\U0001f600"]


def test_a_file_that_cannot_be_written_is_reported_after_the_table(files):
    (files / "out" / "report.html").mkdir(parents=True)
    done = run(*CHURN, "--out", "out")
    assert done.exit_code == 1
    assert "gamma 2" in done.stdout
    assert "XGBoost: " in done.stdout
    assert "Report: " not in done.stdout
    line = done.stderr.splitlines()[-1]
    assert line == "focal-boost compare: Not saved in 'out': report.html (Is a directory)."
    written = {path.name for path in (files / "out").iterdir() if path.is_file()}
    assert written == {"results.json", "scores.csv", "differences.csv", "best_model.py"}
    assert len(list(files.glob("out/folds/*.npz"))) == 3


@contextmanager
def full_disk():
    """Make every write to a file fail; use briefly, because the output of the tests may be a file."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_reported_after_the_table(files):
    with full_disk():
        done = run(*CHURN, "--out", "out")
    assert done.exit_code == 1
    assert "XGBoost: " in done.stdout
    line = done.stderr.splitlines()[-1]
    assert line == (
        "focal-boost compare: Not saved in 'out': folds (File too large); results.json, scores.csv, "
        "differences.csv, report.html, best_model.py (File too large)."
    )


def test_a_full_disk_for_standard_output_is_reported(files, monkeypatch, capfd):
    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(SystemExit) as end:
            app(["compare", *CHURN, "--out", "out"])
    assert end.value.code == 1
    err = capfd.readouterr().err.splitlines()[-1]
    assert err == "focal-boost compare: The result cannot be printed: No space left on device."
    assert len(list(files.glob("out/folds/*.npz"))) == 3


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_tables_are_complete_at_every_width(files, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    done = run(*CHURN, "--booster", "both", "--alpha", "none,balanced")
    assert done.exit_code == 0, done.output
    assert "…" not in done.stdout
    assert all(len(line) <= int(columns) for line in done.stdout.splitlines())
    words = " ".join(done.stdout.split())
    assert "class weights, corrected" in words or columns == "40"
    assert words.count("±0.") + words.count("± 0.") == 2 * 6 * 6


def test_the_help_shows_the_syntax_of_every_option(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    printed = run("--help").stdout
    assert "NAME[,NAME]" in printed
    assert "<list" not in printed
    assert "no-" not in CliRunner().invoke(app, ["--help"]).stdout
