"""The progress on standard error: a bar in a terminal, otherwise one line per fold."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn


@contextmanager
def progress(total: int, per_fold: int) -> Iterator[Callable[[int], None]]:
    """Show how many of ``total`` models are finished; yield the function that adds to this number."""
    console = Console(stderr=True)
    if not (console.is_terminal or console.is_jupyter):
        yield _lines(total, per_fold)
        return
    columns = BarColumn(), MofNCompleteColumn(), "models,", TimeElapsedColumn(), "elapsed,", TimeRemainingColumn()
    with Progress("training", *columns, "remaining", console=console, transient=True) as shown:
        task = shown.add_task("", total=total)
        yield lambda n: shown.advance(task, n)


def _lines(total: int, per_fold: int) -> Callable[[int], None]:
    start, done, trained = time.monotonic(), 0, 0

    def advance(n: int) -> None:
        nonlocal done, trained
        done += n
        trained += n == 1  # the models of a stored fold are reported together
        if done % per_fold == 0:
            elapsed = time.monotonic() - start
            times = [timedelta(seconds=round(s)) for s in (elapsed, elapsed / max(trained, 1) * (total - done))]
            print(
                f"fold {done // per_fold}/{total // per_fold}: {done}/{total} models, {times[0]} elapsed, "
                f"{times[1]} remaining",
                file=sys.stderr,
                flush=True,
            )

    return advance
