"""Read a CSV or parquet file as a classification problem."""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from focal_boost.comparison._data import (
    InputError,
    Problem,
    make_features,
    make_problem,
    one_line,
    some,
    suggest,
)

# Not "None": it is a level as often as a missing value.
MISSING = ("", "?", "NA", "N/A", "NaN", "nan", "NULL", "null")
# Whole numbers with so few values may be codes. As categories they lose nothing (log loss 0.98 to 1.02 times on
# four real sets); those with more values are often measures, which do (digits in 17 greys: 1.4 to 1.8 times).
MAX_CODES = 10
_DECIMAL_COMMA = re.compile(r"[-+]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?([eE][-+]?\d+)?")
_NUMBER = re.compile(rf"{_DECIMAL_COMMA.pattern}|[-+]?\d+\.\d+([eE][-+]?\d+)?")
_SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".pq")
_COMPRESSED = (".gz", ".bz2", ".xz", ".zip", ".zst")


def from_file(
    path: str, target: str | None, drop: Sequence[str], positive: str | None, decimal: str | None = None
) -> Problem:
    """Return the problem in a CSV or parquet file; ``decimal`` is the decimal mark of a CSV file, "." or ","."""
    if decimal not in (None, ".", ","):
        raise InputError(f"--decimal must be '.' or ','; got {decimal!r}.")
    frame, reading = _read(path, decimal)
    if frame.columns.nlevels > 1:
        raise InputError(f"{path!r} has column names of {frame.columns.nlevels} levels: join them into one.")
    frame.columns = frame.columns.astype(str)
    names = list(frame.columns)
    _check_unique(path, frame.columns)
    if target is None:
        raise InputError(f"--target is missing: name the column to predict, one of {some(names)}.")
    for option, name in [("--target", target), *(("--drop", name) for name in drop)]:
        if name not in names:
            raise InputError(f"{option} {name!r} is not a column of {path!r}: {suggest(name, names)}")
    if target in drop:
        raise InputError(f"--drop {target!r} is the target: drop another column.")
    if len(frame) == 0:
        raise InputError(f"{path!r} has a header and no rows: provide a file with data.")

    source = [f"data = {reading}"]
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
    features = make_features(X.astype(dict.fromkeys(_codes(X), "category")))
    return make_problem(Path(path).name, features, frame[target], f"--target {target!r}", positive, source, notes)


def _check_unique(path: str, names: Any) -> None:
    """Raise InputError if a name is repeated."""
    repeated = pd.Index(names)[pd.Index(names).duplicated()]
    if len(repeated):
        raise InputError(f"{path!r} has two columns {repeated[0]!r}: rename one.")


def _codes(frame: pd.DataFrame) -> list[str]:
    """Return the columns of whole numbers with three to MAX_CODES values."""
    numbers = frame.select_dtypes("number", exclude="timedelta").columns
    return [
        name
        for name in numbers
        if 2 < frame[name].nunique() <= MAX_CODES and (frame[name].dropna() % 1 == 0).all()
    ]


def _check_decimals(path: str, frame: pd.DataFrame, decimal: str | None) -> None:
    """Raise InputError for a column of numbers that was read as text, because of another decimal mark."""
    if decimal == ".":
        return
    mark, pattern = (".", _NUMBER) if decimal == "," else (",", _DECIMAL_COMMA)
    for name, column in frame.select_dtypes(["object", "string"]).items():
        texts = [str(text) for text in column.dropna().unique()]
        with_mark = next((text for text in texts if mark in text), None)
        if with_mark is None or not all(map(pattern.fullmatch, texts)):
            continue
        if decimal == ",":
            problem, remedy = "points", "remove the points from the file, or drop the column."
        else:
            problem = "commas"
            remedy = "add --decimal , if the comma is the decimal mark, or --decimal . to read text."
        raise InputError(
            f"column {name!r} of {path!r} contains numbers with {problem}, such as {with_mark!r}: {remedy}"
        )


def _read(path: str, decimal: str | None) -> tuple[pd.DataFrame, str]:
    """Return the table in a file, and the Python expression that reads it."""
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    kind = next((suffix for suffix in reversed(suffixes) if suffix not in _COMPRESSED), "")
    if kind not in _SUFFIXES:
        raise InputError(
            f"{path!r} has an unknown extension: provide one of {', '.join(_SUFFIXES)}, optionally with .gz."
        )
    is_parquet = kind in (".parquet", ".pq")
    try:
        if is_parquet:
            return pd.read_parquet(path), f"pd.read_parquet({path!r})"
        options: dict[str, Any] = {"keep_default_na": False, "na_values": list(MISSING), "skipinitialspace": True}
        # Read with a separator that no text contains, the header is one field.
        header = pd.read_csv(path, header=None, nrows=1, sep="\x01", quoting=csv.QUOTE_NONE, keep_default_na=False)
        separator = max(",;\t|", key=str(header.iloc[0, 0]).count)
        if separator != ",":
            options["sep"] = separator
        if decimal == ",":
            options["decimal"] = decimal
        # Of two columns "y", pandas would rename the second to "y.1": a copy of the target to learn from.
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
        # pandas' ParserError and Arrow's ArrowInvalid are ValueErrors.
        raise InputError(f"{path!r} cannot be read as {kind[1:]}: {one_line(error)}") from error
    _check_unique(path, header.iloc[0].dropna())
    if not isinstance(frame.index, pd.RangeIndex):
        raise InputError(f"{path!r} has rows with more fields than the header has names: correct the header.")
    arguments = ", ".join(f"{name}={value!r}" for name, value in options.items())
    return frame, f"pd.read_csv({path!r}, {arguments})"
