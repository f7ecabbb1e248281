"""The command line: prints tables and a verdict, or for invalid input one line on standard error."""

import io
import json
import os
import shlex
import sys
import tomllib
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer import Argument, Option

from focal_boost._version import __version__
from focal_boost.comparison._compare import run_plan
from focal_boost.comparison._comparison import Comparison
from focal_boost.comparison._contenders import TITLES, Alpha
from focal_boost.comparison._data import InputError, Labels, Problem, example, printable
from focal_boost.comparison._files import from_file
from focal_boost.comparison._plan import GAMMAS, make_plan
from focal_boost.comparison._progress import progress
from focal_boost.comparison._report import summary_table
from focal_boost.comparison.scores import SCORES

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

_Texts = list[str] | None
_ALPHAS: dict[str, Alpha] = {"none": None, "balanced": "balanced"}


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"focal_boost {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _about(
    context: typer.Context,
    version: Annotated[
        bool, Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
) -> None:
    """Focal loss for XGBoost and LightGBM."""
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def compare(
    data: Annotated[
        str | None,
        Argument(metavar="[DATA]", help="CSV (also compressed) or parquet file.  [default: handwritten digits]"),
    ] = None,
    target: Annotated[str | None, Option(metavar="COLUMN", help="Column to predict.")] = None,
    booster: Annotated[
        _Texts,
        Option(metavar="NAME[,NAME]", help="xgboost, lightgbm or both.  [default: the first one installed]"),
    ] = None,
    gamma: Annotated[
        _Texts,
        Option(
            metavar="NUMBER[,NUMBER]...", help="Focusing parameters; 0 is the log loss.  [default: 0,0.5,1,2,5]"
        ),
    ] = None,
    alpha: Annotated[
        _Texts,
        Option(
            metavar="WEIGHT[,WEIGHT]...",
            help="Class weights: none, balanced or a number in (0, 1).  [default: none]",
        ),
    ] = None,
    folds: Annotated[int, Option(metavar="N", help="Number of folds, at least 3.")] = 5,
    repeats: Annotated[int, Option(metavar="N", help="Number of repetitions of the cross-validation.")] = 1,
    drop: Annotated[_Texts, Option(metavar="COLUMN", help="Column to leave out; can be repeated.")] = None,
    categorical: Annotated[
        _Texts, Option(metavar="COLUMN", help="Numeric column that contains categories; can be repeated.")
    ] = None,
    decimal: Annotated[str | None, Option(metavar="MARK", help="Decimal mark of the CSV file, . or ,")] = None,
    positive: Annotated[
        str | None, Option(metavar="CLASS", help="Positive class.  [default: the rarer of two]")
    ] = None,
    exclude_class: Annotated[_Texts, Option(metavar="CLASS", help="Class to leave out; can be repeated.")] = None,
    min_rows: Annotated[int, Option(metavar="N", help="Leave out classes with fewer rows.")] = 0,
    cost_ratio: Annotated[
        float | None,
        Option(
            metavar="NUMBER", help="Cost of a missed positive in false alarms.  [default: negatives per positive]"
        ),
    ] = None,
    params: Annotated[
        str | None, Option(metavar="FILE", help="JSON or TOML file with parameters of the boosters.")
    ] = None,
    jobs: Annotated[
        int, Option(metavar="N", help="Number of models to train in parallel, -1 for all processors.")
    ] = 1,
    seed: Annotated[int, Option(metavar="N", help="Seed of folds and boosters.")] = 0,
    out: Annotated[
        str | None, Option(metavar="DIR", help="Directory for the report, the results and finished folds.")
    ] = None,
    json_: Annotated[bool, Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Find out whether the focal loss improves a model of your data.

    Compares the booster's log loss, class weights (uncorrected and corrected), focal losses, and the focal loss
    chosen by inner cross-validation, on the same folds, and tests the differences. Text becomes categories, and
    dates become numbers; identifiers and free text are left out. With --out, a rerun resumes after Ctrl-C.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        labels = Labels(positive, exclude_class or (), min_rows)
        plan = make_plan(
            _problem(data, target, labels, drop or [], categorical or [], decimal),
            booster=_split(booster) or None,
            gamma=[_number("--gamma", text) for text in _split(gamma)] or GAMMAS,
            alpha=[_ALPHAS[text] if text in _ALPHAS else _number("--alpha", text) for text in _split(alpha)]
            or None,
            folds=folds,
            repeats=repeats,
            params=_params(params),
            cost_ratio=cost_ratio,
            jobs=jobs,
            seed=seed,
        )
        with progress(plan.n_fits, plan.n_fits_per_fold) as advance:
            comparison = run_plan(plan, out, advance, shlex.join(["focal-boost", *sys.argv[1:]]))
    except InputError as error:
        _report(str(error))
        raise typer.Exit(2) from error
    except KeyboardInterrupt:
        _report("interrupted before the first fold finished.")
        raise typer.Exit(130) from None
    status = 0
    try:
        if json_:
            print(comparison.to_json())
        else:
            _show(comparison, out)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # Flushing the rest of the buffer on exit would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _report(f"The result cannot be printed: {error.strerror}.")
        status = 1
    if comparison.unsaved:
        _report(comparison.unsaved)
        status = 1
    if comparison.interrupted:
        resume = "Run the same command again to resume." if out else "With --out, a later run can resume."
        _report(f"{comparison.interruption} {resume}")
        status = 130
    raise typer.Exit(status)


def _report(message: str) -> None:
    print(f"focal-boost compare: {printable(message)}", file=sys.stderr)


def _problem(
    data: str | None,
    target: str | None,
    labels: Labels,
    drop: list[str],
    categorical: list[str],
    decimal: str | None,
) -> Problem:
    if data is not None:
        return from_file(data, target, labels, drop=drop, categorical=categorical, decimal=decimal)
    if target is not None or drop or categorical or decimal is not None:
        raise InputError(
            "--target, --drop, --categorical and --decimal require DATA, the path of a CSV or parquet file."
        )
    return example(labels)


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
    console.print(Text(printable(comparison.title)))
    for booster, summary in comparison.summary.groupby(level="booster", sort=False):
        console.print()
        _show_summary(console, TITLES[str(booster)], summary, sign)
    for conclusion, evidence in comparison.verdict_paragraphs:
        console.print()
        console.print(Text.assemble((conclusion, "bold"), " " if conclusion else "", evidence))
    for line in ["", *comparison.notes, "" if comparison.notes else None]:
        if line is not None:
            console.print(Text(printable(line)))
    if out is None:
        console.print("Add --out DIR to write a report and a Python program that trains the recommended model.")
    elif not comparison.unsaved:
        console.print(Text(printable(f"Report: {Path(out) / 'report.html'}"), overflow="fold"))


def _show_summary(console: Console, title: str, summary: pd.DataFrame, sign: str) -> None:
    """Print the scores of one booster, in several tables if one would be too wide."""
    names = max(map(len, summary.index.get_level_values("contender")))
    # The standard deviation is beside the mean if all six scores fit, otherwise below it.
    fits = console.width >= names + len(SCORES) * (17 + len(sign))
    cells = summary_table(summary, f" {sign} " if fits else f"\n{sign}")
    per_table = len(SCORES) if fits else max(1, (console.width - 16) // 9)
    for start in range(0, len(SCORES), per_table):
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        table.add_column(f"{title}\nmean {sign} std", overflow="fold")
        part = cells.iloc[:, start : start + per_table]
        for score in part.columns:
            table.add_column(score.replace(" ", "\n"), justify="right", no_wrap=True)
        for name, *row in part.itertuples():
            table.add_row(Text(name), *row)
        console.print(table)


def _can_encode(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
