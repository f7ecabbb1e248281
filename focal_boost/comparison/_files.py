"""Read a CSV or parquet file as a classification problem."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from skrub import ToFloat
from skrub.core import RejectColumn

from focal_boost.comparison._data import (
    DEFAULT_LABELS,
    InputError,
    Labels,
    Problem,
    make_problem,
    one_line,
    some,
    suggest,
)

# "None" is not included: in text columns it is a level as often as a missing value.
MISSING = ("", "?", "NA", "N/A", "NaN", "nan", "NULL", "null")
_SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".pq")
_COMPRESSED = (".gz", ".bz2", ".xz", ".zip", ".zst")


def from_file(
    path: str,
    target: str | None,
    labels: Labels = DEFAULT_LABELS,
    *,
    drop: Sequence[str] = (),
    categorical: Sequence[str] = (),
    decimal: str | None = None,
) -> Problem:
    """Return the problem in a CSV or parquet file; ``decimal`` is the decimal mark of CSV files, "." or ","."""
    if decimal not in (None, ".", ","):
        raise InputError(f"--decimal must be '.' or ','; got {decimal!r}.")
    frame, reading = _read(path, decimal)
    if frame.columns.nlevels > 1:
        raise InputError(f"{path!r} has column names with {frame.columns.nlevels} levels: use one level.")
    source = ["import sys", "import pandas as pd", f"data = {reading}"]
    if not all(isinstance(name, str) for name in frame.columns):
        frame.columns = frame.columns.astype(str)
        source.append("data.columns = data.columns.astype(str)")
    names = list(frame.columns)
    _check_unique(path, frame.columns)
    if target is None:
        raise InputError(f"--target is missing: name the column to predict, one of {some(names)}.")
    options = [("--drop", name) for name in drop] + [("--categorical", name) for name in categorical]
    for option, name in [("--target", target), *options]:
        if name not in names:
            raise InputError(f"{option} {name!r} is not a column of {path!r}: {suggest(name, names)}")
    for option, name in options:
        if name == target:
            raise InputError(f"{option} {target!r} is the target: name another column.")
    if len(frame) == 0:
        raise InputError(f"{path!r} has a header but no rows: provide a file with data.")

    notes = []
    missing = frame[target].isna()
    if missing.any():
        frame = frame[~missing]
        source.append(f"data = data.dropna(subset=[{target!r}])")
        notes.append(f"{missing.sum():,} rows without a target were left out.")
        if len(frame) == 0:
            raise InputError(f"--target {target!r} is empty in every row: name another column.")
    X = frame.drop(columns=[target, *drop])
    source.append(f"X, y = data.drop(columns={[target, *drop]!r}), data[{target!r}]")
    _check_decimals(path, X, decimal)
    categorical = [name for name in categorical if name not in drop]
    name = Path(path).name
    return make_problem(name, X, frame[target], f"--target {target!r}", labels, categorical, source, notes)


def _check_unique(path: str, names: Any) -> None:
    """Raise InputError for a duplicate name."""
    repeated = pd.Index(names)[pd.Index(names).duplicated()]
    if len(repeated):
        raise InputError(f"{path!r} has two columns named {repeated[0]!r}: rename one.")


def _check_decimals(path: str, frame: pd.DataFrame, decimal: str | None) -> None:
    """Raise InputError for a column of numbers that was read as text because of its decimal mark."""
    if decimal == ".":
        return
    for name, column in frame.select_dtypes(["object", "string"]).items():
        mark = "." if decimal == "," else ","
        with_mark = next((text for text in map(str, column.dropna().unique()) if mark in text), None)
        try:
            ToFloat(decimal=mark, thousand="," if mark == "." else ".").fit_transform(column)
        except RejectColumn:
            continue
        if with_mark is None:
            continue
        if decimal == ",":
            problem, remedy = "points", "remove the points or drop the column."
        else:
            problem = "commas"
            remedy = "add --decimal , if the comma is the decimal mark, or --decimal . to read the column as text."
        raise InputError(
            f"column {name!r} of {path!r} contains numbers with {problem}, such as {with_mark!r}: {remedy}"
        )


def _read(path: str, decimal: str | None) -> tuple[pd.DataFrame, str]:
    """Return the table in a file and the Python expression that reads it."""
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    kind = next((suffix for suffix in reversed(suffixes) if suffix not in _COMPRESSED), "")
    if kind not in _SUFFIXES:
        raise InputError(
            f"{path!r} has an unknown extension: provide one of {', '.join(_SUFFIXES)}, optionally with .gz."
        )
    is_parquet = kind in (".parquet", ".pq")
    try:
        if is_parquet:
            return pd.read_parquet(path), "pd.read_parquet(sys.argv[1])"
        options: dict[str, Any] = {"keep_default_na": False, "na_values": list(MISSING), "skipinitialspace": True}
        # With a separator that does not occur in text, the header is a single field.
        header = pd.read_csv(path, header=None, nrows=1, sep="\x01", quoting=csv.QUOTE_NONE, keep_default_na=False)
        separator = max(",;\t|", key=str(header.iloc[0, 0]).count)
        if separator != ",":
            options["sep"] = separator
        if decimal == ",":
            options["decimal"] = decimal
        # pandas renames the second of two columns "y" to "y.1", which would leak the target.
        header = pd.read_csv(path, header=None, nrows=1, dtype=str, **{**options, "na_values": [""]})
        frame = pd.read_csv(path, low_memory=False, **options)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path!r} is not UTF-8 text (byte {error.start}): convert it, e.g. iconv -f latin1 -t utf-8."
        ) from error
    except pd.errors.EmptyDataError as error:
        raise InputError(f"{path!r} is empty: provide a file with a header and data.") from error
    except ImportError as error:
        package = "pyarrow" if is_parquet else "zstandard"
        raise InputError(f"{path!r} needs {package}: pip install {package}") from error
    except (OSError, ValueError, EOFError, zlib.error) as error:
        # ParserError of pandas and ArrowInvalid are ValueErrors.
        raise InputError(f"{path!r} cannot be read as {kind[1:]}: {one_line(error)}") from error
    _check_unique(path, header.iloc[0].dropna())
    if not isinstance(frame.index, pd.RangeIndex):
        raise InputError(f"{path!r} has rows with more fields than the header: correct the header.")
    arguments = ", ".join(f"{name}={value!r}" for name, value in options.items())
    return frame, f"pd.read_csv(sys.argv[1], {arguments})"
