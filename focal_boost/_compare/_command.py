"""The command line: arguments in, a table and a verdict out, one line on standard error for whatever is wrong."""

from __future__ import annotations

import json
import re
import sys
import tomllib
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

import focal_boost
from focal_boost._compare import GAMMAS, Comparison, carry_out, make_plan
from focal_boost._compare._data import InputError, Problem, digits, from_file
from focal_boost._compare._progress import bar
from focal_boost._compare._scores import SCORES

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

# Options of several values, and what a value looks like: "--gamma 0 1 2" is as good as "--gamma 0,1,2".
_SEVERAL = {
    "--gamma": re.compile(r"[-+.\deE,]+"),
    "--alpha": re.compile(r"([-+.\deE,]|none|balanced)+", re.IGNORECASE),
    "--booster": re.compile(r"(xgboost|lightgbm|,)+", re.IGNORECASE),
}


def run_command(arguments: list[str]) -> None:
    """Run the command with these arguments and exit."""
    app(args=_repeated(arguments), prog_name="focal-boost")


def _repeated(arguments: list[str]) -> list[str]:
    """Return the arguments with "--gamma 0 1" written as "--gamma 0 --gamma 1"."""
    repeated: list[str] = []
    option = ""
    for argument in arguments:
        if argument in _SEVERAL:
            option = argument
        elif not option or not _SEVERAL[option].fullmatch(argument):
            option = ""
        elif repeated[-1] != option:
            repeated.append(option)
        repeated.append(argument)
    return repeated


@app.callback(invoke_without_command=True)
def _about(
    context: typer.Context, version: Annotated[bool, typer.Option(help="Print the version.")] = False
) -> None:
    """Focal loss for XGBoost and LightGBM."""
    if version:
        print(f"focal_boost {focal_boost.__version__}")
    elif context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def compare(
    data: Annotated[
        str | None, typer.Argument(help="CSV (also compressed) or parquet. Without it: handwritten digits.")
    ] = None,
    target: Annotated[str | None, typer.Option(help="Column to predict.")] = None,
    booster: Annotated[
        list[str] | None, typer.Option(help="xgboost, lightgbm or both.  [default: xgboost]")
    ] = None,
    gamma: Annotated[
        list[str] | None, typer.Option(help="Focusing parameters, 0 is the log loss.  [default: 0 0.5 1 2 5]")
    ] = None,
    alpha: Annotated[
        list[str] | None, typer.Option(help="Class weights: none, balanced or in (0, 1).  [default: none]")
    ] = None,
    folds: Annotated[int, typer.Option(help="Folds of the cross-validation, 3 or more.")] = 5,
    drop: Annotated[list[str] | None, typer.Option(help="Column to leave out; give it once per column.")] = None,
    positive: Annotated[
        str | None, typer.Option(help="Positive class, against the rest.  [default: the rarer of two]")
    ] = None,
    params: Annotated[
        str | None,
        typer.Option(help="JSON or TOML file of booster parameters, or of a table of them per booster."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of folds and boosters.")] = 0,
    out: Annotated[
        str | None, typer.Option(help="Directory for report, results, picture and finished folds.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the results as JSON instead.")] = False,
) -> None:
    """Say whether focal loss is worth it on your data.

    Cross-validates the booster's own log loss, the same with class weights, focal losses, and a focal loss chosen
    by inner cross-validation, on the same folds, and says what the figures allow to say. Strings and whole
    numbers of 3 to 10 values become categories; dates and identifiers are left out. Ctrl-C keeps the finished
    folds.
    """
    try:
        problem = _problem(data, target, drop or [], positive)
        plan = make_plan(
            problem,
            _split(booster) or ["xgboost"],
            [_number("--gamma", text) for text in _split(gamma)] or GAMMAS,
            [
                None if text == "none" else text if text == "balanced" else _number("--alpha", text)
                for text in _split(alpha)
            ]
            or None,
            folds,
            _params(params),
            seed,
        )
        with warnings.catch_warnings(), bar(plan.n_fits) as advance:
            warnings.filterwarnings("ignore", "Interrupted", UserWarning)  # said below
            comparison = carry_out(plan, out, advance)
    except InputError as error:
        print(f"focal-boost compare: {error}", file=sys.stderr)
        raise typer.Exit(2) from error
    except KeyboardInterrupt:
        print("focal-boost compare: interrupted before the first fold was finished.", file=sys.stderr)
        raise typer.Exit(130) from None
    if json_:
        print(comparison.to_json())
    else:
        _show(comparison, out)
    if comparison.interrupted:
        again = "the same command goes on from there" if out else "with --out they would be kept for the next run"
        print(
            f"focal-boost compare: interrupted; {comparison.n_finished} of {folds} folds are finished, {again}.",
            file=sys.stderr,
        )
        raise typer.Exit(130)


def _problem(data: str | None, target: str | None, drop: list[str], positive: str | None) -> Problem:
    if data is not None:
        return from_file(data, target, drop, positive)
    if target is not None or drop:
        raise InputError("--target and --drop need DATA: give the path of a CSV or parquet file.")
    return digits(positive)


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
    except ValueError as error:  # not UTF-8, JSON or TOML
        raise InputError(f"--params {path!r} is neither JSON nor, ending in .toml, TOML: {error}.") from error
    if not isinstance(params, dict):
        raise InputError(f"--params {path!r} must hold an object, {{name: value}}; got {type(params).__name__}.")
    return params


def _show(comparison: Comparison, out: str | None) -> None:
    console = Console(highlight=False, markup=False)
    several = comparison.summary.index.get_level_values(0).nunique() > 1
    names = [
        f"{booster}: {contender}" if several else contender for booster, contender in comparison.summary.index
    ]
    # Mean and spread side by side where all six fit, else one below the other.
    wide = console.width >= max(map(len, names)) + len(SCORES) * 18
    table = Table(
        title=Text(comparison.title), title_justify="left", box=None, padding=(0, 2, 0, 0), pad_edge=False
    )
    table.add_column("mean ± spread" if wide else "mean\n±spread", no_wrap=True)
    for score in SCORES:
        table.add_column(score.name, justify="right")
    for name, (_, row) in zip(names, comparison.summary.iterrows(), strict=True):
        figures = [(row[score.name, "mean"], row[score.name, "std"]) for score in SCORES]
        cells = [f"{mean:.4f}{' ± ' if wide else chr(10) + '±'}{spread:.4f}" for mean, spread in figures]
        table.add_row(Text(name), *cells)
    console.print(table)
    for conclusion, text in comparison.verdict_paragraphs:
        console.print()
        console.print(Text.assemble((conclusion, "bold"), " " if conclusion else "", text))
    if comparison.notes:
        console.print()
    for note in comparison.notes:
        console.print(Text(note))
    console.print()
    if out is None:
        console.print("With --out DIR: a report to pass on, and the Python that trains the recommended model.")
    else:
        console.print(Text(f"Report: {Path(out) / 'report.html'}"))
