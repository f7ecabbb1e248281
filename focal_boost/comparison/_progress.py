"""The progress bar, on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn


@contextmanager
def bar(total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar of ``total`` models with the remaining time; yield the function that advances it."""
    console = Console(stderr=True)
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        "models,",
        TimeElapsedColumn(),
        "elapsed,",
        TimeRemainingColumn(),
    )
    hidden = not (console.is_terminal or console.is_jupyter)
    with Progress("training", *columns, "remaining", console=console, transient=True, disable=hidden) as progress:
        task = progress.add_task("", total=total)
        yield lambda n: progress.advance(task, n)
