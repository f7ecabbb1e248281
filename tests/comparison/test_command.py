import json
import os
import re
import runpy
import signal
import subprocess
import sys
import time

import joblib
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import focal_boost
from focal_boost.comparison import InputError, command
from focal_boost.comparison.command import app

from .builders import CHURN, ENVIRONMENT, QUICK, run

COMMAND = [sys.executable, "-W", "error", "-m", "focal_boost"]


def test_the_default_data_are_the_digits_and_each_contender_has_a_row(files):
    (files / "fewest.json").write_text('{"n_estimators": 2, "max_depth": 2, "n_jobs": 1}')
    done = subprocess.run(
        [*COMMAND, "compare", "--folds", "3", "--params", "fewest.json"],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=True,
        cwd=files,
    )
    rows = [
        re.split(r"\s{2,}", line)[0] for line in done.stdout.splitlines() if re.search(r"(0\.\d{4}\s*){6}$", line)
    ]
    assert rows == [
        "log loss (gamma 0)",
        "class weights",
        "class weights, corrected",
        "gamma 0.5",
        "gamma 1",
        "gamma 2",
        "gamma 5",
        "gamma chosen",
    ]
    assert all(word in done.stdout for word in ("precision", "ROC", "loss", "Brier", "ECE", "F1"))
    assert done.stdout.count("±0.") == 8 * 6
    first, *folds = done.stderr.splitlines()
    assert first == "focal-boost compare: loading"
    assert [line.split(":")[0] for line in folds] == ["fold 1/3", "fold 2/3", "fold 3/3"]


def test_a_file_is_compared_and_a_report_is_written(files):
    done = run("data.csv.gz", "--target", "churn", "--gamma", "0,2", *QUICK, "--out", "out")
    assert done.exit_code == 0, done.output
    assert "data.csv.gz: 300 rows, 2 features" in done.stdout
    assert "Left out as constant: 'day'." in done.stdout
    assert "XGBoost: " in done.stdout
    assert "Report: out/report.html" in done.stdout
    (files / "data.csv.gz").rename(files / "moved.csv.gz")
    program = [sys.executable, "-W", "error", "out/best_model.py", "moved.csv.gz", "churn.joblib"]
    printed = subprocess.run(
        program, capture_output=True, text=True, check=True, env=ENVIRONMENT, cwd=files
    ).stdout
    assert printed.splitlines()[0].split() == ["no", "yes", "predicted"]
    model = joblib.load("churn.joblib")
    frame = pd.read_csv("moved.csv.gz")
    assert set(model.predict(frame.drop(columns="churn"))) <= {"no", "yes"}
    assert 0 < model.threshold < 1


def test_decimal_commas_are_read_with_the_option_and_by_the_script(files, monkeypatch):
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"a": random.normal(size=90), "target": random.random(90) < 0.4})
    frame.to_csv(files / "data.csv", sep=";", decimal=",", index=False)
    arguments = ("data.csv", "--target", "target", "--gamma", "2", *QUICK, "--out", "out")
    assert "add --decimal ," in run(*arguments).stderr
    assert run(*arguments, "--decimal", ",").exit_code == 0
    monkeypatch.setattr("sys.argv", ["best_model.py", "data.csv"])
    np.testing.assert_allclose(runpy.run_path("out/best_model.py")["X"]["a"], frame["a"])


def test_with_json_nothing_else_is_printed(files):
    done = run("data.csv.gz", "--target", "churn", "--gamma", "2", *QUICK, "--json")
    results = json.loads(done.stdout)
    assert results["data"]["classes"] == ["no", "yes"]
    assert results["focal_boost"] == focal_boost.__version__
    assert [row["contender"] for row in results["summary"]] == [
        "log loss (gamma 0)",
        "class weights",
        "class weights, corrected",
        "gamma 2",
    ]
    assert len(results["scores"]) == 3 * 4
    assert results["verdict"].startswith("XGBoost: ")


def test_both_boosters_and_several_alphas_are_compared(files):
    done = run(
        "data.csv.gz",
        *("--target", "churn", "--booster", "xgboost,lightgbm", "--gamma", "1", "--alpha", "none,0.3"),
        *("--params", "params.toml", "--folds", "3", "--json"),
    )
    results = json.loads(done.stdout)
    names = {(row["booster"], row["contender"]) for row in results["summary"]}
    assert {("xgboost", "gamma 1, alpha 0.3"), ("lightgbm", "gamma 1"), ("lightgbm", "gamma chosen")} <= names
    assert results["settings"]["boosters"]["xgboost"]["params"]["n_estimators"] == 10
    assert results["settings"]["boosters"]["lightgbm"]["params"]["n_estimators"] == 1000


def test_results_are_reproducible_and_depend_on_the_seed(files):
    results = [
        json.loads(
            run("data.csv.gz", "--target", "churn", "--gamma", "2", *QUICK, "--json", "--seed", seed).stdout
        )
        for seed in ("0", "0", "1")
    ]
    for result in results:
        del result["provenance"]["date"], result["provenance"]["command"]
        for row in result["scores"]:
            del row["seconds"]
    assert results[0] == results[1]
    assert results[0]["scores"] != results[2]["scores"]


@pytest.mark.parametrize(
    "arguments",
    [
        "data.csv.gz --gamma 0,0.5 --booster xgboost,lightgbm --alpha None,0.25",
        "--gamma 0 --gamma 0.5 --booster xgboost --booster lightgbm --alpha none --alpha 0.25 data.csv.gz",
    ],
)
def test_an_option_accepts_several_values(files, monkeypatch, arguments):
    asked = []

    def make_plan(problem, *, booster, gamma, alpha, **others):
        asked.extend([booster, gamma, alpha])
        raise InputError("enough")

    monkeypatch.setattr(command, "make_plan", make_plan)
    assert run(*arguments.split(), "--target", "churn", *QUICK).stderr == "focal-boost compare: enough\n"
    assert asked == [["xgboost", "lightgbm"], [0, 0.5], [None, 0.25]]


def test_an_option_with_one_value_rejects_more_values(files):
    assert run("--folds", "5", "7", "8").exit_code == 2


def test_the_version_is_printed():
    assert focal_boost.__version__ in CliRunner().invoke(app, ["--version"]).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["data.csv.gz", "--target", "chrun"], "--target 'chrun' is not a column of 'data.csv.gz': did you mean"),
        (["data.csv.gz"], "--target is missing"),
        (["no.csv", "--target", "churn"], "'no.csv' cannot be read as csv: [Errno 2] No such file"),
        ([".", "--target", "churn"], "'.' has an unknown extension: provide one of .csv"),
        (["--target", "churn"], "require DATA"),
        (["--decimal", ","], "require DATA"),
        (["data.csv.gz", "--target", "churn", "--decimal", "x"], "--decimal must be '.' or ','; got 'x'"),
        (
            ["data.csv.gz", "--target", "churn", "--positive", "maybe"],
            "positive 'maybe' is not a class of --target 'churn'",
        ),
        (
            ["data.csv.gz", "--target", "day"],
            "has only one class, '2024-01-01': at least two classes are required",
        ),
        (["data.csv.gz", "--target", "__class__"], "300 distinct values, more than 200"),
        (["data.csv.gz", "--target", "churn", "--folds", "299"], "fewer rows than the 299 folds: "),
        (["--folds", "2"], "folds must be an integer, 3 or more; got 2"),
        (["--gamma", "much"], "--gamma must be a number; got 'much'"),
        (["--gamma", "nan"], "gamma"),
        (["--alpha", "2"], "alpha"),
        (["--booster", "catboost"], "booster must be 'xgboost', 'lightgbm' or 'both'; got 'catboost'"),
        (["--repeats", "0"], "repeats must be an integer, 1 or more; got 0"),
        (["--cost-ratio", "-1"], "cost_ratio must be a positive number; got -1"),
        (["--exclude-class", "11"], "exclude_class '11' is not a class"),
        (["--categorical", "x"], "require DATA"),
        (["--positive", "11"], "positive '11' is not a class"),
        (["--params", "no.json"], "--params 'no.json' cannot be read"),
        (["--params", "data.csv.gz"], "--params 'data.csv.gz' is neither JSON nor TOML"),
        (["--params", "list.json"], "must contain an object, {name: value}; got list"),
        (["--params", "null.json"], "must contain an object, {name: value}; got NoneType"),
        (["--params", "lists.json"], "params for xgboost must be a dict of names and values; got [1]"),
        (["--params", "deep.json"], "is neither JSON nor TOML"),
        (["--seed", "4294967296"], "seed must be an integer from 0 to 4294967295; got 4294967296"),
        (["--out", ""], "out must be the path of a directory; got ''"),
        (["--out", "data.csv.gz"], "out 'data.csv.gz' cannot be a directory"),
    ],
)
def test_invalid_input_gives_one_line_on_standard_error_and_status_2(files, arguments, message):
    (files / "list.json").write_text("[1]")
    (files / "null.json").write_text("null")
    (files / "lists.json").write_text('{"xgboost": [1]}')
    (files / "deep.json").write_text("[" * 100_000)
    done = run(*arguments)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert message in done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("focal-boost compare: ")


def started(files, *options):
    """Start the command on ten folds; wait for the first fold; return the process and the arguments."""
    arguments = [*CHURN[:-1], "10", "--out", "out", *options]  # ten folds
    process = subprocess.Popen(
        [*COMMAND, "compare", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
        cwd=files,
        start_new_session=True,  # so that its workers can be killed with it
    )
    start = time.monotonic()
    while not list(files.glob("out/folds/*.npz")) and time.monotonic() - start < 60:
        time.sleep(0.01)
    return process, arguments


def test_the_same_command_resumes_after_control_c(files):
    process, arguments = started(files)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    finished = len(list(files.glob("out/folds/*.npz")))
    assert 1 <= finished < 10
    assert f"Interrupted: the scores are from the {finished} of 10 folds that finished." in stderr
    assert "Run the same command again to resume." in stderr
    assert "Traceback" not in stderr
    assert "log loss (gamma 0)" in stdout
    kept = {path: path.stat().st_mtime_ns for path in files.glob("out/folds/*.npz")}
    again = run(*arguments)
    assert again.exit_code == 0, again.output
    assert "Interrupted" not in again.stderr
    assert len(list(files.glob("out/folds/*.npz"))) == 10
    assert all(path.stat().st_mtime_ns == when for path, when in kept.items())


def test_a_run_with_two_jobs_resumes_after_a_kill_with_the_same_scores(files):
    process, arguments = started(files, "--jobs", "2")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert 1 <= len(list(files.glob("out/folds/*.npz"))) < 10
    assert run(*arguments).exit_code == 0
    resumed = pd.read_csv("out/scores.csv").drop(columns="seconds")
    assert run(*arguments, "--out", "other").exit_code == 0
    pd.testing.assert_frame_equal(resumed, pd.read_csv("other/scores.csv").drop(columns="seconds"))


def test_the_default_booster_is_lightgbm_if_xgboost_is_missing(files, monkeypatch):
    monkeypatch.setitem(sys.modules, "xgboost", None)
    done = run(*CHURN)
    assert done.exit_code == 0, done.output
    assert "LightGBM: " in done.stdout


@pytest.mark.parametrize(
    ("missing", "options"),
    [
        (["xgboost"], ["--booster", "xgboost"]),
        (["lightgbm"], ["--booster", "lightgbm,xgboost"]),
        (["xgboost", "lightgbm"], []),
    ],
)
def test_a_missing_booster_is_reported_with_the_command_that_installs_it(files, monkeypatch, missing, options):
    for name in missing:
        monkeypatch.setitem(sys.modules, name, None)
    done = run(*CHURN, *options)
    assert done.exit_code == 2
    name = missing[0]
    assert done.stderr == f"focal-boost compare: booster {name!r} is not installed: pip install {name}\n"


def test_missing_packages_are_reported_with_the_command_that_installs_them():
    program = """
import sys
for name in ("pandas", "rich", "typer", "matplotlib", "pyarrow"):
    sys.modules[name] = None
import focal_boost
try:
    focal_boost.compare
except ImportError as error:
    print(error)
from focal_boost.__main__ import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env=ENVIRONMENT
    )
    assert done.stdout.strip() == "compare needs pandas: pip install skrub"
    assert done.stderr.strip() == "focal-boost needs pandas: pip install typer rich skrub"
    assert done.returncode == 1


def test_the_function_does_not_require_typer_or_rich():
    program = """
import sys
for name in ("rich", "typer"):
    sys.modules[name] = None
from focal_boost import compare
from focal_boost.__main__ import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env=ENVIRONMENT
    )
    assert done.stderr.strip() == "focal-boost needs typer: pip install typer rich skrub"
