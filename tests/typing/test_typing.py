"""Type annotations: mypy and pyright accept a correct script and report every mistake in another one."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from . import user

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SCRIPTS = ["user.py", "mistakes.py"]


def check(tool, *arguments):
    """Return the standard output of a type checker on both scripts."""
    if importlib.util.find_spec(tool) is None:
        pytest.skip(f"{tool} is not installed")
    command = [sys.executable, "-m", tool, *arguments, *(str(HERE / script) for script in SCRIPTS)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 1, run.stdout + run.stderr  # 0 is no error at all, more is a failure of the tool
    return run.stdout


def mypy_errors(cache):
    # No configuration file: users do not have the one of this repository.
    output = check("mypy", "--strict", "--config-file=", "--follow-imports=silent", f"--cache-dir={cache}")
    found = re.findall(r"^(?:.*/)?(\w+\.py):(\d+): error: (.*)", output, re.MULTILINE)
    return [(name, int(line), message) for name, line, message in found]


def pyright_errors(_):
    report = json.loads(check("pyright", "--outputjson", "--pythonpath", sys.executable))
    errors = [error for error in report["generalDiagnostics"] if error["severity"] == "error"]
    return [(Path(e["file"]).name, e["range"]["start"]["line"] + 1, e["message"]) for e in errors]


@pytest.mark.parametrize("errors", [mypy_errors, pyright_errors])
def test_type_checkers_accept_a_correct_script_and_report_every_mistake(errors, tmp_path):
    found = errors(tmp_path)
    assert not [error for error in found if error[0] != "mistakes.py"]
    lines = (HERE / "mistakes.py").read_text().splitlines()
    marked = {number for number, line in enumerate(lines, 1) if line.endswith("# error")}
    reported = {line: message for _, line, message in found}
    assert not [lines[number - 1].strip() for number in sorted(marked - set(reported))], "not reported"
    assert not {lines[line - 1].strip(): reported[line] for line in set(reported) - marked}, "reported"


def test_the_correct_script_runs():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 2)), np.arange(40) % 2
    assert len({type(loss) for loss in user.losses()}) == 2
    raw = X[:, 0].astype(np.float32)
    assert user.numbers(user.losses()[0], y.tolist(), raw).shape == (40,)
    assert {proba.shape for proba in user.estimators(X, np.array(["a", "b"])[y])} == {(40, 2)}
    user.objectives(X, y)
