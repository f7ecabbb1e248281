"""The command line: print a table and a verdict, or one line on standard error for wrong input."""

from __future__ import annotations

import io
import json
import os
import re
import sys
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer import Argument, Option
from typer.core import TyperCommand

from focal_boost._version import __version__
from focal_boost.comparison._compare import run_plan
from focal_boost.comparison._comparison import Comparison
from focal_boost.comparison._contenders import Alpha, default_booster
from focal_boost.comparison._data import InputError, Problem, example, printable
from focal_boost.comparison._files import from_file
from focal_boost.comparison._plan import GAMMAS, make_plan
from focal_boost.comparison._progress import bar
from focal_boost.comparison._report import summary_table

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

_SEVERAL = ("--gamma", "--alpha", "--booster")
_VALUE = re.compile(r"([-+.\deE,]|none|balanced|xgboost|lightgbm)+", re.IGNORECASE)
_Texts = list[str] | None
_ALPHAS: dict[str, Alpha] = {"none": None, "balanced": "balanced"}


class _Command(TyperCommand):
    """A command whose options accept "--gamma 0 1" as well as "--gamma 0 --gamma 1", as click does not."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        repeated: list[str] = []
        option = ""
        for argument in args:
            if argument in _SEVERAL:
                option = argument
            elif not option or not _VALUE.fullmatch(argument):
                option = ""
            elif repeated[-1] != option:
                repeated.append(option)
            repeated.append(argument)
        return super().parse_args(ctx, repeated)


@app.callback(invoke_without_command=True)
def _about(context: typer.Context, version: Annotated[bool, Option(help="Print the version.")] = False) -> None:
    """Focal loss for XGBoost and LightGBM."""
    if version:
        print(f"focal_boost {__version__}")
    elif context.invoked_subcommand is None:
        print(context.get_help())


@app.command(cls=_Command)
def compare(
    data: Annotated[
        str | None, Argument(help="CSV (also compressed) or parquet. Default: handwritten digits.")
    ] = None,
    target: Annotated[str | None, Option(help="Column to predict.")] = None,
    booster: Annotated[_Texts, Option(help="xgboost, lightgbm or both.  [default: xgboost if installed]")] = None,
    gamma: Annotated[_Texts, Option(help="Focusing parameters; 0: log loss.  [default: 0 0.5 1 2 5]")] = None,
    alpha: Annotated[_Texts, Option(help="Class weights: none, balanced or in (0, 1).  [default: none]")] = None,
    folds: Annotated[int, Option(help="Folds of the cross-validation, at least 3.")] = 5,
    drop: Annotated[_Texts, Option(help="Column to leave out; repeat for more.")] = None,
    decimal: Annotated[str | None, Option(help="Decimal mark of a CSV file, . or ,")] = None,
    positive: Annotated[str | None, Option(help="Positive class.  [default: the rarer of two]")] = None,
    params: Annotated[str | None, Option(help="JSON or TOML file of parameters, also per booster.")] = None,
    seed: Annotated[int, Option(help="Seed of folds and boosters.")] = 0,
    out: Annotated[str | None, Option(help="Directory for report, results, figure and finished folds.")] = None,
    json_: Annotated[bool, Option("--json", help="Print the results as JSON instead.")] = False,
) -> None:
    """Find out whether focal loss is worth it on your data.

    Cross-validates the booster's own log loss, the same with class weights, focal losses, and a focal loss chosen
    by inner cross-validation, on the same folds, and tests the differences. Strings and whole numbers with 3 to 10
    values become categories; dates and identifiers are left out. Ctrl-C keeps the finished folds.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        plan = make_plan(
            _problem(data, target, drop or [], positive, decimal),
            _split(booster) or _default_booster(),
            [_number("--gamma", text) for text in _split(gamma)] or GAMMAS,
            [_ALPHAS[text] if text in _ALPHAS else _number("--alpha", text) for text in _split(alpha)] or None,
            folds,
            _params(params),
            seed,
        )
        with bar(plan.n_fits) as advance:
            comparison = run_plan(plan, out, advance)
    except InputError as error:
        _report(str(error))
        raise typer.Exit(2) from error
    except KeyboardInterrupt:
        _report("interrupted before the first fold finished.")
        raise typer.Exit(130) from None
    status = 0
    try:
        if json_:
            print(json.dumps(comparison.to_dict(), indent=2, default=repr))  # ASCII, for any output
        else:
            _show(comparison, out)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # What is left in the buffer would fail again on exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _report(f"The result cannot be printed: {error.strerror}.")
        status = 1
    if comparison.unsaved:
        _report(comparison.unsaved)
        status = 1
    if comparison.interrupted:
        resume = "Run the same command again to resume." if out else "With --out the next run could resume."
        _report(f"{comparison.interruption} {resume}")
        status = 130
    raise typer.Exit(status)


def _report(message: str) -> None:
    print(f"focal-boost compare: {printable(message)}", file=sys.stderr)


def _problem(
    data: str | None, target: str | None, drop: list[str], positive: str | None, decimal: str | None
) -> Problem:
    if data is not None:
        return from_file(data, target, drop, positive, decimal)
    if target is not None or drop or decimal is not None:
        raise InputError("--target, --drop and --decimal need DATA: provide the path of a CSV or parquet file.")
    return example(positive)


def _default_booster() -> str:
    name = default_booster()
    if name != "xgboost":
        _report(f"xgboost is not installed: the booster is {name}.")
    return name


def _split(values: list[str] | None) -> list[str]:
    return [part for value in values or [] for part in value.lower().split(",") if part]


def _number(option: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InputError(f"{option} must be a number; got {text!r}.") from error


def _params(path: str | None) -> dict[str, Any] | None:
    if path is None:
        return None
    try:
        text = Path(path).read_text(encoding="utf-8")
        params = tomllib.loads(text) if path.lower().endswith(".toml") else json.loads(text)
    except OSError as error:
        raise InputError(f"--params {path!r} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:  # not UTF-8, JSON or TOML, or nested too deeply
        raise InputError(f"--params {path!r} is neither JSON nor TOML (with extension .toml): {error}.") from error
    if not isinstance(params, dict):
        raise InputError(
            f"--params {path!r} must contain an object, {{name: value}}; got {type(params).__name__}."
        )
    return params


def _show(comparison: Comparison, out: str | None) -> None:
    console = Console(highlight=False, markup=False)
    sign = "±" if _can_encode("±") else "+-"
    cells = summary_table(comparison.summary)
    # Mean and standard deviation side by side if all six fit, else one below the other.
    fits = console.width >= max(map(len, cells.index)) + len(cells.columns) * (17 + len(sign))
    separator = f" {sign} " if fits else f"\n{sign}"
    cells = summary_table(comparison.summary, separator)
    title = Text(printable(comparison.title))
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(f"mean{separator}std", no_wrap=True)
    for score in cells.columns:
        table.add_column(score, justify="right")
    for name, *row in cells.itertuples():
        table.add_row(Text(name), *row)
    console.print(table)
    for conclusion, evidence in comparison.verdict_paragraphs:
        console.print()
        console.print(Text.assemble((conclusion, "bold"), " " if conclusion else "", evidence))
    for note in ["", *comparison.notes, ""] if comparison.notes else [""]:
        console.print(Text(printable(note)))
    if out is None:
        console.print(
            "With --out DIR: a report to share, and the Python program that trains the recommended model."
        )
    elif not comparison.unsaved:
        console.print(Text(printable(f"Report: {Path(out) / 'report.html'}")))


def _can_encode(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
