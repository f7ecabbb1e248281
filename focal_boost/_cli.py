"""The command ``focal-boost``: arguments in, tables out. All that is calculated stands in ``_compare``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command; without the packages of the extra ``cli`` say how to get them."""
    try:
        import pandas  # noqa: F401  (needed by the command, imported by its modules)
        import rich  # noqa: F401
        import typer  # noqa: F401
    except ImportError as error:
        sys.exit(f"focal-boost needs {error.name}: pip install 'focal-boost[all]'")
    app()


def app() -> None:
    """Parse the command line and run."""
    import typer

    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.callback()(_about)
    command.command()(compare)
    command()


def _about() -> None:
    """Focal loss for XGBoost and LightGBM."""


def compare() -> None:
    """Cross-validate gamma on handwritten digits, 8 against the rest, and print the scores."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Table

    from focal_boost._compare import SCORES, cross_validate, digit_against_the_rest, mean_and_spread

    gammas, n_folds = (0.0, 0.5, 1.0, 2.0, 5.0), 5
    X, y = digit_against_the_rest()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("cross-validating", total=len(gammas) * n_folds)
        scores = cross_validate(X, y, gammas, n_folds, seed=0, advance=lambda: progress.advance(task))

    table = Table(
        title=f"digits, 8 against the rest: {len(y)} rows, {y.mean():.1%} positive, {n_folds} folds",
        box=None,
    )
    table.add_column("gamma", justify="right")
    for name in SCORES:
        table.add_column(name, justify="right")
    for gamma, of_gamma in mean_and_spread(scores).items():
        table.add_row(f"{gamma:g}", *(f"{mean:.4f} ± {spread:.4f}" for mean, spread in of_gamma.values()))
    console = Console()
    console.print(table)
    console.print("Mean ± standard deviation over the folds. gamma 0 is the log loss.")
