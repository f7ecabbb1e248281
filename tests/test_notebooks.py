"""The notebooks: each runs in a clean kernel without a word on standard error, and keeps a picture in its file."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def kinds(results):
    """Return the formats of what cells show, in order."""
    return [sorted(output.data) for output in results if "data" in output]


def complaints(results):
    lines = [line for output in results if output.get("name") == "stderr" for line in output.text.splitlines()]
    # XGBoost's workers report for duty on standard error at any verbosity.
    return [line for line in lines if line.strip() and " got rank " not in line]


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_keeps_a_picture_and_no_error_in_its_file(path):
    stored = outputs(nbformat.read(path, as_version=4))
    assert any("image/png" in kind for kind in kinds(stored))
    assert not [output for output in stored if output.output_type == "error"]
    assert not complaints(stored)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_and_shows_what_it_keeps(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    kept = kinds(outputs(notebook))
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert kinds(outputs(notebook)) == kept
    assert not complaints(outputs(notebook))
