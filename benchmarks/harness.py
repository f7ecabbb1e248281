"""The environment record, the results file and the loop over problems, shared by all benchmarks."""

from __future__ import annotations

import csv
import json
import os
import platform
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
PACKAGES = (
    *("focal-boost", "numpy", "scipy", "scikit-learn", "xgboost", "lightgbm", "dask", "distributed"),
    *("catboost", "gbdtCBL", "imlightgbm", "bokbokbok"),
)

Row = Mapping[str, Any]


def environment() -> dict[str, Any]:
    """Return the machine and the versions of the installed packages."""
    info = Path("/proc/cpuinfo")
    cpu = re.search(r"model name\s*: (.*)", info.read_text()) if info.exists() else None
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    name = cpu[1] if cpu else platform.processor() or platform.machine()
    return {"cpu": name, "cores": os.cpu_count(), "system": platform.system(), "versions": versions}


class Results:
    """The rows of one experiment, each identified by its key columns, in ``NAME.csv``.

    The section ``[NAME]`` of ``environment.toml`` in the same folder records machine, versions and settings. Rows
    already in the file are kept; a file measured on another machine or with other settings is rejected.
    """

    def __init__(
        self, folder: Path, name: str, key: tuple[str, ...], columns: tuple[str, ...], **settings: Any
    ) -> None:
        self.path, self.key, self.columns = folder / f"{name}.csv", key, (*key, *columns)
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "environment.toml"
        recorded = tomllib.loads(file.read_text()) if file.exists() else {}
        current = environment() | settings
        if self.path.exists() and recorded.get(name) != current:
            raise SystemExit(
                f"{self.path} was measured on another machine, with other versions or with other settings: "
                "delete it or choose another folder with --results."
            )
        file.write_text(_toml(recorded | {name: current}))
        self._rows = {self._key_of(row): row for row in read_rows(self.path)} if self.path.exists() else {}

    def __contains__(self, row: Row) -> bool:
        """Return whether there is a row with these values of some or all columns."""
        values = {column: _cell(value) for column, value in row.items()}
        return any(values.items() <= known.items() for known in self._rows.values())

    def add(self, *rows: Row) -> None:
        """Add rows or replace those with the same key, and write the file."""
        for row in rows:
            row = {column: _cell(row.get(column)) for column in self.columns}
            self._rows[self._key_of(row)] = row
        part = self.path.with_suffix(".part")
        with part.open("w", newline="") as file:
            writer = csv.DictWriter(file, self.columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self._rows.values())
        part.replace(self.path)  # atomic, so that an interrupted run leaves a complete file

    def _key_of(self, row: Row) -> tuple[str, ...]:
        return tuple(_cell(row[column]) for column in self.key)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a file of results, all values as text."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _cell(value: Any) -> str:
    if value is None or value != value:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _toml(sections: Mapping[str, Mapping[str, Any]]) -> str:
    def text(value: Any) -> str:
        if isinstance(value, Mapping):
            return "{ " + ", ".join(f"{key} = {text(item)}" for key, item in value.items()) + " }"
        return json.dumps(value)

    blocks = (
        # Quoted, because the name may contain a version.
        "\n".join([f'["{name}"]', *(f"{key} = {text(value)}" for key, value in section.items())])
        for name, section in sections.items()
    )
    return "\n\n".join(blocks) + "\n"


def run(results: Results, problems: Mapping[str, Callable[[], Iterable[Row]]], jobs: int = 0) -> None:
    """Run the problems, in this process or in ``jobs`` others, and write their rows as they arrive."""
    columns = (TextColumn("{task.description:40}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns) as progress, ProcessPoolExecutor(max(jobs, 1)) as pool:
        bar = progress.add_task("", total=len(problems))
        futures = {name: pool.submit(work) for name, work in problems.items()} if jobs else {}
        try:
            for name, work in problems.items():
                progress.update(bar, description=name)
                results.add(*(futures[name].result() if jobs else work()))
                progress.advance(bar)
        finally:
            pool.shutdown(cancel_futures=True)
