"""The progress bar, on standard error; of all the comparison only this and the command line know a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


@contextmanager
def bar(total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar of ``total`` models with the time left; yield the function that moves it on."""
    columns = (
        TextColumn("training"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("models,"),
        TimeElapsedColumn(),
        TextColumn("gone,"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    console = Console(stderr=True)
    unseen = not (console.is_terminal or console.is_jupyter)
    with Progress(*columns, console=console, transient=True, disable=unseen) as progress:
        task = progress.add_task("", total=total)
        yield lambda n: progress.advance(task, n)
