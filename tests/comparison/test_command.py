import json
import os
import re
import runpy
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import focal_boost
from focal_boost.comparison._command import app

from .builders import ENVIRONMENT

COMMAND = [sys.executable, "-W", "error", "-m", "focal_boost"]


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A directory with a small CSV file and parameters that train it quickly."""
    random = np.random.default_rng(0)
    x = random.normal(size=(300, 2))
    frame = pd.DataFrame({"__class__": x[:, 0], "shop [id]": np.where(x[:, 1] > 0, "a", "b"), "day": "2024-01-01"})
    frame["churn"] = np.where(x[:, 0] + random.normal(size=300) > 1.5, "yes", "no")
    frame.to_csv(tmp_path / "data.csv.gz", index=False)
    params = {"n_estimators": 10, "max_depth": 3, "n_jobs": 1, "early_stopping_rounds": 5}
    (tmp_path / "params.json").write_text(json.dumps(params))
    (tmp_path / "params.toml").write_text("[xgboost]\nn_estimators = 10\nearly_stopping_rounds = 5\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def run(*arguments, charset="utf-8"):
    return CliRunner(charset=charset).invoke(app, ["compare", *arguments])


QUICK = ("--params", "params.json", "--folds", "3")
CHURN = ("data.csv.gz", "--target", "churn", "--gamma", "2", *QUICK)


def test_without_data_digits_are_compared_in_one_table_with_a_row_for_each_gamma(files):
    done = subprocess.run(
        [*COMMAND, "compare", *QUICK], capture_output=True, text=True, env=ENVIRONMENT, check=True, cwd=files
    )
    rows = [
        re.split(r"\s{2,}", line)[0] for line in done.stdout.splitlines() if re.search(r"(0\.\d{4}\s*){6}$", line)
    ]
    assert rows == [
        "log loss (gamma 0)",
        "class weights",
        "gamma 0.5",
        "gamma 1",
        "gamma 2",
        "gamma 5",
        "gamma chosen",
    ]
    assert all(word in done.stdout for word in ("precision", "ROC AUC", "log loss", "Brier", "ECE", "F1"))
    assert done.stdout.count("±0.") == 7 * 6
    assert done.stderr.strip() == ""


def test_a_file_is_compared_and_the_report_written(files):
    done = run("data.csv.gz", "--target", "churn", "--gamma", "0", "2", *QUICK, "--out", "out")
    assert done.exit_code == 0, done.output
    assert "data.csv.gz: 300 rows, 2 features" in done.stdout
    assert "Left out as dates: 'day'." in done.stdout
    assert "XGBoost: " in done.stdout
    assert "Report: out/report.html" in done.stdout
    assert "model" in runpy.run_path("out/best_model.py")


def test_decimal_commas_are_read_on_request_and_by_the_program(files):
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"a": random.normal(size=90), "target": random.random(90) < 0.4})
    frame.to_csv(files / "data.csv", sep=";", decimal=",", index=False)
    arguments = ("data.csv", "--target", "target", "--gamma", "2", *QUICK, "--out", "out")
    assert "add --decimal ," in run(*arguments).stderr
    assert run(*arguments, "--decimal", ",").exit_code == 0
    np.testing.assert_allclose(runpy.run_path("out/best_model.py")["X"]["a"], frame["a"])


def test_json_is_the_only_standard_output(files):
    done = run("data.csv.gz", "--target", "churn", "--gamma", "2", *QUICK, "--json")
    results = json.loads(done.stdout)
    assert results["data"]["classes"] == ["no", "yes"]
    assert results["focal_boost"] == focal_boost.__version__
    assert [row["contender"] for row in results["summary"]] == ["log loss (gamma 0)", "class weights", "gamma 2"]
    assert len(results["scores"]) == 3 * 3
    assert results["verdict"].startswith("XGBoost: ")


def test_both_boosters_and_several_alphas_are_compared(files):
    done = run(
        "data.csv.gz",
        *("--target", "churn", "--booster", "xgboost", "lightgbm", "--gamma", "1", "--alpha", "none,0.3"),
        *("--params", "params.toml", "--folds", "3", "--json"),
    )
    results = json.loads(done.stdout)
    names = {(row["booster"], row["contender"]) for row in results["summary"]}
    assert {("xgboost", "gamma 1, alpha 0.3"), ("lightgbm", "gamma 1"), ("lightgbm", "gamma chosen")} <= names
    assert results["settings"]["boosters"]["xgboost"]["params"]["n_estimators"] == 10
    assert results["settings"]["boosters"]["lightgbm"]["params"]["n_estimators"] == 1000


def test_results_depend_on_the_seed_only(files):
    results = [
        json.loads(
            run("data.csv.gz", "--target", "churn", "--gamma", "2", *QUICK, "--json", "--seed", seed).stdout
        )
        for seed in ("0", "0", "1")
    ]
    assert results[0] == results[1]
    assert results[0]["scores"] != results[2]["scores"]


@pytest.mark.parametrize(
    "arguments",
    [
        "--gamma 0 0.5 --booster xgboost lightgbm data.csv.gz --alpha none 0.25",
        "data.csv.gz --gamma 0,0.5 --booster xgboost,lightgbm --alpha None,0.25",
        "--gamma 0 --gamma 0.5 --booster xgboost --booster lightgbm --alpha none --alpha 0.25 data.csv.gz",
    ],
)
def test_an_option_accepts_several_values(files, arguments):
    done = run(*arguments.split(), "--target", "churn", *QUICK, "--json")
    results = json.loads(done.stdout)
    assert list(results["settings"]["boosters"]) == ["xgboost", "lightgbm"]
    names = ["log loss (gamma 0)", "class weights", "gamma 0.5", "gamma 0, alpha 0.25", "gamma 0.5, alpha 0.25"]
    assert [row["contender"] for row in results["summary"]] == [*names, "gamma chosen"] * 2


def test_an_option_of_one_value_rejects_a_second(files):
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
        (["--target", "churn"], "need DATA"),
        (["--decimal", ","], "need DATA"),
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
        (["--booster", "catboost"], "booster must be 'xgboost' or 'lightgbm'; got 'catboost'"),
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
def test_wrong_input_is_one_line_on_standard_error_and_status_2(files, arguments, message):
    (files / "list.json").write_text("[1]")
    (files / "null.json").write_text("null")
    (files / "lists.json").write_text('{"xgboost": [1]}')
    (files / "deep.json").write_text("[" * 100_000)
    done = run(*arguments)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert message in done.stderr
    (line,) = done.stderr.strip().splitlines()  # up to version 14, rich leaves a blank line behind a progress bar
    assert line.startswith("focal-boost compare: ")


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
def test_an_output_that_cannot_encode_a_name_gets_the_table_and_the_verdict(files, charset):
    (files / "жé.csv").write_text("a,жé\n" + "1,é\n2,ж\n3,ж\n" * 30)
    done = run("жé.csv", "--target", "жé", "--gamma", "2", *QUICK, charset=charset)
    assert done.exit_code == 0, done.output
    expected = {"ascii": ("\\u0436\\xe9.csv", "+-0.", "'\\xe9'"), "cp1252": ("\\u0436é.csv", "±0.", "'é'")}
    assert all(text in done.stdout for text in (*expected[charset], "XGBoost: "))


def test_json_can_be_read_from_an_output_that_cannot_encode_a_name(files):
    (files / "data.csv").write_text("a,target\n" + "1,é\n2,ж\n3,\U0001f600\n" * 30)
    done = run("data.csv", "--target", "target", "--gamma", "2", *QUICK, "--json", charset="ascii")
    assert json.loads(done.stdout)["data"]["classes"] == ["é", "ж", "\U0001f600"]


def test_a_directory_in_the_way_of_a_result_file_is_reported_after_the_table(files):
    (files / "out" / "report.html").mkdir(parents=True)
    done = run(*CHURN, "--out", "out")
    assert done.exit_code == 1
    assert "gamma 2" in done.stdout
    assert "XGBoost: " in done.stdout
    assert "Report: " not in done.stdout
    (line,) = done.stderr.strip().splitlines()
    assert line == "focal-boost compare: Not saved in 'out': report.html (Is a directory)."
    written = {path.name for path in (files / "out").iterdir() if path.is_file()}
    assert written == {"results.json", "scores.csv", "differences.csv", "picture.png", "best_model.py"}
    assert len(list(files.glob("out/folds/*.npz"))) == 3


@pytest.fixture
def full_disk():
    """Let no process write to a file."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_reported_after_the_table(files, full_disk):
    done = run(*CHURN, "--out", "out")
    assert done.exit_code == 1
    assert "XGBoost: " in done.stdout
    (line,) = done.stderr.strip().splitlines()
    assert line == (
        "focal-boost compare: Not saved in 'out': folds (File too large); results.json, scores.csv, "
        "differences.csv, picture.png, report.html, best_model.py (File too large)."
    )


def test_a_full_disk_under_the_output_is_reported(files, monkeypatch, capfd):
    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(SystemExit) as end:
            app(["compare", *CHURN, "--out", "out"])
    assert end.value.code == 1
    err = capfd.readouterr().err.strip()
    assert err == "focal-boost compare: The result cannot be printed: No space left on device."
    assert len(list(files.glob("out/folds/*.npz"))) == 3


def test_control_c_keeps_the_finished_folds_and_the_same_command_resumes(files):
    options = [
        "--target",
        "churn",
        "--gamma",
        "0",
        "2",
        "--folds",
        "10",
        "--params",
        "params.json",
        "--out",
        "out",
    ]
    arguments = [*COMMAND, "compare", "data.csv.gz", *options]
    first = subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, cwd=files
    )
    started = time.monotonic()
    while not list(files.glob("out/folds/*.npz")) and time.monotonic() - started < 60:
        time.sleep(0.01)
    first.send_signal(signal.SIGINT)
    stdout, stderr = first.communicate(timeout=60)
    assert first.returncode == 130
    finished = len(list(files.glob("out/folds/*.npz")))
    assert 1 <= finished < 10
    assert f"Interrupted: the scores are from the {finished} of 10 folds that finished." in stderr
    assert "Run the same command again to resume." in stderr
    assert "Traceback" not in stderr
    assert "log loss (gamma 0)" in stdout
    kept = {path: path.stat().st_mtime_ns for path in files.glob("out/folds/*.npz")}
    again = subprocess.run(arguments, capture_output=True, text=True, env=ENVIRONMENT, cwd=files, check=True)
    assert "Interrupted" not in again.stderr
    assert len(list(files.glob("out/folds/*.npz"))) == 10
    assert all(path.stat().st_mtime_ns == when for path, when in kept.items())


@pytest.mark.parametrize(
    ("missing", "arguments", "status", "message"),
    [
        ("xgboost", CHURN, 0, "xgboost is not installed: the booster is lightgbm."),
        ("lightgbm", CHURN, 0, ""),
        (
            "xgboost",
            (*CHURN, "--booster", "xgboost"),
            2,
            "booster 'xgboost' is not installed: pip install xgboost, or choose 'lightgbm', which is installed.",
        ),
        (
            "lightgbm",
            (*CHURN, "--booster", "lightgbm,xgboost"),
            2,
            "booster 'lightgbm' is not installed: pip install lightgbm, or choose 'xgboost', which is installed.",
        ),
        (
            "xgboost lightgbm",
            CHURN,
            2,
            "booster 'xgboost' is not installed: pip install xgboost, or lightgbm for booster 'lightgbm'.",
        ),
    ],
)
def test_without_xgboost_the_installed_booster_is_compared_or_named(files, missing, arguments, status, message):
    program = """
import sys
for name in sys.argv.pop(1).split():
    sys.modules[name] = None
from focal_boost.__main__ import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, missing, "compare", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
        cwd=files,
    )
    assert done.stderr.strip() == (message and f"focal-boost compare: {message}")
    assert done.returncode == status
    if status == 0:
        assert {"xgboost": "LightGBM: ", "lightgbm": "XGBoost: "}[missing] in done.stdout


def test_missing_packages_are_named_with_the_command_that_installs_them():
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
    assert done.stdout.strip() == "compare needs pandas: pip install pandas matplotlib"
    assert done.stderr.strip() == "focal-boost needs pandas: pip install typer rich pandas pyarrow matplotlib"
    assert done.returncode == 1


def test_the_function_needs_neither_typer_nor_rich():
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
    assert done.stderr.strip() == "focal-boost needs typer: pip install typer rich pandas pyarrow matplotlib"
