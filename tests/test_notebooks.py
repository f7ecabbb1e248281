"""Notebooks run in a clean kernel without output on stderr, and are stored with their figures."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def kinds(results):
    """Return the formats of the cell outputs, in order."""
    return [sorted(output.data) for output in results if "data" in output]


def stderr_lines(results):
    lines = [line for output in results if output.get("name") == "stderr" for line in output.text.splitlines()]
    # XGBoost's workers print their rank to stderr at any verbosity.
    return [line for line in lines if line.strip() and " got rank " not in line]


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_stored_notebook_has_a_figure_and_no_error(path):
    stored = outputs(nbformat.read(path, as_version=4))
    assert any("image/png" in kind for kind in kinds(stored))
    assert not [output for output in stored if output.output_type == "error"]
    assert not stderr_lines(stored)


@pytest.mark.nightly
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_running_reproduces_the_stored_outputs(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    kept = kinds(outputs(notebook))
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert kinds(outputs(notebook)) == kept
    assert not stderr_lines(outputs(notebook))
