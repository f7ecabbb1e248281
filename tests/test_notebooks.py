"""The notebooks: each runs in a clean kernel without a word on standard error, and keeps a picture in its file."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_keeps_a_picture_and_no_error_in_its_file(path):
    stored = outputs(nbformat.read(path, as_version=4))
    assert any("image/png" in output.get("data", {}) for output in stored)
    assert not [output for output in stored if output.output_type == "error" or output.get("name") == "stderr"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_and_draws_what_it_keeps(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    kept = [sorted(output.get("data", {})) for output in outputs(notebook)]
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    run = outputs(notebook)
    assert [sorted(output.get("data", {})) for output in run] == kept
    assert not [output.text for output in run if output.get("name") == "stderr"]
