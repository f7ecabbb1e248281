"""Documentation pages: code runs and prints the documented output; links point to existing files.

Blocks marked ``python`` are run in the order of the page. A block marked ``text`` directly after one of them is
its expected output. Blocks marked ``py`` show interfaces of other packages and are not run.
"""

import contextlib
import doctest
import importlib
import io
import re
from pathlib import Path

import pytest

import focal_boost

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def names(paths):
    return [path.stem for path in paths]


with_code = [page for page in PAGES if "```python\n" in page.read_text()]


@pytest.mark.parametrize("page", with_code, ids=names(with_code))
def test_code_runs_and_prints_the_documented_output(page, tmp_path, monkeypatch):
    if page.stem == "catboost":
        pytest.importorskip("catboost")  # not among the extras that the tests need
    monkeypatch.chdir(tmp_path)
    text = page.read_text()
    namespace = {}
    printed, end = "", 0
    for fence in FENCE.finditer(text):
        body = fence["body"]
        if fence["language"] == "text" and not text[end : fence.start()].strip():
            matches = doctest.OutputChecker().check_output(
                body, printed, doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
            )
            assert matches, f"{page.name} shows\n{body}\nbut its code prints\n{printed}"
            printed = ""
        elif fence["language"] == "python":
            assert not printed, f"{page.name} does not show what its code prints:\n{printed}"
            output = io.StringIO()
            # Leading blank lines make tracebacks show the line number in the page.
            code = "\n" * text.count("\n", 0, fence.start("body")) + body
            with contextlib.redirect_stdout(output):
                exec(compile(code, str(page), "exec"), namespace)
            printed = output.getvalue()
        end = fence.end()
    assert not printed, f"{page.name} does not show what its code prints:\n{printed}"


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.stem)
def test_relative_links_point_to_files(page):
    targets = [target.partition("#")[0] for target in LINK.findall(FENCE.sub("", page.read_text()))]
    broken = [t for t in targets if t and "://" not in t and not (page.parent / t).exists()]
    assert not broken


def test_the_reference_has_every_public_name_once_under_its_shortest_address():
    documented = re.findall(
        r"^\.\. (?:auto|py:)\w+:: ([\w.]+)", (ROOT / "docs" / "reference.md").read_text(), re.MULTILINE
    )
    public = [f"focal_boost.{name}" for name in focal_boost.__all__]
    for package in ("losses", "comparison", "dask"):
        names = importlib.import_module(f"focal_boost.{package}").__all__
        public += [f"focal_boost.{package}.{name}" for name in names if name not in focal_boost.__all__]
    public += ["focal_boost.metrics.expected_calibration_error"]
    public += ["focal_boost.boosters.XGBoostMetric", "focal_boost.boosters.LightGBMMetric"]
    assert sorted(documented) == sorted(public)


@pytest.mark.parametrize("loss", [focal_boost.BinaryFocalLoss, focal_boost.MulticlassFocalLoss])
def test_the_reference_has_every_method_of_a_loss(loss):
    reference = (ROOT / "docs" / "reference.md").read_text()
    block = reference.partition(f".. autoclass:: focal_boost.{loss.__name__}\n")[2].partition("\n.. ")[0]
    methods = [name for name in dir(loss) if not name.startswith("_") and callable(getattr(loss, name))]
    assert sorted(re.findall(r"automethod:: (\w+)", block)) == sorted(["__call__", *methods])
