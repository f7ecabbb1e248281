"""The command line of the benchmarks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import matplotlib
import typer

from benchmarks import harness
from benchmarks.quality import plot as quality_plot
from benchmarks.quality import run as quality
from benchmarks.quality import tables as quality_tables
from benchmarks.scaling import plot as scaling_plot
from benchmarks.scaling import run as scaling
from benchmarks.speed import report as speed_report
from benchmarks.speed import run as speed

DOCS = harness.ROOT / "docs"
PAGES = [DOCS / "benchmark-quality-tables.md", DOCS / "benchmark-speed.md"]
PLOTS = {
    "quality": quality_plot.plot,
    "quality-extremes": quality_plot.plot_extremes,
    "quality-separable": quality_plot.plot_separable,
    "speed": speed_report.plot,
    "scaling": scaling_plot.plot,
}

app = typer.Typer(
    help="Run the benchmarks, and update the tables and figures of the documentation.",
    no_args_is_help=True,
    add_completion=False,
)
runs = typer.Typer(help="Run a benchmark and write its results.", no_args_is_help=True)
app.add_typer(runs, name="run")
runs.command("quality")(quality.command)
runs.command("speed")(speed.command)
runs.command("speed-small")(speed.small_command)
runs.command("speed-boosters")(speed.boosters_command)
runs.command("scaling")(scaling.command)
app.command("compare-commits")(speed.compare_commits)

ResultsFolder = Annotated[Path, typer.Option("--results", help="Folder of the results.")]


@app.command()
def tables(
    pages: Annotated[
        list[Path] | None, typer.Argument(help="Pages to update. Default: the pages in docs.")
    ] = None,
    results: ResultsFolder = harness.RESULTS,
) -> None:
    """Update the tables in the pages, between the comments "table NAME" and "end"."""

    def made(match: re.Match[str]) -> str:
        name = match[1]
        is_speed = name.startswith("speed")
        table = speed_report.table(results, name) if is_speed else markdown(quality_tables.make(name, results))
        return f"<!-- table {name} -->\n\n{table}\n\n<!-- end -->"

    for page in pages or PAGES:
        text = page.read_text()
        page.write_text(re.sub(r"<!-- table (.*?) -->.*?<!-- end -->", made, text, flags=re.DOTALL))


def markdown(table: Any) -> str:
    """Return a data frame as a table in Markdown, with three decimals."""

    def cell(value: Any) -> str:
        return f"{value:.3f}" if isinstance(value, float) else str(value).replace("|", "/")

    lines = [list(table.columns), ["---"] * table.shape[1]]
    lines += [[cell(value) for value in row] for row in table.itertuples(index=False)]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


@app.command()
def plot(
    results: ResultsFolder = harness.RESULTS,
    images: Annotated[Path, typer.Option(help="Folder for the figures.")] = DOCS / "images",
) -> None:
    """Draw the figures of all benchmarks that have results."""
    matplotlib.use("Agg")
    images.mkdir(parents=True, exist_ok=True)
    for name, draw in PLOTS.items():
        if (results / f"{name}.csv").exists():
            draw(results, images)


if __name__ == "__main__":
    app()
